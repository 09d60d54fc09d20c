/** A folder as a zip file that other programs unpack, and lines that hold a text. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { ContentSearch } from '../../../core/api/files.ts';
import { LEFT_OUT } from '../../../agent/files/archive.ts';
import { MAX_FOUND_LINES } from '../../../agent/files/content-search.ts';
import { crc32, directoryHeader, entryName } from '../../../agent/files/zip.ts';
import { at, code, read, withFiles } from '../../support/harness/agent-files.ts';
import { nodeTest } from '../../support/harness/node-test.ts';

/** As Python reads it, an implementation of others: names with sizes; sums are checked. */
function unpack(path: string): Record<string, string> {
  const program = `
import json, sys, zipfile
z = zipfile.ZipFile(sys.argv[1])
assert z.testzip() is None
print(json.dumps({i.filename: z.read(i).decode('latin1') for i in z.infolist() if i.file_size < 1000}))`;
  return JSON.parse(execFileSync('python3', ['-c', program, path], { encoding: 'utf8' }));
}

nodeTest(
  'a folder is one zip file: odd names, no link followed, nothing of git, what is left out is listed',
  () =>
    withFiles(async ({ root, base, ask }) => {
      writeFileSync(join(base, 'secret'), 'secret');
      mkdirSync(join(root, 'src/deep'), { recursive: true });
      mkdirSync(join(root, 'src/.git'));
      writeFileSync(join(root, 'src/.git/config'), 'x');
      writeFileSync(join(root, 'src/a.txt'), 'one');
      writeFileSync(join(root, 'src/deep/é\n\u202eb.txt'), 'two');
      writeFileSync(join(root, 'src/..\\..\\evil.txt'), 'three');
      writeFileSync(join(root, 'src/empty'), '');
      symlinkSync('../../secret', join(root, 'src/out'));
      symlinkSync('.', join(root, 'src/loop'));
      execFileSync('mkfifo', [join(root, 'src/pipe')]);
      writeFileSync(Buffer.concat([Buffer.from(`${root}/src/bad`), Buffer.from([0xff])]), '');
      writeFileSync(Buffer.concat([Buffer.from(`${root}/src/same`), Buffer.from([0xff])]), '');
      writeFileSync(join(root, 'src/same\\xff'), '');
      const reply = await ask('GET', `/archive${at('src')}`);
      assert.equal([reply.status, reply.headers['content-type']], [200, 'application/zip']);
      assert.match(reply.headers['content-disposition']!, /^attachment; filename="src\.zip"/);
      writeFileSync(join(base, 'out.zip'), reply.body);
      const files = unpack(join(base, 'out.zip'));
      const note = files[LEFT_OUT]!;
      delete files[LEFT_OUT];
      assert.equal(files, {
        'a.txt': 'one',
        'deep/': '',
        [`deep/${Buffer.from('é').toString()}\n\u202eb.txt`]: 'two',
        '.._.._evil.txt': 'three',
        empty: '',
        bad_xff: '',
        same_xff: '',
      });
      for (const name of ['out', 'loop', 'pipe', 'same']) assert.ok(note.includes(`src/${name}`), `${name}: ${note}`);
      assert.not.ok(reply.body.includes('secret'));
      execFileSync('unzip', ['-tqq', join(base, 'out.zip')]);
    }),
);

test('what is no folder of the agent is refused', () =>
  withFiles(async ({ root, ask }) => {
    writeFileSync(join(root, 'a.txt'), 'x');
    symlinkSync('..', join(root, 'up'));
    assert.is(code(await ask('GET', `/archive${at('a.txt')}`)), '400 not_a_folder');
    assert.is(code(await ask('GET', `/archive${at('none')}`)), '404 not_found');
    for (const path of ['..', 'up', '.git', '/etc']) {
      assert.is(code(await ask('GET', `/archive${at(path)}`)), '403 outside_roots', path);
    }
  }));

nodeTest(
  'a file larger than memory should hold goes through in pieces',
  () =>
    withFiles(async ({ root, base, ask }) => {
      writeFileSync(join(root, 'sparse'), '');
      truncateSync(join(root, 'sparse'), 100 * 1024 * 1024);
      const before = process.memoryUsage.rss();
      const reply = await ask('GET', '/archive');
      const grown = (process.memoryUsage.rss() - before) / 1024 / 1024;
      assert.ok(grown < 64, `${grown.toFixed(0)} MiB more`);
      writeFileSync(join(base, 'out.zip'), reply.body);
      execFileSync('unzip', ['-tqq', join(base, 'out.zip')]);
    }),
);

test('sums, and fields of 64 bits', () => {
  const bytes = Buffer.from('The quick brown fox jumps over the lazy dog');
  assert.is(crc32(0, bytes), 0x414fa339);
  assert.is(crc32(crc32(0, bytes.subarray(0, 7)), bytes.subarray(7)), 0x414fa339);
  const far = { name: 'x', modifiedAt: 0, mode: 0o100644, crc: 1, packed: 2 ** 33, size: 2 ** 34, at: 2 ** 35 };
  const header = directoryHeader(far);
  assert.is(header.readBigUInt64LE(header.length - 8), BigInt(2 ** 35));
  assert.is(header.readBigUInt64LE(header.length - 24), BigInt(2 ** 34));
  assert.is(entryName('a\\..\\b'), 'a_.._b');
});

test('lines that hold a text: with git and without, in any case, bounded; what is ignored or binary is not looked at', () =>
  withFiles(async ({ root, ask }) => {
    const search = async (text: string) =>
      read<ContentSearch>(await ask('GET', `/search?text=${encodeURIComponent(text)}`));
    mkdirSync(join(root, 'src'));
    writeFileSync(join(root, 'src/a.ts'), `one\nconst Needle = 1; // ${'x'.repeat(500)}\n`);
    writeFileSync(join(root, 'b.bin'), Buffer.from('needle\0'));
    writeFileSync(join(root, 'with: colon:3:'), 'the needle\n');
    const expected = [['src/a.ts', 2], ['with: colon:3:', 1]];
    const places = ({ found }: ContentSearch) => found.map(({ path, line }) => [path, line]).sort();
    assert.equal(places(await search('needle')), expected);
    assert.ok((await search('needle')).found.every(({ text }) => text.length <= 202 && /needle/i.test(text)));
    assert.equal((await search('.eedle')).found, []);
    assert.equal((await search('-e')).found, []);
    execFileSync('rm', ['-r', join(root, '.git')]);
    execFileSync('git', ['init', '-q', root]);
    writeFileSync(join(root, '.gitignore'), 'ignored\n');
    writeFileSync(join(root, 'ignored'), 'needle\n');
    assert.equal(places(await search('needle')), expected);
    assert.equal((await search('--open-files-in-pager=touch')).found, []);
    writeFileSync(join(root, 'many'), 'needle\n'.repeat(MAX_FOUND_LINES + 1));
    const many = await search('needle');
    assert.equal([many.found.length, many.truncated], [MAX_FOUND_LINES, true]);
    assert.ok(readFileSync(join(root, 'many')).length > 0);
  }));

test.run();
