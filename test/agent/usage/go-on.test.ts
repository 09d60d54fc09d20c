/** Agents that go on by themselves after a limit: once, when it is over, over restarts and clocks that are set. */
import { randomUUID } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { ProviderEvent } from '../../../agent/provider/provider.ts';
import { GO_ON_TEXT, keyOf } from '../../../agent/usage/go-on.ts';
import { WaitClock } from '../../../agent/usage/wait-clock.ts';
import { fakeClock } from '../../support/fakes/fake-clock.ts';
import type { ScriptedSession } from '../../support/fakes/scripted-provider.ts';
import { DONE, settle } from '../../support/harness/scripted-agents.ts';
import { type ScriptedUsage, withUsage } from '../../support/harness/scripted-usage.ts';

const HOUR = 3_600_000;

const atLimit = (resetsAt: number | null): ProviderEvent[] => [
  { type: 'turn.start' },
  {
    ...{ type: 'notice', level: 'warning', code: 'rate_limit', text: 'The limit is reached.', passing: true },
    limit: { isReached: true, resetsAt },
  },
  { type: 'turn.end', outcome: 'error', text: 'You have hit your limit', durationMs: 1 },
];

/** @returns the agent, whose first turn hits a limit that is reset at the time */
async function limited(
  { place }: ScriptedUsage,
  resetsAt: number | null,
  goOn = true,
  provider = 'claude',
): Promise<string> {
  const { id } = await place.create('work', undefined, provider);
  if (goOn) await place.agents.setGoOn(id, true);
  const session = place.session();
  session.emit({ type: 'ready', sessionId: null, version: '1', capabilities: null }, {
    type: 'session',
    sessionId: `s-${id}`,
  });
  // The prompt was taken.
  for (const message of sent(session)) session.emit({ type: 'message.status', id: message.id, status: 'sent' });
  session.emit(...atLimit(resetsAt));
  return id;
}

const sent = (session: ScriptedSession) =>
  session.calls.filter(([method]) => method === 'send').map(([, message]) => message as { id: string; text: string });

/** How often each agent was told to go on, by all CLIs that it had. */
const goneOn = ({ place }: ScriptedUsage, ids: string[], former: ScriptedSession[] = []): number[] =>
  ids.map((id) =>
    [...former, ...place.provider.sessions].filter((session) => session.options.agentId === id)
      .flatMap(sent).filter(({ text }) => text.startsWith(GO_ON_TEXT)).length
  );

/** Time passes, in steps in which what is begun can end. */
async function pass({ place }: ScriptedUsage, ms: number): Promise<void> {
  // What is looked at every 15 s is looked at once a step.
  for (const step of [ms / 2, ms / 2 - 45_000, 15_000, 15_000, 15_000]) {
    place.clock.advance(Math.max(0, step));
    await settle();
  }
}

test(
  'three agents at the same limit: after the reset each that still waits goes on, once',
  withUsage(async (it) => {
    const { place } = it;
    const resetsAt = place.clock.now() + HOUR;
    const ids = [await limited(it, resetsAt), await limited(it, resetsAt), await limited(it, resetsAt)];
    const other = await limited(it, resetsAt, false);
    for (const id of ids) {
      const { state, stateReason, limit } = place.agents.info(id);
      assert.equal([state, stateReason, limit!.resetsAt], ['waiting_limit', 'limit', resetsAt]);
    }
    await place.agents.send(ids[0]!, { text: 'and then this' }, 'me');
    assert.equal(place.agents.info(ids[0]!).queue.map(({ text }) => text), ['and then this']);
    const former = [...place.provider.sessions];
    await it.restart();
    assert.equal(ids.map((id) => place.agents.info(id).state), ids.map(() => 'waiting_limit'));
    assert.equal(place.agents.info(ids[0]!).queue.map(({ text }) => text), ['and then this'], 'still queued');
    await place.agents.setGoOn(ids[2]!, false);
    await pass(it, HOUR - 60_000);
    assert.equal(goneOn(it, ids, former), [0, 0, 0]);
    await pass(it, 240_000);
    assert.equal(goneOn(it, [...ids, other], former), [1, 1, 0, 0]);
    assert.is(place.agents.info(ids[2]!).state, 'waiting_limit');
    const first = place.provider.sessions.find(({ options }) => options.agentId === ids[0])!;
    assert.equal(sent(first).map(({ text }) => text), [GO_ON_TEXT], 'what was queued comes behind it');
    first.emit({ type: 'turn.start' }, { type: 'message.status', id: sent(first)[0]!.id, status: 'sent' }, DONE);
    assert.equal(sent(first).map(({ text }) => text), [GO_ON_TEXT, 'and then this']);
    await pass(it, 5 * HOUR);
    await it.restart();
    await pass(it, HOUR);
    assert.equal(goneOn(it, ids, former), [0, 0, 0], 'the next server has no reason to');
  }),
);

test(
  'a CLI that does not answer holds up its own agents alone, and each goes on once',
  withUsage(async (it) => {
    const { place } = it;
    let answer = () => {};
    it.silent.set('codex', new Promise((resolve) => answer = resolve));
    const resetsAt = place.clock.now() + HOUR;
    const silent = await limited(it, resetsAt, true, 'codex');
    const first = await limited(it, resetsAt);
    const later = await limited(it, resetsAt + HOUR);
    await pass(it, HOUR + 120_000);
    assert.equal(goneOn(it, [silent, first, later]), [0, 1, 0]);
    await pass(it, HOUR + 120_000);
    assert.equal(goneOn(it, [silent, first, later]), [0, 1, 1]);
    answer();
    await pass(it, 120_000);
    assert.equal(goneOn(it, [silent, first, later]), [1, 1, 1]);
  }),
);

test(
  'without progress it does not go on a second time; after progress or a word of a person it does',
  withUsage(async (it) => {
    const { place } = it;
    const id = await limited(it, place.clock.now() + HOUR);
    await pass(it, HOUR + 120_000);
    assert.equal(goneOn(it, [id]), [1]);
    const taken = () =>
      place.session().emit({ type: 'message.status', id: sent(place.session()).at(-1)!.id, status: 'sent' });
    const again = () => {
      taken();
      place.session().emit(...atLimit(place.clock.now() + HOUR));
    };
    again();
    assert.is(place.agents.info(id).limit!.isStuck, true);
    await pass(it, 2 * HOUR);
    assert.equal(goneOn(it, [id]), [1]);
    await place.agents.send(id, { text: 'try' }, 'me');
    again();
    await pass(it, 2 * HOUR);
    assert.equal(goneOn(it, [id]), [2]);
    place.session().emit({ type: 'turn.start' }, { type: 'usage', usage: { outputTokens: 500 } });
    again();
    await pass(it, 2 * HOUR);
    assert.equal(goneOn(it, [id]), [3]);
  }),
);

test(
  'the CLI or another agent of the account says that the limit is not over: nothing goes on',
  withUsage(async (it) => {
    const { place } = it;
    const resetsAt = place.clock.now() + HOUR;
    const id = await limited(it, resetsAt);
    const reached = { id: 'primary', minutes: 300, percent: 100, resetsAt: resetsAt + HOUR, isReached: true };
    it.limits = [reached];
    await pass(it, HOUR + 120_000);
    assert.equal(goneOn(it, [id]), [0], 'asked, the CLI says that it is reached');
    it.limits = null;
    it.meters.note('claude', '', [reached]);
    await pass(it, 600_000);
    assert.equal(goneOn(it, [id]), [0], 'another agent was told so');
    it.meters.note('claude', '', [{ ...reached, percent: 1, isReached: false }]);
    await pass(it, 60_000);
    assert.equal(goneOn(it, [id]), [1]);
  }),
);

test(
  'a limit without an end is waited for by nobody; Stop ends a wait',
  withUsage(async (it) => {
    const { place } = it;
    const endless = await limited(it, null);
    const stopped = await limited(it, place.clock.now() + HOUR);
    await it.restart();
    await place.agents.stop(stopped, 'me');
    assert.equal([endless, stopped].map((id) => place.agents.info(id).state), ['waiting_limit', 'stopped']);
    await pass(it, 24 * HOUR);
    assert.equal(goneOn(it, [endless, stopped]), [0, 0]);
  }),
);

/** The CLI was ended because nothing happened. */
const reaped = (session: ScriptedSession) =>
  session.emit({ type: 'exit', expected: true, code: 0, signal: null, text: '' });

test(
  'a server that ends before the record says what waits: the messages go to the CLI after the limit',
  withUsage(async (it) => {
    const { place } = it;
    const ids = [await limited(it, place.clock.now() + HOUR), await limited(it, place.clock.now() + HOUR)];
    for (const session of place.provider.sessions) reaped(session);
    await settle();
    const records = ids.map((id) => place.file(id, 'agent.json'));
    const before = new Map(records.map((file) => [file, readFileSync(file)]));
    await place.agents.send(ids[0]!, { text: 'and then this' }, 'me');
    assert.equal(place.agents.info(ids[0]!).queue.map(({ text }) => text), ['and then this']);
    const clientId = keyOf(ids[1]!, place.agents.info(ids[1]!).limit!);
    await place.agents.goOn(ids[1]!, { text: GO_ON_TEXT, clientId }, 'Agent Monitor');
    const journal = place.file(ids[1]!, 'journal.jsonl');
    before.set(journal, readFileSync(journal));
    await it.usage.end();
    await place.restart(() => before.forEach((bytes, file) => writeFileSync(file, bytes)));
    await it.reopen();
    await pass(it, HOUR + 240_000);
    assert.equal(goneOn(it, ids), [1, 1]);
    const first = place.provider.sessions.find(({ options }) => options.agentId === ids[0])!;
    first.emit({ type: 'turn.start' }, { type: 'message.status', id: sent(first)[0]!.id, status: 'sent' }, DONE);
    assert.equal(sent(first).map(({ text }) => text), [GO_ON_TEXT, 'and then this']);
  }),
);

test(
  'one that is stopped while its message is being saved does not go on',
  withUsage(async (it) => {
    const { place } = it;
    const id = await limited(it, place.clock.now() + HOUR);
    reaped(place.session());
    const going = place.agents.goOn(id, { text: GO_ON_TEXT, clientId: randomUUID() }, 'test');
    await place.agents.stop(id, 'me');
    await going;
    await settle();
    assert.equal([place.agents.info(id).state, place.agents.info(id).queue, goneOn(it, [id])], ['stopped', [], [0]]);
  }),
);

test(
  'a clock that leaps is believed after a while, one that is set back in time not at all',
  withUsage(async (it) => {
    const { place } = it;
    const id = await limited(it, place.clock.now() + 5 * HOUR);
    await pass(it, 60_000);
    const right = place.clock.now();
    place.clock.setWall(right + 6 * HOUR);
    await pass(it, 30_000);
    assert.equal(goneOn(it, [id]), [0]);
    place.clock.setWall(right + 30_000);
    await pass(it, 300_000);
    assert.equal(goneOn(it, [id]), [0], 'it was set back');
    // The machine sleeps: only the wall clock goes on.
    place.clock.setWall(right + 8 * HOUR);
    await pass(it, 120_000);
    assert.equal(goneOn(it, [id]), [1]);
  }),
);

test('what has passed has passed, also when the wall clock was set back', () => {
  const clock = fakeClock();
  const waits = new WaitClock(clock);
  const at = clock.now() + HOUR;
  waits.look(['a']);
  clock.advance(HOUR / 2);
  clock.setWall(at - 10 * HOUR);
  waits.look(['a']);
  assert.not(waits.isOver('a', at));
  clock.advance(HOUR / 2);
  waits.look(['a']);
  assert.ok(waits.isOver('a', at));
});

test.run();
