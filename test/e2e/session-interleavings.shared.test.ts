/**
 * What may be asked for at the same time, in random orders (`RANDOM_ROUNDS=200` for a thorough run): no session has two processes, no message is lost or sent
 * twice, nobody's directory is removed under them.
 */
import { randomUUID } from 'node:crypto';
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { ErrorCode, Failure } from '../../core/api/errors.ts';
import type { AgentInfo } from '../../core/api/agents.ts';
import type { TerminalInfo } from '../../core/api/terminals.ts';
import { Retention } from '../../agent/session/retention.ts';
import { PacedWorld } from '../support/fakes/paced-world.ts';

const ROUNDS = Number(process.env.RANDOM_ROUNDS ?? 20);
const HOUR = 3_600_000;

/** What came of one request. */
type Outcome<T> = { value: T; code: null } | { value: null; code: ErrorCode | string };

const outcome = <T>(work: Promise<T>): Promise<Outcome<T>> =>
  work.then(
    (value) => ({ value, code: null }),
    (error: Failure) => ({ value: null, code: error.code ?? error.stack! }),
  );

async function rounds(run: (world: PacedWorld, seed: number) => Promise<void>): Promise<void> {
  for (let seed = 1; seed <= ROUNDS; seed++) {
    const world = await PacedWorld.open(seed);
    try {
      await run(world, seed);
      assert.equal(world.violations, [], `seed ${seed}`);
    } finally {
      await world.close();
    }
  }
}

/** An agent that has had a turn, its CLI running, or ended. */
async function restingAgent(world: PacedWorld): Promise<AgentInfo> {
  const { id } = await world.agents.create({ directory: world.directory, prompt: 'begin' }, 'test');
  const isReady = () => world.agents.info(id).state === 'idle' && world.agents.info(id).sessionId !== null;
  for (let i = 0; !isReady() && i < 100; i++) await world.settle();
  await world.settle();
  if (world.below(2)) await world.agents.stop(id, 'test');
  return world.agents.info(id);
}

interface Sent {
  id: string;
  result: Outcome<unknown>;
}

async function send(world: PacedWorld, agent: string): Promise<Sent> {
  const id = randomUUID();
  await world.pause(12);
  return { id, result: await outcome(world.agents.send(agent, { text: 'go on', clientId: id }, 'test')) };
}

async function openTerminal(
  world: PacedWorld,
  body: Parameters<PacedWorld['terminals']['create']>[0],
): Promise<Outcome<TerminalInfo>> {
  await world.pause(12);
  return await outcome(world.terminals.create(body, 'test'));
}

const closeAll = (world: PacedWorld) =>
  Promise.all(world.terminals.list().map(({ id }) => world.terminals.remove(id, 'test')));

test('one session, asked for by messages, terminals and create commands', () =>
  rounds(async (world, seed) => {
    const { id, sessionId } = await restingAgent(world);
    const create = async (forkSession: boolean) => {
      await world.pause(12);
      const flags = { resume: sessionId!, forkSession };
      return await outcome(world.agents.create({ directory: world.directory, flags }, 'test'));
    };
    const open = async () => {
      const result = await openTerminal(world, { agentId: id, command: 'claude' });
      await world.pause(12);
      if (result.value && world.below(2)) await world.terminals.remove(result.value.id, 'test');
      return result;
    };
    const stop = async () => (await world.pause(12), await outcome(world.agents.stop(id, 'test')));
    const [sent, opened, created, copies] = await Promise.all([
      Promise.all([send(world, id), send(world, id), send(world, id)]),
      Promise.all([open(), open(), open()]),
      Promise.all([create(false), create(false)]),
      Promise.all([create(true)]),
      world.below(2) ? stop() : null,
    ]);
    await closeAll(world);
    for (let i = 0; world.agents.info(id).state === 'running' && i < 20; i++) await world.settle();
    const last = await send(world, id);
    await world.settle();
    assert.is(last.result.code, null, `seed ${seed}: the agent goes on when the terminals are closed`);
    for (const { id: message, result } of [...sent, last]) {
      assert.ok(['session_in_use', null].includes(result.code), `seed ${seed}: ${result.code}`);
      const record = world.agents.message(id, message);
      // Stopped before the CLI had it: said on the record, and not delivered later.
      const isCancelled = record?.kind === 'user' && record.status === 'cancelled';
      const count = world.delivered.get(message) ?? 0;
      if (result.code) {
        assert.equal([record, count], [undefined, 0], `seed ${seed}: what was refused changed something`);
      } else assert.ok(count === 1 || (isCancelled && count <= 1), `seed ${seed}: delivered ${count} times`);
    }
    for (const { code } of opened) {
      assert.ok(['session_in_use', 'agent_busy', null].includes(code), `seed ${seed}: ${code}`);
    }
    assert.equal(
      created.map(({ code }) => code),
      ['session_in_use', 'session_in_use'],
    );
    assert.equal(copies.map(({ code }) => code), [null]);
  }));

test('one stored session that several agents are to go on with: one gets it', () =>
  rounds(async (world, seed) => {
    const create = async () => {
      await world.pause(12);
      const body = {
        directory: world.directory,
        flags: { resume: 'stored' },
        ...world.below(2) ? { prompt: 'go' } : {},
      };
      return await outcome(world.agents.create(body, 'test'));
    };
    const results = await Promise.all([create(), create(), create()]);
    const codes = results.map(({ code }) => code);
    assert.equal(codes.filter((code) => code === null).length, 1, `seed ${seed}`);
    assert.equal(codes.filter((code) => code === 'session_in_use').length, 2, `seed ${seed}: ${codes}`);
    assert.is(world.agents.list().length, 1);
    await world.settle();
  }));

test('retention looks at an old agent while it is used again', () =>
  rounds(async (world, seed) => {
    const { id } = await restingAgent(world);
    const isArchived = world.below(2) === 1;
    if (isArchived) await world.agents.mark(id, { archived: true });
    const retention = new Retention({
      context: world.context,
      agents: world.agents,
      terminals: world.terminals,
      runTime: { since: (time) => world.clock.now() - time },
      settings: () => ({ retentionHours: 1, archiveDays: 1 / 24 }),
    });
    await retention.close(); // only the sweep of this test
    world.clock.setWall(world.clock.now() + 2 * HOUR);
    const [, sent, opened] = await Promise.all([
      world.pause(8).then(() => retention.sweep()),
      world.below(3) ? send(world, id) : null,
      world.below(3) ? openTerminal(world, { agentId: id, command: world.below(2) ? 'shell' : 'claude' }) : null,
    ]);
    await world.settle();
    const isThere = world.agents.list().length === 1;
    if (sent && sent.result.code === null) {
      assert.ok(isThere, `seed ${seed}: the agent is gone with a message that was accepted`);
      assert.is(world.delivered.get(sent.id), 1);
    }
    if (opened && opened.code === null) {
      assert.ok(isThere, `seed ${seed}: the agent is gone under a terminal`);
      assert.is(world.terminals.list().length, 1);
    }
    if (!isArchived) assert.ok(isThere, `seed ${seed}: an agent that was not in the archive is gone`);
    if (sent && sent.result.code === null) {
      assert.not.ok(world.agents.info(id).archivedAt, `seed ${seed}: an agent at work lies in the archive`);
    }
    if (!sent && !opened && isArchived) assert.not.ok(isThere, `seed ${seed}: an agent that nobody uses is deleted`);
    if (!sent && !opened && !isArchived) assert.ok(world.agents.info(id).archivedAt, `seed ${seed}: archived`);
    const codes = [sent?.result.code, opened?.code].filter(Boolean);
    for (const code of codes) {
      assert.ok(
        ['not_found', 'session_in_use', 'agent_busy', 'bad_directory', 'folder_gone'].includes(code!),
        `${code}`,
      );
    }
  }));

test('an agent is deleted while others begin to work in its worktree', () =>
  rounds(async (world, seed) => {
    const { id, worktree } = await restingAgent(world);
    const inside = join(worktree!.path, 'src');
    mkdirSync(inside);
    const create = async () => {
      await world.pause(12);
      return await outcome(
        world.agents.create({ name: 'other', directory: inside, flags: { worktree: world.below(2) > 0 } }, 'test'),
      );
    };
    const remove =
      async () => (await world.pause(12), await outcome(world.agents.remove(id, { discardWork: true }, 'test')));
    const [removed, created, foreign, own] = await Promise.all([
      remove(),
      world.below(2) ? create() : null,
      world.below(2) ? openTerminal(world, { directory: inside, name: 'foreign' }) : null,
      world.below(2) ? openTerminal(world, { agentId: id, name: 'own' }) : null,
    ]);
    await world.settle();
    const isThere = existsSync(inside);
    assert.is(isThere, removed.code !== null, `seed ${seed}`);
    assert.ok([null, 'worktree_in_use'].includes(removed.code), `seed ${seed}: ${removed.code}`);
    if (created?.value || foreign?.value) assert.ok(isThere, `seed ${seed}: removed under somebody who works there`);
    const terminals = world.terminals.list().map(({ name }) => name);
    if (!isThere) {
      assert.equal([terminals, world.agents.list()], [[], []], `seed ${seed}: something goes on in what is gone`);
    }
    for (const code of [created?.code, foreign?.code, own?.code]) {
      assert.ok(
        [undefined, null, 'folder_gone', 'bad_directory', 'not_found'].includes(code as never),
        `seed ${seed}: ${code}`,
      );
    }
  }));

test('the refusal names who works in the worktree', async () => {
  const world = await PacedWorld.open(1);
  try {
    const { id, worktree } = await restingAgent(world);
    const flags = { worktree: false };
    const other = await world.agents.create({ name: 'Helper', directory: worktree!.path, flags }, 'test');
    await world.terminals.create({ directory: worktree!.path, name: 'tests' }, 'test');
    await world.terminals.create({ agentId: id, name: 'mine' }, 'test');
    const error: Failure = await world.agents.remove(id, { discardWork: true }, 'test').catch((e) => e);
    assert.is(error.code, 'worktree_in_use');
    assert.match(error.message, 'The agent "Helper" and The terminal "tests" work in this agent\'s worktree');
    assert.not.match(error.message, 'mine');
    assert.is(world.terminals.list().length, 2, 'a refusal closes nothing');
    await world.agents.remove(other.id, { discardWork: true }, 'test');
    await closeAll(world);
    await world.agents.remove(id, { discardWork: true }, 'test');
    assert.not.ok(existsSync(worktree!.path));
  } finally {
    await world.close();
  }
});

test.run();
