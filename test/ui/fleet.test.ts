/** The machines of a page as the relay tells of them: one App each, and what becomes of it. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { MachineEntry } from '../../core/api/machines.ts';
import type { AppDeps } from '../../ui/app.ts';
import { createFleet } from '../../ui/fleet.ts';
import { scope } from '../../ui/route.ts';
import { signal } from '../../ui/state/signal.ts';
import { settle, Timers } from '../support/fakes/ui-clock.ts';

const entry = (id: string, connected = true): MachineEntry => ({
  id,
  name: id,
  connected,
  since: 1,
  lastSeenAt: 1,
  version: '1',
  address: '192.0.2.1',
  token: 'own',
});

/** @param list of the relay; null: there is none */
function page(list: MachineEntry[] | null, known: Record<string, string> = {}) {
  const timers = new Timers();
  const values = new Map(Object.entries(known));
  const asked: string[] = [];
  const sockets: string[] = [];
  const listeners = new Map<string, (event: { data: string }) => void>();
  const storage = {
    get length() {
      return values.size;
    },
    key: (i: number) => [...values.keys()][i] ?? null,
    getItem: (key: string) => values.get(key) ?? null,
    setItem: (key: string, value: string) => void values.set(key, value),
    removeItem: (key: string) => void values.delete(key),
  } as unknown as Storage;
  const answers: Record<string, unknown> = {
    '/api/auth/check': { authenticated: true, loginRequired: true },
    ...(list ? { '/api/relay/machines': list, '/api/relay/status': { tunnelConnected: true, now: timers.now() } } : {}),
  };
  const deps = {
    fetch: ((path: string) => {
      asked.push(path);
      return Promise.resolve(path in answers ? Response.json(answers[path]) : Response.json({}, { status: 404 }));
    }) as typeof fetch,
    deviceKey: null,
    openSocket(path: string) {
      sockets.push(path.split('?')[0]!);
      return { close() {}, send() {} };
    },
    openEvents: () => ({
      addEventListener: (type: string, listener: (event: { data: string }) => void) => listeners.set(type, listener),
      close() {},
    }),
    storage,
    isVisible: () => true,
    requestFrame() {},
    whenIdle() {},
    worker: { hasUpdate: signal(false), flush() {}, registration: () => Promise.resolve(null) },
    notifications: {},
    random: () => 0.5,
    now: timers.now,
    setTimeout: timers.setTimeout,
    clearTimeout: timers.clearTimeout,
  } as unknown as AppDeps;
  const fleet = createFleet(deps);
  const say = (type: string, data: object) =>
    listeners.get(type)!({ data: JSON.stringify({ now: timers.now(), ...data }) });
  const begin = async () => {
    if (!('location' in globalThis)) {
      Object.assign(globalThis, { location: { hash: '', origin: 'https://relay.example' } });
    }
    await fleet.current.value.auth.begin();
    for (let i = 0; i < 10; i++) await settle();
  };
  return { fleet, values, asked, sockets, say, begin };
}

test('the end of the login leaves no agents here, also none of machines that are gone since', async () => {
  const known = (id: string) => JSON.stringify({ at: 1, agents: [{ id, name: 'secret' }] });
  const { fleet, begin, say, values } = page([], {
    'last-known': known('x'),
    'last-known/aaaaaa': known('y'),
    'last-known/bbbbbb': known('z'),
    machines: JSON.stringify([entry('aaaaaa'), entry('bbbbbb')]),
    'last-known/cccccc': known('of an earlier version'),
    other: '1',
  });
  await begin();
  say('machines', { machines: [entry('aaaaaa')] });
  assert.not.ok(values.has('last-known/bbbbbb'), 'it was removed while this page was closed');
  fleet.current.value.auth.signedOut();
  assert.equal([...values.keys()].filter((key) => key !== 'machine'), ['other']);
});

test('a server that tells of no machines has one, with plain addresses; the second visit does not ask', async () => {
  const { fleet, sockets, begin, values } = page(null);
  assert.is(fleet.apps.value.length, 1);
  await begin();
  assert.equal(sockets, ['/api/live']);
  const again = page(null, Object.fromEntries(values));
  await again.begin();
  assert.not.ok(again.asked.includes('/api/relay/machines'));
});

test('each machine has a feed under its own address, from the first one on', async () => {
  const { fleet, sockets, begin } = page([entry('aaaaaa'), entry('bbbbbb', false)]);
  await begin();
  assert.equal(sockets, ['/m/aaaaaa/api/live', '/m/bbbbbb/api/live']);
  assert.equal(fleet.apps.value.map(({ relay }) => relay.state.value.machine), [true, false]);
  assert.is(scope.value, 'aaaaaa');
});

test('one machine: its address is named where it is asked, and nowhere on the page', async () => {
  const { sockets, begin } = page([entry('aaaaaa')]);
  await begin();
  assert.equal([sockets, scope.value], [['/m/aaaaaa/api/live'], '']);
});

test('a machine that joins is one more; one that is removed leaves nothing here, one that is away leaves all', async () => {
  const { fleet, sockets, begin, say, values } = page([entry('aaaaaa')]);
  await begin();
  const [first] = fleet.apps.value;
  say('machine', { machine: entry('bbbbbb') });
  assert.is(fleet.apps.value[0], first, 'who is there stays as it is');
  assert.equal(sockets, ['/m/aaaaaa/api/live', '/m/bbbbbb/api/live']);
  first!.outbox.add({ kind: 'message', agent: 'x', body: { text: 'hi', clientId: 'c1' } });
  say('machine', { machine: entry('aaaaaa', false) });
  assert.equal(fleet.unsent.value.map(({ id, machine }) => [id, machine]), [['c1', 'aaaaaa']]);
  assert.equal(fleet.apps.value.map(({ relay }) => relay.state.value.machine), [false, true]);
  say('machine.removed', { id: 'aaaaaa' });
  assert.equal(fleet.apps.value.map(({ machine }) => machine), ['bbbbbb']);
  assert.equal([...values.keys()].filter((key) => key.includes('aaaaaa')), []);
});

test('agents with the same id are two, each with its machine', async () => {
  const { fleet, begin } = page([entry('aaaaaa'), entry('bbbbbb')]);
  await begin();
  for (const { store, machine } of fleet.apps.value) {
    store.change({ type: 'agent', agent: { id: 'x', name: machine, pending: [] } as never });
  }
  assert.equal(fleet.agents.value.map(({ name, app }) => [name, app.machine]), [
    ['aaaaaa', 'aaaaaa'],
    ['bbbbbb', 'bbbbbb'],
  ]);
  assert.is(new Set(fleet.agents.value.map(({ key }) => key)).size, 2);
});

test.run();
