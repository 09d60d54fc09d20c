/** Files that go with messages: by their hash and name, within a bound, gone when no message names them. */
import { Buffer } from 'node:buffer';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { userLine } from '../../../agent/provider/claude/user-line.ts';
import { promptOf } from '../../../agent/provider/acp/prompt.ts';
import { inputOf } from '../../../agent/provider/codex/params.ts';
import { AttachmentStore } from '../../../agent/session/attachments.ts';
import type { Failure } from '../../../core/api/errors.ts';
import { parseBeginUpload } from '../../../core/api/files.ts';
import { parseSendMessage } from '../../../core/api/messages.ts';

const directory = mkdtempSync(join(tmpdir(), 'attachments-'));
const path = join(directory, 'attachments');
test.after.each(() => rmSync(path, { recursive: true, force: true }));
test.after(() => rmSync(directory, { recursive: true, force: true }));

let count = 0;
/** A complete upload. */
function part(content: string | Buffer): string {
  const file = join(directory, `${count++}.part`);
  writeFileSync(file, content);
  return file;
}
const codeOf = (work: Promise<unknown>) => work.then(() => '', (error: Failure) => error.code);

test('a file is moved here under its name, and is there for every later store', async () => {
  const store = new AttachmentStore(path);
  assert.is(store.directory, null);
  const file = part('hello');
  const attachment = await store.take(file, 'notes.txt');
  assert.equal([attachment.name, attachment.size, attachment.hash.length], ['notes.txt', 5, 64]);
  assert.not.ok(existsSync(file));
  const again = new AttachmentStore(path);
  assert.equal(await again.use(attachment), attachment);
  assert.is(readFileSync(again.outgoing(attachment).path, 'utf8'), 'hello');
  assert.is(again.directory, path);
});

test('the same content under two names is two names of one hash', async () => {
  const store = new AttachmentStore(path);
  const [a, b] = [await store.take(part('same'), 'a.txt'), await store.take(part('same'), 'b.txt')];
  assert.is(a.hash, b.hash);
  assert.equal(readdirSync(join(path, a.hash)).sort(), ['a.txt', 'b.txt']);
});

test('what an agent puts into its directory leads no file elsewhere, and keeps none out', async () => {
  const store = new AttachmentStore(path);
  const { hash } = await store.take(part('known before'), 'a');
  const elsewhere = join(directory, 'elsewhere');
  mkdirSync(elsewhere);
  rmSync(join(path, hash), { recursive: true });
  symlinkSync(elsewhere, join(path, hash));
  writeFileSync(join(path, 'f'.repeat(64)), 'no directory');
  const attachment = await store.take(part('known before'), 'authorized_keys');
  assert.equal(readdirSync(elsewhere), []);
  assert.equal(await store.use(attachment), attachment);
});

test('a long name is cut to one that is found again', async () => {
  const store = new AttachmentStore(path);
  for (const name of [`${'a'.repeat(199)} tail`, `${'\u{1f600}'.repeat(60)}.jpeg`, `${'b'.repeat(195)} c.jpeg`]) {
    const attachment = await store.take(part(name), name);
    assert.equal(await store.use(attachment), attachment);
    assert.not.match(attachment.name, /[\ud800-\udbff](?![\udc00-\udfff])/, 'no half of a character');
  }
});

test('a name leads nowhere else and shows what it is', async () => {
  const store = new AttachmentStore(path);
  const names: [sent: string, name: string][] = [
    ['../../etc/passwd', '.._.._etc_passwd'],
    ['..', 'file'],
    ['', 'file'],
    ['a\0b\nc', 'a_b_c'],
    ['txt.\u202eexe', 'txt._exe'],
    [`${'ä'.repeat(300)}.pdf`, `${'ä'.repeat(98)}.pdf`],
    ['Zoë 報告.pdf', 'Zoë 報告.pdf'],
  ];
  for (const [sent, name] of names) {
    const attachment = await store.take(part(sent), sent);
    assert.is(attachment.name, name, JSON.stringify(sent));
    assert.is(readFileSync(join(path, attachment.hash, name), 'utf8'), sent);
  }
});

test('what is not kept is refused: another hash or name, a link, a path', async () => {
  const store = new AttachmentStore(path);
  const { hash } = await store.take(part('x'), 'x.txt');
  symlinkSync('/etc/passwd', join(path, hash, 'link'));
  mkdirSync(join(path, hash, 'sub'));
  const wrong: [string, string][] = [
    ['0'.repeat(64), 'x.txt'],
    [hash, 'y.txt'],
    [hash, 'link'],
    [hash, 'sub'],
    [hash, `../${hash}/x.txt`],
    [hash, ''],
    [`../attachments/${hash}`, 'x.txt'],
  ];
  for (const [other, name] of wrong) assert.is(await codeOf(store.use({ hash: other, name })), 'not_found', name);
});

test('a file whose message was never sent goes after a day; one that was sent stays', async () => {
  let now = Date.now();
  const store = new AttachmentStore(path, undefined, () => now);
  const sent = await store.take(part('sent'), 'sent.txt');
  await store.use(sent);
  const unsent = await store.take(part('unsent'), 'unsent.txt');
  now += 23 * 3600_000;
  await store.take(part('third'), 'third.txt');
  assert.ok(existsSync(join(path, unsent.hash)));
  now += 2 * 3600_000;
  await store.take(part('fourth'), 'fourth.txt');
  assert.not.ok(existsSync(join(path, unsent.hash)));
  assert.not.ok(existsSync(join(path, `${unsent.hash}.unsent`)));
  assert.equal(await store.use(sent), sent);
  assert.is(await codeOf(store.use(unsent)), 'not_found');
});

test('there is a bound: those that were sent longest ago go', async () => {
  let now = Date.now();
  const store = new AttachmentStore(path, 100, () => now += 1000);
  const old = await store.take(part(Buffer.alloc(40, 1)), 'old');
  const next = await store.take(part(Buffer.alloc(40, 2)), 'next');
  await store.use(next);
  await store.use(old); // the newer one now
  const last = await store.take(part(Buffer.alloc(40, 3)), 'last');
  assert.is(await codeOf(store.use(next)), 'not_found');
  assert.equal([await store.use(old), await store.use(last)], [old, last]);
});

test('what waits for its message stays, and what would be too much beside it is refused', async () => {
  const store = new AttachmentStore(path, 100);
  const sent = await store.use(await store.take(part(Buffer.alloc(30, 1)), 'sent'));
  const waiting = [await store.take(part(Buffer.alloc(40, 2)), 'a'), await store.take(part(Buffer.alloc(40, 3)), 'b')];
  assert.is(await codeOf(store.use(sent)), 'not_found', 'it made room');
  assert.is(await codeOf(store.checkRoom(20)), '');
  assert.is(await codeOf(store.checkRoom(21)), 'too_large');
  assert.is(await codeOf(store.take(part(Buffer.alloc(21, 4)), 'c')), 'too_large');
  for (const file of waiting) assert.equal(await store.use(file), file);
  assert.is(await codeOf(store.take(part(Buffer.alloc(100, 5)), 'd')), '');
  assert.is(await codeOf(new AttachmentStore(join(directory, 'none'), 100).checkRoom(101)), 'too_large');
});

test('each CLI gets the files in its own form', () => {
  const files = [{ name: 'a b.pdf', path: '/data/agents/x/attachments/h/a b.pdf', size: 3 }];
  const message = { id: 'i', text: 'Look', images: [], files };
  const text = 'Look\n\nAttached files:\n- /data/agents/x/attachments/h/a b.pdf (a b.pdf, 3 bytes)';
  assert.equal((userLine(message).message as { content: unknown }).content, text);
  assert.equal(inputOf(message), [{ type: 'text', text, text_elements: [] }]);
  assert.equal(promptOf(message, false, 'Fake'), {
    prompt: [
      { type: 'text', text: 'Look' },
      { type: 'resource_link', name: 'a b.pdf', uri: 'file:///data/agents/x/attachments/h/a%20b.pdf', size: 3 },
    ],
    leftOut: '',
  });
  assert.is(inputOf({ ...message, text: '' })[0]!.text, text.slice('Look\n\n'.length));
});

test('bodies: a message of files alone, at most ten; an upload has a path or a name, and a bound', () => {
  const file = { hash: 'a'.repeat(64), name: 'x' };
  assert.equal(parseSendMessage({ files: [file] }).files, [file]);
  assert.throws(() => parseSendMessage({ files: [] }));
  assert.throws(() => parseSendMessage({ files: Array(11).fill(file) }));
  assert.throws(() => parseSendMessage({ files: [{ hash: 'a' }] }));
  const uploadId = '00000000-0000-4000-8000-000000000000';
  assert.is(parseBeginUpload({ uploadId, name: 'x', size: 1 }).path, '');
  assert.throws(() => parseBeginUpload({ uploadId, size: 1 }));
  assert.throws(() => parseBeginUpload({ uploadId, size: 1, name: 'x', path: 'y' }));
  assert.throws(() => parseBeginUpload({ uploadId, name: 'x', size: 513 * 1024 * 1024 }));
});

test.run();
