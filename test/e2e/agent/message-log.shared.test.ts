import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { COALESCE_MS, MAX_LOG, MAX_MESSAGE, MAX_STREAM, MessageLog } from '../../../agent/session/message-log.ts';
import { MAX_READ } from '../../../agent/store/journal.ts';
import type { LiveChange } from '../../../core/api/live.ts';
import { fakeClock } from '../../support/fakes/fake-clock.ts';

let directory: string;
let path: string;
let sent: LiveChange[];
/** What was published with its JSON. */
let written: [LiveChange, string][];
let warnings: string[];
test.before.each(() => {
  directory = mkdtempSync(join(tmpdir(), 'messages-'));
  path = join(directory, 'journal.jsonl');
  sent = [];
  written = [];
  warnings = [];
});
test.after.each(async () => {
  for (const log of opened.splice(0)) await log.close();
  rmSync(directory, { recursive: true, force: true });
});

const clock = fakeClock();
const opened: MessageLog[] = [];
const open = () => {
  const log = new MessageLog({
    agentId: 'a',
    path,
    clock,
    publish(change, json) {
      sent.push(change);
      if (json !== undefined) written.push([change, json]);
    },
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
  assert.is(sent.length, 1);
  clock.advance(COALESCE_MS);
  log.stream('t', 'text', 'three');
  log.patch('t', { done: true, text: 'one two three' });
  assert.equal(sent.slice(1), [
    { type: 'delta', agent: 'a', id: 't', field: 'text', offset: 0, text: 'one two ' },
    { type: 'delta', agent: 'a', id: 't', field: 'text', offset: 8, text: 'three' },
    { type: 'message.patch', agent: 'a', id: 't', patch: { done: true } },
  ]);
});

test('the JSON that is published with a message is its own, whatever is in it', () => {
  const log = open();
  log.add(text('t"\n\\', 'é😀 "quoted" \u2028'));
  log.add({ kind: 'user', id: 'u', text: '', images: [{ mediaType: 'image/png', size: 1 }], status: 'sent', by: 'me' });
  assert.is(written.length, 2);
  for (const [change, json] of written) assert.is(json, JSON.stringify(change));
});

test('what streams in is bounded', () => {
  const log = open();
  log.add(text('t'));
  for (let i = 0; i < 5; i++) log.stream('t', 'text', 'x'.repeat(MAX_STREAM / 4));
  log.stream('t', 'text', 'more');
  assert.is((log.get('t') as { text: string }).text.length, MAX_STREAM);
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
  for (let i = 1; i <= MAX_MESSAGE * 1.1 + 1; i++) log.add({ kind: 'text', id: `t${i}`, text: 'x', done: true });
  assert.ok(sent.some(({ type }) => type === 'messages.cleared'));
  await log.commit();
  await log.close();
  const again = open();
  assert.is(again.page({ after: 0, limit: 1 }).messages[0]!.seq, MAX_MESSAGE * 0.1 + 2);
  assert.is(again.lastSeq, MAX_MESSAGE * 1.1 + 1);
});

test('a message that goes while text streams into it is not missed', async () => {
  const log = open();
  log.add(text('old'));
  for (let i = 1; i < MAX_MESSAGE * 1.1; i++) log.add({ kind: 'text', id: `t${i}`, text: 'x', done: true });
  log.stream('old', 'text', 'so far');
  log.add(text('new'));
  assert.is(log.get('old'), undefined);
  log.stream('old', 'text', 'and on');
  log.stream('new', 'text', 'here');
  clock.advance(2000);
  await log.close();
  assert.is((open().get('new') as { text: string }).text, 'here');
});

const long = (i: number, size = 9000) =>
  ({ kind: 'text', id: `t${i}`, text: `${i} ${'x'.repeat(size)}`, done: true }) as const;

test('the oldest messages go when their bytes are too many, however few they are; nothing is called damaged', async () => {
  for (const size of [9000, 1_500_000]) {
    const log = open();
    const count = Math.ceil(1.5 * MAX_LOG / size);
    const from = log.lastSeq + 1;
    for (let i = from; i < from + count; i++) log.add(long(i, size));
    await log.commit();
    assert.ok(statSync(path).size <= MAX_READ, `${statSync(path).size} bytes`);
    await log.close();
    const again = open();
    assert.is(again.lastSeq, from + count - 1);
    const page = again.page({ limit: 1000 }).messages;
    assert.equal(page.map(({ seq }) => seq), page.map((_, i) => again.lastSeq - page.length + 1 + i));
    assert.not(page.some(({ kind }) => kind === 'notice'));
    assert.ok(page.length > 5, `${page.length} are left`);
    await again.close();
  }
  assert.equal(warnings, []);
});

test('a journal that another version let grow: the newest messages are there, and the file is small again', async () => {
  const lines = (function* () {
    for (let seq = 1; seq <= 5000; seq++) yield `${JSON.stringify({ m: { ...long(seq), seq, at: 1 } })}\n`;
  })();
  writeFileSync(path, [...lines].join(''));
  assert.ok(statSync(path).size > MAX_READ);
  const log = open();
  assert.is(log.lastSeq, 5000);
  assert.is(log.page({ limit: 1 }).messages[0]!.kind, 'text');
  await log.commit();
  assert.ok(statSync(path).size < 1.2 * MAX_LOG);
  assert.equal(warnings, []);
});

test('characters of three bytes count as such: what is there before a restart is there after it', async () => {
  const log = open();
  for (let i = 1; i <= 40; i++) log.add({ ...long(i, 300_000), text: '中'.repeat(300_000) });
  const before = log.page({ limit: 1000 }).messages.map(({ seq }) => seq);
  assert.ok(before.length > 5 && before.length < 20, `${before}`);
  await log.close();
  assert.equal(open().page({ limit: 1000 }).messages.map(({ seq }) => seq), before);
  assert.equal(warnings, []);
});

test('what is open is found however much lies behind it, also after a restart', async () => {
  const log = open();
  log.add({ kind: 'user', id: 'waits', text: 'hello', images: [], status: 'queued', by: 'me' });
  log.add(text('streams'));
  for (let i = 1; i <= 3000; i++) log.add({ kind: 'text', id: `t${i}`, text: 'x', done: true });
  assert.equal(log.open().map(({ id }) => id), ['waits', 'streams']);
  log.patch('streams', { done: true });
  await log.close();
  const again = open();
  assert.equal(again.open().map(({ id }) => id), ['waits']);
  again.patch('waits', { status: 'sent' });
  assert.equal(again.open(), []);
});

test('the id of a command outlives its message', async () => {
  const log = open();
  log.add({ kind: 'user', id: 'once', text: 'hello', images: [], status: 'sent', by: 'me' });
  for (let i = 1; i <= 3; i++) log.add(long(i, MAX_LOG / 2));
  assert.is(log.get('once'), undefined);
  assert.ok(log.wasRemoved('once') && !log.wasRemoved('never'));
  await log.commit();
  await log.close();
  assert.ok(open().wasRemoved('once'));
});

test('messages that are removed while the file is rewritten are missing on disk alone', async () => {
  const log = open();
  for (let i = 1; i <= 3000; i++) log.add({ kind: 'text', id: `t${i}`, text: 'x', done: true });
  await log.commit();
  const rewriting = log.commit();
  log.add(long(9001, MAX_LOG * 0.8));
  log.add(long(9002, MAX_LOG * 0.8)); // removes, and begins a rewrite
  for (let i = 4000; i < 4300; i++) {
    log.add({ kind: 'text', id: `t${i}`, text: 'x', done: true });
    if (i % 100 === 0) await Promise.resolve();
  }
  log.add(long(9003, MAX_LOG * 0.8)); // and again, while the first one runs
  await rewriting;
  await log.commit();
  const there = log.page({ limit: 1000 }).messages;
  await log.close();
  assert.equal(open().page({ limit: 1000 }).messages, there);
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
  const [aside] = readdirSync(directory).filter((name) => name.includes('.corrupt-'));
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

test('a page has 100 messages, or as many as are asked for, from 1 to 1,000', () => {
  const log = open();
  for (let i = 0; i < 1100; i++) log.add(text(`t${i}`));
  const lengthOf = (limit?: number) => log.page({ limit }).messages.length;
  assert.equal([lengthOf(), lengthOf(7), lengthOf(5000), lengthOf(0), lengthOf(-5)], [100, 7, 1000, 1, 1]);
});

for (
  const [gap, last] of [
    [1000, 1002],
    // Nobody lost so many: the number is damaged.
    [1001, 1002],
  ]
) {
  test(`a gap of ${gap} numbers: the message behind it is number ${last}`, () => {
    const line = (id: string, seq: number) => `${JSON.stringify({ m: { ...text(id), seq, at: 1 } })}\n`;
    writeFileSync(path, line('a', 1) + line('b', gap! + 2));
    const { messages } = open().page({ limit: 1000 });
    assert.equal([messages.at(-1)!.id, messages.at(-1)!.seq], ['b', last]);
    assert.is(messages.at(-2)!.kind, 'notice');
  });
}

test.run();
