/** The pictures of a conversation: by their hash, only what is one, within a bound, whole or not there. */
import { Buffer } from 'node:buffer';
import { execFileSync } from 'node:child_process';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Failure } from '../../../core/api/errors.ts';
import { MAX_PICTURE, MAX_RESULT_PICTURES, PictureStore } from '../../../agent/session/pictures.ts';

const directory = mkdtempSync(join(tmpdir(), 'pictures-'));
const path = join(directory, 'pictures');
test.after.each(() => rmSync(path, { recursive: true, force: true }));
test.after(() => rmSync(directory, { recursive: true, force: true }));

const HEADS = {
  'image/png': Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'),
  'image/jpeg': Buffer.from([0xff, 0xd8, 0xff, 0xe0]),
  'image/gif': Buffer.from('GIF89a'),
  'image/webp': Buffer.from('RIFF\x10\x20\x30\x40WEBP', 'latin1'),
};
/** As many bytes, different ones for each `seed`. */
const picture = (type: keyof typeof HEADS = 'image/png', size = 100, seed = 0) =>
  Buffer.concat([HEADS[type], Buffer.alloc(size - HEADS[type].length, seed)]);
const base64 = (bytes: Buffer) => bytes.toString('base64');
const names = () => readdirSync(path).sort();

async function read(store: PictureStore, hash: string): Promise<{ mediaType: string; bytes: Buffer }> {
  const { mediaType, handle } = await store.open(hash);
  const bytes = await handle.readFile();
  await handle.close();
  return { mediaType, bytes };
}
const codeOf = (work: Promise<unknown>) => work.then(() => '', (error: Failure) => error.code);

test('each kind is known by its first bytes, and comes back byte by byte, also from another store', async () => {
  for (const type of Object.keys(HEADS) as (keyof typeof HEADS)[]) {
    const store = new PictureStore(path);
    const bytes = picture(type, 5000);
    const { mediaType, size, hash } = store.retain(base64(bytes))!;
    assert.equal([mediaType, size], [type, 5000]);
    await store.settled();
    const again = await read(new PictureStore(path), hash!);
    assert.is(again.mediaType, type);
    assert.ok(again.bytes.equals(bytes));
  }
});

test('what is no picture, and what is too large, is not kept and makes no folder', async () => {
  const store = new PictureStore(path);
  const html = Buffer.from('<html><script>alert(1)</script></html>');
  const svg = Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"></svg>');
  for (const bytes of [html, svg, Buffer.alloc(0), picture('image/png', MAX_PICTURE + 1)]) {
    assert.is(store.retain(base64(bytes)), null);
  }
  assert.is(store.retain(base64(picture('image/png', MAX_PICTURE)))?.size, MAX_PICTURE);
  await store.settled();
  assert.is(names().length, 1);
});

test('the same picture is one file; a hash that is none, a link and what only lies there are not opened', async () => {
  const store = new PictureStore(path);
  const hashes = [1, 2, 3].map(() => store.retain(base64(picture()))!.hash!);
  await store.settled();
  assert.equal(names(), [hashes[0]]);
  const secret = join(directory, 'secret.png');
  writeFileSync(secret, picture());
  const other = 'a'.repeat(64);
  symlinkSync(secret, join(path, other));
  writeFileSync(join(path, 'b'.repeat(64)), '<html>');
  mkdirSync(join(path, 'c'.repeat(64)));
  execFileSync('mkfifo', [join(path, 'd'.repeat(64))]);
  for (const hash of [other, 'b', 'c', 'd', 'e'].map((letter) => letter.padEnd(64, letter))) {
    assert.is(await codeOf(store.open(hash)), 'not_found', hash);
  }
  for (const hash of ['', '../agent.json', '..%2fagent.json', 'A'.repeat(64), `${hashes[0]}.tmp`, 'f'.repeat(63)]) {
    assert.is(await codeOf(store.open(hash)), 'not_found', hash);
  }
});

test('when there is no room those that were shown longest ago go', async () => {
  const store = new PictureStore(path, 1000);
  const retain = (seed: number) => store.retain(base64(picture('image/png', 400, seed)))!.hash!;
  const [first, second] = [retain(1), retain(2)];
  await store.settled();
  for (const [i, hash] of [first, second].entries()) utimesSync(join(path, hash), i + 1, i + 1);
  retain(1); // shown again
  const third = retain(3);
  await store.settled();
  assert.equal(names(), [first, third].sort());
});

test('a write that was cut off is no picture, and is swept with the next one', async () => {
  mkdirSync(path);
  const cut = picture('image/png', 200, 9);
  writeFileSync(join(path, `${'a'.repeat(64)}.tmp`), cut);
  const store = new PictureStore(path);
  const { hash } = store.retain(base64(picture()))!;
  await store.settled();
  assert.equal(names(), [hash]);
});

test('a file that the CLI looked at is read when it is a picture; nothing else of the machine is', async () => {
  const store = new PictureStore(path);
  const at = (name: string) => join(directory, name);
  const [good, text, pipe] = [at('good.png'), at('passwords.txt'), at('pipe')];
  writeFileSync(good, picture('image/jpeg', 300));
  writeFileSync(text, 'root:x:0:0');
  execFileSync('mkfifo', [pipe]);
  const data = base64(picture('image/gif'));
  const paths = ['relative.png', '/nonexistent', '/dev/zero', text, pipe, directory].map((path) => ({ path }));
  const pictures = await store.retainAll([{ path: good }, ...paths, { data }]);
  assert.equal(pictures.map(({ mediaType }) => mediaType), ['image/jpeg', 'image/gif']);
  const many = Array.from({ length: 40 }, (_, i) => ({ data: base64(picture('image/png', 100, i)) }));
  assert.is((await store.retainAll(many)).length, MAX_RESULT_PICTURES);
  await store.settled();
  assert.ok(readFileSync(join(path, pictures[0]!.hash!)).equals(picture('image/jpeg', 300)));
});

test.run();
