import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Retention } from '../../../agent/session/retention.ts';
import { type FakeAgents, fakeAgents } from '../../support/fakes/fake-agents.ts';
import { temporaryDirectory } from '../../support/harness/git.ts';
import { testContext } from '../../support/fakes/test-context.ts';
import { pipelineClock } from '../../support/fakes/pipeline-clock.ts';

const HOUR = 3_600_000;

/** Agents in every state that matters, and a look at them every ten minutes. */
async function withRetention(
  run: (parts: {
    agents: FakeAgents;
    clock: ReturnType<typeof pipelineClock>;
    lines: readonly string[];
    limits: { hours: number; days: number };
  }) => Promise<void>,
): Promise<void> {
  const { path, remove } = temporaryDirectory();
  const clock = pipelineClock();
  const context = testContext({ dataDir: path, clock });
  const agents = fakeAgents(clock.now, context.publish);
  for (const name of ['idle', 'running', 'waits', 'work', 'queued', 'pinned', 'background']) {
    await agents.create({ name, directory: '/p' }, 'test');
  }
  agents.set('agent-1', { state: 'idle', stateReason: 'done' });
  agents.ask('agent-3', {});
  agents.set('agent-4', { state: 'stopped', stateReason: 'exited' });
  agents.set('agent-5', { state: 'idle', stateReason: 'done', queue: [{ id: 'q', text: '', at: 0 }] });
  agents.set('agent-6', { state: 'idle', stateReason: 'done', pinned: true });
  agents.set('agent-7', { state: 'idle', stateReason: 'done', background: true });
  agents.unmerged.add('agent-4');
  const limits = { hours: 0, days: 0 };
  const retention = new Retention({
    context,
    agents,
    terminals: { list: () => [] },
    runTime: { since: (time) => clock.now() - time },
    settings: () => ({ retentionHours: limits.hours, archiveDays: limits.days }),
  });
  try {
    await run({ agents, clock, lines: context.lines, limits });
  } finally {
    await retention.close();
    assert.is(clock.pending, 0);
    remove();
  }
}

const archived = (agents: FakeAgents) => agents.list().filter(({ archivedAt }) => archivedAt).map(({ id }) => id);

test('unused agents are archived and none is deleted; who works, waits or is pinned stays in the list', () =>
  withRetention(async ({ agents, clock, limits }) => {
    await clock.advance(48 * HOUR);
    assert.equal(archived(agents), [], 'off');
    limits.hours = 49;
    await clock.advance(0.5 * HOUR);
    assert.equal(archived(agents), []);
    await clock.advance(HOUR);
    assert.equal(archived(agents), ['agent-1', 'agent-4']);
    await clock.advance(1000 * HOUR);
    assert.equal(agents.removed, []);
  }));

test('only what lies in the archive for the days is deleted, and nothing with unmerged work', () =>
  withRetention(async ({ agents, clock, lines, limits }) => {
    Object.assign(limits, { hours: 24, days: 90 });
    await clock.advance(25 * HOUR);
    assert.equal(archived(agents), ['agent-1', 'agent-4']);
    await clock.advance(89 * 24 * HOUR);
    assert.equal(agents.removed, []);
    await clock.advance(2 * 24 * HOUR);
    assert.equal(agents.removed, ['agent-1']);
    const logged = lines.filter((line) => line.includes('unmerged work'));
    assert.is(logged.length, 1);
    assert.match(logged[0]!, /reason=.*1 new file is not in git: x/);
  }));

test('what is brought back is not deleted, and archived again only after the hours', () =>
  withRetention(async ({ agents, clock, limits }) => {
    Object.assign(limits, { hours: 24, days: 1 });
    await clock.advance(25 * HOUR);
    await agents.mark('agent-1', { archived: false });
    agents.set('agent-1', {}); // somebody looked into it
    await clock.advance(20 * HOUR);
    assert.equal(archived(agents), ['agent-4']);
    await clock.advance(5 * HOUR);
    assert.equal(archived(agents), ['agent-1', 'agent-4']);
    assert.equal(agents.removed, []);
  }));

test('an agent that is used while it is being archived comes back at once', () =>
  withRetention(async ({ agents, clock, limits }) => {
    const { mark } = agents;
    let times = 0;
    agents.mark = async (id, marks) => {
      if (times++ === 0) agents.set(id, { state: 'running', stateReason: 'turn' });
      return await mark(id, marks);
    };
    limits.hours = 24;
    await clock.advance(25 * HOUR);
    assert.equal(archived(agents), ['agent-4']);
  }));

test.run();
