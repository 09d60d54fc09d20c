import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { ApiError } from '../../../ui/net/api.ts';
import { adoptOutbox, createOutbox, type OutboxItem } from '../../../ui/net/outbox.ts';
import { settle } from '../../support/fakes/ui-clock.ts';

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
    deliver: (item: OutboxItem) => {
      sent.push(item.id);
      return new Promise((resolve, reject) => answers.set(item.id, { ok: resolve, fail: reject }));
    },
  });
  const states = () => outbox.items.value.map(({ id, state }) => `${id}:${state}`);
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
  assert.is(outbox.items.value[0]!.error, 'Too long.');
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

test('what was refused is shown after a reload, and not sent by itself', async () => {
  const { outbox, storage, answers } = setup();
  outbox.add(message('1'));
  outbox.add(decision('d'));
  answers.get('1')!.fail(new ApiError(400, 'bad_request', 'Too long.'));
  answers.get('d')!.fail(OFFLINE);
  await settle();
  const again = setup(storage);
  assert.equal(again.states(), ['1:failed', 'd:waiting']);
  assert.is(again.outbox.items.value[0]!.error, 'Too long.');
  again.outbox.flush();
  assert.equal(again.sent, ['d']);
  again.outbox.flush('1');
  assert.equal(again.sent, ['d', '1']);
  assert.equal(setup(storage).states(), ['1:waiting', 'd:waiting']);
});

test('a refusal that another tab heard is one here, and so is its second try', async () => {
  const { outbox, storage, answers, sent, states } = setup();
  outbox.add(message('1'));
  answers.get('1')!.fail(OFFLINE);
  await settle();
  const other = setup(storage);
  other.outbox.flush();
  other.answers.get('1')!.fail(new ApiError(413, 'too_large', 'Too large.'));
  await settle();
  outbox.flush();
  assert.equal([states(), sent], [['1:failed'], ['1']]);
  other.outbox.flush('1');
  outbox.flush();
  assert.equal(sent, ['1', '1']);
});

test('what another tab cancelled is not sent by one that was frozen and heard of nothing', async () => {
  const { outbox, storage, answers, sent, states } = setup();
  outbox.add(message('1'));
  outbox.add(message('2'));
  answers.get('1')!.fail(OFFLINE);
  await settle();
  const other = setup(storage);
  other.outbox.cancel('1');
  other.outbox.cancel('2');
  outbox.flush();
  assert.equal([sent, states()], [['1'], []]);
});

test('the next message of an agent is looked for when the one before it is through', async () => {
  const { outbox, storage, answers, sent } = setup();
  outbox.add(message('1'));
  outbox.add(message('2'));
  setup(storage).outbox.cancel('2');
  answers.get('1')!.ok();
  await settle();
  assert.equal(sent, ['1']);
});

for (const error of [OFFLINE, new ApiError(400, 'bad_request', 'Too long.')]) {
  test(`cancelled elsewhere while it was on its way: a failure does not bring it back (${error.code})`, async () => {
    const { outbox, storage, answers, states } = setup();
    outbox.add(message('1'));
    setup(storage).outbox.cancel('1');
    answers.get('1')!.fail(error);
    await settle();
    assert.equal([states(), storage.length], [[], 0]);
  });
}

test('the same id twice is one entry and one request, also from another tab', () => {
  const { outbox, storage, sent, states } = setup();
  outbox.add(message('1'));
  outbox.add(message('1'));
  outbox.add({ ...message('1'), body: { text: 'other', clientId: '1' } });
  assert.equal([states(), sent], [['1:sending'], ['1']]);
  const other = setup(storage);
  outbox.add(decision('d'));
  other.outbox.add(decision('d'));
  assert.equal([other.states(), other.sent, storage.length], [['1:waiting', 'd:waiting'], [], 2]);
});

test('a full storage is told, until there is room', async () => {
  const storage = new MemoryStorage();
  storage.full = true;
  const { outbox, answers } = setup(storage);
  const isUnsaved = () => outbox.items.value.map((item) => item.isUnsaved ?? false);
  outbox.add(message('1'));
  assert.equal(isUnsaved(), [true]);
  storage.full = false;
  answers.get('1')!.fail(OFFLINE);
  await settle();
  assert.equal(isUnsaved(), [false]);
  assert.equal(setup(storage).states(), ['1:waiting']);
});

test('a storage that ends with the page is told, too', () => {
  const { outbox, sent } = setup(Object.assign(new MemoryStorage(), { isMemory: true }));
  outbox.add(message('1'));
  assert.is(outbox.items.value[0]!.isUnsaved, true);
  assert.equal(sent, ['1']);
});

const ENTRY = { id: 'x', agent: 'a', at: 1, state: 'waiting', error: '', kind: 'message' };
const FOREIGN: unknown[] = [
  null,
  5,
  {},
  [],
  'text',
  { ...ENTRY, body: null },
  { ...ENTRY, body: { clientId: 'x' } },
  { ...ENTRY, body: { clientId: 'x', text: 'x', images: 1 } },
  { ...ENTRY, kind: 'other', body: { clientId: 'x', text: 'x' } },
  { ...ENTRY, kind: 'decision', body: { clientId: 'x', decision: 'allow' } },
  { ...ENTRY, at: 'now', body: { clientId: 'x', text: 'x' } },
  { ...ENTRY, id: 'y', body: { clientId: 'y', text: 'x' } },
];

test('storage that is not ours is left alone, and what is ours beside it is sent', () => {
  for (const text of [...FOREIGN.map((value) => JSON.stringify(value)), '{broken', '']) {
    const storage = new MemoryStorage();
    storage.setItem('theme', 'dark');
    storage.setItem('outbox.x', text);
    setup(storage).outbox.add(message('1'));
    const { outbox, states, sent } = setup(storage);
    outbox.flush();
    assert.equal([states(), sent], [['1:sending'], ['1']], text);
    assert.is(storage.getItem('outbox.x'), text);
  }
});

test('each machine has its own outbox, and what was written before there were several goes to the one with the agent', () => {
  const storage = new MemoryStorage();
  const open = (machine: string) => {
    const sent: string[] = [];
    const deliver = (item: OutboxItem) => {
      sent.push(`${item.machine ?? ''} ${item.id}`);
      return new Promise<void>(() => {});
    };
    return { sent, outbox: createOutbox({ storage, machine, now: () => 1, deliver }) };
  };
  open('').outbox.add(message('old', 'a'));
  const [first, second] = [open('aaaaaa'), open('bbbbbb')];
  first.outbox.add(message('1'));
  second.outbox.reload();
  assert.equal(second.outbox.items.value, []);
  assert.not.ok(adoptOutbox(storage, 'aaaaaa', (agent) => agent === 'other'));
  assert.ok(adoptOutbox(storage, 'bbbbbb', (agent) => agent === 'a'));
  assert.not.ok(adoptOutbox(storage, 'aaaaaa', () => true), 'it goes to one machine only');
  second.outbox.reload();
  second.outbox.flush();
  first.outbox.flush();
  assert.equal([first.sent, second.sent], [['aaaaaa 1'], ['bbbbbb old']]);
  assert.equal(open('').outbox.items.value, []);
  second.outbox.cancel('old');
  assert.equal([...storage.data.keys()], ['outbox/aaaaaa.1']);
});

test.run();
