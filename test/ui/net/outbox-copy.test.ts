/** The worker has a copy of what waits, and is woken only when the page is out of sight: nothing is sent twice meanwhile. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Outbox, OutboxItem } from '../../../ui/net/outbox.ts';
import { copyOutbox } from '../../../ui/net/outbox-copy.ts';
import { signal } from '../../../ui/state/signal.ts';
import type { OutboxCopy } from '../../../ui/worker/outbox.ts';

const settle = () => new Promise((resolve) => setImmediate(resolve));
const item = (id: string, state: OutboxItem['state'] = 'waiting'): OutboxItem => ({
  id,
  agent: 'a/1',
  at: 1,
  state,
  error: '',
  kind: 'message',
  body: { text: id, clientId: id },
});

function page() {
  const items = signal<readonly OutboxItem[]>([]);
  const writes: string[][] = [];
  const woken: string[] = [];
  let hide = () => {};
  copyOutbox({
    outbox: { items } as Outbox,
    store: {
      get: () => Promise.resolve(null),
      set: (_, value) => Promise.resolve(void writes.push((value as OutboxCopy[]).map(({ id }) => id))),
    },
    registration: () =>
      Promise.resolve({ sync: { register: (tag: string) => Promise.resolve(void woken.push(tag)) } } as never),
    onHidden: (left) => void (hide = left),
  });
  return { items, writes, woken, hide: () => (hide(), settle()) };
}

test('every change is copied but for what was refused; the worker sleeps while the page is in sight', async () => {
  const { items, writes, woken } = page();
  items.value = [item('1')];
  items.value = [item('1', 'sending'), item('2')];
  items.value = [item('1', 'failed'), item('2')];
  items.value = [];
  await settle();
  assert.equal(writes, [[], ['1'], ['1', '2'], ['2'], []]);
  assert.equal(woken, []);
});

test('out of sight with something that could not be sent: it is woken; with what is on its way it is not', async () => {
  const { items, woken, hide } = page();
  await hide();
  items.value = [item('1', 'failed')];
  await hide();
  assert.equal(woken, []);
  items.value = [item('1', 'failed'), item('2', 'sending'), item('3')];
  await hide();
  assert.equal(woken, []);
  items.value = [{ ...item('2'), error: 'No network.' }];
  await hide();
  assert.equal(woken, ['outbox']);
});

test.run();
