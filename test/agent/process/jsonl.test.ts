import { Buffer } from 'node:buffer';
import process from 'node:process';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { jsonLines, LineSplitter, MAX_LINE } from '../../../agent/process/jsonl.ts';
import { cpuMs } from '../../support/harness/cpu-time.ts';

function collect(limit?: number) {
  const lines: string[] = [];
  const dropped: number[] = [];
  const splitter = new LineSplitter({
    line: (text) => lines.push(text),
    dropped: (bytes) => dropped.push(bytes),
    limit,
  });
  return { lines, dropped, splitter };
}

test('a line cut at every byte inside é, 中 and 😀 comes out whole', () => {
  const text = '{"a":"é中😀"}';
  const bytes = Buffer.from(`${text}\nnext\n`);
  for (let cut = 0; cut <= bytes.length; cut++) {
    const { lines, splitter } = collect();
    splitter.push(bytes.subarray(0, cut));
    splitter.push(bytes.subarray(cut));
    assert.equal(lines, [text, 'next']);
  }
});

test('a line sent byte by byte comes out whole', () => {
  const { lines, splitter } = collect();
  for (const byte of Buffer.from('grüße 😀\r\nb\n')) splitter.push(Buffer.from([byte]));
  assert.equal(lines, ['grüße 😀', 'b']);
});

test('a lone bad byte costs one U+FFFD and nothing beside it', () => {
  const { lines, splitter } = collect();
  splitter.push(
    Buffer.concat([
      Buffer.from('é'),
      Buffer.from([0xff]),
      Buffer.from('中'),
      Buffer.from([0xc3]),
      Buffer.from('\nb\n'),
    ]),
  );
  assert.equal(lines, ['é\ufffd中\ufffd', 'b']);
});

test('CRLF ends a line, a CR inside a line stays, empty lines are not told', () => {
  const { lines, splitter } = collect();
  splitter.push(Buffer.from('a\r\n\r\n\nb\rc\n'));
  assert.equal(lines, ['a', 'b\rc']);
});

test('a CRLF cut between two chunks ends one line', () => {
  const { lines, splitter } = collect();
  splitter.push(Buffer.from('a\r'));
  splitter.push(Buffer.from('\nb\n'));
  assert.equal(lines, ['a', 'b']);
});

test('what follows the last LF is told at the end', () => {
  const { lines, splitter } = collect();
  splitter.push(Buffer.from('a\nb'));
  assert.equal(lines, ['a']);
  splitter.end();
  splitter.end();
  assert.equal(lines, ['a', 'b']);
});

test('a line of exactly the limit is told, one byte more is dropped with its length, later lines come', () => {
  for (const size of [1, 3, 10, 11]) {
    const { lines, dropped, splitter } = collect(10);
    const bytes = Buffer.from('0123456789\n0123456789A\n0123456789ABCDEF0123456789\nok\n');
    for (let at = 0; at < bytes.length; at += size) splitter.push(bytes.subarray(at, at + size));
    assert.equal(lines, ['0123456789', 'ok'], `chunks of ${size}`);
    assert.equal(dropped, [11, 26]);
  }
});

test('an over-long last line without LF is reported at the end', () => {
  const { lines, dropped, splitter } = collect(4);
  splitter.push(Buffer.from('0123456789'));
  splitter.end();
  assert.equal([lines, dropped], [[], [10]]);
});

test('a line of 64 MiB is dropped without holding up the event loop, the next is parsed', async () => {
  const values: unknown[] = [];
  const dropped: number[] = [];
  const splitter = jsonLines({ value: (value) => values.push(value), dropped: (bytes) => dropped.push(bytes) });
  const chunk = Buffer.alloc(64 * 1024, 'x');
  let longest = 0;
  const step = (bytes: Uint8Array) => {
    const started = cpuMs();
    splitter.push(bytes);
    longest = Math.max(longest, cpuMs() - started);
  };
  for (let i = 0; i < 1024; i++) step(chunk);
  step(Buffer.from('\n{"after":1}\n'));
  assert.equal(dropped, [64 * 1024 * 1024]);
  assert.equal(values, [{ after: 1 }]);
  assert.ok(longest < 200, `longest step ${longest} ms`);
});

test('a line of a quarter of the limit, full of small objects, is parsed at once', () => {
  const body = `{"a":[${Array.from({ length: MAX_LINE / 4 / 16 }, () => '{"b":1,"c":"dd"}').join(',')}]}\n`;
  const started = cpuMs();
  let count = 0;
  const splitter = jsonLines({ value: () => count++ });
  splitter.push(Buffer.from(body));
  assert.is(count, 1);
  assert.ok(cpuMs() - started < 800);
});

test('a million short lines take about a second and no memory', () => {
  let count = 0;
  const splitter = jsonLines({ value: () => count++ });
  const chunk = Buffer.from('{"type":"x","n":1}\n'.repeat(1000));
  const before = process.memoryUsage().heapUsed;
  for (let i = 0; i < 1000; i++) splitter.push(chunk);
  assert.is(count, 1_000_000);
  assert.ok(process.memoryUsage().heapUsed - before < 64 * 1024 * 1024);
});

test('lines that are no JSON object are told as garbage: NUL, number, array, half an object', () => {
  const garbage: string[] = [];
  const values: unknown[] = [];
  const lines = jsonLines({ value: (value) => values.push(value), garbage: (text) => garbage.push(text) });
  lines.push(Buffer.from('{"a":"\0"}\n1\n[1]\n{"a"\nnull\n{"ok":true}\n'));
  assert.equal(garbage, ['{"a":"\0"}', '1', '[1]', '{"a"', 'null']);
  assert.equal(values, [{ ok: true }]);
});

function collectJson() {
  const got: string[] = [];
  const splitter = jsonLines({
    value: (value) => {
      if (value.fails) throw new Error('a handler that fails');
      got.push(Object.keys(value).join());
    },
    garbage: (text) => got.push(`garbage of ${text.length}`),
  });
  return { got, splitter };
}

test('a line that is nested too deep is lost alone', () => {
  for (const [open, close] of [['[', ']'], ['{"a":', '}'], ['[{"a":', '}]']] as const) {
    for (const depth of [6000, 100_000]) {
      const { got, splitter } = collectJson();
      const text = `{"deep":${open.repeat(depth)}1${close.repeat(depth)}}`;
      splitter.push(Buffer.from(`{"a":1}\n${text}\n{"b":1}\n`));
      assert.equal(got, ['a', `garbage of ${text.length}`, 'b'], `${open} ${depth}`);
    }
  }
  const { got, splitter } = collectJson();
  splitter.push(Buffer.from(`{"deep":${'['.repeat(150)}1${']'.repeat(150)}}\n`));
  assert.equal(got, ['deep']);
});

test('a line whose handler fails is lost alone, and its error is not swallowed', async () => {
  const errors: string[] = [];
  const onError = (error: Error) => void errors.push(error.message);
  process.once('uncaughtException', onError);
  const { got, splitter } = collectJson();
  splitter.push(Buffer.from('{"a":1}\n{"fails":1}\n{"b":1}\n'));
  await new Promise((resolve) => setTimeout(resolve));
  assert.equal(got, ['a', 'garbage of 11', 'b']);
  assert.equal(errors, ['a handler that fails']);
});

test.run();
