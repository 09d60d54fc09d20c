/** Every way out that is known, at every route of an agent's files: refused, nothing of it is said, and nothing outside changes. */
import { execFileSync } from 'node:child_process';
import { linkSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { rename, symlink } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { mentionsIn } from '../../../agent/provider/mentions.ts';
import { AttachmentStore } from '../../../agent/session/attachments.ts';
import { type Ask, read, type Reply, withFiles } from '../../support/harness/agent-files.ts';
import { placeIn } from '../../../ui/chat/file-link.ts';

const SECRET = 'the-secret-outside';
const ID = '00000000-0000-4000-8000-000000000000';

/** Links inside of the folder → where they lead. */
const LINKS: [name: string, target: (base: string) => string][] = [
  ['up', () => '..'],
  ['out', () => '../outside'],
  ['file', () => '../outside/secret'],
  ['absolute', (base) => join(base, 'outside')],
  ['twice', () => 'out'],
  ['top', () => '/'],
  ['proc', () => '/proc/self/root'],
  ['cwd', () => '/proc/self/cwd'],
  ['env', () => '/proc/self/environ'],
  ['fd', () => '/proc/self/fd/0'],
  ['zero', () => '/dev/zero'],
  ['null', () => '/dev/null'],
  ['loop', () => 'loop'],
  ['dotgit', () => '.git'],
  ['gitfile', () => '.git/config'],
  ['sibling', (base) => join(base, 'project-not')],
  ['here', (base) => `${join(base, 'project')}/../outside/secret`],
];

/** What an address may say as `path`, as it stands there: what is escaped is unescaped once, by us. */
const ATTEMPTS: [what: string, raw: (base: string) => string][] = [
  ['up', () => '..'],
  ['up, with a slash', () => '../'],
  ['a file beside', () => '../outside/secret'],
  ['a folder whose name begins the same', () => '../project-not/secret'],
  ['down and up', () => 'src/../../outside/secret'],
  ['up in the middle', () => './../outside/secret'],
  ['back in and out', () => '../project/../outside/secret'],
  ['through a file', () => 'src/a.ts/../../../outside/secret'],
  ['encoded', () => '%2e%2e%2foutside%2fsecret'],
  ['encoded in part', () => '..%2Foutside/secret'],
  ['encoded twice', () => '%252e%252e%252foutside%252fsecret'],
  ['encoded three times', () => '%25252e%25252e%25252foutside'],
  ['overlong UTF-8', () => '%c0%ae%c0%ae%c0%afoutside%c0%afsecret'],
  ['a full-width dot', () => '%ef%bc%8e%ef%bc%8e/outside/secret'],
  ['backslashes', () => '..\\outside\\secret'],
  ['encoded backslashes', () => '..%5c..%5coutside'],
  ['absolute', (base) => `${base}/outside/secret`],
  ['absolute, of the system', () => '/etc/passwd'],
  ['two slashes', () => '//etc/passwd'],
  ['UNC', () => '\\\\server\\share\\secret'],
  ['UNC with slashes', () => '//server/share/secret'],
  ['a device path of Windows', () => '\\\\?\\C:\\secret'],
  ['a drive', () => 'C:\\Windows\\win.ini'],
  ['a file address', () => 'file:///etc/passwd'],
  ['a home', () => '~/.ssh/id_rsa'],
  ['NUL', () => 'src/a.ts%00.png'],
  ['NUL and up', () => '%00/../../outside/secret'],
  ['half of a character', () => 'a%ed%a0%80'],
  ['an empty part', () => 'src//..//..//outside/secret'],
  ['too many parts', () => `${'src/../'.repeat(300)}../outside/secret`],
  ['too long', () => 'x'.repeat(5000)],
  ['a link up', () => 'up/outside/secret'],
  ['a link out', () => 'out/secret'],
  ['a link to a file outside', () => 'file'],
  ['an absolute link', () => 'absolute/secret'],
  ['a link to a link out', () => 'twice/secret'],
  ['a link to the top', () => 'top/etc/passwd'],
  ['a link out and up', () => 'out/../outside/secret'],
  ['a link to a folder whose name begins the same', () => 'sibling/secret'],
  ['a link in and out again', () => 'here'],
  ['a link to itself', () => 'loop'],
  ['/proc: the root', () => 'proc/etc/passwd'],
  ['/proc: the working folder', () => 'cwd/package.json'],
  ['/proc: the environment', () => 'env'],
  ['/proc: a descriptor', () => 'fd'],
  ['a device without an end', () => 'zero'],
  ['a device', () => 'null'],
  ['a FIFO', () => 'pipe'],
  ['a socket', () => 'socket'],
  ['the settings of git, which name commands', () => '.git/config'],
  ['a hook', () => '.git/hooks/pre-commit'],
  ['the folder of git', () => '.git'],
  ['git in another case', () => '.GIT/config'],
  ['git in mixed case, encoded', () => '%2EgIt/hooks/pre-commit'],
  ['git of a repository inside', () => 'src/.git/config'],
  ['git behind a link', () => 'dotgit/config'],
  ['a link to its settings', () => 'gitfile'],
  ['git behind up', () => 'src/../.git/config'],
];

interface Route {
  name: string;
  ask(ask: Ask, raw: string): Promise<Reply>;
  /** What is not there is nothing that this route refuses: it makes it, inside. */
  makes?: boolean;
}

const JSON_TYPE = { 'content-type': 'application/json' };
const unescaped = (raw: string) => new URLSearchParams(`path=${raw.replaceAll('+', '%2b')}`).get('path')!;

const ROUTES: Route[] = [
  { name: 'list', ask: (ask, raw) => ask('GET', `?path=${raw}`) },
  { name: 'content', ask: (ask, raw) => ask('GET', `/content?path=${raw}`) },
  { name: 'content, a part', ask: (ask, raw) => ask('GET', `/content?path=${raw}`, { range: 'bytes=0-9' }) },
  { name: 'download', ask: (ask, raw) => ask('GET', `/content?path=${raw}&download=1`) },
  { name: 'archive', ask: (ask, raw) => ask('GET', `/archive?path=${raw}`) },
  { name: 'write anew', ask: (ask, raw) => ask('PUT', `/content?path=${raw}`, {}, 'evil'), makes: true },
  {
    name: 'overwrite',
    ask: (ask, raw) => ask('PUT', `/content?path=${raw}`, { 'if-match': '*' }, 'evil'),
    makes: true, // what the route before has made
  },
  ...[false, true].map((overwrite): Route => ({
    name: overwrite ? 'upload over it' : 'upload',
    async ask(ask, raw) {
      const body = { uploadId: ID, path: unescaped(raw), size: 4, overwrite };
      const begun = await ask('POST', '/api/agents/a/uploads', JSON_TYPE, JSON.stringify(body));
      if (begun.status !== 200) return begun;
      await ask('PUT', `/api/agents/a/uploads/${ID}?offset=0`, {}, 'evil');
      const end = JSON.stringify({ overwrite });
      const done = await ask('POST', `/api/agents/a/uploads/${ID}/finish`, JSON_TYPE, end);
      if (done.status !== 200) await ask('DELETE', `/api/agents/a/uploads/${ID}`);
      return done;
    },
    makes: true,
  })),
];

const REFUSALS = new Set([
  'outside_roots',
  'bad_path',
  'bad_request',
  'not_found',
  'not_a_file',
  'not_a_folder',
  'folder_closed',
  'file_exists', // which the route before has made
]);

/** A folder with every way out in it, and a secret outside and in git's own folder. */
const withWaysOut = (use: (place: { root: string; base: string; ask: Ask }) => Promise<void>) =>
  withFiles(async (place) => {
    const { root, base } = place;
    for (const path of [join(root, 'src/.git'), join(root, '.git/hooks'), join(base, 'outside')]) {
      mkdirSync(path, { recursive: true });
    }
    mkdirSync(join(base, 'project-not'));
    writeFileSync(join(root, 'src/a.ts'), 'inside');
    for (const file of ['project/.git/config', 'project/.git/hooks/pre-commit', 'project/src/.git/config']) {
      writeFileSync(join(base, file), `[core]\n\tfsmonitor = ${SECRET}\n`);
    }
    for (const file of ['outside/secret', 'project-not/secret']) writeFileSync(join(base, file), SECRET);
    for (const [name, target] of LINKS) symlinkSync(target(base), join(root, name));
    execFileSync('mkfifo', [join(root, 'pipe')]);
    const socket = createServer().listen(join(root, 'socket'));
    try {
      await use(place);
    } finally {
      socket.close();
    }
  });

/** All that must stay as it is. */
const outside = (base: string) =>
  ['outside', 'project-not', 'project/.git', 'project/.git/hooks', 'project/src/.git'].map((directory) =>
    readdirSync(join(base, directory), { withFileTypes: true }).map((entry) =>
      `${directory}/${entry.name} ${entry.isFile() ? readFileSync(join(base, directory, entry.name), 'utf8') : ''}`
    )
  );

test(`${ATTEMPTS.length} ways out, each at ${ROUTES.length} routes`, () =>
  withWaysOut(async ({ base, ask }) => {
    assert.ok(ATTEMPTS.length >= 40);
    const beside = () => readdirSync(base).filter((name) => name !== 'uploads').sort();
    const before = [outside(base), beside()];
    for (const [what, raw] of ATTEMPTS) {
      for (const route of ROUTES) {
        const reply = await route.ask(ask, raw(base));
        const said = `${route.name}, ${what}: ${reply.status} ${reply.body.toString().slice(0, 200)}`;
        assert.not.ok(reply.body.includes(SECRET), said);
        // A strange name may be that of a new file, inside.
        if (route.makes && reply.status === 200) assert.not.match(unescaped(raw(base)), /(?:^|\/)\.\.(?:\/|$)|\.git/i);
        else {assert.ok(
            reply.status >= 400 && reply.status < 500 && REFUSALS.has(read<{ code: string }>(reply).code),
            said,
          );}
      }
    }
    assert.equal([outside(base), beside()], before);
  }));

test('addresses that lead past the routes, and HEAD', () =>
  withWaysOut(async ({ ask }) => {
    for (
      const path of [
        '/api/agents/a/files/../../../../etc/passwd',
        '/api/agents/a/files/%2e%2e/%2e%2e/etc/passwd',
        '/api/agents/a/files/content/../../../../outside/secret',
        '/api/agents/a/files/content/%2fetc%2fpasswd?path=src/a.ts',
        '/api/agents/a%2f..%2fb/files/content?path=../outside/secret',
        '/api/agents/a/files/content?path=src/a.ts&path=../outside/secret',
        '/api/agents/a/files/content?path=../outside/secret&path=src/a.ts',
      ]
    ) {
      const reply = await ask('GET', path);
      const isFirst = path.includes('?path=src/a.ts&');
      assert.is(reply.status >= 400 && reply.status < 500, !isFirst, `${path}: ${reply.status}`);
      assert.not.ok(reply.body.includes(SECRET), path);
    }
    for (const raw of ['../outside/secret', 'out/secret', '.git/config', 'env', 'zero', 'pipe']) {
      const reply = await ask('HEAD', `/content?path=${raw}`);
      assert.ok(reply.status >= 400 && reply.status < 500, raw);
      assert.not.ok(reply.headers.etag, raw);
    }
  }));

test('searches find nothing outside, nothing of git, and nothing behind a link', () =>
  withWaysOut(async ({ ask }) => {
    for (const words of [SECRET, 'fsmonitor', 'root:']) {
      const { found } = read<{ found: unknown[] }>(await ask('GET', `/search?text=${encodeURIComponent(words)}`));
      assert.equal(found, [], words);
    }
    for (const words of ['secret', '../', 'outside', '.git/config', 'pre-commit', 'passwd', 'up/outside']) {
      const { paths } = read<{ paths: string[] }>(await ask('GET', `/search?q=${encodeURIComponent(words)}`));
      assert.equal(paths.filter((path) => /secret|\.git|\.\.|passwd/.test(path)), [], words);
    }
  }));

test('a hard link is a file of this folder: it is read, and written without the other name', () =>
  withWaysOut(async ({ root, base, ask }) => {
    linkSync(join(base, 'outside/secret'), join(root, 'hard'));
    assert.is((await ask('PUT', '/content?path=hard', { 'if-match': '*' }, 'ours')).status, 200);
    assert.equal(
      [readFileSync(join(base, 'outside/secret'), 'utf8'), readFileSync(join(root, 'hard'), 'utf8')],
      [SECRET, 'ours'],
    );
  }));

test('a folder that becomes a link out while routes walk through it shows nothing, and gets nothing', () =>
  withWaysOut(async ({ root, base, ask }) => {
    mkdirSync(join(root, 'deep'));
    writeFileSync(join(root, 'deep/secret'), 'inside');
    await symlink(join(base, 'outside'), join(root, 'swap'));
    let swapping = true;
    const swap = (async () => {
      while (swapping) {
        await rename(join(root, 'deep'), join(root, 'aside'));
        await rename(join(root, 'swap'), join(root, 'deep'));
        await rename(join(root, 'deep'), join(root, 'swap'));
        await rename(join(root, 'aside'), join(root, 'deep'));
      }
    })();
    const before = outside(base);
    for (let i = 0; i < 100; i++) {
      for (const route of ROUTES) {
        const reply = await route.ask(ask, route.makes ? `deep/new${i}` : 'deep/secret');
        assert.not.ok(reply.body.includes(SECRET), route.name);
        assert.ok(reply.status < 500, `${route.name}: ${reply.status} ${reply.body}`);
      }
    }
    swapping = false;
    await swap;
    assert.equal(outside(base), before);
  }));

test('what an attachment is asked for by is a hash and a name, and nothing else', () =>
  withWaysOut(async ({ root, base }) => {
    const store = new AttachmentStore(join(base, 'attachments'));
    writeFileSync(join(base, 'part'), 'x');
    const { hash, name } = await store.take(join(base, 'part'), 'x.txt');
    symlinkSync(join(base, 'outside/secret'), join(base, 'attachments', hash, 'link'));
    for (const [what, raw] of ATTEMPTS) {
      const tried = unescaped(raw(base));
      for (const [h, n] of [[hash, tried], [tried, name], [`../project/${tried}`, name], [hash, 'link']]) {
        const opened = await store.open(h!, n!).then(() => 'opened', (error: { code: string }) => error.code);
        assert.is(opened, 'not_found', what);
      }
    }
    assert.is(readFileSync(join(root, 'src/a.ts'), 'utf8'), 'inside');
  }));

test('paths in what an agent writes become no links, and mentions no files, that lead outside or to git', () =>
  withWaysOut(({ root, base }) => {
    for (const [what, raw] of ATTEMPTS) {
      const path = unescaped(raw(base));
      const place = placeIn(root, path);
      // What a link of the page names is asked for at the routes above: it may be refused there, but says nothing itself.
      if (place) assert.not.match(place.file, /^\/|(?:^|\/)(?:\.\.|\.git)(?:\/|$)/i, what);
      assert.equal(mentionsIn(`look at @${path} and @"${path}"`, root), [], what);
    }
    assert.equal(mentionsIn('look at @src/a.ts', root).map(({ name }) => name), ['src/a.ts']);
    return Promise.resolve();
  }));

test.run();
