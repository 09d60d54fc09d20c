/** Uploads that are cut, cancelled, contested; and that nothing of them lies in the folder before they are complete. */
import { Buffer } from 'node:buffer';
import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { FileWritten, UploadState } from '../../../core/api/files.ts';
import { MAX_IDLE_MS, MAX_UPLOADS, Uploads } from '../../../agent/files/uploads.ts';
import { type Ask, at, code, read, type Reply, withFiles } from '../../support/harness/agent-files.ts';

const JSON_TYPE = { 'content-type': 'application/json' };
const ROUTE = '/api/agents/a/uploads';

const post = (ask: Ask, path: string, body: unknown): Promise<Reply> =>
  ask('POST', path, JSON_TYPE, JSON.stringify(body));
const begin = async (ask: Ask, uploadId: string, path: string, size: number, overwrite = false) =>
  read<UploadState>(await post(ask, ROUTE, { uploadId, path, size, overwrite }));
const append = (ask: Ask, id: string, offset: number, bytes: Uint8Array) =>
  ask('PUT', `${ROUTE}/${id}?offset=${offset}`, {}, bytes);
const finish = (ask: Ask, id: string, overwrite = false) => post(ask, `${ROUTE}/${id}/finish`, { overwrite });

/** What comes before it breaks, as of a connection that is cut. */
async function* broken(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
  await Promise.resolve();
  throw new Error('cut');
}

test('cut ten times it ends byte-identical, and the folder has nothing of it before the end', () =>
  withFiles(async ({ root, base, ask }) => {
    const whole = randomBytes(1_000_003);
    const id = randomUUID();
    const uploads = () => new Uploads(join(base, 'others'), Date.now);
    const body = { uploadId: id, path: 'big.bin', size: whole.length };
    let { offset } = await uploads().begin('a', root, body);
    for (let cut = 0; cut < 10; cut++) {
      // Each time a server that was started anew.
      const server = uploads();
      await server.begin('a', root, body);
      const part = whole.subarray(offset, offset + 77_777);
      const gone = await server.append('a', id, offset, broken(part), () => {}).catch((error) => error.message);
      assert.is(gone, 'cut');
      ({ offset } = await uploads().begin('a', root, body));
      assert.is(offset, (cut + 1) * 77_777, 'what arrived is retained');
      assert.equal(readdirSync(root), ['.git']);
    }
    const last = uploads();
    await last.begin('a', root, body);
    await last.append('a', id, offset, broken(whole.subarray(offset)), () => {}).catch(() => {});
    const [first, second] = await Promise.all([last.finish('a', root, id, false), last.finish('a', root, id, false)]);
    assert.equal(first, second, 'asked for twice it is answered as once');
    assert.equal(await last.finish('a', root, id, false), first);
    const hash = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
    assert.is(hash(readFileSync(join(root, 'big.bin'))), hash(whole));
    assert.equal(readdirSync(join(base, 'others')), [], 'nothing is left of it');
    const head = await ask('HEAD', `/content${at('big.bin')}`);
    assert.is(head.headers.etag, first.etag);
  }));

test('over HTTP: parts only at the end of what is there, no more than was said, complete before it is finished', () =>
  withFiles(async ({ root, ask }) => {
    const id = randomUUID();
    assert.equal(await begin(ask, id, 'a.txt', 6), { uploadId: id, offset: 0, size: 6 });
    assert.is(code(await append(ask, id, 3, Buffer.from('x'))), '409 wrong_offset');
    assert.is(read<UploadState>(await append(ask, id, 0, Buffer.from('abc'))).offset, 3);
    assert.is(code(await append(ask, id, 0, Buffer.from('abc'))), '409 wrong_offset');
    assert.is(code(await append(ask, id, 3, Buffer.from('defg'))), '413 too_large');
    assert.is(code(await finish(ask, id)), '409 wrong_offset');
    assert.is((await begin(ask, id, 'a.txt', 6)).offset, 3);
    await append(ask, id, 3, Buffer.from('def'));
    assert.is(read<FileWritten>(await finish(ask, id)).path, 'a.txt');
    assert.is(readFileSync(join(root, 'a.txt'), 'utf8'), 'abcdef');
    assert.is(code(await append(ask, randomUUID(), 0, Buffer.from('x'))), '404 no_upload');
    assert.is(code(await ask('PUT', `${ROUTE}/..%2F..%2Fx?offset=0`, {}, 'x')), '404 no_upload');
  }));

test('a file that is there is replaced only when that is said, also one that appeared meanwhile', () =>
  withFiles(async ({ root, ask }) => {
    writeFileSync(join(root, 'a.txt'), 'old', { mode: 0o755 });
    const upload = async (path: string, overwrite: boolean, meanwhile = () => {}) => {
      const id = randomUUID();
      const begun = await post(ask, ROUTE, { uploadId: id, path, size: 3, overwrite });
      if (begun.status !== 200) return code(begun);
      await append(ask, id, 0, Buffer.from('new'));
      meanwhile();
      const reply = await finish(ask, id, overwrite);
      return reply.status === 200 ? 'written' : code(reply);
    };
    assert.is(await upload('a.txt', false), '409 file_exists');
    assert.is(await upload('b.txt', false, () => writeFileSync(join(root, 'b.txt'), 'mine')), '409 file_exists');
    assert.is(readFileSync(join(root, 'b.txt'), 'utf8'), 'mine');
    assert.is(await upload('a.txt', true), 'written');
    assert.is(readFileSync(join(root, 'a.txt'), 'utf8'), 'new');
    mkdirSync(join(root, 'dir'));
    assert.is(await upload('dir', true), '409 not_a_file');
    assert.is(await upload('none/x', false), '404 not_found');
    assert.is(await upload('', false), '400 bad_request');
    assert.is(await upload('dir/in.txt', false), 'written');
    assert.equal(readdirSync(root).sort(), ['.git', 'a.txt', 'b.txt', 'dir']);
  }));

test('nothing of git, nothing outside', () =>
  withFiles(async ({ root, base, ask }) => {
    symlinkSync('..', join(root, 'up'));
    symlinkSync('.git', join(root, 'dotgit'));
    symlinkSync('../secret', join(root, 'out'));
    for (const path of ['.git', '.git/x', '.GIT/x', 'dotgit/x', 'up/x', '../x', '/tmp/x', 'a/../../x']) {
      const reply = await post(ask, ROUTE, { uploadId: randomUUID(), path, size: 1, overwrite: true });
      assert.ok(['403 outside_roots', '404 not_found'].includes(code(reply)), `${path}: ${code(reply)}`);
    }
    assert.equal(readdirSync(base).sort(), ['project']);
    assert.equal(readdirSync(join(root, '.git')), ['config']);
  }));

test('the newest request goes on with an upload that an older one still writes', () =>
  withFiles(async ({ root, base }) => {
    const uploads = new Uploads(join(base, 'others'), Date.now);
    const id = randomUUID();
    await uploads.begin('a', root, { uploadId: id, path: 'a', size: 4 });
    let cut = () => {};
    const stuck = async function* () {
      yield Buffer.from('ab');
      await new Promise((_, reject) => cut = () => reject(new Error('cut')));
    };
    const first = uploads.append('a', id, 0, stuck(), () => cut()).catch((error) => error.message);
    await new Promise((resolve) => setTimeout(resolve, 20));
    const rest = async function* () {
      yield Buffer.from('cd');
    };
    assert.is((await uploads.append('a', id, 2, rest(), () => {})).offset, 4);
    assert.is(await first, 'cut');
    await uploads.finish('a', root, id, false);
    assert.is(readFileSync(join(root, 'a'), 'utf8'), 'abcd');
  }));

test('as many as there may be, one more is refused, and old ones make room', () =>
  withFiles(async ({ root, base }) => {
    const directory = join(base, 'others');
    const uploads = new Uploads(directory, Date.now);
    const next = (path: string) => uploads.begin('a', root, { uploadId: randomUUID(), path, size: 1 });
    for (let i = 0; i < MAX_UPLOADS; i++) await next(`f${i}`);
    assert.is(await next('more').catch((error) => error.code), 'too_many');
    const old = new Date(Date.now() - MAX_IDLE_MS - 1000);
    utimesSync(join(directory, readdirSync(directory)[0]!), old, old);
    await next('more');
    const huge = { uploadId: randomUUID(), path: 'huge', size: 2 ** 50 };
    const before = readdirSync(directory)[0]!.split('.')[1]!;
    await uploads.cancel('a', before);
    assert.is(await uploads.begin('a', root, huge).catch((error) => error.code), 'not_saved');
  }));

test.run();
