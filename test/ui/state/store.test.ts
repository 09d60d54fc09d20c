import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { LiveChange, LiveMessage } from '../../../core/api/live.ts';
import type { Message } from '../../../core/api/messages.ts';
import { addOlder, apply, change, EMPTY, forget, leave, type State, trim } from '../../../ui/state/store.ts';
import { agent, conversation, machine, messages, text } from '../../support/fakes/ui-data.ts';

const welcome = (resumed: boolean, epoch = 'e1'): LiveMessage => ({
  type: 'welcome',
  epoch,
  seq: 10,
  resumed,
  machine,
});
const snapshot = (agents = [agent({ id: 'a' })], seq = 10): LiveMessage => ({
  type: 'snapshot',
  epoch: 'e1',
  seq,
  snapshot: {
    agents,
    terminals: [],
    templates: [],
    tasks: [],
    warnings: [],
    pipeline: {
      running: false,
      startedAt: null,
      text: '',
      counts: { pending: 0, running: 0, waiting_input: 0, completed: 0, failed: 0, skipped: 0, blocked: 0 },
    },
  },
});
const event = (seq: number, to: LiveChange): LiveMessage => ({ type: 'event', seq, change: to });
const page = (list: Message[], more = false, seq = 10): LiveMessage => ({
  type: 'messages',
  seq,
  agent: 'a',
  messages: list,
  more,
});
const run = (...list: LiveMessage[]): State => list.reduce(apply, EMPTY);
const started = run(welcome(false), snapshot());
const texts = (state: State) => state.chats.a!.messages.map((m) => (m.kind === 'text' ? m.text : m.kind));

test('a snapshot replaces everything and sets the cursor', () => {
  const state = run(
    welcome(false),
    snapshot([agent({ id: 'a' }), agent({ id: 'b' })]),
    snapshot([agent({ id: 'c' })], 12),
  );
  assert.equal(Object.keys(state.agents), ['c']);
  assert.is(state.seq, 12);
  assert.is(state.epoch, 'e1');
  assert.ok(state.loaded);
});

test('settings may have changed with every snapshot but the first', () => {
  assert.is(started.settingsVersion, 0);
  const again = run(welcome(false), snapshot(), welcome(false, 'e2'), snapshot());
  assert.is(again.settingsVersion, 1);
  assert.is(run(welcome(false), snapshot(), event(11, { type: 'settings' })).settingsVersion, 1);
});

test('between a welcome and its snapshot nothing is a place to go on from', () => {
  const after = run(welcome(false), snapshot(), welcome(false, 'e2'));
  assert.equal([after.epoch, after.seq, Object.keys(after.agents)], [null, 0, ['a']]);
  for (const early of [event(11, { type: 'agent.removed', id: 'a' }), { type: 'pong', t: 1, seq: 99 } as LiveMessage]) {
    assert.is(apply(after, early), after);
  }
  const resumed = run(welcome(false), snapshot(), welcome(true));
  assert.equal([resumed.epoch, resumed.seq], ['e1', 10]);
});

test('an agent machine of an earlier version says its epoch only in the welcome', () => {
  const { epoch: _, ...old } = snapshot() as Extract<LiveMessage, { type: 'snapshot' }>;
  assert.is(run(welcome(false, 'e2'), old as LiveMessage).epoch, 'e2');
});

test('applying any message twice gives the same as once', () => {
  const list = messages([text('one'), text('tw', false)]);
  const script: LiveMessage[] = [
    page(list, true),
    event(11, { type: 'agent.patch', id: 'a', patch: { state: 'running' } }),
    event(12, { type: 'delta', agent: 'a', id: 'm2', field: 'text', offset: 2, text: 'o and' }),
    event(13, { type: 'delta', agent: 'a', id: 'm2', field: 'text', offset: 7, text: ' more' }),
    event(14, { type: 'message', agent: 'a', message: messages([text('three')], 3)[0]! }),
    event(15, { type: 'message.patch', agent: 'a', id: 'm2', patch: { done: true } }),
    event(16, { type: 'warning', code: 'w', text: 'careful' }),
  ];
  const once = script.reduce(apply, started);
  assert.equal(texts(once), ['one', 'two and more', 'three']);
  let twice = started;
  for (const message of script) twice = apply(apply(twice, message), message);
  assert.equal(twice, once);
  // The whole run again: nothing at or below the cursor counts.
  assert.equal(script.slice(1).reduce(apply, once), once);
});

test('deltas repeated without a cursor change nothing: their offsets say that the text is there', () => {
  const delta: LiveChange = { type: 'delta', agent: 'a', id: 'm1', field: 'text', offset: 3, text: 'def' };
  const first = change(apply(started, page(messages([text('abc', false)]))), delta);
  assert.equal(texts(first), ['abcdef']);
  assert.is(change(first, delta), first);
  assert.equal(texts(change(first, { ...delta, offset: 4, text: 'efgh' })), ['abcdefgh']);
});

test('a delta behind a gap is left out', () => {
  const state = apply(started, page(messages([text('abc', false)])));
  assert.is(change(state, { type: 'delta', agent: 'a', id: 'm1', field: 'text', offset: 9, text: 'x' }), state);
});

test('a delta lands at the right place beside surrogate pairs', () => {
  const state = apply(started, page(messages([text('é😀', false)])));
  const next = change(state, { type: 'delta', agent: 'a', id: 'm1', field: 'text', offset: 3, text: '中' });
  assert.equal(texts(next), ['é😀中']);
});

test('messages of an agent that nobody watches are not kept', () => {
  const state = apply(started, event(11, { type: 'message', agent: 'a', message: messages([text('x')])[0]! }));
  assert.equal(state.chats, {});
});

test('a message is put in its place by its number', () => {
  const [entry, two, three] = messages([text('1'), text('2'), text('3')]);
  const state = apply(started, page([entry!, three!]));
  assert.equal(texts(change(state, { type: 'message', agent: 'a', message: two! })), ['1', '2', '3']);
});

test('older than all that is loaded: comes with its page, not as a hole', () => {
  const list = messages([text('1'), text('2'), text('3')]);
  const state = apply(started, page(list.slice(2), true));
  assert.is(change(state, { type: 'message', agent: 'a', message: list[0]! }), state);
  assert.equal(texts(addOlder(state, 'a', list.slice(0, 2), false)), ['1', '2', '3']);
});

test('an older page that overlaps adds nothing twice', () => {
  const list = messages([text('1'), text('2'), text('3')]);
  const state = apply(started, page(list.slice(1), true));
  assert.equal(texts(addOlder(state, 'a', list, false)), ['1', '2', '3']);
  assert.is(addOlder(state, 'a', list, false).chats.a!.more, false);
});

test('a new newest page joins what it touches and replaces it over a gap', () => {
  const list = messages(Array.from({ length: 10 }, (_, i) => text(String(i + 1))));
  const state = apply(started, page(list.slice(2, 5), true));
  assert.equal(texts(apply(state, page(list.slice(4, 8), true))), ['3', '4', '5', '6', '7', '8']);
  assert.equal(texts(apply(state, page(list.slice(6), true))), ['7', '8', '9', '10']);
});

test('not resumed: everything is stale, an event of the new life counts although its number is small', () => {
  const list = messages([text('old')]);
  const before = apply(started, page(list));
  const after = apply(before, welcome(false, 'e2'));
  assert.ok(after.chats.a!.stale);
  assert.is(after.seq, 0);
  const fresh = messages([text('new'), text('newer')]);
  const state = apply(apply(after, snapshot([agent({ id: 'a' })], 2)), page(fresh, false, 2));
  assert.equal(texts(state), ['new', 'newer']);
  assert.not.ok(state.chats.a!.stale);
});

test('resumed: nothing is thrown away, the missed events follow', () => {
  const before = apply(started, page(messages([text('a', false)])));
  const state = apply(
    apply(before, welcome(true)),
    event(11, { type: 'delta', agent: 'a', id: 'm1', field: 'text', offset: 1, text: 'b' }),
  );
  assert.equal(texts(state), ['ab']);
});

test('a cleared journal empties the chat and asks for it again', () => {
  const state = apply(apply(started, page(messages([text('a')]))), event(11, { type: 'messages.cleared', agent: 'a' }));
  assert.not.ok(state.chats.a!.ready);
  assert.is(state.chats.a!.messages.length, 0);
});

test('a removed agent takes its messages with it; patches that come late are harmless', () => {
  const state = change(apply(started, page(messages([text('a')]))), { type: 'agent.removed', id: 'a' });
  assert.equal(state.agents, {});
  assert.equal(state.chats, {});
  assert.is(change(state, { type: 'agent.patch', id: 'a', patch: { state: 'idle' } }), state);
  assert.is(change(state, { type: 'agent.patch', id: '__proto__', patch: { state: 'idle' } }).agents, state.agents);
});

test('an empty text takes a warning back', () => {
  const entry = change(started, { type: 'warning', code: 'disk', text: 'The disk is full.' });
  assert.is(entry.warnings.length, 1);
  assert.is(change(entry, { type: 'warning', code: 'disk', text: '' }).warnings.length, 0);
});

test('a pong moves the cursor over what was not for this page', () => {
  assert.is(apply(started, { type: 'pong', t: 1, seq: 40 }).seq, 40);
  assert.is(apply(started, { type: 'pong', t: 1, seq: 4 }).seq, 10);
});

test('a change of a newer server is left alone', () => {
  assert.equal(change(started, { type: 'new.kind' } as unknown as LiveChange), started);
});

test('trimming keeps the newest and knows that there is more', () => {
  const list = conversation();
  const state = trim(apply(started, page(list)), 'a', 4);
  assert.is(state.chats.a!.messages.length, 4);
  assert.is(state.chats.a!.messages.at(-1)!.id, list.at(-1)!.id);
  assert.ok(state.chats.a!.more);
  assert.equal(forget(state, 'a').chats, {});
});

test('who comes back finds the newest messages as they were, until the next page; what did not change is the same object', () => {
  const list = messages([text('1'), text('2'), text('3', false)]);
  const left = leave(apply(started, page(list)), 'a', 2);
  assert.equal(texts(left), ['2', '3']);
  assert.equal([left.chats.a!.ready, left.chats.a!.stale, left.chats.a!.more], [true, true, true]);
  // A page that would have been joined to them replaces them all the same: what lies between may be missing.
  const now = structuredClone([list[1]!, { ...list[2]!, text: '3, at its end', done: true } as Message]);
  const back = apply(left, page(now, true));
  assert.equal(texts(back), ['2', '3, at its end']);
  assert.is(back.chats.a!.messages[0], list[1]);
  assert.is(back.chats.a!.messages[1], now[1]);
  assert.not.ok(back.chats.a!.stale);
  assert.is(leave(started, 'a', 2), started, 'nothing was loaded of it');
});

test('random cuts and repetitions end in the same state as an uncut run', () => {
  let seed = 7;
  const random = () => (seed = (seed * 16807) % 2147483647) / 2147483647;
  const all: LiveMessage[] = [];
  let seq = 10;
  let length = 0;
  for (let i = 0; i < 300; i++) {
    const added = 'x'.repeat(1 + Math.floor(random() * 5));
    all.push(event(++seq, { type: 'delta', agent: 'a', id: 'm1', field: 'text', offset: length, text: added }));
    length += added.length;
  }
  const base = apply(started, page(messages([text('', false)])));
  const uncut = all.reduce(apply, base);
  for (let round = 0; round < 50; round++) {
    let state = base;
    for (let at = 0; at < all.length;) {
      const chunk = 1 + Math.floor(random() * 40);
      for (const message of all.slice(at, at + chunk)) state = apply(state, message);
      at += chunk;
      // The socket is cut: the server sends everything after the cursor again, and some of it twice.
      state = apply(state, welcome(true));
      at = Math.max(0, at - Math.floor(random() * 20));
    }
    assert.equal(state.chats, uncut.chats);
  }
});

test.run();
