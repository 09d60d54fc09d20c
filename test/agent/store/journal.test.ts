import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Journal, loadJournal } from '../../../agent/store/journal.ts';

let folder: string;
let path: string;
test.before.each(() => {
  folder = mkdtempSync(join(tmpdir(), 'journal-'));
  path = join(folder, 'journal.jsonl');
});
test.after.each(() => rmSync(folder, { recursive: true, force: true }));

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
    const { records, badBytes } = loadJournal(path, () => {});
    assert.equal(records, [{ first: true }]);
    assert.is(badBytes, length - firstLine);
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
  assert.equal(readdirSync(folder), ['journal.jsonl']);
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
  const blocked = join(folder, 'not-there', 'journal.jsonl');
  const journal = new Journal({ path: blocked, snapshot: () => state, onHealth: (error) => health.push(error) });
  journal.append(state[0]);
  assert.match(await journal.commit().then(() => '', (error: Error) => error.message), 'ENOENT');
  assert.ok(health[0] instanceof Error);
  mkdirSync(join(folder, 'not-there'));
  state.push({ i: 1 });
  journal.append(state[1]);
  await journal.commit();
  assert.is(health.at(-1), null);
  assert.equal(loadJournal(blocked, () => {}).records, state);
  await journal.close();
});

test('a symbolic link is not followed, neither to read nor to write', async () => {
  const target = join(folder, 'target');
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
});

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
