import { ERROR_STATUS, type ErrorCode } from '../../../core/api/errors.ts';
import {
  chmodSync,
  chownSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { type FileHandle, open as openFile } from 'node:fs/promises';
import { Buffer } from 'node:buffer';
import { spawnSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { MAX_DOCUMENT, openDocument } from '../../../agent/store/document.ts';
import { ensureDirectory, openAppend, writeWhole } from '../../../agent/store/atomic-file.ts';

interface Value {
  version: 1;
  list: number[];
}

let directory: string;
let path: string;
let warnings: string[];
test.before.each(() => {
  directory = mkdtempSync(join(tmpdir(), 'document-'));
  path = join(directory, 'doc.json');
  warnings = [];
});
test.after.each(() => {
  chmodSync(directory, 0o700);
  rmSync(directory, { recursive: true, force: true });
});

const parse = (value: unknown): Value => {
  const input = value as Partial<Value> | null;
  if (typeof input !== 'object' || input?.version !== 1 || !Array.isArray(input.list)) throw new Error('not a Value');
  return input as Value;
};
const open = () =>
  openDocument<Value>({ path, parse, initial: { version: 1, list: [] }, warn: (text) => warnings.push(text) });

test('updates are applied one after another and are there after a restart', async () => {
  const document = open();
  await Promise.all([1, 2, 3].map((i) => document.update((value) => ({ ...value, list: [...value.list, i] }))));
  assert.equal(document.value.list, [1, 2, 3]);
  assert.equal(open().value.list, [1, 2, 3]);
  assert.equal(warnings, []);
});

test('files are closed to others even under umask 000', async () => {
  const before = process.umask(0);
  try {
    await open().update((value) => value);
    ensureDirectory(join(directory, 'sub'));
  } finally {
    process.umask(before);
  }
  assert.is(statSync(path).mode & 0o777, 0o600);
  assert.is(statSync(join(directory, 'sub')).mode & 0o777, 0o700);
});

const BROKEN: [string, string | Uint8Array][] = [
  ['empty', ''],
  ['truncated', '{"version":1,"li'],
  ['a list', '[]'],
  ['an empty object', '{}'],
  ['null', 'null'],
  ['wrong types', '{"version":1,"list":{}}'],
  ['invalid UTF-8', Uint8Array.of(0x22, 0xff, 0x22)],
  ['a future schema', '{"version":2,"list":[]}'],
];
for (const [name, content] of BROKEN) {
  test(`${name}: it starts, and the file is kept aside and reported`, async () => {
    writeFileSync(path, content);
    const document = open();
    assert.equal(document.value.list, []);
    const [aside] = readdirSync(directory).filter((file) => file.includes('.corrupt-'));
    assert.equal(readFileSync(join(directory, aside!)), Buffer.from(content as string));
    assert.match(warnings[0]!, aside!);
    await document.update((value) => ({ ...value, list: [1] }));
    assert.equal(open().value.list, [1]);
  });
}

test('a huge file is kept aside unread', () => {
  writeFileSync(path, '');
  truncateSync(path, MAX_DOCUMENT + 1);
  assert.equal(open().value.list, []);
  assert.is(warnings.length, 1);
});

test('a folder or a link in the place of the file is kept aside, and nothing is written through it', async () => {
  mkdirSync(path);
  await open().update((value) => value);
  assert.ok(statSync(path).isFile());
  const target = join(directory, 'target');
  writeFileSync(target, 'precious');
  rmSync(path);
  symlinkSync(target, path);
  await open().update((value) => ({ ...value, list: [7] }));
  assert.is(readFileSync(target, 'utf8'), 'precious');
  assert.not(lstatSync(path).isSymbolicLink());
});

test('a link planted at the temporary name is not followed', async () => {
  const target = join(directory, 'target');
  writeFileSync(target, 'precious');
  symlinkSync(target, `${path}.tmp`);
  await open().update((value) => ({ ...value, list: [1] }));
  assert.is(readFileSync(target, 'utf8'), 'precious');
  assert.equal(open().value.list, [1]);
});

test('a write that fails leaves the value and the file as they were', async () => {
  const document = open();
  await document.update((value) => ({ ...value, list: [1] }));
  mkdirSync(`${path}.tmp`);
  writeFileSync(join(`${path}.tmp`, 'x'), '');
  const error = await document.update((value) => ({ ...value, list: [2] })).catch((e) => e);
  assert.is(ERROR_STATUS[error.code as ErrorCode], 507);
  assert.equal(document.value.list, [1]);
  assert.equal(open().value.list, [1]);
});

/** Only root can mount a small disk and give a directory away. */
const rootTest = process.getuid?.() === 0 ? test : test.skip;

rootTest('a full disk: a short write is an error, the old file stays', async () => {
  const small = join(directory, 'small');
  mkdirSync(small);
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', small]).status === 0;
  assert.ok(mounted, 'a small disk could not be mounted');
  try {
    const file = join(small, 'doc.json');
    await writeWhole(file, ['old']);
    const error = await writeWhole(file, ['x'.repeat(200_000)]).catch((e) => e);
    assert.instance(error, Error);
    assert.is(readFileSync(file, 'utf8'), 'old');
    assert.equal(readdirSync(small), ['doc.json']);
  } finally {
    spawnSync('umount', [small]);
  }
});

rootTest('a folder of another user is refused', () => {
  chownSync(directory, 65534, 65534);
  assert.throws(() => ensureDirectory(directory), /another user/);
  chownSync(directory, 0, 0);
});

test('a new file and a renamed one are on disk only when their directory is: both are synced', async () => {
  const synced: string[] = [];
  const probe = await openFile(directory, 'r');
  const handles = Object.getPrototypeOf(probe) as { sync(this: FileHandle): Promise<void> };
  await probe.close();
  const { sync } = handles;
  handles.sync = function () {
    synced.push(readlinkSync(`/proc/self/fd/${this.fd}`));
    return sync.call(this);
  };
  try {
    await writeWhole(join(directory, 'replaced.json'), ['{}']);
    assert.equal(synced.splice(0), [join(directory, 'replaced.json.tmp'), directory]);
    await (await openAppend(join(directory, 'appended.jsonl'))).close();
    assert.equal(synced.splice(0), [directory]);
    await (await openAppend(join(directory, 'appended.jsonl'))).close();
    assert.equal(synced, [], 'its name is there already');
  } finally {
    handles.sync = sync;
  }
});

test.run();
