import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { AgentState, StateReason } from '../../../core/api/agents.ts';
import type { Task, TaskStatus } from '../../../core/api/tasks.ts';
import {
  type Action,
  type AgentView,
  MAX_PARALLEL,
  MAX_RESUMES,
  plan,
  whyWaiting,
} from '../../../agent/pipeline/plan.ts';

const task = (id: string, order: number, status: TaskStatus = 'pending', more: Partial<Task> = {}) =>
  ({ id, name: id, order, status, agentId: null, startedAt: 5, attempts: 1, ...more }) as Task;

const agent = (id: string, state: AgentState, stateReason: StateReason, more: Partial<AgentView> = {}): AgentView => ({
  id,
  state,
  stateReason,
  stateText: '',
  stateSince: 100,
  activeAt: 100,
  createdAt: 10,
  taskId: null,
  queue: [],
  ...more,
});

const run = (
  tasks: Task[],
  agents: AgentView[] = [],
  { now = 200, ...more }: Partial<Parameters<typeof plan>[0]> & { now?: number } = {},
) =>
  plan({ tasks, agents, running: true, elapsedSince: (time) => now - time, stuckMs: 1000, resumes: {}, ...more })
    .map(words);

const words = (action: Action) =>
  action.type === 'finish'
    ? 'finish'
    : action.type === 'set'
    ? `${action.task.id} ${action.status}`
    : `${action.type} ${action.task.id}`;

test('tasks of the lowest order start together, the next order waits', () => {
  assert.equal(run([task('a', 1), task('b', 0), task('c', 0)]), ['start b', 'start c']);
  assert.equal(run([task('b', 0, 'completed'), task('c', 0, 'skipped'), task('a', 1)]), ['start a']);
});

test('nothing starts while the manager is stopped, but what runs is watched', () => {
  const tasks = [task('a', 0, 'running', { agentId: 'x' }), task('b', 0)];
  assert.equal(run(tasks, [agent('x', 'idle', 'done')], { running: false }), ['complete a']);
});

test('a failed task blocks what follows until it is retried or skipped', () => {
  assert.equal(run([task('a', 0, 'failed'), task('b', 0, 'completed'), task('c', 1)]), ['c blocked']);
  assert.equal(run([task('a', 0, 'failed'), task('c', 1, 'blocked')]), []);
  assert.equal(run([task('a', 0, 'pending'), task('c', 1, 'blocked')]), ['c pending', 'start a']);
  assert.equal(run([task('a', 0, 'skipped'), task('c', 1, 'blocked')])[0], 'c pending');
});

test('it is finished when all is over; a failure at the end is also an end', () => {
  assert.equal(run([task('a', 0, 'completed'), task('b', 1, 'skipped')]), ['finish']);
  assert.equal(run([task('a', 0, 'completed'), task('b', 1, 'failed')]), ['finish']);
  assert.equal(run([task('a', 0, 'running', { agentId: 'x' })], [agent('x', 'running', 'turn')]), []);
});

test('a task is not over while its agent has work in the background or messages in the queue', () => {
  const going = [{ background: true }, { queue: [{ id: 'm', text: 'and then', position: 1 }] }] as Partial<AgentView>[];
  for (const more of going) {
    const entry = agent('x', 'idle', 'done', more);
    assert.equal(run([task('a', 0, 'running', { agentId: 'x' }), task('b', 1)], [entry]), []);
    assert.equal(run([task('a', 0, 'waiting_input', { agentId: 'x' })], [entry]), ['a running']);
    assert.equal(run([task('a', 0, 'running', { agentId: 'x' })], [entry], { now: 1100 }), ['stuck a']);
  }
  assert.equal(run([task('a', 0, 'running', { agentId: 'x' })], [agent('x', 'idle', 'done', { background: false })]), [
    'complete a',
  ]);
});

test("each state of the agent is the task's", () => {
  const cases: [AgentState, StateReason, string[]][] = [
    ['starting', 'created', []],
    ['running', 'turn', []],
    ['waiting_input', 'permission', ['a waiting_input']],
    ['idle', 'done', ['complete a']],
    ['idle', 'reaped', ['complete a']],
    ['idle', 'interrupted_by_user', ['a waiting_input']],
    ['error', 'failed', ['a failed']],
    ['stopped', 'stopped_by_user', ['a failed']],
    ['stopped', 'exited', ['a failed']],
    ['stopped', 'interrupted', ['resume a']],
  ];
  for (const [state, reason, expected] of cases) {
    const actions = run([task('a', 0, 'running', { agentId: 'x' })], [agent('x', state, reason)]);
    assert.equal(actions, expected, `${state} ${reason}`);
  }
  assert.equal(run([task('a', 0, 'running', { agentId: 'gone' })]), ['a failed']);
});

test('after a crash: an agent that was made is adopted, one that was not is made', () => {
  const running = task('a', 0, 'running');
  assert.equal(run([running], [agent('x', 'running', 'turn', { taskId: 'a' })]), ['adopt a']);
  assert.equal(run([running], [agent('old', 'error', 'failed', { taskId: 'a', createdAt: 4 })]), ['start a']);
});

test('an attempt is resumed a bounded number of times', () => {
  const tasks = [task('a', 0, 'running', { agentId: 'x' })];
  const agents = [agent('x', 'stopped', 'interrupted')];
  assert.equal(run(tasks, agents, { resumes: { a: MAX_RESUMES - 1 } }), ['resume a']);
  assert.equal(run(tasks, agents, { resumes: { a: MAX_RESUMES } }), ['a failed']);
});

test('stuck: waits for somebody, or shows no sign of life, for the whole timeout', () => {
  const tasks = [task('a', 0, 'waiting_input', { agentId: 'x' })];
  const waiting = agent('x', 'waiting_input', 'permission');
  assert.equal(run(tasks, [waiting], { now: 1099 }), []);
  assert.equal(run(tasks, [waiting], { now: 1100 }), ['stuck a']);
  const silent = agent('x', 'running', 'turn');
  assert.equal(run([task('a', 0, 'running', { agentId: 'x' })], [silent], { now: 1100 }), ['stuck a']);
});

test('no more agents than MAX_PARALLEL work at once', () => {
  const many = Array.from({ length: MAX_PARALLEL + 3 }, (_, i) => task(`t${i}`, 0));
  assert.is(run(many).length, MAX_PARALLEL);
  const some = many.map((entry, i) => (i < 3 ? { ...entry, status: 'running' as const, agentId: `${i}` } : entry));
  const agents = [0, 1, 2].map((i) => agent(`${i}`, 'running', 'turn'));
  assert.is(run(some, agents).length, MAX_PARALLEL - 3);
});

test('it says why it waits', () => {
  assert.is(whyWaiting([task('a', 0, 'running')], true), '');
  assert.match(whyWaiting([task('a', 0, 'failed'), task('b', 1, 'blocked')], true), /Failed: a\. Retry or skip/);
  assert.match(whyWaiting([task('a', 0, 'waiting_input')], true), /waits for you/);
});

test.run();
