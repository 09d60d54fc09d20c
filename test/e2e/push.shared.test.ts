/** Update from the base, push to a bare repository, and a pull request by a stand-in for gh, all over the routes. */
import { Buffer } from 'node:buffer';
import { execFileSync, spawn } from 'node:child_process';
import { appendFileSync, chmodSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { RemoteWork } from '../../core/api/workspace.ts';
import {
  commitAll,
  runGit,
  temporaryDirectory,
  withGitAlone,
  withGlobalSettings,
  writeFiles,
} from '../support/harness/git.ts';
import { createCanaries } from '../support/harness/git-canaries.ts';
import { type WalkFixture, withAgent } from '../support/harness/git-walk.ts';
import { until } from '../support/harness/product.ts';

interface Bare extends WalkFixture {
  bare: string;
}

/** An agent's repository whose remote is a bare one. */
const withRemote = (run: (fixture: Bare) => Promise<void>) =>
  withAgent({
    prepare: ({ directory, repo }) => {
      execFileSync('git', ['init', '-q', '--bare', join(directory, 'bare.git')]);
      runGit(repo, 'remote', 'add', 'origin', join(directory, 'bare.git'));
    },
  }, (fixture) => run({ ...fixture, bare: join(fixture.directory, 'bare.git') }));

/** Begins work and waits for its end. */
async function workOf({ ask }: WalkFixture, name: string, body: object = {}): Promise<RemoteWork> {
  const shown = name === 'pull-request' ? { repository: 'owner/name' } : {};
  const begun = await ask('POST', `/changes/${name}`, { ...shown, ...body });
  assert.is(begun.status, 202, begun.text);
  return await ended(ask);
}

async function ended(ask: WalkFixture['ask']): Promise<RemoteWork> {
  for (let i = 0; i < 300; i++) {
    const { work } = (await ask('GET', '/changes/remote')).body;
    if (work.state !== 'running') return work;
    await sleep(50);
  }
  throw new Error('The work did not end.');
}

/** A process that has ended may wait for its parent to ask. */
function isAlive(pid: number): boolean {
  try {
    return !/^State:\tZ/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

const codeOf = ({ state, error }: RemoteWork) => [state, error?.code];

/** Puts `programs` before all others of PATH while `run` runs; with `only`, nothing else but git's own. */
async function withPrograms(
  programs: Record<string, string>,
  run: (directory: string) => Promise<void>,
): Promise<void> {
  const { path, remove } = temporaryDirectory();
  const before = process.env.PATH;
  for (const [name, text] of Object.entries(programs)) {
    writeFileSync(join(path, name), text);
    chmodSync(join(path, name), 0o755);
  }
  process.env.PATH = `${path}:${before}`;
  try {
    await run(path);
  } finally {
    process.env.PATH = before;
    remove();
  }
}

test('update brings what the base got; new files stay, changed files and conflicts are refused and nothing is changed', () =>
  withRemote(async ({ ask, tree, repo }) => {
    const before = runGit(tree, 'rev-parse', 'HEAD');
    writeFiles(tree, { 'a.txt': 'not committed\n', 'new.txt': 'new\n' });
    const dirty = await ask('POST', '/changes/update', {});
    assert.equal([dirty.status, dirty.body.code, dirty.body.params.files], [409, 'uncommitted', 'a.txt']);
    assert.is(runGit(tree, 'rev-parse', 'HEAD'), before);
    runGit(tree, 'checkout', '--quiet', 'a.txt');
    const { status, body } = await ask('POST', '/changes/update', {});
    assert.equal([status, body.commits, body.base, body.changes.behind], [200, 1, 'main', 0]);
    assert.is(readFileSync(join(tree, 'both.txt'), 'utf8'), 'base\n2\n3\n4\n5\n6\nagent\n');
    assert.is(readFileSync(join(tree, 'new.txt'), 'utf8'), 'new\n');
    assert.is(runGit(repo, 'rev-parse', 'main'), runGit(tree, 'rev-parse', 'HEAD^2'), 'the base itself did not move');
    assert.is((await ask('POST', '/changes/update', {})).body.commits, 0);
    writeFiles(repo, { 'both.txt': 'other\n' });
    commitAll(repo, 'conflict');
    const merged = runGit(tree, 'rev-parse', 'HEAD');
    const conflict = await ask('POST', '/changes/update', {});
    assert.equal([conflict.status, conflict.body.code, conflict.body.params.files], [
      409,
      'merge_conflict',
      'both.txt',
    ]);
    assert.equal([runGit(tree, 'rev-parse', 'HEAD'), runGit(tree, 'status', '--porcelain')], [merged, '?? new.txt']);
    writeFiles(repo, { 'both.txt': 'base\n2\n3\n4\n5\n6\n7\n', 'new.txt': 'of the base\n' });
    commitAll(repo, 'the same name');
    const inTheWay = await ask('POST', '/changes/update', {});
    assert.equal([inTheWay.body.code, inTheWay.body.params.files], ['merge_failed', 'new.txt']);
    assert.is(readFileSync(join(tree, 'new.txt'), 'utf8'), 'new\n');
  }));

test('push: a bare repository gets the branch, nobody is forced, and no program of either side runs', () =>
  withRemote(async (fixture) => {
    const { tree, repo, bare, agent, directory } = fixture;
    const branch = agent.worktree!.branch;
    const canaries = createCanaries(join(directory, 'push-canaries'));
    runGit(repo, 'push', '--quiet', bare, 'main');
    for (const gitDir of [join(repo, '.git'), bare]) {
      canaries.plantHooks(gitDir);
      appendFileSync(join(gitDir, 'config'), `\n${canaries.config}`);
    }
    appendFileSync(join(repo, '.git/config'), `\n[remote "origin"]\n\tpushurl = ${bare}\n`); // the last has its way
    const pushed = await workOf(fixture, 'push');
    assert.equal([pushed.state, pushed.remote, pushed.branch, pushed.error], ['done', 'origin', branch, null]);
    assert.is(pushed.address, bare, 'where it went, which the name does not say');
    assert.is(runGit(bare, 'rev-parse', `refs/heads/${branch}`), runGit(tree, 'rev-parse', 'HEAD'));
    assert.is(runGit(tree, 'rev-parse', `refs/remotes/origin/${branch}`), runGit(tree, 'rev-parse', 'HEAD'));
    assert.equal(canaries.runs(), []);
    runGit(bare, 'update-ref', `refs/heads/${branch}`, runGit(bare, 'rev-parse', 'main'));
    canaries.runs(); // of that git
    const refused = await workOf(fixture, 'push');
    assert.equal(codeOf(refused), ['failed', 'push_refused']);
    assert.match(refused.error!.error, /origin did not take the push/);
    assert.is(runGit(bare, 'rev-parse', `refs/heads/${branch}`), runGit(bare, 'rev-parse', 'main'));
    assert.equal(canaries.runs(), []);
  }));

test('plain git runs those programs in the same place', () =>
  withRemote(({ tree, bare, directory }) => {
    const canaries = createCanaries(join(directory, 'push-canaries'));
    canaries.plantHooks(bare);
    runGit(tree, 'push', '--quiet', bare, 'HEAD:refs/heads/by-hand');
    assert.ok(canaries.runs().length > 0);
    return Promise.resolve();
  }));

test('addresses that name a program, or nothing that git pushes to, are refused', () =>
  withRemote(async (fixture) => {
    const { repo, directory } = fixture;
    const canary = join(directory, 'ran');
    const script = join(directory, 'script');
    writeFileSync(script, `#!/bin/sh\ntouch ${canary}\n`);
    chmodSync(script, 0o755);
    const refused = [
      `ext::${script}`,
      `fd::17`,
      `-oProxyCommand=${script}`,
      `ssh://-oProxyCommand=${script}/x`,
      'relative/path',
      'git://127.0.0.1:1/a/b',
      join(directory, 'nowhere'),
      repo,
      `file://${directory}/%zz`,
      'javascript:alert(1)//::x',
    ];
    for (const url of refused) {
      runGit(repo, 'config', 'remote.origin.url', url);
      const work = await workOf(fixture, 'push');
      assert.is(work.state, 'failed', url);
      assert.ok(['remote_refused', 'push_refused'].includes(work.error!.code), `${url}: ${work.error!.error}`);
    }
    assert.not.ok(existsSync(canary));
    runGit(repo, 'remote', 'remove', 'origin');
    assert.equal(codeOf(await workOf(fixture, 'push')), ['failed', 'no_remote']);
  }));

test('a remote that wants a login fails at once and says so; a push that hangs is cancelled', () =>
  withPrograms({
    ssh:
      '#!/bin/sh\ncase "$*" in *slow*) sleep 300;; esac\necho "git@example.org: Permission denied (publickey)." >&2\nexit 255\n',
  }, () =>
    withRemote(async (fixture) => {
      const { repo, ask } = fixture;
      runGit(repo, 'config', 'remote.origin.url', 'git@example.org:owner/name.git');
      runGit(repo, 'config', 'core.sshCommand', 'touch /nonexistent; ssh');
      const work = await workOf(fixture, 'push');
      assert.equal(codeOf(work), ['failed', 'remote_signed_out']);
      assert.match(work.error!.error, /Permission denied/);
      runGit(repo, 'config', 'remote.origin.url', 'git@slow.example.org:owner/name.git');
      const begun = await ask('POST', '/changes/push', {});
      assert.is(begun.body.state, 'running');
      assert.is((await ask('POST', '/changes/push', {})).body.state, 'running', 'the same one');
      const at = Date.now();
      assert.equal(codeOf((await ask('DELETE', '/changes/remote')).body.work), ['failed', 'cancelled']);
      assert.ok(Date.now() - at < 10_000);
    })));

/** What a host answers when it is asked for a repository, and for a branch of it. */
const NO_FORK = `echo '{"full_name":"owner/name","fork":false}'`;
const API = (repository = NO_FORK, branch = 'echo {}') =>
  `case "$1 $3" in api*branches*) ${branch}; exit;; api*) ${repository}; exit;; esac`;
/** A stand-in that notes how pull requests were opened. @param end what it does then */
const GH = (log: string, end: string, api = API()) =>
  `#!/bin/sh\n[ "$1" = api ] && echo "$3" >> ${log}.api\n${api}\n` +
  `for a in "$@"; do printf '%s\\n' "$a" >> ${log}; done\nprintf 'GIT_DIR=%s\\n' "$GIT_DIR" >> ${log}\n${end}\n`;

test("the owner's own settings rewrite an address, those of the repository do not; a directory has no pull requests", () =>
  withRemote(async (fixture) => {
    const { repo, bare, directory, agent, tree } = fixture;
    const branch = agent.worktree!.branch;
    const log = join(directory, 'gh.log');
    runGit(repo, 'config', 'remote.origin.url', 'http://127.0.0.1:1/bare.git');
    runGit(repo, 'config', `url.${directory}/.insteadOf`, 'http://127.0.0.1:1/');
    assert.equal(codeOf(await workOf(fixture, 'push')), ['failed', 'push_refused']);
    for (const key of ['insteadOf', 'pushInsteadOf']) {
      await withGlobalSettings(
        `[url "${directory}/"]\n\t${key} = http://127.0.0.1:1/\n`,
        () =>
          withPrograms({ gh: GH(log, 'exit 1') }, async () => {
            assert.equal(codeOf(await workOf(fixture, 'pull-request', { title: 'x' })), ['failed', 'no_pull_requests']);
            assert.is(runGit(bare, 'branch', '--list', branch), '', 'nothing was pushed for it');
            assert.is((await workOf(fixture, 'push')).state, 'done');
          }),
      );
      assert.is(runGit(bare, 'rev-parse', `refs/heads/${branch}`), runGit(tree, 'rev-parse', 'HEAD'));
      runGit(bare, 'update-ref', '-d', `refs/heads/${branch}`);
    }
    assert.not.ok(existsSync(log), 'gh is not asked');
  }));

/** A git that serves a bare repository over http, with git's own program for it. */
async function withHttp(bare: string, run: (url: string, host: string) => Promise<void>): Promise<void> {
  runGit(bare, 'config', 'http.receivepack', 'true');
  const server = createServer((req, res) => {
    const url = new URL(req.url!, 'http://x');
    const child = spawn('git', ['http-backend'], {
      env: {
        PATH: process.env.PATH,
        GIT_PROJECT_ROOT: bare,
        GIT_HTTP_EXPORT_ALL: '1',
        PATH_INFO: url.pathname.replace(/^\/owner\/name\.git/, ''),
        QUERY_STRING: url.search.slice(1),
        REQUEST_METHOD: req.method,
        CONTENT_TYPE: req.headers['content-type'] ?? '',
        ...(req.headers['content-encoding'] ? { HTTP_CONTENT_ENCODING: req.headers['content-encoding'] } : {}),
        REMOTE_USER: 'somebody',
        REMOTE_ADDR: '127.0.0.1',
      },
    });
    const chunks: Buffer[] = [];
    child.stdout.on('data', (chunk) => chunks.push(chunk));
    child.on('close', () => {
      const all = Buffer.concat(chunks);
      const end = all.indexOf('\r\n\r\n');
      for (const line of all.subarray(0, end).toString('latin1').split('\r\n')) {
        const [name, value] = line.split(': ');
        if (name === 'Status') res.statusCode = Number.parseInt(value!);
        else res.setHeader(name!, value!);
      }
      res.end(all.subarray(end + 4));
    });
    child.stdin.on('error', () => {});
    req.pipe(child.stdin);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  try {
    await run(`http://127.0.0.1:${port}/owner/name.git`, `127.0.0.1:${port}`);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

test('a pull request over http: pushed, opened, found again, signed out, refused, and without gh', () =>
  withRemote((fixture) =>
    withHttp(fixture.bare, async (url, host) => {
      const { repo, bare, directory, tree, agent } = fixture;
      const branch = agent.worktree!.branch;
      const log = join(directory, 'gh.log');
      const hook = join(bare, 'hooks/post-receive');
      mkdirSync(join(bare, 'hooks'), { recursive: true });
      writeFileSync(hook, '#!/bin/sh\necho "Look at http://review.example.org/1" >&2\n');
      chmodSync(hook, 0o755); // the remote's own machine runs its hooks
      runGit(repo, 'config', 'remote.origin.url', url.replace('http://', 'http://user:secret@'));
      const words = { title: '-t "quoted" $(x)', body: 'Two\nlines', draft: true };
      await withPrograms({ gh: GH(log, 'echo http://review.example.org/pull/7') }, async () => {
        const work = await workOf(fixture, 'pull-request', words);
        assert.equal([work.state, work.url, work.error], ['done', 'http://review.example.org/pull/7', null]);
        assert.is(runGit(bare, 'rev-parse', `refs/heads/${branch}`), runGit(tree, 'rev-parse', 'HEAD'));
        assert.equal(readFileSync(log, 'utf8').split('\n'), [
          'pr',
          'create',
          `--repo=${host}/owner/name`,
          `--head=${branch}`,
          '--base=main',
          `--title=${words.title}`,
          '--body=Two',
          'lines',
          '--draft',
          'GIT_DIR=/dev/null',
          '',
        ]);
      });
      writeFiles(tree, { 'more.txt': 'more\n' });
      commitAll(tree, 'more');
      const pushed = await workOf(fixture, 'push');
      assert.equal([pushed.state, pushed.answer], ['done', 'Look at http://review.example.org/1']);
      assert.is(pushed.address, url, 'without the login');
      const ends: [end: string, state: string, code: string | undefined][] = [
        [
          'echo "a pull request for branch already exists:\nhttp://review.example.org/pull/7" >&2; exit 1',
          'done',
          undefined,
        ],
        ['echo "To get started with GitHub CLI, please run:  gh auth login" >&2; exit 4', 'failed', 'gh_signed_out'],
        ['echo "No commits between main and x" >&2; exit 1', 'failed', 'pull_request_failed'],
      ];
      for (const [end, state, code] of ends) {
        await withPrograms({ gh: GH(log, end) }, async () => {
          const work = await workOf(fixture, 'pull-request', { title: 'x' });
          assert.equal([work.state, work.error?.code], [state, code], JSON.stringify(work));
          assert.not.match(JSON.stringify(work), /secret/);
        });
      }
      await withGitAlone(async () => {
        assert.equal(codeOf(await workOf(fixture, 'pull-request', { title: 'x' })), ['failed', 'no_gh']);
      });
      const nowhere = await fixture.ask('POST', '/changes/pull-request', { title: 'x' });
      assert.is(nowhere.status, 400, 'it goes nowhere that was not shown');
      assert.is((await fixture.ask('POST', '/changes/pull-request', { title: '' })).status, 400);
      assert.is((await fixture.ask('POST', '/changes/pull-request', { title: 'a\0b' })).status, 400);
    })
  ));

const REMOTE_FORK = `echo '{"full_name":"owner/name","fork":true,"parent":{"full_name":"acme/shop"}}'`;

test('from a fork: into what the host, gh or the remote upstream says it is a fork of, shown before and held to', () =>
  withRemote((fixture) =>
    withHttp(fixture.bare, async (url, host) => {
      const { repo, bare, directory, agent, ask, tree } = fixture;
      const { branch } = agent.worktree!;
      const log = join(directory, 'gh.log');
      runGit(repo, 'config', 'remote.origin.url', url);
      const ways: [settings: [key: string, value: string][], repository: string, head: string, isFork: boolean][] = [
        [[], 'acme/shop', `owner:${branch}`, true],
        [[['remote.upstream.url', `http://${host}/up/stream.git`]], 'up/stream', `owner:${branch}`, true],
        [[['remote.upstream.url', 'git@other.example.org:up/stream.git']], 'acme/shop', `owner:${branch}`, true],
        [[['remote.origin.gh-resolved', 'base']], 'owner/name', branch, false],
        [[['remote.origin.gh-resolved', 'chosen/one']], 'chosen/one', `owner:${branch}`, true],
      ];
      await withPrograms({ gh: GH(log, 'echo http://review.example.org/pull/8', API(REMOTE_FORK)) }, async () => {
        for (const [settings, repository, head, isFork] of ways) {
          for (const [key, value] of settings) runGit(repo, 'config', key, value);
          const { body: target } = await ask('GET', '/changes/pull-request');
          assert.equal(target, { remote: 'origin', host, head, repository, base: 'main', isFork });
          assert.not.ok(existsSync(log), 'nothing is opened by asking');
          const work = await workOf(fixture, 'pull-request', { title: 'x', repository });
          assert.equal(
            [work.state, work.url],
            ['done', 'http://review.example.org/pull/8'],
            JSON.stringify(work.error),
          );
          const words = readFileSync(log, 'utf8').split('\n').slice(2, 5);
          assert.equal(words, [`--repo=${host}/${repository}`, `--head=${head}`, '--base=main']);
          assert.is(runGit(bare, 'rev-parse', `refs/heads/${branch}`), runGit(tree, 'rev-parse', 'HEAD'));
          rmSync(log);
          runGit(bare, 'update-ref', '-d', `refs/heads/${branch}`);
          const elsewhere = await workOf(fixture, 'pull-request', { title: 'x', repository: 'some/where' });
          assert.equal(codeOf(elsewhere), ['failed', 'changed']);
          for (const [key] of settings) runGit(repo, 'config', '--unset', key);
        }
      });
      assert.not.ok(existsSync(log));
      assert.is(runGit(bare, 'branch', '--list', branch), '', 'what was refused pushed nothing');
    })
  ));

test('what stands against a pull request is found before the push', () =>
  withRemote((fixture) =>
    withHttp(fixture.bare, async (url) => {
      const { repo, bare, directory, ask } = fixture;
      runGit(repo, 'config', 'remote.origin.url', url);
      const missing = 'echo "gh: Branch not found (HTTP 404)" >&2; exit 1';
      const unreachable = 'echo "error connecting to api.example.org" >&2; exit 1';
      const out = 'echo "please run: gh auth login" >&2; exit 4';
      for (
        const [api, code] of [
          [API(NO_FORK, missing), 'no_base'],
          [API(unreachable), 'gh_failed'],
          [API(NO_FORK, unreachable), 'gh_failed'],
          [API('echo nonsense'), 'gh_failed'],
          [API(out), 'gh_signed_out'],
        ]
      ) {
        await withPrograms({ gh: GH(join(directory, 'gh.log'), 'echo http://x/1', api) }, async () => {
          assert.is((await ask('GET', '/changes/pull-request')).body.code, code);
          assert.equal(codeOf(await workOf(fixture, 'pull-request', { title: 'x' })), ['failed', code]);
        });
      }
      assert.is(runGit(bare, 'branch', '--list'), '');
      assert.not.ok(existsSync(join(directory, 'gh.log')));
    })
  ));

test('deleting the agent cancels its push, and forgets it', () =>
  withPrograms(
    { ssh: '#!/bin/sh\nsleep 300 & echo $! > "$(dirname "$0")/pid"; wait\n' },
    (programs) =>
      withRemote(async (fixture) => {
        const { repo, ask, tree } = fixture;
        const file = join(programs, 'pid');
        runGit(repo, 'config', 'remote.origin.url', 'git@slow.example.org:owner/name.git');
        assert.is((await ask('POST', '/changes/push', {})).body.state, 'running');
        for (let i = 0; i < 200 && !existsSync(file); i++) await sleep(50);
        const pid = Number(readFileSync(file, 'utf8'));
        const at = Date.now();
        const { status, text } = await ask('DELETE', '?discardWork=1');
        assert.is(status, 200, text);
        assert.ok(Date.now() - at < 20_000);
        assert.not.ok(existsSync(tree));
        await until('what git started has ended', () => Promise.resolve(!isAlive(pid)));
      }),
  ));

test("a token for the owner's own GitHub server is for no other host that a repository names", () =>
  withRemote((fixture) =>
    withHttp(fixture.bare, async (url, host) => {
      const log = join(fixture.directory, 'tokens');
      runGit(fixture.repo, 'config', 'remote.origin.url', url);
      const tokens = `printf '[%s%s]' "$GH_ENTERPRISE_TOKEN" "$GITHUB_ENTERPRISE_TOKEN" >> ${log}`;
      const before = { ...process.env };
      Object.assign(process.env, { GH_ENTERPRISE_TOKEN: 'one', GITHUB_ENTERPRISE_TOKEN: 'two' });
      try {
        await withPrograms({ gh: `#!/bin/sh\n${API()}\n${tokens}\necho ${url}\n` }, async () => {
          for (const own of ['', 'github.example.org', `${host}.example.org`, host.toUpperCase()]) {
            process.env.GH_HOST = own;
            assert.is((await workOf(fixture, 'pull-request', { title: 'x' })).state, 'done');
          }
        });
      } finally {
        for (const name of ['GH_HOST', 'GH_ENTERPRISE_TOKEN', 'GITHUB_ENTERPRISE_TOKEN']) {
          if (before[name] === undefined) delete process.env[name];
          else process.env[name] = before[name];
        }
      }
      assert.is(readFileSync(log, 'utf8'), '[][][][onetwo]');
    })
  ));

test('a branch with files of Git LFS is not pushed: its hook would have uploaded them', () =>
  withRemote(async (fixture) => {
    const { tree } = fixture;
    writeFiles(tree, { '.gitattributes': '*.psd filter=lfs\n', 'drawing.psd': 'pointer\n' });
    commitAll(tree, 'drawing');
    const work = await workOf(fixture, 'push');
    assert.equal([...codeOf(work), work.error!.params!.files], ['failed', 'push_by_hand', 'drawing.psd']);
  }));

test.run();
