/** What git reads of a repository when the server asks it, and what goes on working: the owner's own settings, Git LFS. */
import { Buffer } from 'node:buffer';
import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { AgentInfo, WorktreeInfo } from '../../core/api/agents.ts';
import type { Failure } from '../../core/api/errors.ts';
import { DEFAULT_SETTINGS } from '../../agent/settings/settings.ts';
import { git, gitText, type Where } from '../../agent/workspace/git.ts';
import { GitIsolation } from '../../agent/workspace/isolation.ts';
import { findRepository } from '../../agent/workspace/repository.ts';
import { safeSettings } from '../../agent/workspace/safe-settings.ts';
import { createWorkspace, type Workspace } from '../../agent/workspace/workspace.ts';
import { testContext } from '../support/fakes/test-context.ts';
import { type Canaries, configLine, createCanaries, PROGRAM_SETTINGS } from '../support/harness/git-canaries.ts';
import { isLfsInstalled, LFS_SETTINGS, withStandIn } from '../support/harness/git-lfs.ts';
import {
  commitAll,
  makeRepository,
  runGit,
  temporaryDirectory,
  withGlobalSettings,
  writeFiles,
} from '../support/harness/git.ts';

interface Fixture {
  directory: string;
  repo: string;
  tree: string;
  worktree: WorktreeInfo;
  agent: AgentInfo;
  workspace: Workspace;
  canaries: Canaries;
}

async function withWorktree(
  run: (fixture: Fixture) => Promise<void>,
  make: (path: string) => void = makeRepository,
): Promise<void> {
  const { path: directory, remove } = temporaryDirectory();
  try {
    const repo = join(directory, 'repo');
    make(repo);
    const workspace = createWorkspace(testContext({ dataDir: join(directory, 'data') }), () => DEFAULT_SETTINGS);
    const { worktree } = await workspace.prepare({ agentId: 'abcdefgh', directory: repo, flags: {} });
    const agent = { id: 'abcdefgh', provider: 'claude', directory: repo, worktree } as AgentInfo;
    const canaries = createCanaries(join(directory, 'canaries'));
    await run({ directory, repo, tree: worktree!.path, worktree: worktree!, agent, workspace, canaries });
  } finally {
    remove();
  }
}

const refusal = (action: Promise<unknown>): Promise<Failure> =>
  action.then(() => Promise.reject(new Error('it was not refused')), (error) => error);

/** Output of `git config --list --show-scope -z`. */
const listing = (...settings: [scope: string, key: string, value: string | null][]): Buffer =>
  Buffer.from(
    settings.map(([scope, key, value]) => `${scope}\0${key}${value === null ? '' : `\n${value}`}\0`).join(''),
  );

test('of the settings of a repository only those of the list are read, whatever their values hold', () => {
  const hostile = 'a "quoted\\" name\n[filter "x"]\n\tclean = touch /tmp/x\t#;';
  const { text } = safeSettings(listing(
    ['local', 'user.name', hostile],
    ['local', 'core.bare', null],
    ['local', 'user.name.clean', 'x'],
    ['local', 'extensions.objectformat', 'sha256'],
    ['local', 'extensions.partialclone', 'origin'],
    ['local', 'extensions.worktreeconfig', 'true'],
    ['local', 'extensions.x"]\n[filter "y', 'x'],
    ['worktree', 'core.sparsecheckout', 'true'],
    ['global', 'user.email', 'me@example.org'],
    ['local', 'include.path', '/tmp/x'],
    ['local', 'core.fsmonitor', '/tmp/x'],
  ));
  const { path, remove } = temporaryDirectory();
  writeFileSync(join(path, 'config'), text);
  const read = execFileSync('git', ['config', '--file', join(path, 'config'), '--list', '-z'], { encoding: 'utf8' });
  remove();
  assert.equal(read.split('\0').filter(Boolean), [
    `user.name\n${hostile}`,
    'core.bare',
    'extensions.objectformat\nsha256',
    'core.sparsecheckout\ntrue',
  ]);
});

test('no setting that can name a program is in the list', () => {
  const all = PROGRAM_SETTINGS.settings.flatMap(({ key }) =>
    ['x', 'core', 'lfs', 'a.b'].map((name) => key.replace(/<\w+>|\*/, name))
  );
  const { text } = safeSettings(
    listing(...all.map((key): [string, string, string] => ['local', key.toLowerCase(), 'x'])),
  );
  assert.is(text, '');
  assert.ok(all.length > 150, `${all.length}`);
});

test('filters and merge drivers that only the repository defines are named; those of the owner are not', () => {
  const { filters, mergeDrivers, defaultMergeDriver, isPartial } = safeSettings(listing(
    ['system', 'filter.lfs.process', 'git-lfs filter-process'],
    ['global', 'merge.mine.driver', 'x'],
    ['local', 'filter.lfs.clean', 'other'],
    ['local', 'filter.a.b.smudge', 'x'],
    ['worktree', 'filter.crypt.process', 'x'],
    ['local', 'filter.crypt.clean', 'x'],
    ['local', 'filter.none.required', 'true'],
    ['local', 'merge.mine.driver', 'x'],
    ['local', 'merge.ours.driver', 'true'],
    ['local', 'merge.default', 'ours'],
    ['local', 'remote.a.b.promisor', 'true'],
  ));
  assert.equal([filters, mergeDrivers, defaultMergeDriver, isPartial], [['a.b', 'crypt'], ['ours'], 'ours', true]);
});

test('git is not run where a repository is not isolated', async () => {
  const { path, remove } = temporaryDirectory();
  const repo = makeRepository(join(path, 'repo'));
  const where: Where = { top: repo, env: { GIT_DIR: join(repo, '.git') }, isPartial: false };
  assert.match((await refusal(git(where, ['status']))).message, 'isolated');
  remove();
});

test('what changes how files are read stays: ends of lines, sparse checkouts, excluded files, names', () =>
  withWorktree(async ({ directory, repo, tree, agent, workspace }) => {
    writeFileSync(join(directory, 'excluded'), '*.log\n');
    const settings: [string, string][] = [
      ['core.autocrlf', 'input'],
      ['core.excludesFile', join(directory, 'excluded')],
      ['user.name', 'Of "the" Repository'],
      ['user.email', 'r@example.org'],
    ];
    for (const [key, value] of settings) runGit(repo, 'config', key, value);
    writeFiles(tree, { 'a.txt': 'one\r\n', 'x.log': '', 'new.txt': 'a\r\nb\r\n' });
    assert.equal((await workspace.changes(agent)).files.map(({ path }) => path), ['new.txt']);
    await workspace.commit(agent, 'x', null);
    assert.is(runGit(tree, 'cat-file', '-p', 'HEAD:new.txt'), 'a\nb');
    assert.is(runGit(tree, 'log', '-1', '--format=%an <%ae>'), 'Of "the" Repository <r@example.org>');
    runGit(tree, 'sparse-checkout', 'set', '--no-cone', 'new.txt');
    assert.not.ok(existsSync(join(tree, 'a.txt')));
    assert.equal((await workspace.changes(agent)).files.map(({ path, kind }) => `${kind} ${path}`), ['add new.txt']);
  }));

test('a repository with other objects than SHA-1 and one with its refs packed are read and written', async () => {
  const make = (path: string) => {
    mkdirSync(path);
    runGit(path, 'init', '--quiet', '--initial-branch=main', '--object-format=sha256');
    writeFiles(path, { 'a.txt': 'one\n' });
    commitAll(path, 'first');
    runGit(path, 'pack-refs', '--all');
    runGit(path, 'gc', '--quiet');
  };
  await withWorktree(async ({ repo, tree, worktree, agent, workspace }) => {
    writeFiles(tree, { 'b.txt': 'two\n' });
    assert.equal((await workspace.changes(agent)).files.length, 1);
    assert.match(await workspace.commit(agent, 'b', null) ?? '', /^[0-9a-f]{64}$/);
    assert.is((await workspace.merge(agent)).commits, 1);
    assert.is(runGit(repo, 'log', '-1', '--format=%s', 'main'), 'b');
    await workspace.remove(worktree, { discardWork: true });
    assert.is(runGit(repo, 'branch', '--format=%(refname)'), 'refs/heads/main');
    assert.is(runGit(repo, 'fsck', '--no-dangling', '--strict'), '');
  }, make);
});

test("removing a worktree removes its branch's settings and leaves the rest of the config as it is", () =>
  withWorktree(async ({ repo, worktree, workspace, canaries }) => {
    const before = readFileSync(join(repo, '.git/config'), 'utf8') + canaries.config;
    writeFileSync(join(repo, '.git/config'), before);
    appendFileSync(join(repo, '.git/config'), `[branch "${worktree.branch}"]\n\tremote = origin\n`);
    await workspace.remove(worktree, { discardWork: true });
    assert.is(readFileSync(join(repo, '.git/config'), 'utf8'), before);
    assert.equal([existsSync(join(repo, '.git/worktrees')), canaries.runs()], [false, []]);
  }));

test('the isolated directory is in the data directory, closed to others, and goes with the worktree', () =>
  withWorktree(async ({ directory, worktree, agent, workspace }) => {
    await workspace.changes(agent);
    const isolated = join(directory, 'data/git-isolation');
    const count = () => readdirSync(isolated).length;
    assert.is(count(), 2, 'the repository and the worktree');
    assert.is(statSync(isolated).mode & 0o077, 0);
    await workspace.remove(worktree, { discardWork: true });
    assert.is(count(), 1);
    new GitIsolation(isolated);
    assert.not.ok(existsSync(isolated), 'what an earlier server left is removed');
  }));

test('a directory that cannot be written refuses to look, with a sentence', () =>
  withWorktree(async ({ directory, repo }) => {
    writeFileSync(join(directory, 'file'), '');
    const isolation = new GitIsolation(join(directory, 'file', 'x'));
    const error = await refusal(findRepository(isolation, repo));
    assert.equal([error.code, error.message.includes('cannot be written')], ['not_saved', true]);
  }));

test('commits in a repository without settings of its own are in its reflog', () =>
  withWorktree(async ({ directory, repo }) => {
    const at = (await findRepository(new GitIsolation(join(directory, 'isolation')), repo))!;
    await git(at, ['-c', 'user.name=T', '-c', 'user.email=t@example.org', 'commit', '-q', '--allow-empty', '-m', 'x']);
    assert.match(readFileSync(join(repo, '.git/logs/refs/heads/main'), 'utf8'), /commit: x/);
    assert.match(readFileSync(join(repo, '.git/logs/HEAD'), 'utf8'), /commit: x/);
    assert.is(await gitText(at, ['rev-parse', 'HEAD']), runGit(repo, 'rev-parse', 'main'));
  }));

/** Bytes of everything in a directory. */
const sizeOf = (path: string): number => Number(execFileSync('du', ['-sb', path], { encoding: 'utf8' }).split('\t')[0]);

for (const name of ['plain.bin', 'with space.bin', 'ümlaut "quoted".bin']) {
  test(`a patch writes no byte into the repository: ${name}`, () =>
    withWorktree(async ({ directory, repo, tree, agent, workspace }) => {
      const content = Buffer.alloc(5 * 1024 * 1024, 'the content of a new file, ');
      writeFileSync(join(tree, name), content);
      writeFiles(tree, { 'a.txt': 'changed\n' });
      const before = [
        sizeOf(join(repo, '.git')),
        readFileSync(join(repo, '.git/worktrees/agent-abcdefgh/index'), 'hex'),
      ];
      const { stream, close } = await workspace.patch(agent);
      const chunks: Buffer[] = [];
      for await (const chunk of stream) chunks.push(chunk as Buffer);
      await close();
      const after = [
        sizeOf(join(repo, '.git')),
        readFileSync(join(repo, '.git/worktrees/agent-abcdefgh/index'), 'hex'),
      ];
      assert.equal(after, before);
      const copy = join(directory, 'copy');
      runGit(directory, 'clone', '--quiet', repo, copy);
      writeFileSync(join(directory, 'patch'), Buffer.concat(chunks));
      runGit(copy, 'apply', '--index', join(directory, 'patch'));
      assert.ok(readFileSync(join(copy, name)).equals(content));
      assert.is(readFileSync(join(copy, 'a.txt'), 'utf8'), 'changed\n');
    }, (path) => makeRepository(path, { 'a.txt': 'one\n' })));
}

test('a patch of a repository whose path holds a colon and a quote writes nothing into it', async () => {
  const { path: directory, remove } = temporaryDirectory();
  const repo = makeRepository(join(directory, 'a:b "c"'));
  const workspace = createWorkspace(testContext({ dataDir: join(directory, 'data') }), () => DEFAULT_SETTINGS);
  const { worktree } = await workspace.prepare({ agentId: 'abcdefgh', directory: repo, flags: {} });
  writeFiles(worktree!.path, { 'new.txt': 'x'.repeat(100_000) });
  const before = sizeOf(join(repo, '.git'));
  const agent = { id: 'abcdefgh', provider: 'claude', directory: repo, worktree } as AgentInfo;
  const { stream, close } = await workspace.patch(agent);
  let size = 0;
  for await (const chunk of stream) size += (chunk as Buffer).length;
  await close();
  assert.equal([size > 100_000, sizeOf(join(repo, '.git'))], [true, before]);
  remove();
});

const BINARY = Buffer.from(Array.from({ length: 4096 }, (_, i) => i * 7 & 255));

/** Git as the user runs it: with the global settings and the PATH of this process. */
const userGit = (cwd: string, ...args: string[]): string =>
  execFileSync('git', args, { cwd, env: process.env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }).trim();

/** A repository with a file in LFS. Its own settings have another definition of the filter, which names canaries. */
async function checkLfs(): Promise<void> {
  const make = (path: string) => {
    mkdirSync(path);
    userGit(path, 'init', '--quiet', '--initial-branch=main');
    writeFiles(path, { '.gitattributes': '*.bin filter=lfs diff=lfs merge=lfs -text\n', 'a.txt': 'one\n' });
    writeFileSync(join(path, 'big.bin'), BINARY);
    userGit(path, 'add', '.');
    userGit(path, 'commit', '--quiet', '-m', 'first');
  };
  await withWorktree(async ({ repo, tree, agent, workspace, worktree, canaries }) => {
    const pointer = (revision: string) => userGit(repo, 'cat-file', '-p', revision);
    assert.match(pointer('main:big.bin'), /^version https:\/\/git-lfs/);
    const lfs: [string, string][] = ['clean', 'smudge'].map((
      key,
    ) => [`lfs.extension.x.${key}`, canaries.program(`extension ${key}`)]);
    lfs.push(['lfs.customtransfer.x.path', canaries.program('transfer')], ['lfs.standalonetransferagent', 'x']);
    appendFileSync(
      join(repo, '.git/config'),
      canaries.config + lfs.map(([key, value]) => configLine(key, value)).join(''),
    );
    utimesSync(join(tree, 'big.bin'), 1, 1);
    assert.equal((await workspace.changes(agent)).files, [], 'touched, so that it is cleaned to be compared');
    const changed = Buffer.from(BINARY).reverse();
    writeFileSync(join(tree, 'big.bin'), changed);
    writeFileSync(join(tree, 'new.bin'), Buffer.concat([changed, changed]));
    assert.equal((await workspace.changes(agent)).files.map(({ path }) => path), ['big.bin', 'new.bin']);
    const lines = (await workspace.diff(agent, 'big.bin')).hunks[0]!.lines;
    assert.ok(lines.some((line) => line.startsWith('+oid sha256:')), lines.join('\n'));
    const { stream, close } = await workspace.patch(agent);
    for await (const chunk of stream) assert.match(String(chunk), /\+oid sha256:/);
    await close();
    await workspace.discard(agent, ['big.bin']);
    assert.ok(readFileSync(join(tree, 'big.bin')).equals(BINARY), 'smudged again');
    writeFileSync(join(tree, 'big.bin'), changed);
    assert.ok(await workspace.commit(agent, 'changed', null));
    assert.match(pointer(`${worktree.branch}:big.bin`), /^version https:\/\/git-lfs[^]*size 4096$/);
    assert.equal(await workspace.merge(agent), { commits: 1, files: 2, base: 'main' });
    assert.ok(readFileSync(join(repo, 'big.bin')).equals(changed), 'the checkout of the base has the content');
    assert.ok(readFileSync(join(repo, 'new.bin')).equals(Buffer.concat([changed, changed])));
    assert.equal([await workspace.unmerged(worktree), canaries.runs()], [[], []]);
  }, make);
}

test("LFS of the user's global settings works, though the repository defines it otherwise: a stand-in", async () => {
  const { path, remove } = temporaryDirectory();
  await withStandIn(path, () => withGlobalSettings(LFS_SETTINGS, checkLfs));
  remove();
});

(isLfsInstalled() ? test : test.skip)(
  "LFS of the user's global settings works: git-lfs itself",
  () => withGlobalSettings(LFS_SETTINGS, checkLfs),
);

test('a filter that only the repository defines (git lfs install --local) is not run: nothing is committed without it', () =>
  withWorktree(async ({ repo, tree, agent, workspace, canaries }) => {
    writeFiles(tree, { '.gitattributes': '*.bin filter=canary\n', 'big.bin': 'content' });
    appendFileSync(join(repo, '.git/config'), canaries.config);
    const error = await refusal(workspace.commit(agent, 'x', null));
    assert.equal([error.code, canaries.runs()], ['filter_ignored', []]);
    assert.match(error.message, /big\.bin.*git config --global/);
    assert.ok(await workspace.commit(agent, 'attributes', ['.gitattributes']));
  }));

test('a git in the repository is not run, whatever PATH says', async () => {
  await withWorktree(async ({ directory, repo, tree, agent, workspace }) => {
    const proof = join(directory, 'ran');
    const script = `#!/bin/sh\ntouch ${proof}\nexec /usr/bin/git "$@"\n`;
    for (const place of [repo, tree]) {
      mkdirSync(join(place, 'bin'));
      for (const name of ['git', 'bin/git']) writeFileSync(join(place, name), script, { mode: 0o755 });
    }
    const before = process.env.PATH;
    try {
      for (const PATH of [`.:${before}`, `:${before}`, `./bin:${before}`, `bin:${before}`, `${before}:.`]) {
        process.env.PATH = PATH;
        const { files } = await workspace.changes(agent);
        assert.ok(files.some(({ path }) => path === 'bin/git'));
        await workspace.unmerged(agent.worktree!);
        assert.not(existsSync(proof), PATH);
      }
    } finally {
      process.env.PATH = before;
    }
  });
});

test.run();
