/** The routes of an agent's files over a real server: listing, ranges, versions, search; and nothing of git or of outside. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { FileListing, FileSearch } from '../../../core/api/files.ts';
import { MAX_WRITE, parseRange } from '../../../agent/files/content.ts';
import { MAX_ENTRIES } from '../../../agent/files/listing.ts';
import { UNTRUSTED_CSP } from '../../../core/http/default-headers.ts';
import { namedPath, rank } from '../../../agent/files/search.ts';
import { at, code, read, withFiles } from '../../support/harness/agent-files.ts';
import { nodeTest } from '../../support/harness/node-test.ts';
import { cpuMs } from '../../support/harness/cpu-time.ts';

nodeTest(
  'a listing: folders first, by name, kinds told, names that are no UTF-8 shown',
  () =>
    withFiles(async ({ root, ask }) => {
      mkdirSync(join(root, 'src'));
      writeFileSync(join(root, 'file10'), 'x'.repeat(10));
      writeFileSync(join(root, 'file9'), '');
      symlinkSync('file9', join(root, 'link'));
      execFileSync('mkfifo', [join(root, 'pipe')]);
      writeFileSync(Buffer.concat([Buffer.from(`${root}/bad`), Buffer.from([0xff])]), '');
      writeFileSync(join(root, 'two\nlines'), '');
      const listing = read<FileListing>(await ask('GET', ''));
      assert.equal(listing.entries.map(({ name, kind }) => `${name} ${kind}`), [
        'src directory',
        'bad\\xff file',
        'file9 file',
        'file10 file',
        'link link',
        'pipe other',
        'two\nlines file',
      ]);
      assert.is(listing.entries.find(({ name }) => name === 'file10')!.size, 10);
      assert.is(code(await ask('GET', at('pipe'))), '409 not_a_file');
      assert.is(code(await ask('GET', at('file9'))), '400 not_a_folder');
      assert.is(code(await ask('GET', at('none'))), '404 not_found');
    }),
);

nodeTest(
  'a name that is no UTF-8 is reached as it is shown: read, replaced, through links; never in place of another',
  () =>
    withFiles(async ({ root, ask }) => {
      const path = (name: string) => Buffer.from(`${root}/${name}`, 'latin1');
      mkdirSync(path('d\xfe'));
      writeFileSync(path('d\xfe/a\xff.txt'), 'inner');
      symlinkSync('.', path('link\xff'));
      const shown = 'd\\xfe/a\\xff.txt';
      const entry = read<FileListing>(await ask('GET', at('d\\xfe'))).entries[0]!;
      assert.equal([entry.path, entry.addressable], [shown, true]);
      const whole = await ask('GET', `/content${at(shown)}`);
      assert.equal([whole.status, whole.body.toString()], [200, 'inner']);
      const saved = await ask('PUT', `/content${at(shown)}`, { 'if-match': whole.headers.etag! }, 'changed');
      assert.is(saved.status, 200, saved.body.toString());
      assert.is(readFileSync(path('d\xfe/a\xff.txt'), 'utf8'), 'changed');
      assert.equal(readdirSync(path('d\xfe'), { encoding: 'buffer' }).length, 1);
      assert.is((await ask('GET', `/content${at(`link\\xff/${shown}`)}`)).body.toString(), 'changed');
      // The text is the name of another file: that one is meant, and the other is said to be out of reach.
      for (const [name, content] of [['same\xff', 'bytes'], ['same\\xff', 'text']] as const) {
        writeFileSync(path(name), content);
      }
      assert.is((await ask('GET', `/content${at('same\\xff')}`)).body.toString(), 'text');
      const same = read<FileListing>(await ask('GET', '')).entries.filter(({ name }) => name === 'same\\xff');
      assert.equal(same.map(({ size, addressable }) => [size, addressable]).sort(), [[4, true], [5, false]]);
      // Neither what no listing shows so, nor anything of git or of outside.
      for (const name of ['d\\xFE', '\\x2e\\x2e', 'd\\xfe\\x00', '\\x2egit/config']) {
        assert.is(code(await ask('GET', `/content${at(name)}`)), '404 not_found', name);
      }
    }),
);

test('ten thousand files are listed within a second, and more are said to be there', () =>
  withFiles(async ({ root, ask }) => {
    mkdirSync(join(root, 'many'));
    for (let i = 0; i <= MAX_ENTRIES; i++) writeFileSync(join(root, `many/f${i}`), '');
    const startedAt = cpuMs();
    const listing = read<FileListing>(await ask('GET', at('many')));
    assert.equal([listing.entries.length, listing.truncated], [MAX_ENTRIES, true]);
    assert.ok(cpuMs() - startedAt < 5000);
    mkdirSync(join(root, 'few/z-directory'), { recursive: true });
    for (let i = 0; i < 9; i++) writeFileSync(join(root, `few/f${i}`), '');
    const first = read<FileListing>(await ask('GET', `${at('few')}&limit=3`));
    assert.equal([first.entries.length, first.truncated, first.entries[0]!.name], [3, true, 'z-directory']);
    const all = read<FileListing>(await ask('GET', `?path=&limit=5`));
    assert.equal([all.entries.map(({ name }) => name), all.truncated], [['few', 'many'], false]);
    assert.is(code(await ask('GET', '?path=&limit=x')), '400 bad_request');
  }));

test('content: whole, in ranges, by version; what is HTML, SVG or PDF can do nothing on our origin', () =>
  withFiles(async ({ root, ask }) => {
    writeFileSync(join(root, 'a.txt'), '0123456789');
    const whole = await ask('GET', `/content${at('a.txt')}`);
    assert.is(whole.body.toString(), '0123456789');
    const etag = whole.headers.etag!;
    const ranges: [Record<string, string>, number, string, string | undefined][] = [
      [{ range: 'bytes=2-4' }, 206, '234', 'bytes 2-4/10'],
      [{ range: 'bytes=8-' }, 206, '89', 'bytes 8-9/10'],
      [{ range: 'bytes=-3' }, 206, '789', 'bytes 7-9/10'],
      [{ range: 'bytes=0-99' }, 206, '0123456789', 'bytes 0-9/10'],
      [{ range: 'bytes=10-' }, 416, '', 'bytes */10'],
      [{ range: 'bytes=0-1,4-5' }, 200, '0123456789', undefined],
      [{ range: 'bytes=2-4', 'if-range': '"other"' }, 200, '0123456789', undefined],
      [{ range: 'bytes=2-4', 'if-range': etag }, 206, '234', 'bytes 2-4/10'],
      [{ 'if-none-match': etag }, 304, '', undefined],
    ];
    for (const [headers, status, body, range] of ranges) {
      const reply = await ask('GET', `/content${at('a.txt')}`, headers);
      assert.equal(
        [reply.status, reply.body.toString(), reply.headers['content-range']],
        [status, body, range],
        JSON.stringify(headers),
      );
    }
    const head = await ask('HEAD', `/content${at('a.txt')}`);
    assert.equal([head.status, head.headers['content-length'], head.body.length], [200, '10', 0]);
    const types = {
      'x.html': 'text/plain; charset=utf-8',
      'x.svg': 'image/svg+xml',
      'x.pdf': 'application/pdf',
      'x.js': 'text/plain; charset=utf-8',
      'X.PNG': 'image/png',
      'x.constructor': 'text/plain; charset=utf-8',
      none: 'text/plain; charset=utf-8',
    };
    for (const [name, type] of Object.entries(types)) {
      writeFileSync(join(root, name), '<script>1</script>');
      const { headers } = await ask('GET', `/content${at(name)}`, { accept: 'image/*' });
      assert.equal([headers['content-type'], headers['content-security-policy'], headers['x-content-type-options']], [
        type,
        UNTRUSTED_CSP,
        'nosniff',
      ]);
    }
    const { headers } = await ask('GET', `/content${at('x.html')}&download=1`);
    assert.match(headers['content-disposition']!, /^attachment; filename="x\.html"/);
  }));

test('an SVG is a picture, but text where it would be a document, and never taken for the other one', () =>
  withFiles(async ({ root, ask }) => {
    writeFileSync(join(root, 'x.svg'), '<svg xmlns="http://www.w3.org/2000/svg"/>');
    const { etag } = (await ask('GET', `/content${at('x.svg')}`)).headers;
    for (const destination of ['image', 'empty']) {
      const fields = { 'sec-fetch-dest': destination };
      assert.is((await ask('GET', `/content${at('x.svg')}`, fields)).headers['content-type'], 'image/svg+xml');
      assert.is((await ask('GET', `/content${at('x.svg')}`, { ...fields, 'if-none-match': etag! })).status, 304);
    }
    // Firefox, Safari and Chromium over plain http: they name no destination there.
    for (const accept of ['image/avif,image/webp,*/*', 'image/webp,image/avif,video/*;q=0.8,image/svg+xml,*/*;q=0.5']) {
      assert.is((await ask('GET', `/content${at('x.svg')}`, { accept })).headers['content-type'], 'image/svg+xml');
    }
    const documents = ['document', 'iframe', 'frame', 'object', 'embed'].map((name) => ({ 'sec-fetch-dest': name }));
    // A page, a frame or a program; an object.
    const accepted = ['text/html,application/xml;q=0.9,image/avif,*/*;q=0.8', '*/*'].map((accept) => ({ accept }));
    for (const said of [...documents, ...accepted, {}]) {
      const fields = { ...said, 'if-none-match': etag! } as Record<string, string>;
      const { status, headers } = await ask('GET', `/content${at('x.svg')}`, fields);
      const { 'content-type': type, 'cache-control': cache } = headers;
      assert.equal([status, type, cache], [200, 'text/plain; charset=utf-8', 'no-store'], JSON.stringify(said));
    }
  }));

test('a name goes into a header without breaking it', () =>
  withFiles(async ({ root, ask }) => {
    for (const name of ['a"b.txt', 'é.txt', "it's (1).txt", 'new\nline', 'a%20b', '\u202egnp.exe']) {
      writeFileSync(join(root, name), 'x');
      const { status, headers } = await ask('GET', `/content${at(name)}`);
      assert.is(status, 200, name);
      assert.match(headers['content-disposition']!, /^inline; filename="[ -!#-~]*"; filename\*=UTF-8''[\w.!~%-]+$/);
    }
  }));

nodeTest(
  'a file is replaced only by who knows its version, keeps its permissions, and is whole',
  () =>
    withFiles(async ({ root, ask }) => {
      const put = (path: string, body: string, version?: string) =>
        ask('PUT', `/content${at(path)}`, version ? { 'if-match': version } : {}, body);
      const created = await put('new.txt', 'one');
      assert.is(created.status, 200);
      const { etag } = read<{ etag: string }>(created);
      assert.is((await ask('GET', `/content${at('new.txt')}`)).headers.etag, etag);
      assert.is(code(await put('new.txt', 'two')), '409 changed', 'a new file must not replace one that is there');
      assert.is((await put('new.txt', 'two', etag)).status, 200);
      assert.is(code(await put('new.txt', 'three', etag)), '409 changed');
      assert.is((await put('new.txt', 'four', '*')).status, 200);
      assert.is(readFileSync(join(root, 'new.txt'), 'utf8'), 'four');
      assert.is(code(await put('none.txt', 'x', '*')), '404 not_found');
      assert.is(code(await put('', 'x')), '400 bad_path');
      mkdirSync(join(root, 'dir'));
      assert.is(code(await put('dir', 'x', '*')), '409 not_a_file');
      execFileSync('chmod', ['750', join(root, 'new.txt')]);
      assert.is((await put('new.txt', 'five', '*')).status, 200);
      assert.is(execFileSync('stat', ['-c', '%a', join(root, 'new.txt')], { encoding: 'utf8' }).trim(), '750');
      assert.is(code(await put('big', 'x'.repeat(MAX_WRITE + 1))), '413 too_large');
      assert.equal(readdirSync(root).sort(), ['.git', 'dir', 'new.txt'], 'no temporary file is left');
    }),
);

test('nothing of git, nothing outside, on every route, whatever the case or the link', () =>
  withFiles(async ({ root, base, ask }) => {
    writeFileSync(join(base, 'secret'), 'secret');
    symlinkSync('.git', join(root, 'dotgit'));
    symlinkSync('../secret', join(root, 'out'));
    symlinkSync('..', join(root, 'up'));
    for (
      const path of [
        '.git/config',
        '.GIT/config',
        'dotgit/config',
        '.git',
        'out',
        'up/secret',
        '../secret',
        '/etc/passwd',
        '.git/hooks/pre-commit',
      ]
    ) {
      for (
        const [method, route, headers, body] of [
          ['GET', '', {}, undefined],
          ['GET', '/content', {}, undefined],
          ['PUT', '/content', {}, 'x'],
          ['PUT', '/content', { 'if-match': '*' }, 'x'],
        ] as [string, string, Record<string, string>, string | undefined][]
      ) {
        const reply = await ask(method, `${route}${at(path)}`, headers, body);
        assert.is(code(reply), '403 outside_roots', `${method} ${route} ${path}`);
      }
    }
    assert.is(readFileSync(join(base, 'secret'), 'utf8'), 'secret');
    assert.is(readFileSync(join(root, '.git/config'), 'utf8'), '[core]\n');
  }));

test('a file that shrinks while it is sent breaks the reply', () =>
  withFiles(async ({ root, ask }) => {
    const file = join(root, 'large');
    writeFileSync(file, Buffer.alloc(64 * 1024 * 1024));
    const outcome = ask('GET', `/content${at('large')}`, {}, undefined, () => truncateSync(file, 1024))
      .then(() => 'whole', () => 'broken');
    assert.is(await outcome, 'broken');
  }));

test('search: fuzzy, the best first, without what git ignores', () =>
  withFiles(async ({ root, ask }) => {
    execFileSync('rm', ['-rf', join(root, '.git')]);
    execFileSync('git', ['init', '-q', root]);
    mkdirSync(join(root, 'src/ui'), { recursive: true });
    for (const name of ['src/ui/button.ts', 'src/button-group.ts', 'src/b-u-t-t-o-n.ts', 'readme.md', 'ignored.log']) {
      writeFileSync(join(root, name), '');
    }
    writeFileSync(join(root, '.gitignore'), '*.log\n');
    const found = read<FileSearch>(await ask('GET', '/search?q=button')).paths;
    assert.equal(found, ['src/ui/button.ts', 'src/button-group.ts', 'src/b-u-t-t-o-n.ts']);
    assert.ok(!read<FileSearch>(await ask('GET', '/search?q=')).paths.includes('ignored.log'));
  }));

test('search among 100,000 names is fast', () => {
  const paths = Array.from({ length: 100_000 }, (_, i) => `packages/p${i % 300}/src/module-${i}/index-${i}.ts`);
  const named = paths.map(namedPath);
  const times = Array.from({ length: 20 }, (_, i) => {
    const startedAt = cpuMs();
    assert.is(rank(named, `index-${i * 4999}.ts`, 50)[0], paths[i * 4999]);
    return cpuMs() - startedAt;
  });
  assert.ok(times.sort((a, b) => a - b)[18]! < 100, `${times[18]} ms`);
});

test('ranges of RFC 9110', () => {
  assert.equal(parseRange('bytes=5-2', 10), { kind: 'whole' });
  assert.equal(parseRange('bytes=-0', 10), { kind: 'unsatisfiable' });
  assert.equal(parseRange('bytes=0-0', 0), { kind: 'unsatisfiable' });
  assert.equal(parseRange('items=0-1', 10), { kind: 'whole' });
  assert.equal(parseRange(`bytes=${'9'.repeat(400)}-`, 10), { kind: 'unsatisfiable' });
});

test.run();
