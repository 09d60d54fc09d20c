import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type Signs, trouble as troubleOf } from '../../../ui/connection/connection.ts';
import { hops } from '../../../ui/connection/hops.ts';
import type { ConnectionState } from '../../../ui/net/live.ts';
import type { RelayState } from '../../../ui/net/relay-status.ts';
import { agent } from '../../support/fakes/ui-data.ts';

const NOW = 100_000;
const live = (part: Partial<ConnectionState> = {}): ConnectionState => ({
  phase: 'up',
  since: 1000,
  seenAt: 99_000,
  retryAt: null,
  refusals: 0,
  ...part,
});
const relay = (part: Partial<RelayState> = {}): RelayState => ({
  present: true,
  reachable: true,
  seenAt: 99_500,
  since: 500,
  machine: true,
  machineSince: 600,
  machineSeenAt: 99_500,
  versionWarning: '',
  ...part,
});
const local = relay({ present: false, reachable: null, machine: null });
const down = live({ phase: 'waiting', since: 90_000, retryAt: 105_000 });
/** The signs that most tests do not turn on have the value of a device with a network. */
const trouble = (live: ConnectionState, relay: RelayState, online: boolean, now: number, part: Partial<Signs> = {}) =>
  troubleOf({ live, relay, online, now, answeredAt: null, ...part });
const states = (...args: Parameters<typeof hops>) => hops(...args).map(({ state }) => state);

test('all well: no trouble, every hop up', () => {
  assert.is(trouble(live(), relay(), true, NOW), null);
  assert.equal(states(live(), relay(), agent({ id: 'a', state: 'running' })), ['up', 'up', 'up']);
});

test('locally there is no relay hop', () => {
  assert.equal(states(live(), local), ['absent', 'up', 'absent']);
  assert.equal(states(down, local), ['absent', 'down', 'absent']);
  assert.is(trouble(down, local, true, NOW)!.kind, 'feed');
});

test('the relay is gone: what is behind it is not known', () => {
  const gone = relay({ reachable: false, since: 91_000, machine: true });
  assert.equal(states(down, gone, agent({ id: 'a' })), ['down', 'unknown', 'unknown']);
  assert.equal(trouble(down, gone, true, NOW), { kind: 'relay', since: 91_000, retryAt: 105_000 });
});

test('the machine is gone: the relay is named as well, with its own time', () => {
  const state = relay({ machine: false, machineSince: 92_000 });
  assert.equal(states(down, state), ['up', 'down', 'absent']);
  assert.equal(trouble(down, state, true, NOW), { kind: 'machine', since: 92_000, retryAt: 105_000 });
});

test('offline is said first', () => {
  assert.is(trouble(down, relay({ reachable: false, seenAt: 80_000 }), false, NOW)!.kind, 'offline');
});

const refused = live({ phase: 'waiting', since: 90_000, retryAt: 105_000, refusals: 2 });

test('a proxy that drops Upgrade: the server answers, the socket is refused, and that is what is said', () => {
  const expected = { kind: 'websocket', since: 90_000, retryAt: 105_000 };
  assert.equal(trouble(refused, relay(), true, NOW, { answeredAt: 95_000 }), expected, 'through a relay');
  assert.equal(trouble(refused, local, true, NOW, { answeredAt: 95_000 }), expected, 'without a relay');
  const next = live({ ...refused, phase: 'connecting', seenAt: null, retryAt: null, refusals: 7 });
  assert.is(trouble(next, local, true, NOW, { answeredAt: 95_000 })!.kind, 'websocket', 'on a first visit, in mid-try');
});

test('other outages are not laid on the proxy', () => {
  const answered = { answeredAt: 95_000 };
  assert.is(trouble(live({ ...refused, refusals: 1 }), local, true, NOW, answered)!.kind, 'feed', 'one refusal');
  assert.is(trouble(live({ ...refused, refusals: 0 }), local, true, NOW, answered)!.kind, 'feed', 'nobody answered');
  assert.is(trouble(refused, local, true, NOW, { answeredAt: 80_000 })!.kind, 'feed', 'an answer from before');
  assert.is(trouble(refused, local, true, NOW)!.kind, 'feed', 'the server is gone');
  assert.is(trouble(refused, relay(), true, NOW)!.kind, 'feed', 'the relay answers, the feed does not');
  assert.is(trouble(refused, relay({ machine: false }), true, NOW)!.kind, 'machine');
  assert.is(trouble(refused, relay({ reachable: false, seenAt: 80_000 }), true, NOW)!.kind, 'relay');
});

test('a device that gets answers is not offline, whatever its browser believes', () => {
  assert.is(trouble(refused, relay(), false, NOW, { answeredAt: 95_000 })!.kind, 'websocket');
  assert.is(trouble(down, relay(), false, NOW)!.kind, 'feed');
  assert.is(trouble(down, local, false, NOW, { answeredAt: 90_001 })!.kind, 'feed');
  assert.is(trouble(down, local, false, NOW, { answeredAt: 89_000 })!.kind, 'offline');
});

test('a lost feed is never shown as connected, whatever the relay says', () => {
  for (const phase of ['waiting', 'connecting', 'closed'] as const) {
    const broken = live({ phase, since: 90_000 });
    assert.ok(trouble(broken, relay(), true, NOW), phase);
    assert.not.ok(states(broken, relay()).slice(1, 2).includes('up'), phase);
  }
});

test('the first connecting is given a moment before it is a trouble', () => {
  const first = live({ phase: 'connecting', since: NOW - 1000, seenAt: null });
  assert.is(trouble(first, relay(), true, NOW), null);
  assert.is(trouble(first, relay(), true, NOW + 1000)!.kind, 'connecting');
});

test('a CLI that should run and does not is down; one that is not needed is not', () => {
  const cli = { running: false, pid: null, version: '', seenAt: 5 };
  assert.is(states(live(), local, agent({ id: 'a', state: 'running', cli }))[2], 'down');
  assert.is(states(live(), local, agent({ id: 'a', state: 'stopped', cli }))[2], 'absent');
});

test.run();
