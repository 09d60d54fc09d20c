import { ERROR_STATUS, type ErrorCode } from '../../../core/api/errors.ts';
import { mkdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { TaskBoard } from '../../../agent/pipeline/board.ts';
import { type PipelineReport, PipelineRunner } from '../../../agent/pipeline/runner.ts';
import { type FakeAgents, fakeAgents } from '../../support/fakes/fake-agents.ts';
import { temporaryDirectory } from '../../support/harness/git.ts';
import { type TestContext, testContext } from '../../support/fakes/test-context.ts';
import { type PipelineClock, pipelineClock } from '../../support/fakes/pipeline-clock.ts';

interface Fixture {
  board: TaskBoard;
  runner: PipelineRunner;
  agents: FakeAgents;
  clock: PipelineClock;
  context: TestContext;
  reports: PipelineReport[];
  /** A new server on the same data folder, the agents still known; as after kill -9. */
  restart(): Promise<void>;
  /** name → status */
  statuses(): Record<string, string>;
}

async function withRunner(
  run: (fixture: Fixture) => Promise<void>,
  merge: () => Promise<void> = async () => {},
): Promise<void> {
  const { path, remove } = temporaryDirectory();
  const fixture = { reports: [] as PipelineReport[] } as Fixture;
  const clock = pipelineClock(() => fixture.runner.settled());

  Object.assign(fixture, { clock, agents: fakeAgents(clock.now, (change) => fixture.context.publish(change)) });
  const open = () => {
    fixture.context = testContext({ dataDir: join(path, 'data'), clock });
    fixture.board = new TaskBoard(fixture.context);
    const { context, board, agents } = fixture;
    fixture.runner = new PipelineRunner({
      context,
      board,
      agents,
      merge,
      runTime: { since: (time) => clock.now() - time },
      report: (report) => fixture.reports.push(report),
    });
  };
  open();
  fixture.restart = async () => {
    await fixture.runner.close();
    open();
    await fixture.runner.settled();
  };
  fixture.statuses = () => Object.fromEntries(fixture.board.tasks.map((task) => [task.name, task.status]));
  try {
    await run(fixture);
  } finally {
    await fixture.runner.close();
    remove();
  }
}

const add = (fixture: Fixture, name: string, order: number, more = {}) =>
  fixture.board.add({ name, prompt: `do ${name}`, directory: '/p', order, ...more });

const finish = async (fixture: Fixture, id: string) => {
  fixture.agents.set(id, { state: 'idle', stateReason: 'done' });
  await fixture.runner.settled();
};

test('orders run one after another, the same order side by side, and the end is reported', () =>
  withRunner(async (fixture) => {
    await add(fixture, 'a', 0);
    await add(fixture, 'b', 1);
    await add(fixture, 'c', 1);
    await fixture.board.start();
    await fixture.runner.settled();
    assert.equal(fixture.statuses(), { a: 'running', b: 'pending', c: 'pending' });
    await finish(fixture, 'agent-1');
    assert.equal(fixture.statuses(), { a: 'completed', b: 'running', c: 'running' });
    await finish(fixture, 'agent-3');
    await finish(fixture, 'agent-2');
    assert.equal(fixture.statuses(), { a: 'completed', b: 'completed', c: 'completed' });
    assert.is(fixture.board.status.running, false);
    assert.equal(fixture.reports.map((report) => report.type), ['complete']);
  }));

test('the next task begins when the last of the background work is over, not with the end of the turn', () =>
  withRunner(async (fixture) => {
    await add(fixture, 'a', 0);
    await add(fixture, 'b', 1);
    await fixture.board.start();
    await fixture.runner.settled();
    fixture.agents.set('agent-1', { state: 'idle', stateReason: 'done', background: true });
    await fixture.runner.settled();
    assert.equal(fixture.statuses(), { a: 'running', b: 'pending' });
    fixture.agents.set('agent-1', { background: false });
    await fixture.runner.settled();
    assert.equal(fixture.statuses(), { a: 'completed', b: 'running' });
  }));

test('a failed task is reported and blocks; a retry makes a new agent and goes on', () =>
  withRunner(async (fixture) => {
    const { id } = await add(fixture, 'a', 0);
    await add(fixture, 'b', 1);
    await fixture.board.start();
    await fixture.runner.settled();
    fixture.agents.set('agent-1', { state: 'error', stateReason: 'failed', stateText: 'boom' });
    await fixture.runner.settled();
    assert.equal(fixture.statuses(), { a: 'failed', b: 'blocked' });
    assert.is(fixture.board.task(id).error, 'boom');
    assert.match(fixture.board.status.text, /Retry or skip/);
    assert.equal(fixture.reports.map((report) => report.type), ['failed']);
    await fixture.board.reset(id);
    await fixture.runner.settled();
    assert.equal(fixture.statuses(), { a: 'running', b: 'pending' });
    assert.equal([fixture.board.task(id).attempts, fixture.board.task(id).agentId], [2, 'agent-2']);
    await finish(fixture, 'agent-2');
    assert.equal(fixture.statuses(), { a: 'completed', b: 'running' });
  }));

test('an agent that cannot be made fails its task with the sentence; skipping goes on', () =>
  withRunner(async (fixture) => {
    const { id } = await add(fixture, 'a', 0);
    await add(fixture, 'b', 1);
    fixture.agents.failure = 'The folder /p does not exist.';
    await fixture.board.start();
    await fixture.runner.settled();
    assert.is(fixture.board.task(id).error, 'The folder /p does not exist.');
    fixture.agents.failure = '';
    await fixture.board.skip(id);
    await fixture.runner.settled();
    assert.equal(fixture.statuses(), { a: 'skipped', b: 'running' });
  }));

test('permission skipping is what the task says and nothing else', () =>
  withRunner(async (fixture) => {
    await add(fixture, 'a', 0);
    await add(fixture, 'b', 0, { flags: { dangerouslySkipPermissions: true }, model: 'm' });
    await fixture.board.start();
    await fixture.runner.settled();
    assert.equal(fixture.agents.created.map((body) => body.flags), [{}, {
      dangerouslySkipPermissions: true,
      model: 'm',
    }]);
  }));

test('after a restart nothing is begun twice and what was interrupted goes on', () =>
  withRunner(async (fixture) => {
    await add(fixture, 'a', 0);
    await add(fixture, 'b', 0);
    await fixture.board.start();
    await fixture.runner.settled();
    fixture.agents.set('agent-2', { state: 'idle', stateReason: 'done' });
    await fixture.runner.settled();
    await fixture.runner.close();
    fixture.agents.set('agent-1', { state: 'stopped', stateReason: 'interrupted' });
    await fixture.restart();
    assert.is(fixture.agents.created.length, 2);
    assert.equal(fixture.agents.sent.map((entry) => entry.id), ['agent-1']);
    assert.equal(fixture.statuses(), { a: 'running', b: 'completed' });
    assert.is(fixture.board.status.running, true);
  }));

test('an interrupted agent whose CLI never took the prompt is given it, not told to go on', () =>
  withRunner(async (fixture) => {
    for (const name of ['a', 'b', 'c', 'd']) await add(fixture, name, 0);
    await fixture.board.start();
    await fixture.runner.settled();
    await fixture.runner.close();
    for (const id of ['agent-1', 'agent-2', 'agent-3', 'agent-4']) {
      fixture.agents.set(id, { state: 'stopped', stateReason: 'interrupted' });
    }
    fixture.agents.set('agent-2', { sessionId: null });
    const [prompt] = fixture.agents.journals.get('agent-3')!;
    Object.assign(prompt!, { status: 'failed' });
    fixture.agents.journals.set('agent-4', []); // a session so long that its beginning is not kept
    await fixture.restart();
    const [a, b, c, d] = fixture.agents.sent.map((entry) => entry.body.text);
    assert.match(a!, /Go on with it/);
    assert.equal([b, c], ['do b', 'do c']);
    assert.match(d!, /Go on with it/);
  }));

/** The server is ended while agent-1 works, and started again, so many times. */
const interrupt = async (fixture: Fixture, times: number, work: (i: number) => void = () => {}) => {
  for (let i = 0; i < times; i++) {
    work(i);
    await fixture.runner.close();
    fixture.agents.set('agent-1', { state: 'stopped', stateReason: 'interrupted' });
    await fixture.restart();
  }
};

test('a try counts when its turn got on: six starts that end at once cost the task nothing', () =>
  withRunner(async (fixture) => {
    await add(fixture, 'a', 0);
    await fixture.board.start();
    await fixture.runner.settled();
    await interrupt(fixture, 6);
    assert.equal(fixture.statuses(), { a: 'running' });
    assert.is(fixture.agents.sent.length, 6);
    await interrupt(fixture, 2, () => fixture.agents.work('agent-1'));
    assert.is(fixture.board.state.resumes[fixture.board.tasks[0]!.id], 2);
    await interrupt(fixture, 4, () => fixture.agents.work('agent-1'));
    assert.equal(fixture.statuses(), { a: 'failed' });
    assert.match(fixture.board.tasks[0]!.error, /interrupted 5 times by the end of the server/);
  }));

test('a task whose agent is cut off again and again before it does anything fails in the end', () =>
  withRunner(async (fixture) => {
    await add(fixture, 'a', 0);
    await fixture.board.start();
    await fixture.runner.settled();
    await interrupt(fixture, 25);
    assert.equal(fixture.statuses(), { a: 'failed' });
    assert.match(fixture.board.tasks[0]!.error, /interrupted 21 times before its agent did anything/);
    assert.is(fixture.agents.sent.length, 20);
  }));

test('a crash between making the agent and recording it makes no second one', () =>
  withRunner(async (fixture) => {
    const { id } = await add(fixture, 'a', 0);
    await fixture.board.start();
    await fixture.runner.settled();
    await fixture.board.update(id, (task) => ({ ...task, agentId: null }));
    await fixture.restart();
    assert.is(fixture.agents.created.length, 1);
    assert.is(fixture.board.task(id).agentId, 'agent-1');
  }));

test('an agent that this server interrupts while it ends is not resumed', () =>
  withRunner(async (fixture) => {
    await add(fixture, 'a', 0);
    await fixture.board.start();
    await fixture.runner.settled();
    fixture.agents.set('agent-1', { state: 'stopped', stateReason: 'interrupted' });
    await fixture.runner.settled();
    assert.equal(fixture.agents.sent, []);
  }));

test('stopping begins nothing more; starting again goes on', () =>
  withRunner(async (fixture) => {
    await add(fixture, 'a', 0);
    await add(fixture, 'b', 1);
    await fixture.board.start();
    await fixture.runner.settled();
    await fixture.board.stop();
    await finish(fixture, 'agent-1');
    assert.equal(fixture.statuses(), { a: 'completed', b: 'pending' });
    await fixture.board.start();
    await fixture.runner.settled();
    assert.equal(fixture.statuses(), { a: 'completed', b: 'running' });
  }));

test('a stuck agent is found by the clock, without any event', () =>
  withRunner(async (fixture) => {
    await add(fixture, 'a', 0);
    await fixture.board.start();
    await fixture.runner.settled();
    fixture.agents.ask('agent-1', {});
    await fixture.runner.settled();
    await fixture.clock.advance(295_000);
    assert.equal(fixture.reports, []);
    await fixture.clock.advance(10_000);
    assert.is(fixture.reports[0]!.type, 'stuck');
  }));

test('with merging on, a task is completed only when its work is merged', () => {
  let isMergeable = false;
  const merge = async () => {
    if (!isMergeable) throw new Error('main has changes');
  };
  return withRunner(async (fixture) => {
    const { id } = await add(fixture, 'a', 0);
    await fixture.board.configure({ mergeCompleted: true });
    await fixture.board.start();
    await fixture.runner.settled();
    await finish(fixture, 'agent-1');
    assert.equal([fixture.statuses().a, fixture.board.task(id).error], [
      'failed',
      'It is done, but not merged: main has changes',
    ]);
    isMergeable = true;
    await fixture.board.reset(id);
    await fixture.board.start();
    await fixture.runner.settled();
    await finish(fixture, 'agent-2');
    assert.is(fixture.statuses().a, 'completed');
  }, merge);
});

test('a running task can be neither reset, skipped, edited nor deleted', () =>
  withRunner(async (fixture) => {
    const { id } = await add(fixture, 'a', 0);
    await fixture.board.start();
    await fixture.runner.settled();
    for (
      const action of [() => fixture.board.reset(id), () =>
        fixture.board.skip(id), () =>
        fixture.board.edit(id, {}), () =>
        fixture.board.remove(id)]
    ) {
      await action().then(() =>
        assert.unreachable(), (error) => assert.is(ERROR_STATUS[error.code as ErrorCode], 409));
    }
  }));

test('while nothing can be written a step is tried again once a poll interval, not at once', () =>
  withRunner(async (fixture) => {
    await add(fixture, 'a', 0);
    await fixture.board.configure({ pollIntervalMs: 5000 });
    await fixture.board.start();
    await fixture.runner.settled();
    const blocked = join(fixture.context.config.dataDir, 'pipeline.json.tmp/x');
    mkdirSync(blocked, { recursive: true });
    const tries = () => fixture.context.lines.filter((line) => line.includes('A step of the pipeline failed')).length;
    await finish(fixture, 'agent-1');
    await fixture.runner.settled();
    assert.is(tries(), 1);
    await fixture.clock.advance(4999);
    assert.is(tries(), 1);
    await fixture.clock.advance(5001);
    assert.is(tries(), 3);
    rmSync(dirname(blocked), { recursive: true });
    await fixture.clock.advance(5000);
    assert.is(fixture.statuses().a, 'completed');
  }));

test('no timer is left when it is closed or has nothing to watch', () =>
  withRunner(async (fixture) => {
    await fixture.runner.settled();
    assert.is(fixture.clock.pending, 0);
    await add(fixture, 'a', 0);
    await fixture.board.start();
    await fixture.runner.settled();
    assert.is(fixture.clock.pending, 1);
    await fixture.runner.close();
    assert.is(fixture.clock.pending, 0);
  }));

test.run();
