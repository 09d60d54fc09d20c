/** When a value is asked for: once for one reason, one after another for several. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { createEntry, type Entry } from '../../../ui/state/resource.ts';

interface Load {
  old: number | null;
  resolve(value: number): void;
  reject(error: Error): void;
}

/** A server that answers when it is told to. */
function makeServer() {
  const loads: Load[] = [];
  const load = (old: number | null) =>
    new Promise<number>((resolve, reject) => void loads.push({ old, resolve, reject }));
  return { loads, load };
}

const settled = () => new Promise((resolve) => setTimeout(resolve, 0));
const valueOf = (entry: Entry<number>) => entry.state.value.value;

test('two that want it for the same reason ask once, while it is on its way and when it is here', async () => {
  const entry = createEntry<number>();
  const { loads, load } = makeServer();
  entry.want('a', load);
  entry.want('a', load);
  assert.is(loads.length, 1);
  loads[0]!.resolve(1);
  await settled();
  entry.want('a', load);
  assert.is(loads.length, 1);
  assert.is(valueOf(entry), 1);
});

test('it is asked for again when it is wanted after nobody wanted it any more', async () => {
  const entry = createEntry<number>();
  const { loads, load } = makeServer();
  const ends = [entry.want('a', load), entry.want('a', load)];
  loads[0]!.resolve(1);
  await settled();
  ends[0]!();
  entry.want('a', load)();
  assert.is(loads.length, 1, 'one still wants it');
  ends[1]!();
  entry.want('a', load);
  assert.is(loads.length, 2);
  assert.is(valueOf(entry), 1, 'what is here stays until the answer');
});

test('a new reason waits for what is on its way, and is called with it; of several the last is asked', async () => {
  const entry = createEntry<number>();
  const { loads, load } = makeServer();
  entry.want('a', load);
  entry.want('b', load);
  entry.want('c', load);
  assert.is(loads.length, 1);
  loads[0]!.resolve(1);
  await settled();
  assert.equal(loads.map(({ old }) => old), [null, 1]);
  assert.ok(entry.state.value.loading);
  loads[1]!.resolve(2);
  await settled();
  assert.equal(entry.state.value, { value: 2, error: '', loading: false });
});

test('a new reason is asked for after a failure too, and the error is there meanwhile', async () => {
  const entry = createEntry<number>();
  const { loads, load } = makeServer();
  entry.want('a', load);
  entry.want('b', load);
  loads[0]!.reject(new Error('away'));
  await settled();
  assert.is(loads.length, 2);
  assert.is(entry.state.value.error, 'away');
  loads[1]!.resolve(2);
  await settled();
  assert.equal(entry.state.value, { value: 2, error: '', loading: false });
});

test('load and set take the place of what is on its way and of what waits', async () => {
  const entry = createEntry<number>();
  const { loads, load } = makeServer();
  entry.want('a', load);
  entry.want('b', load);
  entry.load(load);
  assert.is(loads.length, 2);
  loads[0]!.resolve(1);
  await settled();
  assert.is(valueOf(entry), null);
  entry.set(7);
  loads[1]!.resolve(2);
  await settled();
  assert.equal(entry.state.value, { value: 7, error: '', loading: false });
  assert.is(loads.length, 2);
});

test.run();
