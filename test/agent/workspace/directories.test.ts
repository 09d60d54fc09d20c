import { Buffer } from 'node:buffer';
import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { ERROR_STATUS, Failure } from '../../../core/api/errors.ts';
import { parseNewDirectory } from '../../../core/api/workspace.ts';
import { listDirectories, makeDirectory } from '../../../agent/workspace/directories.ts';
import { makeRepository, temporaryDirectory } from '../../support/harness/git.ts';

async function withRoot(run: (root: string, outside: string) => Promise<void>): Promise<void> {
  const { path, remove } = temporaryDirectory();
  try {
    mkdirSync(join(path, 'root'));
    mkdirSync(join(path, 'root-outside'));
    await run(join(path, 'root'), join(path, 'root-outside'));
  } finally {
    remove();
  }
}

const list = (root: string, path: string, hidden = false) =>
  listDirectories({ path, hidden, roots: [root], recent: [] });

async function code(action: Promise<unknown>): Promise<string> {
  return await action.then(() => 'allowed', (error: Failure) => `${ERROR_STATUS[error.code]} ${error.code}`);
}

test('folders come sorted, repositories marked, files and hidden folders left out', () =>
  withRoot(async (root) => {
    for (const name of ['b', 'A', '.hidden']) mkdirSync(join(root, name));
    makeRepository(join(root, 'c'));
    writeFileSync(join(root, 'file'), '');
    const listing = await list(root, root);
    assert.equal(listing.entries.map((entry) => [entry.name, entry.repository]), [['A', false], ['b', false], [
      'c',
      true,
    ]]);
    assert.equal([listing.parent, listing.path, listing.repository], [null, root, false]);
    assert.ok((await list(root, root, true)).entries.some((entry) => entry.name === '.hidden'));
    const inside = await list(root, join(root, 'c'));
    assert.equal([inside.parent, inside.repository], [root, true]);
  }));

test('nothing outside the roots is shown or told apart, whichever way leads there', () =>
  withRoot(async (root, outside) => {
    symlinkSync(outside, join(root, 'out'));
    symlinkSync('/', join(root, 'slash'));
    mkdirSync(join(root, 'in'));
    symlinkSync(join(root, 'in'), join(root, 'fine'));
    for (
      const path of [
        outside,
        `${root}/..`,
        `${root}/in/../../root-outside`,
        join(root, 'out'),
        join(root, 'slash', 'etc'),
        '/proc/self',
        '/nonexistent',
        '/root/x',
      ]
    ) assert.is(await code(list(root, path)), '403 outside_roots', path);
    assert.equal((await list(root, root)).entries.map((entry) => entry.name), ['fine', 'in']);
  }));

test('loops, FIFOs, devices, files, relative paths and NUL are refused without blocking', () =>
  withRoot(async (root) => {
    symlinkSync('loop', join(root, 'loop'));
    symlinkSync('/dev/zero', join(root, 'zero'));
    spawnSync('mkfifo', [join(root, 'fifo')]);
    writeFileSync(join(root, 'file'), '');
    const started = performance.now();
    assert.is(await code(list(root, join(root, 'loop'))), '403 folder_closed');
    assert.is(await code(list(root, join(root, 'zero'))), '403 outside_roots');
    assert.is(await code(list(root, join(root, 'fifo'))), '400 not_a_folder');
    assert.is(await code(list(root, join(root, 'file'))), '400 not_a_folder');
    assert.is(await code(list('/proc/self', '/proc/self/environ')), '400 not_a_folder');
    assert.is(await code(list(root, 'root')), '400 bad_path');
    assert.is(await code(list(root, `${root}\0`)), '400 bad_path');
    assert.is(await code(list(root, join(root, 'x'))), '404 no_folder');
    assert.equal((await list(root, root)).entries, []);
    assert.ok(performance.now() - started < 500);
  }));

test('hostile names are listed as they are and can be opened; what is not UTF-8 is left out', () =>
  withRoot(async (root) => {
    const names = ['\x1b[2J', '-rf', '<img src=x>', 'a\nb'];
    for (const name of names) mkdirSync(join(root, name));
    mkdirSync(Buffer.concat([Buffer.from(`${root}/bad`), Buffer.of(0xff)]));
    const { entries } = await list(root, root);
    assert.equal(entries.map((entry) => entry.name), names);
    for (const entry of entries) assert.is((await list(root, entry.path)).path, entry.path);
  }));

test('roots that are not there say so', () =>
  withRoot(async (root) => {
    assert.is(
      await code(listDirectories({ path: root, hidden: false, roots: ['/nonexistent'], recent: [] })),
      '404 no_root',
    );
  }));

test('a folder is made within the roots only, once, and under a name only', () =>
  withRoot(async (root, outside) => {
    symlinkSync(outside, join(root, 'out'));
    writeFileSync(join(root, 'file'), '');
    const make = (path: string, name: string) => makeDirectory({ ...parseNewDirectory({ path, name }), roots: [root] });
    assert.is(await make(root, ' new one '), join(root, 'new one'));
    assert.ok(statSync(join(root, 'new one')).isDirectory());
    assert.is(await code(make(root, 'new one')), '409 file_exists');
    assert.is(await code(make(root, 'file')), '409 file_exists');
    assert.is(await code(make(outside, 'x')), '403 outside_roots');
    assert.is(await code(make(join(root, 'out'), 'x')), '403 outside_roots');
    assert.is(await code(make(join(root, 'nowhere'), 'x')), '404 no_folder');
    for (const name of ['', ' ', '.', '..', '../x', 'a/b', '/x', '.git', 'x\0y', 'x'.repeat(256)]) {
      assert.throws(() => parseNewDirectory({ path: root, name }), (error: Failure) =>
        error.code === 'bad_request', name);
    }
    assert.equal(readdirSync(outside), []);
  }));

test('Up leads from a root into one that it lies in', () =>
  withRoot(async (root) => {
    mkdirSync(join(root, 'shop/src'), { recursive: true });
    const at = (path: string) =>
      listDirectories({ path, hidden: false, roots: [join(root, 'shop'), root], recent: [] });
    assert.is((await at(join(root, 'shop'))).parent, root);
    assert.is((await at(join(root, 'shop/src'))).parent, join(root, 'shop'));
    assert.is((await at(root)).parent, null);
  }));

test.run();
