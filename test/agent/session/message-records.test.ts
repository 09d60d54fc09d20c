/** A journal of 2 GiB, of whatever messages, opens in a moment: its newest messages are read, and nothing else. */
import { Buffer } from 'node:buffer';
import { appendFileSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { readMessages } from '../../../agent/session/message-records.ts';
import { MAX_READ } from '../../../agent/store/journal.ts';
import { cpuMs } from '../../support/harness/cpu-time.ts';

const BOUNDS = { count: 22_000, weight: 13 * 1024 * 1024 };
let directory: string;
let path: string;
test.before.each(() => {
  directory = mkdtempSync(join(tmpdir(), 'message-records-'));
  path = join(directory, 'journal.jsonl');
});
test.after.each(() => rmSync(directory, { recursive: true, force: true }));

const read = () => readMessages(path, assert.unreachable, Date.now, BOUNDS);
const line = (id: string, seq: number, more: object = {}) =>
  `${JSON.stringify({ m: { kind: 'text', id, text: 'x', done: true, ...more, seq, at: 1 } })}\n`;

const tool = { tool: 'Bash', input: { command: 'ls "é中"', a: [1, 2] }, output: 'line\n'.repeat(50), status: 'ok' };
const SHAPES: Record<string, (i: number) => string> = {
  'small messages': (i) => line(`m-${i}`, i),
  'tools with other letters': (i) => line(`m-${i}`, i, tool),
  'texts of a kilobyte': (i) => line(`m-${i}`, i, { text: 'x'.repeat(900) }),
  'messages that were saved again and again': (i) => line(`m-${i >> 4}`, i >> 4, { text: `${i} ${'x'.repeat(900)}` }),
};
for (const [name, make] of Object.entries(SHAPES)) {
  test(`2 GiB of ${name}: the newest are there in less than 300 ms`, () => {
    writeFileSync(path, '');
    truncateSync(path, 2 ** 31); // a hole: it takes no room on the disk
    const lines = ['\n'];
    let last = 1000;
    for (let size = 0; size <= MAX_READ; last++) size += Buffer.byteLength(lines[lines.push(make(last)) - 1]!);
    appendFileSync(path, lines.join(''));
    const newest = lines.slice(-BOUNDS.count);
    lines.length = 0;
    // A slow machine is measured by what it costs to read that many bytes of the same lines without a file.
    const beganPlain = cpuMs();
    let plainBytes = 0;
    for (const text of newest) {
      if ((plainBytes += text.length) < BOUNDS.weight) JSON.parse(Buffer.from(text).toString());
    }
    const plain = cpuMs() - beganPlain;
    const before = process.memoryUsage().arrayBuffers;
    const began = cpuMs();
    const { list, isOutdated } = read();
    const ms = cpuMs() - began;
    console.log(
      `2 GiB of ${name}: ${list.length} messages in ${ms.toFixed(0)} ms, parsed alone ${plain.toFixed(0)} ms`,
    );
    assert.ok(ms < Math.max(300, 2 * plain), `${ms} ms, parsed alone ${plain} ms`);
    assert.ok(process.memoryUsage().arrayBuffers - before < MAX_READ / 4, 'it is not read into memory as a whole');
    const end = JSON.parse(newest.at(-1)!).m;
    assert.equal(list.at(-1), end);
    assert.equal(list.map(({ seq }) => seq), list.map((_, i) => end.seq - list.length + 1 + i));
    assert.ok(list.length > 1000 && isOutdated);
  });
}

const values = Array.from({ length: 2000 }, () => ({}));
const HEAVY: Record<string, (i: number) => string> = {
  'many small values': (i) => line(`m-${i}`, i, { input: { values } }),
  'records of one message, each to be parsed': (i) =>
    `${JSON.stringify({ m: { seq: 1, id: 'm"', kind: 'tool', input: { values }, output: `${i}`, at: 1 } })}\n`,
  'lines that are damaged at their end': (i) => `${line(`m-${i}`, i, { input: { values } }).slice(0, -3)}\n`,
  'brackets': () => `${'['.repeat(2000)}\n`,
};
for (const [name, make] of Object.entries(HEAVY)) {
  test(`${MAX_READ / 2 ** 20} MiB of ${name}: the event loop waits for a moment`, () => {
    const lines: string[] = [];
    for (let size = 0, i = 1; size <= MAX_READ; i++) size += lines[lines.push(make(i)) - 1]!.length;
    writeFileSync(path, lines.join(''));
    // A slow machine is measured by what it takes to parse so many texts of a kilobyte.
    const plainText = JSON.stringify({ text: 'a word and '.repeat(100) });
    const beganPlain = cpuMs();
    for (let i = 0; i < 30_000; i++) JSON.parse(plainText);
    const plain = cpuMs() - beganPlain;
    const began = cpuMs();
    const { list } = read();
    const ms = cpuMs() - began;
    console.log(`${name}: ${list.length} messages in ${ms.toFixed(0)} ms, plain ${plain.toFixed(0)} ms`);
    assert.ok(ms < Math.max(300, 4 * plain), `${ms} ms, plain ${plain} ms`);
  });
}

test('the last record of a message is valid, wherever the others are; ids with quotes, and other orders of fields', () => {
  const ids = ['plain', 'with "quotes"', 'with \\ and \n', 'é中'];
  const first = ids.map((id, i) => line(id, i + 1, { text: 'old' })).join('');
  const other = `${JSON.stringify({ m: { seq: 5, id: 'other', kind: 'text', text: 'old', done: true } })}\n`;
  const again = [...ids].reverse().map((id) => line(id, ids.indexOf(id) + 1, { text: 'new' })).join('');
  // An id within a message's own data is not that of the message.
  const trap = line('trap', 6, { text: '{"m":{"kind":"text","id":"plain"' });
  writeFileSync(path, `${first}${other}${other.replace('old', 'new')}${trap}${again}`);
  const { list, isOutdated, badBytes } = read();
  assert.equal(list.map(({ id }) => id), [...ids, 'other', 'trap']);
  assert.ok(list.slice(0, 5).every((message) => (message as { text: string }).text === 'new'));
  assert.equal([isOutdated, badBytes], [false, 0]);
});

test('a last record that is damaged gives way to the one before', () => {
  writeFileSync(
    path,
    `${line('a', 1, { text: 'before' })}${line('a', 1, { text: 'after' }).slice(0, 30)}\n${line('b', 2)}`,
  );
  const { list, badBytes } = read();
  assert.equal(list.map((message) => [message.id, (message as { text: string }).text]), [['a', 'before'], ['b', 'x']]);
  assert.is(badBytes, 30);
});

test('ids of removed messages are read wherever they are: before the messages, as earlier versions wrote them, and behind', () => {
  const messages = Array.from({ length: 50 }, (_, i) => line(`m-${i}`, i + 1)).join('');
  for (
    const file of [
      `{"removed":["gone"]}\n${messages}`,
      `{"removed":[]}\n${messages}{"removed":["gone",7]}\n${line('n', 51)}`,
    ]
  ) {
    writeFileSync(path, file);
    assert.equal([...read().removed], ['gone']);
  }
});

test('a journal with many records of few messages is outdated', () => {
  writeFileSync(path, line('a', 1).repeat(1002));
  assert.is(read().isOutdated, false);
  writeFileSync(path, line('a', 1).repeat(1003));
  assert.is(read().isOutdated, true);
});

test.run();
