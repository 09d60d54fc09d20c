/** Merge and Commit while something is under way, merges that are ended half-way, and work that git status does not show. */
import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { ERROR_STATUS } from '../../core/api/errors.ts';
import type { AgentInfo, WorktreeInfo } from '../../core/api/agents.ts';
import { endGit, startGit } from '../../agent/workspace/git.ts';
import { GitIsolation } from '../../agent/workspace/isolation.ts';
import { mergeWork } from '../../agent/workspace/merge.ts';
import { DEFAULT_SETTINGS } from '../../agent/settings/settings.ts';
import { createWorkspace, type Workspace } from '../../agent/workspace/workspace.ts';
import { removeDirectory } from '../../agent/workspace/removal.ts';
import { openWorktree } from '../../agent/workspace/worktree-repository.ts';
import {
  commitAll,
  makeRepository,
  runGit,
  temporaryDirectory,
  withGlobalSettings,
  writeFiles,
} from '../support/harness/git.ts';
import { testContext } from '../support/fakes/test-context.ts';
import { refusal } from '../support/harness/refusal.ts';

interface Fixture {
  directory: string;
  repo: string;
  tree: string;
  worktree: WorktreeInfo;
  agent: AgentInfo;
  workspace: Workspace;
}

async function withWorktree(run: (fixture: Fixture) => Promise<void>): Promise<void> {
  const { path: directory, remove } = temporaryDirectory();
  try {
    const repo = makeRepository(join(directory, 'repo'), { 'a.txt': 'one\n', 'b.txt': 'one\n', 'c.txt': 'one\n' });
    const workspace = createWorkspace(testContext({ dataDir: join(directory, 'data') }), () => DEFAULT_SETTINGS);
    const { worktree } = await workspace.prepare({ agentId: 'abcdefgh', directory: repo, flags: {} });
    const agent = { id: 'abcdefgh', provider: 'claude', directory: repo, worktree } as AgentInfo;
    await run({ directory: directory, repo, tree: worktree!.path, worktree: worktree!, agent, workspace });
  } finally {
    remove();
  }
}

/** Like runGit(), for what ends with a conflict. */
const tryGit = (cwd: string, ...args: string[]) =>
  spawnSync('git', ['-c', 'user.name=T', '-c', 'user.email=t@example.org', ...args], { cwd });

/** Two branches of the worktree with different content in a.txt; the agent's is checked out. */
function diverge(tree: string): void {
  runGit(tree, 'checkout', '--quiet', '-b', 'side');
  writeFiles(tree, { 'a.txt': 'side\n' });
  commitAll(tree, 'side');
  runGit(tree, 'checkout', '--quiet', 'agent-abcdefgh');
  writeFiles(tree, { 'a.txt': 'agent\n' });
  commitAll(tree, 'agent');
}

test("merge takes the agent's branch only: another branch and a detached HEAD are refused with what to do", () =>
  withWorktree(async ({ repo, tree, agent, workspace }) => {
    diverge(tree);
    const before = runGit(repo, 'rev-parse', 'main');
    for (const args of [['side'], ['--detach', 'side'], ['--detach', 'agent-abcdefgh']]) {
      runGit(tree, 'checkout', '--quiet', ...args);
      const error = await refusal(workspace.merge(agent));
      assert.equal([ERROR_STATUS[error.code], error.code], [409, 'other_branch'], args.join(' '));
      assert.match(error.message, /git checkout agent-abcdefgh/);
      writeFiles(tree, { 'x.txt': 'x' });
      assert.is((await refusal(workspace.commit(agent, 'x', null))).code, 'other_branch');
      rmSync(join(tree, 'x.txt'));
      assert.is(runGit(repo, 'rev-parse', 'main'), before);
    }
    runGit(tree, 'checkout', '--quiet', 'agent-abcdefgh');
    assert.equal(await workspace.merge(agent), { commits: 1, files: 1, base: 'main' });
    assert.is(readFileSync(join(repo, 'a.txt'), 'utf8'), 'agent\n');
  }));

const OPERATIONS: Record<string, (tree: string) => void> = {
  rebase: (tree) => tryGit(tree, 'rebase', 'side'),
  'git am': (tree) => {
    const patch = execFileSync('git', ['format-patch', '--stdout', '-1', 'side'], { cwd: tree });
    spawnSync('git', ['-c', 'user.name=T', '-c', 'user.email=t@example.org', 'am'], { cwd: tree, input: patch });
  },
  merge: (tree) => tryGit(tree, 'merge', 'side'),
  'cherry-pick': (tree) => tryGit(tree, 'cherry-pick', 'side'),
  revert: (tree) => {
    writeFiles(tree, { 'a.txt': 'later\n' });
    commitAll(tree, 'later');
    tryGit(tree, 'revert', '--no-edit', 'HEAD^');
  },
  bisect: (tree) => tryGit(tree, 'bisect', 'start', '--no-checkout'),
};

for (const [name, begin] of Object.entries(OPERATIONS)) {
  test(`a ${name} under way in the worktree is a 409 that says what to do, and counts as work`, () =>
    withWorktree(async ({ repo, tree, worktree, agent, workspace }) => {
      diverge(tree);
      runGit(tree, 'branch', 'saved');
      assert.equal(await workspace.unmerged(worktree), []);
      begin(tree);
      const before = runGit(repo, 'rev-parse', 'main');
      const error = await refusal(workspace.merge(agent));
      assert.equal([ERROR_STATUS[error.code], error.code], [409, 'worktree_busy']);
      assert.match(error.message, new RegExp(`^A ${name} is under way .* Ask the agent to `));
      assert.is(runGit(repo, 'rev-parse', 'main'), before);
      assert.match((await workspace.unmerged(worktree)).join(' '), new RegExp(`A ${name} is under way`));
    }));
}

test('files that git was told not to look at count as work when their content differs', () =>
  withWorktree(async ({ tree, worktree, workspace }) => {
    runGit(tree, 'update-index', '--assume-unchanged', 'a.txt');
    runGit(tree, 'update-index', '--skip-worktree', 'b.txt', 'c.txt');
    rmSync(join(tree, 'c.txt')); // as in a sparse checkout
    assert.equal(await workspace.unmerged(worktree), []);
    const index = readFileSync(runGit(tree, 'rev-parse', '--git-path', 'index'));
    writeFiles(tree, { 'a.txt': 'work\n' });
    assert.match((await workspace.unmerged(worktree)).join('|'), /^1 file has changes .*assume-unchanged.*: a\.txt$/);
    writeFiles(tree, { 'b.txt': 'work\n' });
    assert.match((await workspace.unmerged(worktree)).join('|'), /^2 files have changes .*: a\.txt, b\.txt$/);
    writeFiles(tree, { 'a.txt': 'one\n' });
    runGit(tree, 'update-index', '--assume-unchanged', 'b.txt'); // both marks
    assert.match((await workspace.unmerged(worktree)).join('|'), /^1 file has changes .*: b\.txt$/);
    assert.ok(index.length > 0 && existsSync(join(tree, 'b.txt')));
  }));

test("a standing rebase's autostash and stashes made on the branch are work; the user's own stash is none", () =>
  withWorktree(async ({ repo, tree, worktree, workspace }) => {
    writeFiles(repo, { 'a.txt': 'mine\n' });
    runGit(repo, 'stash');
    assert.equal(await workspace.unmerged(worktree), []);
    writeFiles(tree, { 'b.txt': 'put aside\n' });
    runGit(tree, 'stash');
    assert.equal(await workspace.unmerged(worktree), ['1 stash was made on agent-abcdefgh (git stash list).']);
    writeFiles(tree, { 'b.txt': 'again\n' });
    runGit(tree, 'stash', 'push', '-m', 'named');
    assert.match((await workspace.unmerged(worktree)).join(), /^2 stashes were made/);
    runGit(tree, 'stash', 'drop');
    runGit(tree, 'stash', 'drop');
    diverge(tree);
    runGit(tree, 'branch', 'saved');
    writeFiles(tree, { 'b.txt': 'autostash\n' });
    tryGit(tree, 'rebase', '--autostash', 'side');
    runGit(tree, 'checkout', '--quiet', '--theirs', 'a.txt');
    assert.match((await workspace.unmerged(worktree)).join('|'), /rebase is under way.*autostash/);
  }));

test('a commit of a detached HEAD, and one under refs/worktree, count also when the folder is gone', () =>
  withWorktree(async ({ tree, worktree, workspace }) => {
    runGit(tree, 'checkout', '--quiet', '--detach');
    commitAll(tree, 'loose');
    runGit(tree, 'update-ref', 'refs/worktree/kept', runGit(tree, 'commit-tree', '-m', 'x', 'HEAD^{tree}'));
    assert.match((await workspace.unmerged(worktree)).join(), /^2 commits/);
    rmSync(tree, { recursive: true });
    assert.match((await workspace.unmerged(worktree)).join(), /^2 commits/);
  }));

test('a locked worktree is work, and its deletion a 409 with the reason, until it is unlocked', () =>
  withWorktree(async ({ repo, tree, worktree, workspace }) => {
    for (const [args, said] of [[['--reason', 'on a stick'], 'on a stick'], [[], 'no reason is given']] as const) {
      runGit(repo, 'worktree', 'lock', ...args, tree);
      assert.equal(await workspace.unmerged(worktree), [`The worktree is locked (git worktree lock): ${said}.`]);
      const error = await refusal(workspace.remove(worktree, { discardWork: true }));
      assert.equal([ERROR_STATUS[error.code], error.code], [409, 'worktree_locked']);
      assert.ok(error.message.includes(said) && error.message.includes('worktree unlock'));
      assert.ok(existsSync(join(tree, '.git')));
      assert.is(runGit(repo, 'branch', '--list', 'agent-*'), '+ agent-abcdefgh');
      runGit(repo, 'worktree', 'unlock', tree);
    }
    await workspace.remove(worktree, { discardWork: true });
    assert.not.ok(existsSync(tree));
  }));

/** Settings of the user with a filter, through which a file of the agent passes when it is checked out. */
function hangingMerge({ tree, directory }: Fixture, filter: string): string {
  const program = join(directory, 'filter');
  writeFileSync(program, `#!/bin/sh\n${filter}\n`, { mode: 0o755 });
  writeFiles(tree, { '.gitattributes': 'slow.txt filter=slow\n', 'a.txt': 'agent\n', 'slow.txt': 'slow\n' });
  commitAll(tree, 'slow');
  return `[filter "slow"]\n\tsmudge = ${program}\n`;
}

test('a merge that takes too long is ended: no lock stays, and what is left changed is named', () =>
  withWorktree(async (fixture) => {
    const { repo, directory, worktree } = fixture;
    const settings = hangingMerge(fixture, `touch ${directory}/began; exec sleep 600`);
    const head = runGit(repo, 'rev-parse', 'HEAD');
    const place = { cwd: worktree.path, worktree, isolation: new GitIsolation(join(directory, 'isolation')) };
    const error = await withGlobalSettings(settings, () => refusal(mergeWork(place, { timeoutMs: 1500 })));
    assert.ok(existsSync(join(directory, 'began')));
    assert.equal([ERROR_STATUS[error.code], error.code], [409, 'merge_failed']);
    assert.match(error.message, /git merge took longer than 1\.5 s/);
    assert.not.ok(existsSync(join(repo, '.git/index.lock')), 'SIGTERM comes first');
    assert.is(runGit(repo, 'rev-parse', 'HEAD'), head);
    const changed = runGit(repo, 'status', '--porcelain');
    assert.is(/Nothing was merged/.test(error.message), changed === '', `${changed} ${error.message}`);
    for (const line of changed.split('\n').filter(Boolean)) assert.ok(error.message.includes(line.slice(3)), line);
    assert.ok(changed.includes('a.txt'), 'the merge was in its midst');
  }));

test("a git that is killed in a merge leaves its index.lock, which is said with the files; the user's own files are not", () =>
  withWorktree(async (fixture) => {
    const { repo, directory, worktree } = fixture;
    writeFiles(repo, { 'user.txt': 'mine' });
    const settings = hangingMerge(fixture, `touch ${directory}/began; kill -9 $PPID`);
    const place = { cwd: worktree.path, worktree, isolation: new GitIsolation(join(directory, 'isolation')) };
    const error = await withGlobalSettings(settings, () => refusal(mergeWork(place)));
    assert.ok(existsSync(join(repo, '.git/index.lock')));
    assert.match(error.message, /\.git\/index\.lock is left: remove it/);
    assert.match(error.message, /left changed there: .*a\.txt/);
    assert.not.match(error.message, /Nothing was merged|user\.txt/);
  }));

test('a program of git that ignores SIGTERM is killed with its group', () =>
  withWorktree(async ({ directory, worktree }) => {
    const program = join(directory, 'stubborn');
    writeFileSync(program, `#!/bin/sh\ntrap '' TERM\necho $$ > ${directory}/pid\nwhile :; do sleep 0.1; done\n`);
    chmodSync(program, 0o755);
    const child = startGit(await openWorktree(new GitIsolation(join(directory, 'isolation')), worktree), [
      '-c',
      `alias.hang=!${program}`,
      'hang',
    ]);
    for (let i = 0; i < 200 && !existsSync(join(directory, 'pid')); i++) await new Promise((go) => setTimeout(go, 50));
    const closed = new Promise((resolve) => child.once('close', resolve));
    endGit(child);
    await closed;
    const pid = Number(readFileSync(join(directory, 'pid'), 'utf8'));
    for (let i = 0; i < 100 && isRunning(pid); i++) await new Promise((go) => setTimeout(go, 50));
    assert.not.ok(isRunning(pid));
  }));

function isRunning(pid: number): boolean {
  try {
    return !/^State:\s+[ZX]/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

test('a removal that fails in spite of the look is put back and says what is in the way', () =>
  withWorktree(async ({ tree }) => {
    const fail = (path: string) =>
      existsSync(path)
        ? Promise.reject(Object.assign(new Error('no'), { code: 'EBUSY', path: join(path, 'sub/x') }))
        : Promise.resolve();
    const error = await refusal(removeDirectory(tree, fail));
    assert.equal([ERROR_STATUS[error.code], error.code], [409, 'not_removable']);
    assert.ok(error.message.startsWith(`${join(tree, 'sub/x')} cannot be removed (EBUSY).`), error.message);
    assert.equal(readdirSync(tree).sort(), ['.git', 'a.txt', 'b.txt', 'c.txt']);
  }));

test('what an interrupted removal left aside is removed with the next one', () =>
  withWorktree(async ({ repo, tree, worktree, workspace }) => {
    mkdirSync(join(tree, '../.removing-agent-abcdefgh/sub'), { recursive: true });
    mkdirSync(join(tree, 'closed/deep'), { recursive: true });
    chmodSync(join(tree, 'closed'), 0o500); // as Go's module cache
    await workspace.remove(worktree, { discardWork: true });
    assert.equal(readdirSync(join(repo, '.agent-worktrees')), ['.gitignore']);
  }));

/** Removes a folder as another user; gives {message} of the refusal, or {}. */
function removeAs(uid: number, directory: string): { code?: string; message?: string } {
  const module = new URL('../../agent/workspace/removal.ts', import.meta.url).href;
  const script = `process.setgroups([]); process.setgid(${uid}); process.setuid(${uid});
    const { removeDirectory } = await import(${JSON.stringify(module)});
    await removeDirectory(${JSON.stringify(directory)}).then(() => console.log('{}'),
      (error) => console.log(JSON.stringify({ code: error.code, message: error.message })));`;
  const { stdout, stderr } = spawnSync(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script], {
    encoding: 'utf8',
  });
  if (!stdout) throw new Error(stderr);
  return JSON.parse(stdout);
}

/** Only root can be another user. */
const rootTest = process.getuid?.() === 0 ? test : test.skip;
rootTest("another user's folder in the worktree: 409 that names the file, and the worktree is whole", () => {
  const { path, remove } = temporaryDirectory();
  const chown = (...args: string[]) => execFileSync('chown', args);
  try {
    const tree = join(path, 'worktrees/agent-x');
    writeFiles(tree, { '.git': 'gitdir: x', 'a/1': '', 'b/2': '', 'mine/deep/3': '', 'z': '' });
    mkdirSync(join(tree, 'mine/empty'));
    chmodSync(path, 0o755);
    chown('-R', '65533', join(path, 'worktrees'));
    chown('0', join(tree, 'z'), join(tree, 'mine/empty')); // a file and an empty folder can be removed by who has the folder
    chmodSync(join(tree, 'a'), 0o500);
    chown('-R', '0', join(tree, 'b'));
    const before = execFileSync('find', [tree, '-printf', '%p %m %u\n'], { encoding: 'utf8' });
    const refused = removeAs(65533, tree);
    assert.is(refused.code, 'not_removable');
    assert.ok(refused.message!.startsWith(`${join(tree, 'b/2')} cannot be removed`), refused.message);
    assert.match(refused.message!, /Nothing was removed/);
    assert.is(execFileSync('find', [tree, '-printf', '%p %m %u\n'], { encoding: 'utf8' }), before);
    chown('65533', join(tree, 'b'));
    assert.equal(removeAs(65533, tree), {});
    assert.equal(readdirSync(join(path, 'worktrees')), []);
  } finally {
    remove();
  }
});

test.run();
