/** Nothing outside of the root is ever opened: forty ways out, and a link that is swapped a thousand times meanwhile. */
import { constants } from 'node:fs';
import { execFileSync } from 'node:child_process';
import {
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { rename, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { MAX_LINKS, MAX_PARTS, openBeneath } from '../../../agent/files/beneath.ts';
import { testUnless } from '../../support/harness/conditional-test.ts';
import { until } from '../../support/harness/product.ts';

const SECRET = 'the secret outside';

async function withTree(use: (root: string, base: string) => Promise<void>): Promise<void> {
  const base = mkdtempSync(join(tmpdir(), 'beneath-'));
  const root = join(base, 'root');
  try {
    mkdirSync(join(root, 'a/b'), { recursive: true });
    mkdirSync(join(base, 'outside/deep'), { recursive: true });
    mkdirSync(join(base, 'root-not'));
    writeFileSync(join(root, 'a/file.txt'), 'inside');
    for (const name of ['outside/secret', 'outside/deep/secret', 'root-not/secret']) {
      writeFileSync(join(base, name), SECRET);
    }
    await use(root, base);
  } finally {
    rmSync(base, { recursive: true, force: true });
  }
}

async function read(root: string, path: string): Promise<string> {
  const { handle } = await openBeneath(root, path);
  try {
    return (await handle.stat()).isFile() ? await handle.readFile('utf8') : '(no file)';
  } finally {
    await handle.close();
  }
}

const outcome = (root: string, path: string) =>
  read(root, path).catch((error) => (error as { code?: string }).code ?? String(error));

test('what lies below the root is opened, through links that stay inside too', () =>
  withTree(async (root) => {
    symlinkSync('file.txt', join(root, 'a/relative'));
    symlinkSync('../a/file.txt', join(root, 'a/around'));
    symlinkSync(join(root, 'a'), join(root, 'absolute'));
    symlinkSync('absolute', join(root, 'twice'));
    for (
      const path of [
        'a/file.txt',
        './a//file.txt',
        'a/b/../file.txt',
        'a/relative',
        'a/around',
        'absolute/file.txt',
        'twice/relative',
      ]
    ) {
      assert.is(await outcome(root, path), 'inside', path);
    }
    const { handle, path } = await openBeneath(root, 'twice/b/..');
    await handle.close();
    assert.is(path, 'a');
    const top = await openBeneath(root, '');
    await top.handle.close();
    assert.is(top.path, '');
  }));

test('forty ways out are refused', () =>
  withTree(async (root, base) => {
    const links: Record<string, string> = {
      up: '..',
      upup: '../..',
      out: '../outside',
      file: '../outside/secret',
      abs: join(base, 'outside'),
      absfile: join(base, 'outside/secret'),
      top: '/',
      proc: '/proc/self/root',
      self: '/proc/self/cwd',
      fd: '/proc/self/fd/0',
      twice: 'out',
      prefix: join(base, 'root-not'),
      dots: `${root}/../outside/secret`,
      loop: 'loop',
      pingA: 'pingB',
      pingB: 'pingA',
      env: '/proc/self/environ',
      trailing: '../outside/',
      here: './../outside/secret',
    };
    for (const [name, target] of Object.entries(links)) symlinkSync(target, join(root, name));
    const attempts = [
      '..',
      '../',
      '../outside/secret',
      '../root-not/secret',
      'a/../../outside/secret',
      'a/b/../../../outside/secret',
      './../outside/secret',
      '/etc/passwd',
      `${base}/outside/secret`,
      '//etc/passwd',
      'a/file.txt/../../../outside/secret',
      '../root/../outside/secret',
      'up/outside/secret',
      'upup/etc/passwd',
      'out/secret',
      'out/deep/secret',
      'file',
      'abs/secret',
      'absfile',
      'top/etc/passwd',
      'proc/etc/passwd',
      'self/package.json',
      'fd',
      'twice/secret',
      'prefix/secret',
      'dots',
      'loop',
      'pingA',
      'env',
      'trailing/secret',
      'here',
      'a/\0/../file.txt',
      'a/file.txt\0.png',
      '\0',
      'a\ud800',
      'out/../../outside/secret',
      'up/root/../outside/secret',
      'abs/../outside/secret',
      `${'a/../'.repeat(MAX_PARTS)}a/file.txt`,
      'x'.repeat(5000),
    ];
    assert.ok(attempts.length >= 40);
    for (const path of attempts) {
      const result = await outcome(root, path);
      assert.ok(
        ['outside_roots', 'bad_path', 'not_found', 'folder_closed'].includes(result),
        `${JSON.stringify(path)}: ${result}`,
      );
    }
  }));

test('links are counted: as many as Linux follows, and one more is refused', () =>
  withTree(async (root) => {
    symlinkSync('a/file.txt', join(root, 'l1'));
    for (let i = 2; i <= MAX_LINKS + 1; i++) symlinkSync(`l${i - 1}`, join(root, `l${i}`));
    assert.is(await outcome(root, `l${MAX_LINKS}`), 'inside');
    assert.is(await outcome(root, `l${MAX_LINKS + 1}`), 'bad_path');
  }));

test('FIFOs and devices are opened without waiting, directories and hard links as what they are', () =>
  withTree(async (root) => {
    execFileSync('mkfifo', [join(root, 'fifo')]);
    assert.is(await outcome(root, 'fifo'), '(no file)');
    assert.is(await outcome(root, 'a'), '(no file)');
    linkSync(join(root, 'a/file.txt'), join(root, 'hard'));
    assert.is(await outcome(root, 'hard'), 'inside');
  }));

test('writing never follows a link out, and a new file is made only inside', () =>
  withTree(async (root, base) => {
    symlinkSync('../outside/secret', join(root, 'file'));
    symlinkSync('../outside', join(root, 'out'));
    const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC;
    for (const path of ['file', 'out/new', '../new', 'a/../../new']) {
      const code = await openBeneath(root, path, { flags, mode: 0o600 }).then(() => 'opened', (error) => error.code);
      assert.is(code, 'outside_roots', path);
    }
    assert.equal(readdirSync(base).sort(), ['outside', 'root', 'root-not']);
    assert.equal(readdirSync(join(base, 'outside')).sort(), ['deep', 'secret']);
    const { handle } = await openBeneath(root, 'a/new', { flags, mode: 0o600 });
    await handle.close();
    assert.ok(readdirSync(join(root, 'a')).includes('new'));
  }));

test('a directory that is swapped with a link while it is walked never shows what is outside', () =>
  withTree(async (root, base) => {
    mkdirSync(join(root, 'deep'));
    writeFileSync(join(root, 'deep/secret'), 'inside');
    await symlink(join(base, 'outside'), join(root, 'link'));
    let swapping = true;
    const swap = (async () => {
      while (swapping) {
        await rename(join(root, 'deep'), join(root, 'aside'));
        await rename(join(root, 'link'), join(root, 'deep'));
        await rename(join(root, 'deep'), join(root, 'link'));
        await rename(join(root, 'aside'), join(root, 'deep'));
      }
    })();
    const seen = new Map<string, number>();
    for (let i = 0; i < 1000; i++) {
      const result = await outcome(root, 'deep/secret');
      seen.set(result, (seen.get(result) ?? 0) + 1);
    }
    swapping = false;
    await swap;
    assert.not.ok(seen.has(SECRET), [...seen].join());
    assert.ok(seen.get('inside')! > 0);
  }));

const linuxTest = testUnless(existsSync('/proc/self/fd') ? '' : 'there is no /proc');
linuxTest('no descriptor is left open, whatever came of it', () =>
  withTree(async (root, base) => {
    symlinkSync('..', join(root, 'up'));
    for (let i = 0; i < 50; i++) {
      for (const path of ['a/file.txt', 'a/b/../..', 'up/x', 'a/none', '../x']) await outcome(root, path);
    }
    // Only of what was opened here: a runtime opens sockets of its own when it likes. Deno closes some a moment after it has said so.
    const left = () => readdirSync('/proc/self/fd').filter((fd) => targetOf(fd).startsWith(base)).length;
    await until(() => `${left()} descriptors`, () => left() === 0, 2000);
  }));

/** What a descriptor of this process leads to; empty when it is closed by now. */
function targetOf(fd: string): string {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`);
  } catch {
    return '';
  }
}

test.run();
