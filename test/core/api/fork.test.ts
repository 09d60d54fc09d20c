import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { forkAt } from '../../../core/api/fork.ts';
import type { Message } from '../../../core/api/messages.ts';

/** A conversation in short: `u` a message, `q` one that waits, `c` one that was withdrawn, `t` a text, `e` the end of a turn, `x` one
 * without a place, `n` a notice, `z` a summary. */
function conversation(kinds: string): Message[] {
  return [...kinds].map((kind, i) => {
    const base = { id: `${kind}${i}`, seq: i + 1, at: i };
    const user = { ...base, kind: 'user' as const, text: '', images: [], by: '' };
    const turn = { ...base, kind: 'turn', outcome: 'done', text: '', durationMs: 1, costUsd: null } as const;
    const notice = { ...base, kind: 'notice', level: 'info', text: '', passing: false } as const;
    const tokens = { inputTokens: 0, outputTokens: 0 };
    const point = { session: 's', id: `p${i}` };
    switch (kind) {
      case 'u':
        return { ...user, status: 'sent' };
      case 'q':
        return { ...user, status: 'queued' };
      case 'c':
        return { ...user, status: 'cancelled' };
      case 't':
        return { ...base, kind: 'text', text: '', done: true };
      case 'e':
        return { ...turn, ...tokens, point };
      case 'x':
        return { ...turn, ...tokens };
      default:
        return { ...notice, code: kind === 'z' ? 'compacted' : 'info' };
    }
  });
}

const found = (messages: Message[], id: string) => {
  const fork = forkAt(messages, id);
  return fork && [fork.point.id, fork.messages.map((message) => message.id).join(' ')];
};

const CASES: [name: string, kinds: string, id: string, expected: unknown][] = [
  ['the end of a turn: all up to it', 'uteute', 'e2', ['p2', 'u0 t1 e2']],
  ['the newest end', 'uteute', 'e5', ['p5', 'u0 t1 e2 u3 t4 e5']],
  ['a message: all before it', 'uteute', 'u3', ['p2', 'u0 t1 e2']],
  ['notices and withdrawn messages in between change nothing', 'utencut', 'u5', ['p2', 'u0 t1 e2']],
  ['the first message has nothing before it', 'ute', 'u0', null],
  ['a message within a turn', 'uteutut', 'u5', null],
  ['an answer is no place of its own', 'ute', 't1', null],
  ['a turn of an older journal', 'utxute', 'x2', null],
  ['a message behind one', 'utxute', 'u3', null],
  ['what was summarised since is not to be had', 'uteutez', 'e2', null],
  ['nor is what ended right before it', 'uteutez', 'e5', null],
  ['what came behind it is', 'uteutezute', 'e9', ['p9', 'u0 t1 e2 u3 t4 e5 z6 u7 t8 e9']],
  ['no such message', 'ute', 'e9', null],
];
for (const [name, kinds, id, expected] of CASES) {
  test(name, () => assert.equal(found(conversation(kinds), id), expected));
}

test('a message that waited stands where it was handed over', () => {
  const messages = conversation('utute');
  // Sent while the first turn ran, taken after its end.
  const waited = { ...messages[2]!, after: 4 } as Message;
  const turn = { ...conversation('....e')[4]!, id: 'end', seq: 4 } as Message;
  const list = [messages[0]!, messages[1]!, waited, turn, { ...messages[3]!, seq: 5 }] as Message[];
  assert.equal(found(list, 'u2'), ['p4', 'u0 t1 end']);
});

test.run();
