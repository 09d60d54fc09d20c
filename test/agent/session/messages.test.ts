import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { COALESCE_MS, MESSAGE_LIMIT, MessageLog, STREAM_LIMIT } from '../../../agent/session/messages.ts';
import type { LiveChange } from '../../../core/wire/live.ts';
import { handClock } from '../../support/hand-clock.ts';

let folder: string;
let path: string;
let told: LiveChange[];
let warnings: string[];
test.before.each(() => {
  folder = mkdtempSync(join(tmpdir(), 'messages-'));
  path = join(folder, 'journal.jsonl');
  told = [];
  warnings = [];
});
test.after.each(async () => {
  for (const log of opened.splice(0)) await log.close();
  rmSync(folder, { recursive: true, force: true });
});

const clock = handClock();
const opened: MessageLog[] = [];
const open = () => {
  const log = new MessageLog({
    agentId: 'a',
    path,
    clock,
    publish: (change) => told.push(change),
    warn: (text) => text && warnings.push(text),
  });
  opened.push(log);
  return log;
};
const text = (id: string, said = '') => ({ kind: 'text', id, text: said, done: false }) as const;

test('streamed text is told together, with offsets, before anything else about it', () => {
  const log = open();
  log.add(text('t'));
  log.stream('t', 'text', 'one ');
  log.stream('t', 'text', 'two ');
  assert.is(told.length, 1);
  clock.advance(COALESCE_MS);
  log.stream('t', 'text', 'three');
  log.patch('t', { done: true, text: 'one two three' });
  assert.equal(told.slice(1), [
    { type: 'delta', agent: 'a', id: 't', field: 'text', offset: 0, text: 'one two ' },
    { type: 'delta', agent: 'a', id: 't', field: 'text', offset: 8, text: 'three' },
    { type: 'message.patch', agent: 'a', id: 't', patch: { done: true } },
  ]);
});

test('what streams in is bounded', () => {
  const log = open();
  log.add(text('t'));
  for (let i = 0; i < 5; i++) log.stream('t', 'text', 'x'.repeat(STREAM_LIMIT / 4));
  log.stream('t', 'text', 'more');
  assert.is((log.get('t') as { text: string }).text.length, STREAM_LIMIT);
});

test('half a streamed text is there after a crash', async () => {
  const log = open();
  log.add(text('t'));
  log.stream('t', 'text', 'so far');
  clock.advance(2000);
  await log.commit();
  assert.is((open().get('t') as { text: string }).text, 'so far');
});

test('10,000 messages are read back quickly and page backwards', async () => {
  const log = open();
  for (let i = 1; i <= 10_000; i++) {
    log.add({ kind: 'text', id: `t${i}`, text: `message ${i} ${'word '.repeat(40)}`, done: true });
  }
  await log.commit();
  await log.close();
  const started = performance.now();
  const again = open();
  const took = performance.now() - started;
  assert.is(again.lastSeq, 10_000);
  assert.ok(took < 1000, `${took} ms`);
  const seen: number[] = [];
  for (let before = 10_001; before > 1;) {
    const page = again.page({ before, limit: 777 });
    seen.unshift(...page.messages.map(({ seq }) => seq));
    before = page.messages[0]!.seq;
    assert.is(page.more, before > 1);
  }
  assert.equal(seen, Array.from({ length: 10_000 }, (_, i) => i + 1));
  console.log(`10,000 messages (${Math.round(statSync(path).size / 1024)} KiB) read in ${Math.round(took)} ms`);
});

test('the oldest messages go when there are too many; the journal is bounded with them', async () => {
  const log = open();
  for (let i = 1; i <= MESSAGE_LIMIT * 1.1 + 1; i++) log.add({ kind: 'text', id: `t${i}`, text: 'x', done: true });
  assert.ok(told.some(({ type }) => type === 'messages.cleared'));
  await log.commit();
  await log.close();
  const again = open();
  assert.is(again.page({ after: 0, limit: 1 }).messages[0]!.seq, MESSAGE_LIMIT * 0.1 + 2);
  assert.is(again.lastSeq, MESSAGE_LIMIT * 1.1 + 1);
});

test('a message that goes while text streams into it is not missed', async () => {
  const log = open();
  log.add(text('old'));
  for (let i = 1; i < MESSAGE_LIMIT * 1.1; i++) log.add({ kind: 'text', id: `t${i}`, text: 'x', done: true });
  log.stream('old', 'text', 'so far');
  log.add(text('new'));
  assert.is(log.get('old'), undefined);
  log.stream('old', 'text', 'and on');
  log.stream('new', 'text', 'here');
  clock.advance(2000);
  await log.close();
  assert.is((open().get('new') as { text: string }).text, 'here');
});

test('a damaged journal is kept aside, reported, and what can be read is there without gaps', async () => {
  const log = open();
  for (let i = 1; i <= 5; i++) log.add({ kind: 'text', id: `t${i}`, text: `${i}`, done: true });
  await log.close();
  const lines = readFileSync(path, 'utf8').split('\n');
  lines[2] = lines[2]!.slice(0, 10);
  writeFileSync(path, `${lines.join('\n')}{"m":{"id"`);
  const again = open();
  const { messages } = again.page({});
  assert.equal(messages.map(({ seq }) => seq), [1, 2, 3, 4, 5]);
  assert.is(messages[2]!.kind, 'notice');
  const [aside] = readdirSync(folder).filter((name) => name.includes('.corrupt-'));
  assert.match(warnings[0]!, aside!);
  await again.commit();
  await again.close();
  warnings = [];
  assert.is(open().lastSeq, 5);
  assert.equal(warnings, []);
});

test('earlier history comes first, with its own times, and once', () => {
  const log = open();
  log.import([{ kind: 'text', id: 'old', text: 'earlier', done: true, at: 5 }]);
  log.import([{ kind: 'text', id: 'old', text: 'earlier', done: true, at: 5 }]);
  log.add(text('new'));
  assert.equal(log.page({}).messages.map(({ id, seq }) => [id, seq]), [['old', 1], ['new', 2]]);
  assert.is(log.get('old')!.at, 5);
});

test.run();
