import { mkdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { TaskBoard } from '../../../agent/pipeline/board.ts';
import { type PipelineReport, PipelineRunner } from '../../../agent/pipeline/runner.ts';
import { type FakeAgents, fakeAgents } from '../../support/fake-agents.ts';
import { temporaryFolder } from '../../support/git.ts';
import { type TestHouse, testHouse } from '../../support/house.ts';
import { type WorkshopClock, workshopClock } from '../../support/workshop-clock.ts';

interface Room {
  board: TaskBoard;
  runner: PipelineRunner;
  agents: FakeAgents;
  clock: WorkshopClock;
  house: TestHouse;
  reports: PipelineReport[];
  /** A new server on the same data folder, the agents still known; as after kill -9. */
  restart(): Promise<void>;
  /** name → status */
  statuses(): Record<string, string>;
}

async function withRunner(
  run: (room: Room) => Promise<void>,
  merge: () => Promise<void> = async () => {},
): Promise<void> {
  const { path, remove } = temporaryFolder();
  const room = { reports: [] as PipelineReport[] } as Room;
  const clock = workshopClock(() => room.runner.settled());

  Object.assign(room, { clock, agents: fakeAgents(clock.now) });
  const open = () => {
    room.house = testHouse({ dataDir: join(path, 'data'), clock });
    room.board = new TaskBoard(room.house);
    const { house, board, agents } = room;
    room.runner = new PipelineRunner({ house, board, agents, merge, report: (report) => room.reports.push(report) });
  };
  open();
  room.restart = async () => {
    await room.runner.close();
    open();
    await room.runner.settled();
  };
  room.statuses = () => Object.fromEntries(room.board.tasks.map((task) => [task.name, task.status]));
  try {
    await run(room);
  } finally {
    await room.runner.close();
    remove();
  }
}

const add = (room: Room, name: string, order: number, more = {}) =>
  room.board.add({ name, prompt: `do ${name}`, directory: '/p', order, ...more });

const finish = async (room: Room, id: string) => {
  room.agents.set(id, { state: 'idle', stateReason: 'done' });
  await room.runner.settled();
};

test('orders run one after another, the same order side by side, and the end is reported', () =>
  withRunner(async (room) => {
    await add(room, 'a', 0);
    await add(room, 'b', 1);
    await add(room, 'c', 1);
    await room.board.start();
    await room.runner.settled();
    assert.equal(room.statuses(), { a: 'running', b: 'pending', c: 'pending' });
    await finish(room, 'agent-1');
    assert.equal(room.statuses(), { a: 'completed', b: 'running', c: 'running' });
    await finish(room, 'agent-3');
    await finish(room, 'agent-2');
    assert.equal(room.statuses(), { a: 'completed', b: 'completed', c: 'completed' });
    assert.is(room.board.status.running, false);
    assert.equal(room.reports.map((report) => report.type), ['complete']);
  }));

test('the next task begins when the last of the background work is over, not with the end of the turn', () =>
  withRunner(async (room) => {
    await add(room, 'a', 0);
    await add(room, 'b', 1);
    await room.board.start();
    await room.runner.settled();
    room.agents.set('agent-1', { state: 'idle', stateReason: 'done', background: true });
    await room.runner.settled();
    assert.equal(room.statuses(), { a: 'running', b: 'pending' });
    room.agents.set('agent-1', { background: false });
    await room.runner.settled();
    assert.equal(room.statuses(), { a: 'completed', b: 'running' });
  }));

test('a failed task is reported and blocks; a retry makes a new agent and goes on', () =>
  withRunner(async (room) => {
    const { id } = await add(room, 'a', 0);
    await add(room, 'b', 1);
    await room.board.start();
    await room.runner.settled();
    room.agents.set('agent-1', { state: 'error', stateReason: 'failed', stateText: 'boom' });
    await room.runner.settled();
    assert.equal(room.statuses(), { a: 'failed', b: 'blocked' });
    assert.is(room.board.task(id).error, 'boom');
    assert.match(room.board.status.text, /Retry or skip/);
    assert.equal(room.reports.map((report) => report.type), ['failed']);
    await room.board.reset(id);
    await room.runner.settled();
    assert.equal(room.statuses(), { a: 'running', b: 'pending' });
    assert.equal([room.board.task(id).attempts, room.board.task(id).agentId], [2, 'agent-2']);
    await finish(room, 'agent-2');
    assert.equal(room.statuses(), { a: 'completed', b: 'running' });
  }));

test('an agent that cannot be made fails its task with the sentence; skipping goes on', () =>
  withRunner(async (room) => {
    const { id } = await add(room, 'a', 0);
    await add(room, 'b', 1);
    room.agents.failure = 'The folder /p does not exist.';
    await room.board.start();
    await room.runner.settled();
    assert.is(room.board.task(id).error, 'The folder /p does not exist.');
    room.agents.failure = '';
    await room.board.skip(id);
    await room.runner.settled();
    assert.equal(room.statuses(), { a: 'skipped', b: 'running' });
  }));

test('permission skipping is what the task says and nothing else', () =>
  withRunner(async (room) => {
    await add(room, 'a', 0);
    await add(room, 'b', 0, { flags: { dangerouslySkipPermissions: true }, model: 'm' });
    await room.board.start();
    await room.runner.settled();
    assert.equal(room.agents.made.map((body) => body.flags), [{}, { dangerouslySkipPermissions: true, model: 'm' }]);
  }));

test('after a restart nothing is begun twice and what was interrupted goes on', () =>
  withRunner(async (room) => {
    await add(room, 'a', 0);
    await add(room, 'b', 0);
    await room.board.start();
    await room.runner.settled();
    room.agents.set('agent-2', { state: 'idle', stateReason: 'done' });
    await room.runner.settled();
    await room.runner.close();
    room.agents.set('agent-1', { state: 'stopped', stateReason: 'interrupted' });
    await room.restart();
    assert.is(room.agents.made.length, 2);
    assert.equal(room.agents.sent.map((one) => one.id), ['agent-1']);
    assert.equal(room.statuses(), { a: 'running', b: 'completed' });
    assert.is(room.board.status.running, true);
  }));

test('an interrupted agent whose CLI never took the prompt is given it, not told to go on', () =>
  withRunner(async (room) => {
    for (const name of ['a', 'b', 'c', 'd']) await add(room, name, 0);
    await room.board.start();
    await room.runner.settled();
    await room.runner.close();
    for (const id of ['agent-1', 'agent-2', 'agent-3', 'agent-4']) {
      room.agents.set(id, { state: 'stopped', stateReason: 'interrupted' });
    }
    room.agents.set('agent-2', { sessionId: null });
    room.agents.prompts.get('agent-3')![0]!.status = 'failed';
    room.agents.prompts.set('agent-4', []); // a session so long that its beginning is not kept
    await room.restart();
    const [a, b, c, d] = room.agents.sent.map((one) => one.body.text);
    assert.match(a!, /Go on with it/);
    assert.equal([b, c], ['do b', 'do c']);
    assert.match(d!, /Go on with it/);
  }));

test('a crash between making the agent and recording it makes no second one', () =>
  withRunner(async (room) => {
    const { id } = await add(room, 'a', 0);
    await room.board.start();
    await room.runner.settled();
    await room.board.update(id, (task) => ({ ...task, agentId: null }));
    await room.restart();
    assert.is(room.agents.made.length, 1);
    assert.is(room.board.task(id).agentId, 'agent-1');
  }));

test('an agent that this server interrupts while it ends is not resumed', () =>
  withRunner(async (room) => {
    await add(room, 'a', 0);
    await room.board.start();
    await room.runner.settled();
    room.agents.set('agent-1', { state: 'stopped', stateReason: 'interrupted' });
    await room.runner.settled();
    assert.equal(room.agents.sent, []);
  }));

test('stopping begins nothing more; starting again goes on', () =>
  withRunner(async (room) => {
    await add(room, 'a', 0);
    await add(room, 'b', 1);
    await room.board.start();
    await room.runner.settled();
    await room.board.stop();
    await finish(room, 'agent-1');
    assert.equal(room.statuses(), { a: 'completed', b: 'pending' });
    await room.board.start();
    await room.runner.settled();
    assert.equal(room.statuses(), { a: 'completed', b: 'running' });
  }));

test('a stuck agent is found by the clock, without any event', () =>
  withRunner(async (room) => {
    await add(room, 'a', 0);
    await room.board.start();
    await room.runner.settled();
    room.agents.ask('agent-1', {});
    await room.runner.settled();
    await room.clock.advance(295_000);
    assert.equal(room.reports, []);
    await room.clock.advance(10_000);
    assert.is(room.reports[0]!.type, 'stuck');
  }));

test('with merging on, a task is completed only when its work is merged', () => {
  let isMergeable = false;
  const merge = async () => {
    if (!isMergeable) throw new Error('main has changes');
  };
  return withRunner(async (room) => {
    const { id } = await add(room, 'a', 0);
    await room.board.configure({ mergeCompleted: true });
    await room.board.start();
    await room.runner.settled();
    await finish(room, 'agent-1');
    assert.equal([room.statuses().a, room.board.task(id).error], [
      'failed',
      'It is done, but not merged: main has changes',
    ]);
    isMergeable = true;
    await room.board.reset(id);
    await room.board.start();
    await room.runner.settled();
    await finish(room, 'agent-2');
    assert.is(room.statuses().a, 'completed');
  }, merge);
});

test('a running task can be neither reset, skipped, edited nor deleted', () =>
  withRunner(async (room) => {
    const { id } = await add(room, 'a', 0);
    await room.board.start();
    await room.runner.settled();
    for (
      const action of [() => room.board.reset(id), () =>
        room.board.skip(id), () =>
        room.board.edit(id, {}), () =>
        room.board.remove(id)]
    ) {
      await action().then(() =>
        assert.unreachable(), (error) => assert.is(error.status, 409));
    }
  }));

test('while nothing can be written a step is tried again once a poll interval, not at once', () =>
  withRunner(async (room) => {
    await add(room, 'a', 0);
    await room.board.configure({ pollIntervalMs: 5000 });
    await room.board.start();
    await room.runner.settled();
    const blocked = join(room.house.config.dataDir, 'pipeline.json.tmp/x');
    mkdirSync(blocked, { recursive: true });
    const tries = () => room.house.lines.filter((line) => line.includes('A step of the pipeline failed')).length;
    await finish(room, 'agent-1');
    await room.runner.settled();
    assert.is(tries(), 1);
    await room.clock.advance(4999);
    assert.is(tries(), 1);
    await room.clock.advance(5001);
    assert.is(tries(), 3);
    rmSync(dirname(blocked), { recursive: true });
    await room.clock.advance(5000);
    assert.is(room.statuses().a, 'completed');
  }));

test('no timer is left when it is closed or has nothing to watch', () =>
  withRunner(async (room) => {
    await room.runner.settled();
    assert.is(room.clock.pending, 0);
    await add(room, 'a', 0);
    await room.board.start();
    await room.runner.settled();
    assert.is(room.clock.pending, 1);
    await room.runner.close();
    assert.is(room.clock.pending, 0);
  }));

test.run();
