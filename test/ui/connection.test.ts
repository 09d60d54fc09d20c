import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { hops, trouble } from '../../ui/connection.ts';
import type { Link } from '../../ui/live.ts';
import type { RelayState } from '../../ui/relay-watch.ts';
import { agent } from '../support/ui-data.ts';

const NOW = 100_000;
const link = (part: Partial<Link> = {}): Link => ({ phase: 'up', since: 1000, seenAt: 99_000, retryAt: null, ...part });
const relay = (part: Partial<RelayState> = {}): RelayState => ({
  present: true,
  reachable: true,
  seenAt: 99_500,
  since: 500,
  machine: true,
  machineSince: 600,
  machineSeenAt: 99_500,
  ...part,
});
const local = relay({ present: false, reachable: null, machine: null });
const down = link({ phase: 'waiting', since: 90_000, retryAt: 105_000 });
const states = (...args: Parameters<typeof hops>) => hops(...args).map(({ state }) => state);

test('all well: no trouble, every hop up', () => {
  assert.is(trouble(link(), relay(), true, NOW), null);
  assert.equal(states(link(), relay(), agent({ id: 'a', state: 'running' })), ['up', 'up', 'up']);
});

test('locally there is no relay hop', () => {
  assert.equal(states(link(), local), ['absent', 'up', 'absent']);
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
  assert.is(trouble(down, relay({ reachable: false }), false, NOW)!.kind, 'offline');
});

test('a lost feed is never shown as connected, whatever the relay says', () => {
  for (const phase of ['waiting', 'connecting', 'closed'] as const) {
    const broken = link({ phase, since: 90_000 });
    assert.ok(trouble(broken, relay(), true, NOW), phase);
    assert.not.ok(states(broken, relay()).slice(1, 2).includes('up'), phase);
  }
});

test('the first connecting is given a moment before it is a trouble', () => {
  const first = link({ phase: 'connecting', since: NOW - 1000, seenAt: null });
  assert.is(trouble(first, relay(), true, NOW), null);
  assert.is(trouble(first, relay(), true, NOW + 1000)!.kind, 'connecting');
});

test('a CLI that should run and does not is down; one that is not needed is not', () => {
  const cli = { running: false, pid: null, version: '', seenAt: 5 };
  assert.is(states(link(), local, agent({ id: 'a', state: 'running', cli }))[2], 'down');
  assert.is(states(link(), local, agent({ id: 'a', state: 'stopped', cli }))[2], 'absent');
});

test.run();
