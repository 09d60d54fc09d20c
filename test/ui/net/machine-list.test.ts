/** What is kept of the relay's machines, and that each is asked under its own address and no other. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { MachineEntry } from '../../../core/api/machines.ts';
import { afterEvent, machineFetch, readMachines, watchMachine, writeMachines } from '../../../ui/net/machine-list.ts';
import type { RelayState } from '../../../ui/net/relay-status.ts';
import { signal } from '../../../ui/state/signal.ts';

const entry = (id: string, name: string, connected = true): MachineEntry => ({
  id,
  name,
  connected,
  since: 1000,
  lastSeenAt: 2000,
  version: '1',
  address: '192.0.2.1',
  token: 'own',
});

class MemoryStorage {
  readonly #values = new Map<string, string>();
  getItem = (key: string) => this.#values.get(key) ?? null;
  setItem = (key: string, value: string) => void this.#values.set(key, value);
  removeItem = (key: string) => void this.#values.delete(key);
}

test('an unknown list is not an empty one, and what is no id is left out', () => {
  const storage = new MemoryStorage();
  assert.is(readMachines(storage), null);
  writeMachines(storage, []);
  assert.equal(readMachines(storage), []);
  writeMachines(storage, [entry('abcdef1', 'a'), entry('../../x', 'b')]);
  assert.equal(readMachines(storage)!.map(({ id }) => id), ['abcdef1']);
  storage.setItem('machines', '{broken');
  assert.is(readMachines(storage), null);
});

test('events change the list; their times become those of this device', () => {
  const list = afterEvent([], { type: 'machines', now: 5000, machines: [entry('bbbbbb', 'b')] }, 100);
  assert.equal([list[0]!.since, list[0]!.lastSeenAt], [1100, 2100]);
  const two = afterEvent(list, { type: 'machine', now: 5000, machine: entry('aaaaaa', 'a', false) }, 0);
  assert.equal(two.map(({ name, connected }) => [name, connected]), [['a', false], ['b', true]]);
  const again = afterEvent(two, { type: 'machine', now: 5000, machine: entry('aaaaaa', 'z') }, 0);
  assert.equal(again.map(({ name }) => name), ['b', 'z']);
  assert.equal(afterEvent(again, { type: 'machine.removed', now: 1, id: 'bbbbbb' }, 0).map(({ id }) => id), ['aaaaaa']);
});

test('only what is asked of a machine gets its address', async () => {
  const asked: string[] = [];
  const doFetch = ((path: string) => Promise.resolve(void asked.push(path))) as unknown as typeof fetch;
  const ofMachine = machineFetch(doFetch, '/m/abcdef1');
  for (const path of ['/api/agents', '/api/auth/check', '/api/relay/machines', '/api/authors']) await ofMachine(path);
  await machineFetch(doFetch, '')('/api/agents');
  assert.equal(asked, [
    '/m/abcdef1/api/agents',
    '/api/auth/check',
    '/api/relay/machines',
    '/m/abcdef1/api/authors',
    '/api/agents',
  ]);
});

test("the relay's word on one machine is not that on the one that connected last", () => {
  const state = signal({ present: true, reachable: true, machine: true, machineSince: 1 } as RelayState);
  const relay = { state, start() {}, stop() {}, ask() {} };
  const machines = signal<readonly MachineEntry[]>([entry('aaaaaa', 'a', false), entry('bbbbbb', 'b')]);
  const [word, end] = watchMachine(relay, machines, 'aaaaaa');
  assert.equal([word.state.value.machine, word.state.value.machineSince], [false, 1000]);
  machines.value = [entry('aaaaaa', 'a'), entry('bbbbbb', 'b', false)];
  assert.is(word.state.value.machine, true);
  state.value = { ...state.value, machine: false, reachable: false };
  assert.equal([word.state.value.machine, word.state.value.reachable], [true, false]);
  end();
  machines.value = [];
  assert.is(word.state.value.machine, true);
});

test.run();
