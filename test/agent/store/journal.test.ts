import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Journal, loadingJournal, loadJournal, MAX_PARSE, MAX_READ } from '../../../agent/store/journal.ts';
import { READ_PIECE } from '../../../agent/store/atomic-file.ts';
import { cpuMs } from '../../support/harness/cpu-time.ts';

let directory: string;
let path: string;
test.before.each(() => {
  directory = mkdtempSync(join(tmpdir(), 'journal-'));
  path = join(directory, 'journal.jsonl');
});
test.after.each(() => rmSync(directory, { recursive: true, force: true }));

const records = () => loadJournal(path, () => {}).records;

test('a committed record is on disk, in order', async () => {
  const journal = new Journal({ path, snapshot: () => [] });
  for (let i = 0; i < 100; i++) journal.append({ i });
  await journal.commit();
  assert.equal(records(), Array.from({ length: 100 }, (_, i) => ({ i })));
  assert.is(statSync(path).mode & 0o777, 0o600);
  await journal.close();
});

test('many commits of one moment share a write', async () => {
  const journal = new Journal({ path, snapshot: () => [] });
  const started = performance.now();
  await Promise.all(Array.from({ length: 1000 }, (_, i) => {
    journal.append({ i });
    return journal.commit();
  }));
  assert.ok(performance.now() - started < 1000);
  assert.is(records().length, 1000);
  await journal.close();
});

test('commits of one moment are one promise; a later one waits for its own write', async () => {
  const journal = new Journal({ path, snapshot: () => [] });
  journal.append({ i: 1 });
  const first = journal.commit();
  journal.appendJson('{"i":2}');
  assert.is(journal.commit(), first);
  await Promise.resolve();
  await Promise.resolve();
  journal.append({ i: 3 });
  assert.is.not(journal.commit(), first);
  await first;
  assert.equal(records().slice(0, 2), [{ i: 1 }, { i: 2 }]);
  await journal.close();
  assert.is(records().length, 3);
});

test('a record whose end is missing is not there, wherever it was cut', async () => {
  const journal = new Journal({ path, snapshot: () => [] });
  journal.append({ first: true });
  journal.append({ text: 'é中😀' });
  await journal.commit();
  await journal.close();
  const whole = readFileSync(path);
  const firstLine = whole.indexOf(0x0a) + 1;
  for (let length = firstLine; length < whole.length; length++) {
    writeFileSync(path, whole.subarray(0, length));
    const { records, badBytes, tornBytes } = loadJournal(path, () => {});
    assert.equal(records, [{ first: true }]);
    assert.equal([badBytes, tornBytes], [0, length - firstLine]);
  }
});

test('damage in the middle costs only the damaged records', () => {
  writeFileSync(path, '{"a":1}\n{"b":\u0000\n[1]\nnull\n{"c":3}\n');
  const { records, badBytes } = loadJournal(path, () => {});
  assert.equal(records, [{ a: 1 }, [1], { c: 3 }]);
  assert.ok(badBytes > 0);
});

test('a rewrite leaves what the snapshot says and what came after it', async () => {
  const journal = new Journal({ path, snapshot: () => [{ whole: 1 }, { whole: 2 }] });
  journal.append({ old: true });
  await journal.commit();
  const rewriting = journal.rewrite();
  await rewriting;
  journal.append({ fresh: true });
  await journal.commit();
  assert.equal(records(), [{ whole: 1 }, { whole: 2 }, { fresh: true }]);
  assert.equal(readdirSync(directory), ['journal.jsonl']);
  await journal.close();
});

test('outdated records are compacted by themselves', async () => {
  let last = {};
  const journal = new Journal({ path, snapshot: () => [last] });
  const text = 'x'.repeat(100_000);
  for (let i = 0; i < 100; i++) {
    last = { i, text };
    journal.append(last);
    await journal.commit();
  }
  assert.ok(statSync(path).size < 6 * 1024 * 1024, `${statSync(path).size}`);
  assert.is((records().at(-1) as { i: number }).i, 99);
  await journal.close();
});

test('a write that fails is told; when it works again the file is whole', async () => {
  const state = [{ i: 0 }];
  const health: (Error | null)[] = [];
  const blocked = join(directory, 'not-there', 'journal.jsonl');
  const journal = new Journal({ path: blocked, snapshot: () => state, onHealth: (error) => health.push(error) });
  journal.append(state[0]);
  assert.match(await journal.commit().then(() => '', (error: Error) => error.message), 'ENOENT');
  assert.ok(health[0] instanceof Error);
  mkdirSync(join(directory, 'not-there'));
  state.push({ i: 1 });
  journal.append(state[1]);
  await journal.commit();
  assert.is(health.at(-1), null);
  assert.equal(loadJournal(blocked, () => {}).records, state);
  await journal.close();
});

test('a symbolic link is not followed, neither to read nor to write', async () => {
  const target = join(directory, 'target');
  writeFileSync(target, '{"secret":1}\n');
  symlinkSync(target, path);
  const journal = new Journal({ path, snapshot: () => [] });
  journal.append({ i: 1 });
  assert.match(await journal.commit().then(() => '', (error: Error) => error.message), 'ELOOP');
  assert.is(readFileSync(target, 'utf8'), '{"secret":1}\n');
  const warnings: string[] = [];
  assert.equal(loadJournal(path, (text) => warnings.push(text)).records, []);
  assert.match(warnings[0]!, 'corrupt');
  assert.is(readFileSync(target, 'utf8'), '{"secret":1}\n');
  await journal.close();
});

test('of a journal of 2 GiB only the end is read, in a moment', async () => {
  writeFileSync(path, '{"old":1}\n');
  truncateSync(path, 2 ** 31); // a hole: it takes no room on the disk
  const line = `${JSON.stringify({ text: 'x'.repeat(1000) })}\n`;
  appendFileSync(path, `\n${line.repeat(Math.floor(MAX_READ / line.length) + 10)}{"last":1}\n`);
  const before = process.memoryUsage().arrayBuffers;
  const began = cpuMs();
  const { records, badBytes, skippedBytes } = loadJournal(path, () => {});
  const ms = cpuMs() - began;
  // A slow machine is measured by what parsing the same text costs without a file.
  const beganPlain = cpuMs();
  const parsed = records.map(() => JSON.parse(line));
  const plain = cpuMs() - beganPlain;
  assert.is(parsed.length, records.length);
  assert.ok(ms < Math.max(300, 3 * plain), `${ms} ms, parsed alone ${plain} ms`);
  assert.ok(process.memoryUsage().arrayBuffers - before < MAX_READ / 4, 'it is not read into memory as a whole');
  assert.equal([records.at(-1), badBytes], [{ last: 1 }, 0]);
  assert.ok(skippedBytes >= 2 ** 31, `${skippedBytes}`);
  const most = MAX_PARSE / (line.length + 16 * line.split(/[,{[]/).length);
  assert.ok(records.length > most - 2 && !records.some((record) => 'old' in (record as object)));
});

test('lines of every length around the piece that is read at once are read whole', () => {
  const PIECE = 1024 * 1024;
  const lengths = [1, PIECE - 1, PIECE, PIECE + 1, 3 * PIECE + 7, 2, PIECE / 2, PIECE / 2 - 30, 5];
  const lines = lengths.map((length, i) => JSON.stringify({ i, text: 'é'.repeat(length / 2) }));
  writeFileSync(path, `${lines.join('\n')}\nno record\n${lines[0]}\n{"torn"`);
  const weights: number[] = [];
  const { records: read, badBytes, tornBytes, skippedBytes } = loadJournal(path, () => {}, Date.now, {
    isReplaced: () => false,
    take: (_record, weight) => weights.push(weight) > 0,
  });
  assert.equal(read.map((record) => JSON.stringify(record)), [...lines, lines[0]]);
  // Each has two values, and one object.
  assert.equal(weights.reverse(), [...lines, lines[0]!].map((line) => Buffer.byteLength(line) + 2 * 16));
  assert.equal([badBytes, tornBytes, skippedBytes], [9, 7, 0]);
});

test('in steps: so much is read and parsed at once, however long it is, and the file is let go of', () => {
  const line = JSON.stringify({ text: 'x'.repeat(900) });
  writeFileSync(path, `${line}\n`.repeat(12_000));
  let [step, longest, steps] = [0, 0, 0];
  const take = (_record: unknown, weight: number) => {
    step += weight;
    longest = Math.max(longest, step);
    return true;
  };
  const loading = loadingJournal(path, assert.unreachable, Date.now, { isReplaced: () => false, take });
  for (let next = loading.next();; next = loading.next(), steps++) {
    step = 0;
    if (!next.done) continue;
    assert.is(next.value.records.length, 12_000);
    break;
  }
  assert.ok(steps >= 10 && longest < 1.2 * READ_PIECE, `${longest} bytes in one of ${steps} steps`);
  const descriptors = () => existsSync('/proc/self/fd') ? readdirSync('/proc/self/fd').length : 0;
  const before = descriptors();
  const abandoned = loadingJournal(path, assert.unreachable, Date.now, { isReplaced: () => false, take });
  abandoned.next();
  abandoned.return(undefined as never);
  assert.is(descriptors(), before);
});

test('it is read from its end: what is replaced is not parsed, and nothing before what is enough is looked at', () => {
  writeFileSync(path, 'garbage\n{"i":1}\n{"i":2}\n{"i":3,garbage\n{"i":4}\n{"torn"');
  const taken: unknown[] = [];
  const loaded = loadJournal(path, assert.unreachable, Date.now, {
    isReplaced: (beginning) => beginning.startsWith('{"i":3'),
    take(record, weight) {
      taken.push([record, weight]);
      return taken.length < 2;
    },
  });
  assert.equal(taken, [[{ i: 4 }, 7 + 16], [{ i: 2 }, 7 + 16]]);
  assert.equal(loaded.records, [{ i: 2 }, { i: 4 }]);
  assert.equal([loaded.replaced, loaded.badBytes, loaded.tornBytes], [1, 0, 7]);
  assert.is(loaded.skippedBytes, 'garbage\n{"i":1}\n'.length);
});

for (const end of ['{"m":{"id"', '{"torn":true}', '\u00e9'.repeat(10)]) {
  test(`a last line that was cut short (${end.slice(0, 8)}) is cut off by the next life, without a copy`, async () => {
    writeFileSync(path, `{"a":1}\n${end}`);
    const { records: read, tornBytes } = loadJournal(path, () => {});
    assert.equal([read, tornBytes > 0], [[{ a: 1 }], true]);
    const journal = new Journal({ path, snapshot: () => read });
    await journal.rewrite();
    journal.append({ b: 2 });
    await journal.close();
    assert.is(readFileSync(path, 'utf8'), '{"a":1}\n{"b":2}\n');
    assert.equal(readdirSync(directory), ['journal.jsonl']);
  });
}

test('what another life appended is kept', async () => {
  const first = new Journal({ path, snapshot: () => [] });
  first.append({ i: 1 });
  await first.close();
  appendFileSync(path, '{"i":2}\n');
  const second = new Journal({ path, snapshot: () => [] });
  second.append({ i: 3 });
  await second.close();
  assert.equal(records(), [{ i: 1 }, { i: 2 }, { i: 3 }]);
});

test.run();
