/** What a device shows before its machine answers. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { AgentInfo } from '../../../core/api/agents.ts';
import { openDeviceStorage } from '../../../ui/device-storage.ts';
import { forgetAllLastKnown, forgetLastKnown, readLastKnown, writeLastKnown } from '../../../ui/net/last-known.ts';
import { EMPTY, type Store } from '../../../ui/state/store.ts';

const memory = () => openDeviceStorage(() => null);
const agent = (id: string, activeAt: number, name = id) => ({ id, activeAt, name }) as AgentInfo;
const storeOf = (agents: AgentInfo[], loaded = true) =>
  ({ value: { ...EMPTY, loaded, agents: Object.fromEntries(agents.map((entry) => [entry.id, entry])) } }) as Store;

test('what was written is read with its time, each machine for itself', () => {
  const storage = memory();
  writeLastKnown(storage, storeOf([agent('a', 1)]), 100);
  writeLastKnown(storage, storeOf([agent('b', 1)]), 200, 'lab');
  assert.equal(readLastKnown(storage), { ...EMPTY, agents: { a: agent('a', 1) }, knownAt: 100 });
  assert.equal(readLastKnown(storage, 'lab'), { ...EMPTY, agents: { b: agent('b', 1) }, knownAt: 200 });
  forgetLastKnown(storage, 'lab');
  assert.equal(readLastKnown(storage, 'lab'), EMPTY);
  assert.is(readLastKnown(storage).knownAt, 100);
});

test('a list that has not been loaded replaces nothing', () => {
  const storage = memory();
  writeLastKnown(storage, storeOf([agent('a', 1)]), 100);
  writeLastKnown(storage, storeOf([], false), 200);
  assert.is(readLastKnown(storage).knownAt, 100);
});

test('the 60 that were active last are stored, and no text that fills the storage', () => {
  const storage = memory();
  writeLastKnown(storage, storeOf(Array.from({ length: 70 }, (_, i) => agent(`a${i}`, i))), 100);
  const ids = Object.keys(readLastKnown(storage).agents);
  assert.is(ids.length, 60);
  assert.not(ids.includes('a9'));
  assert.ok(ids.includes('a10'));
  writeLastKnown(storage, storeOf([agent('a', 1, 'x'.repeat(400_000))]), 200);
  assert.is(readLastKnown(storage).knownAt, 100, 'what was known before stays, with its time');
});

test('damaged entries are as none', () => {
  for (const text of ['', '{', 'null', '[]', '{"at":"1","agents":[]}', '{"at":1}', '{"at":1,"agents":{"a":1}}']) {
    const storage = memory();
    storage.setItem('last-known', text);
    assert.equal(readLastKnown(storage as Storage), EMPTY, text);
  }
});

test('at the end of a login nothing of any machine stays, and nothing else goes', () => {
  const storage = memory();
  for (const key of ['last-known', 'last-known/lab', 'last-known-not', 'theme']) storage.setItem(key, '{}');
  forgetAllLastKnown(storage);
  assert.equal(Array.from({ length: storage.length }, (_, i) => storage.key(i)), ['last-known-not', 'theme']);
});

test.run();
