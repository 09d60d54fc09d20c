import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { ApiError } from '../../ui/api.ts';
import { createOutbox, type Outgoing } from '../../ui/outbox.ts';
import { settle } from '../support/ui-clock.ts';

class MemoryStorage {
  data = new Map<string, string>();
  full = false;
  get length() {
    return this.data.size;
  }
  key = (i: number) => [...this.data.keys()][i] ?? null;
  getItem = (key: string) => this.data.get(key) ?? null;
  setItem = (key: string, value: string) => {
    if (this.full) throw new Error('quota');
    this.data.set(key, value);
  };
  removeItem = (key: string) => void this.data.delete(key);
}

function setup(storage = new MemoryStorage()) {
  const sent: string[] = [];
  const answers = new Map<string, { ok: () => void; fail: (error: Error) => void }>();
  let time = 0;
  const outbox = createOutbox({
    storage,
    now: () => ++time,
    deliver: (item: Outgoing) => {
      sent.push(item.id);
      return new Promise((resolve, reject) => answers.set(item.id, { ok: resolve, fail: reject }));
    },
  });
  const states = () => outbox.items.get().map(({ id, state }) => `${id}:${state}`);
  return { storage, sent, answers, outbox, states };
}

const message = (id: string, agent = 'a') => ({ kind: 'message' as const, agent, body: { text: id, clientId: id } });
const decision = (id: string) => ({
  kind: 'decision' as const,
  agent: 'a',
  request: 'r',
  body: { decision: 'allow', clientId: id },
});
const OFFLINE = new ApiError(0, 'offline', 'The server cannot be reached.');

test('an accepted entry is gone from page and storage', async () => {
  const { outbox, answers, storage, states } = setup();
  outbox.add(message('1'));
  assert.equal(states(), ['1:sending']);
  assert.is(storage.length, 1);
  answers.get('1')!.ok();
  await settle();
  assert.equal(states(), []);
  assert.is(storage.length, 0);
});

test('messages of one agent go one after another, decisions and other agents beside them', () => {
  const { outbox, sent } = setup();
  outbox.add(message('1'));
  outbox.add(message('2'));
  outbox.add(message('3', 'b'));
  outbox.add(decision('d'));
  assert.equal(sent, ['1', '3', 'd']);
});

test('without a way it waits, and goes out in order with the same ids', async () => {
  const { outbox, sent, answers, states } = setup();
  outbox.add(message('1'));
  outbox.add(message('2'));
  answers.get('1')!.fail(OFFLINE);
  await settle();
  assert.equal(states(), ['1:waiting', '2:waiting']);
  outbox.flush();
  answers.get('1')!.ok();
  await settle();
  answers.get('2')!.ok();
  await settle();
  assert.equal(sent, ['1', '1', '2']);
  assert.equal(states(), []);
});

test('what waits survives a reload', async () => {
  const { outbox, storage, answers } = setup();
  outbox.add(message('1'));
  outbox.add(decision('d'));
  answers.get('1')!.fail(OFFLINE);
  await settle();
  const again = setup(storage);
  assert.equal(again.states(), ['1:waiting', 'd:waiting']);
  again.outbox.flush();
  assert.equal(again.sent, ['1', 'd']);
});

test('a refusal stays with its reason and does not hold up the next', async () => {
  const { outbox, sent, answers, states } = setup();
  outbox.add(message('1'));
  outbox.add(message('2'));
  answers.get('1')!.fail(new ApiError(400, 'bad_request', 'Too long.'));
  await settle();
  assert.equal(states(), ['1:failed', '2:sending']);
  assert.is(outbox.items.get()[0]!.error, 'Too long.');
  outbox.cancel('1');
  answers.get('2')!.ok();
  await settle();
  assert.equal(states(), []);
  assert.equal(sent, ['1', '2']);
});

test('a failed entry is sent again only when asked', async () => {
  const { outbox, sent, answers } = setup();
  outbox.add(decision('d'));
  answers.get('d')!.fail(new ApiError(410, 'request_gone', 'Gone.'));
  await settle();
  outbox.flush();
  assert.equal(sent, ['d']);
  outbox.flush('d');
  assert.equal(sent, ['d', 'd']);
});

test('signed out or throttled is not a refusal of the content', async () => {
  const { outbox, answers, states } = setup();
  outbox.add(message('1'));
  answers.get('1')!.fail(new ApiError(401, 'login_required', 'Log in first.'));
  await settle();
  assert.equal(states(), ['1:waiting']);
});

test('a full storage does not lose the entry of this page, nor does another tab', async () => {
  const storage = new MemoryStorage();
  storage.full = true;
  const { outbox, states, answers } = setup(storage);
  outbox.add(message('1'));
  answers.get('1')!.fail(OFFLINE);
  await settle();
  outbox.reload();
  assert.equal(states(), ['1:waiting']);
});

test('another tab sent it: it is gone here too', async () => {
  const { outbox, storage, answers, states } = setup();
  outbox.add(message('1'));
  answers.get('1')!.fail(OFFLINE);
  await settle();
  storage.removeItem('outbox.1');
  outbox.reload();
  assert.equal(states(), []);
});

test('storage that is not ours is left alone', () => {
  const storage = new MemoryStorage();
  storage.setItem('theme', 'dark');
  storage.setItem('outbox.x', '{broken');
  assert.equal(setup(storage).states(), []);
});

test.run();
