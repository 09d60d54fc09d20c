import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Message } from '../../../core/api/messages.ts';
import { lostContext } from '../../../agent/session/lost-context.ts';

let seq = 0;
const base = () => ({ id: `m-${++seq}`, seq, at: 1 });
const user = (text: string, status = 'sent') =>
  ({ ...base(), kind: 'user', text, images: [], status, by: '' }) as Message;
const said = (text: string, parent?: string) =>
  ({ ...base(), kind: 'text', text, done: true, ...(parent ? { parent } : {}) }) as Message;
const contextOf = (...messages: Message[]) => lostContext(messages.reverse());

test('without a conversation there is nothing to tell', () => {
  assert.is(contextOf(), '');
  assert.is(contextOf(user('on its way', 'accepted'), user('refused', 'failed'), user('taken back', 'cancelled')), '');
});

test('what the user wrote in order, and the last answer, not that of a subagent', () => {
  const text = contextOf(user('first'), said('early'), user('second'), said('late'), said('of a subagent', 'tool-1'));
  assert.match(text, /User: first\n\nUser: second\n\nAgent, at the end: late\n/);
  assert.not.match(text, /early|subagent/);
});

test('it is bounded: the first and the newest messages stay', () => {
  const many = Array.from({ length: 500 }, (_, i) => user(`message ${i} ${'x'.repeat(200)}`));
  const text = contextOf(user(`the task ${'y'.repeat(50_000)}`), ...many, said('z'.repeat(50_000)));
  assert.ok(text.length < 18_000, `${text.length}`);
  assert.match(text, 'the task');
  assert.match(text, 'message 499');
  assert.not.match(text, 'message 0 ');
});

test('half a character is never cut off', () => {
  const text = contextOf(user('😀'.repeat(5000)), said('😀'.repeat(5001)));
  assert.not.match(text, /[\uD800-\uDBFF](?![\uDC00-\uDFFF])|(?<![\uD800-\uDBFF])[\uDC00-\uDFFF]/);
});

test.run();
