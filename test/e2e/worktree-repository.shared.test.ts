/** git answers for the worktree that was meant or not at all: no route reaches the user's own repository around it. */
import { createHash } from 'node:crypto';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { ERROR_STATUS } from '../../core/api/errors.ts';
import type { AgentInfo, WorktreeInfo } from '../../core/api/agents.ts';
import { git } from '../../agent/workspace/git.ts';
import { GitIsolation } from '../../agent/workspace/isolation.ts';
import { DEFAULT_SETTINGS } from '../../agent/settings/settings.ts';
import { createWorkspace, type Workspace } from '../../agent/workspace/workspace.ts';
import { openWorktree } from '../../agent/workspace/worktree-repository.ts';
import { commitAll, makeRepository, runGit, temporaryDirectory, writeFiles } from '../support/harness/git.ts';
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

/** The user's repository, with work of the user's in every state, and an agent's worktree with a commit and a new file. */
async function withWorktree(run: (fixture: Fixture) => Promise<void>): Promise<void> {
  const { path: directory, remove } = temporaryDirectory();
  try {
    const repo = makeRepository(join(directory, 'repo'), { 'a.txt': 'one\n', 'b.txt': 'one\n' });
    const workspace = createWorkspace(testContext({ dataDir: join(directory, 'data') }), () => DEFAULT_SETTINGS);
    const { worktree } = await workspace.prepare({ agentId: 'abcdefgh', directory: repo, flags: {} });
    writeFiles(repo, { 'b.txt': 'put aside\n' });
    runGit(repo, 'stash');
    writeFiles(repo, { 'a.txt': "the user's change\n", 'user.txt': "the user's new file\n", 'staged.txt': 's\n' });
    runGit(repo, 'add', 'staged.txt');
    const tree = worktree!.path;
    writeFiles(tree, { 'agent.txt': 'committed\n' });
    commitAll(tree, 'work of the agent');
    writeFiles(tree, { 'new.txt': 'not committed\n' });
    const agent = { id: 'abcdefgh', provider: 'claude', directory: repo, worktree } as AgentInfo;
    await run({ directory: directory, repo, tree, worktree: worktree!, agent, workspace });
  } finally {
    remove();
  }
}

/** Every file below a directory but the server's own `data`, with mode and content, git's own files too. */
function bytesOf(directory: string): Record<string, string> {
  const found: Record<string, string> = {};
  const look = (path: string) => {
    for (const entry of readdirSync(join(directory, path), { withFileTypes: true })) {
      const name = join(path, entry.name);
      if (name === 'data') continue;
      const full = join(directory, name);
      if (entry.isDirectory()) look(name);
      else if (entry.isSymbolicLink()) found[name] = readlinkSync(full);
      else found[name] = `${lstatSync(full).mode} ${createHash('sha256').update(readFileSync(full)).digest('hex')}`;
    }
  };
  look('');
  return found;
}

/** What can have happened to the `.git` of a worktree. */
const BROKEN: Record<string, (fixture: Fixture) => void> = {
  missing: ({ tree }) => unlinkSync(join(tree, '.git')),
  empty: ({ tree }) => writeFileSync(join(tree, '.git'), ''),
  'no path': ({ tree }) => writeFileSync(join(tree, '.git'), 'gitdir: \n'),
  'a repository of its own': ({ tree }) => {
    unlinkSync(join(tree, '.git'));
    runGit(tree, 'init', '--quiet', '--initial-branch=main');
    commitAll(tree, 'all');
  },
  'an empty folder': ({ tree }) => {
    unlinkSync(join(tree, '.git'));
    mkdirSync(join(tree, '.git'));
  },
  "a file that leads to the user's own .git": ({ tree, repo }) =>
    writeFileSync(join(tree, '.git'), `gitdir: ${repo}/.git\n`),
  'a file that leads to another repository': ({ tree, directory: directory }) =>
    writeFileSync(join(tree, '.git'), `gitdir: ${makeRepository(join(directory, 'other'))}/.git\n`),
  'a file that leads to another worktree of the repository': ({ tree, repo, directory }) => {
    runGit(repo, 'worktree', 'add', '--quiet', '-b', 'mine', join(directory, 'mine'));
    writeFileSync(join(tree, '.git'), `gitdir: ${repo}/.git/worktrees/mine\n`);
  },
  'a file that leads nowhere': ({ tree }) => writeFileSync(join(tree, '.git'), 'gitdir: /nonexistent/x\n'),
  "a link to the user's own .git": ({ tree, repo }) => {
    unlinkSync(join(tree, '.git'));
    symlinkSync(join(repo, '.git'), join(tree, '.git'));
  },
  'a link to nothing': ({ tree }) => {
    unlinkSync(join(tree, '.git'));
    symlinkSync('/nonexistent/x', join(tree, '.git'));
  },
};

for (const [name, breakIt] of Object.entries(BROKEN)) {
  for (const record of ['new', 'old'] as const) {
    test(`.git is ${name}, ${record} record: no route changes a byte, and it counts as work`, () =>
      withWorktree(async (fixture) => {
        const { directory, workspace } = fixture;
        const worktree = { ...fixture.worktree };
        if (record === 'old') delete worktree.commonDir;
        const agent = { ...fixture.agent, worktree };
        breakIt(fixture);
        const before = bytesOf(directory);
        const changes = await workspace.changes(agent);
        assert.equal([changes.repository, changes.files], [false, []]);
        assert.match(changes.text, /cannot be used: .*\. Nothing was touched\. .*repair/);
        assert.match((await workspace.unmerged(worktree)).join(' '), /could not be found out.*cannot be used/);
        for (
          const action of [
            () => workspace.diff(agent, 'a.txt'),
            () => workspace.patch(agent),
            () => workspace.commit(agent, 'x', null),
            () => workspace.commit(agent, 'x', ['a.txt', 'user.txt', 'new.txt']),
            () => workspace.discard(agent, null),
            () => workspace.discard(agent, ['a.txt', 'user.txt', 'new.txt']),
            () => workspace.merge(agent),
          ]
        ) {
          const error = await refusal(action());
          assert.equal([ERROR_STATUS[error.code], error.code], [409, 'wrong_repository'], action.toString());
        }
        assert.equal(bytesOf(directory), before);
      }));
  }
}

test('the way that the refusal names mends a worktree without its .git', () =>
  withWorktree(async ({ repo, tree, agent, workspace }) => {
    for (const broken of [() => unlinkSync(join(tree, '.git')), () => writeFileSync(join(tree, '.git'), '')]) {
      broken();
      assert.match((await refusal(workspace.merge(agent))).message, /"git worktree repair" in/);
      runGit(repo, 'worktree', 'repair');
      assert.equal((await workspace.changes(agent)).files.map((file) => file.path), ['agent.txt', 'new.txt']);
    }
  }));

test('a .git that is removed between the look and the command changes nothing', () =>
  withWorktree(async ({ directory, repo, tree, worktree }) => {
    const before = bytesOf(join(repo, '.git/refs'));
    const [head, status] = [runGit(repo, 'rev-parse', 'HEAD'), runGit(repo, 'status', '--porcelain')];
    const at = await openWorktree(new GitIsolation(join(directory, 'isolation')), worktree);
    unlinkSync(join(tree, '.git'));
    await git(at, ['add', 'new.txt']);
    await git(at, ['-c', 'user.name=T', '-c', 'user.email=t@example.org', 'commit', '-q', '-m', 'in the worktree']);
    await git(at, ['checkout', '--quiet', 'HEAD', '--', '.']);
    assert.is(runGit(repo, 'log', '-1', '--format=%s', 'agent-abcdefgh'), 'in the worktree');
    assert.equal([runGit(repo, 'rev-parse', 'HEAD'), runGit(repo, 'status', '--porcelain')], [head, status]);
    delete before['heads/agent-abcdefgh'];
    const after = bytesOf(join(repo, '.git/refs'));
    delete after['heads/agent-abcdefgh'];
    assert.equal(after, before);
  }));

test('a folder in a worktree, as text, never leads git to the repository around the worktree', () =>
  withWorktree(async ({ tree, repo, agent, workspace }) => {
    mkdirSync(join(tree, 'sub'));
    unlinkSync(join(tree, '.git'));
    symlinkSync(join(tree, 'sub'), join(repo, '..', 'way'));
    for (const directory of [tree, join(tree, 'sub'), join(repo, '..', 'way')]) {
      const neighbour = { ...agent, directory, worktree: null };
      assert.is((await refusal(workspace.commit(neighbour, 'x', null))).code, 'repository_unusable', directory);
      const error = await refusal(workspace.prepare({ agentId: 'neighbour', directory, flags: {} }));
      assert.is(error.code, 'repository_unusable', directory);
    }
    assert.match(runGit(repo, 'status', '--porcelain'), /user\.txt/);
  }));

test('a path with a colon, which no ceiling can hold, is refused as well', () =>
  withWorktree(async ({ directory, workspace }) => {
    const repo = makeRepository(join(directory, 'a:b'));
    const { worktree } = await workspace.prepare({ agentId: 'colonabc', directory: repo, flags: {} });
    writeFiles(repo, { 'user.txt': 'mine' });
    unlinkSync(join(worktree!.path, '.git'));
    const agent = { id: 'colonabc', provider: 'claude', directory: worktree!.path, worktree: null } as AgentInfo;
    assert.is((await refusal(workspace.commit(agent, 'x', null))).code, 'repository_unusable');
    assert.is((await refusal(workspace.discard({ ...agent, worktree }, null))).code, 'wrong_repository');
    assert.is(runGit(repo, 'status', '--porcelain'), '?? user.txt');
  }));

test('a base that is checked out in a worktree without its .git is not merged into the repository around it', () =>
  withWorktree(async ({ repo, tree, workspace }) => {
    runGit(tree, 'add', '.');
    runGit(tree, 'commit', '--quiet', '-m', 'all');
    const { worktree } = await workspace.prepare({ agentId: 'secondag', directory: tree, flags: {} });
    assert.is(worktree!.base, 'agent-abcdefgh');
    writeFiles(worktree!.path, { 'second.txt': '2' });
    commitAll(worktree!.path, 'second');
    unlinkSync(join(tree, '.git'));
    runGit(repo, 'stash', '--include-untracked');
    const head = runGit(repo, 'rev-parse', 'HEAD');
    const second = { id: 'secondag', provider: 'claude', directory: repo, worktree } as AgentInfo;
    assert.is((await refusal(workspace.merge(second))).code, 'wrong_repository');
    assert.equal([runGit(repo, 'rev-parse', 'HEAD'), runGit(repo, 'status', '--porcelain')], [head, '']);
  }));

test("deleting one agent leaves git's record of other worktrees whose folder or .git is away", () =>
  withWorktree(async ({ repo, tree, workspace }) => {
    const other = await workspace.prepare({ agentId: 'otherone', directory: repo, flags: {} });
    unlinkSync(join(tree, '.git'));
    runGit(repo, 'worktree', 'add', '--quiet', '-b', 'away', join(repo, '..', 'away'));
    rmSync(join(repo, '..', 'away'), { recursive: true });
    await workspace.remove(other.worktree!, { discardWork: true });
    assert.equal(readdirSync(join(repo, '.git/worktrees')).sort(), ['agent-abcdefgh', 'away']);
  }));

test('a repository that has moved its main checkout elsewhere, and one that was begun anew, are refused', () =>
  withWorktree(async ({ repo, tree, worktree, agent, workspace }) => {
    const old = { ...worktree };
    delete old.commonDir;
    rmSync(join(repo, '.git'), { recursive: true });
    for (const record of [worktree, old]) {
      assert.match((await workspace.unmerged(record)).join(' '), /could not be found out/);
      assert.is((await refusal(workspace.commit({ ...agent, worktree: record }, 'x', null))).code, 'wrong_repository');
    }
    runGit(repo, 'init', '--quiet', '--initial-branch=main');
    commitAll(repo, 'anew');
    for (const record of [worktree, old]) {
      assert.match((await workspace.unmerged(record)).join(' '), /could not be found out/);
      assert.is((await refusal(workspace.discard({ ...agent, worktree: record }, null))).code, 'wrong_repository');
    }
    assert.ok(existsSync(join(tree, 'new.txt')));
  }));

test('a submodule, and a checkout with its git folder elsewhere, are worked in, merged into and cleaned up', () =>
  withWorktree(async ({ directory, repo, workspace }) => {
    const outer = makeRepository(join(directory, 'outer'));
    runGit(outer, '-c', 'protocol.file.allow=always', 'submodule', '--quiet', 'add', repo, 'lib');
    commitAll(outer, 'submodule');
    const apart = join(directory, 'apart');
    runGit(
      directory,
      'init',
      '--quiet',
      '--initial-branch=main',
      '--separate-git-dir',
      join(directory, 'elsewhere'),
      apart,
    );
    commitAll(apart, 'first');
    for (const directory of [join(outer, 'lib'), apart]) {
      const { worktree } = await workspace.prepare({ agentId: 'inner000', directory, flags: {} });
      const agent = { id: 'inner000', provider: 'claude', directory, worktree } as AgentInfo;
      writeFiles(worktree!.path, { 'inner.txt': 'x' });
      assert.ok(await workspace.commit(agent, 'inner', null));
      assert.equal(await workspace.merge(agent), { commits: 1, files: 1, base: 'main' });
      assert.ok(existsSync(join(directory, 'inner.txt')));
      assert.equal(await workspace.unmerged(worktree!), []);
      await workspace.remove(worktree!, { discardWork: true });
      assert.is(runGit(directory, 'branch', '--list', 'agent-inner*'), '');
    }
  }));

test('a worktree that its owner throws away is deleted also without its .git, and nothing else', () =>
  withWorktree(async ({ repo, tree, worktree, workspace }) => {
    unlinkSync(join(tree, '.git'));
    const status = runGit(repo, 'status', '--porcelain');
    await workspace.remove(worktree, { discardWork: true });
    assert.equal([existsSync(tree), runGit(repo, 'branch', '--list', 'agent-*')], [false, '']);
    assert.equal([runGit(repo, 'status', '--porcelain'), existsSync(join(repo, '.git/worktrees'))], [status, false]);
  }));

test.run();
