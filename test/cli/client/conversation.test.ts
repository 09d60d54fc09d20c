import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Conversation, isFinal } from '../../../cli/client/conversation.ts';
import type { LiveChange } from '../../../core/api/live.ts';
import type { Message } from '../../../core/api/messages.ts';
import { partsOf } from '../../../cli/client/transcript.ts';
import { seeded } from '../../support/fakes/seeded.ts';

const AGENT = 'agent';
const text = (seq: number, content: string, done = true): Message => ({
  kind: 'text',
  id: `m${seq}`,
  seq,
  at: 0,
  text: content,
  done,
});
const turn = (seq: number): Message => ({
  kind: 'turn',
  id: `m${seq}`,
  seq,
  at: 0,
  outcome: 'done',
  text: '',
  durationMs: 1,
  costUsd: null,
  inputTokens: 0,
  outputTokens: 0,
});
const added = (message: Message): LiveChange => ({ type: 'message', agent: AGENT, message });
const patched = (id: string, patch: Record<string, unknown>): LiveChange => ({
  type: 'message.patch',
  agent: AGENT,
  id,
  patch,
});

test('each message comes when it is complete; other agents are not heard', () => {
  const seen = new Conversation(AGENT, 0);
  assert.equal(seen.apply(added(text(1, 'a', false))).changed.map(isFinal), [false]);
  seen.apply({ type: 'delta', agent: AGENT, id: 'm1', field: 'text', offset: 1, text: 'bc' });
  const { changed } = seen.apply(patched('m1', { text: 'abc', done: true }));
  assert.equal(changed.map(({ id }) => id), ['m1']);
  assert.ok(isFinal(changed[0]!));
  assert.equal(seen.apply({ ...added(text(2, 'x')), agent: 'other' } as LiveChange).changed, []);
  assert.is(seen.lastSeq, 1);
});

test('a gap is noticed, and what is missing is asked for from the first open message on', () => {
  const seen = new Conversation(AGENT, 0);
  seen.addPage([text(1, 'a'), text(2, 'b', false), text(3, 'c')]);
  assert.is(seen.resumeAfter, 1);
  const step = seen.apply(added(text(6, 'f')));
  assert.equal(step, { changed: [], isBehind: true });
  assert.is(seen.lastSeq, 3);
  const page = seen.addPage([text(2, 'b'), text(3, 'c'), text(4, 'd'), text(5, 'e'), text(6, 'f')]);
  assert.equal(page.changed.map(({ seq }) => seq), [2, 4, 5, 6]);
  assert.is(seen.resumeAfter, 6);
});

test('todos and passing notices of a past turn are not asked for again', () => {
  const seen = new Conversation(AGENT, 0);
  seen.apply(added({ kind: 'todos', id: 'm1', seq: 1, at: 0, todos: [] }));
  assert.is(seen.resumeAfter, 0);
  seen.apply(added(turn(2)));
  assert.is(seen.resumeAfter, 2);
});

test('after any cuts, every message is complete exactly once and in order', () => {
  for (let seed = 1; seed <= 200; seed++) {
    const random = seeded(seed);
    const server: Message[] = [];
    const conversation = new Conversation(AGENT, 0);
    const complete: number[] = [];
    const printed = new Set<string>();
    let isConnected = false;
    const take = ({ changed, isBehind }: ReturnType<Conversation['apply']>) => {
      for (const message of changed) {
        for (const { key } of partsOf(message)) {
          const name = `${message.id} ${key}`;
          assert.not(printed.has(name) && isFinal(message), `${name} twice (seed ${seed})`);
          printed.add(name);
        }
        if (isFinal(message)) complete.push(message.seq);
      }
      if (isBehind) take(conversation.addPage(server.filter(({ seq }) => seq > conversation.resumeAfter)));
    };
    const connect = () => {
      isConnected = true;
      take(conversation.addPage(server.filter(({ seq }) => seq > conversation.resumeAfter)));
    };
    for (let step = 0; step < 60; step++) {
      if (random() < 0.2) isConnected = !isConnected && (connect(), true);
      const open = server.filter((message) => !isFinal(message));
      if (open.length && random() < 0.5) {
        const message = open[Math.floor(random() * open.length)]!;
        server[message.seq - 1] = { ...message, done: true } as Message;
        if (isConnected) take(conversation.apply(patched(message.id, { done: true })));
      } else {
        server.push(text(server.length + 1, 'x', random() < 0.5));
        if (isConnected) take(conversation.apply(added(server.at(-1)!)));
      }
    }
    connect();
    assert.equal([...complete].sort((a, b) => a - b), server.filter(isFinal).map(({ seq }) => seq), `seed ${seed}`);
    assert.is(new Set(complete).size, complete.length, `seed ${seed}`);
  }
});

test.run();
