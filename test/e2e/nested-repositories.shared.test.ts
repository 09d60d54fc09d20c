import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { AgentInfo, WorktreeInfo } from '../../core/api/agents.ts';
import { DEFAULT_SETTINGS } from '../../agent/settings/settings.ts';
import { createWorkspace, type Workspace } from '../../agent/workspace/workspace.ts';
import { commitAll, makeRepository, runGit, temporaryDirectory, writeFiles } from '../support/harness/git.ts';
import { refusal } from '../support/harness/refusal.ts';
import { testContext } from '../support/fakes/test-context.ts';

interface Fixture {
  directory: string;
  repo: string;
  tree: string;
  worktree: WorktreeInfo;
  agent: AgentInfo;
  workspace: Workspace;
}

/** A repository with the submodule `lib`, and a worktree in which it is checked out. */
async function withWorktree(run: (fixture: Fixture) => Promise<void>): Promise<void> {
  const { path: directory, remove } = temporaryDirectory();
  try {
    const library = makeRepository(join(directory, 'library'));
    const repo = makeRepository(join(directory, 'repo'), { '.gitignore': 'deps/\nnode_modules/\n' });
    runGit(repo, '-c', 'protocol.file.allow=always', 'submodule', '--quiet', 'add', library, 'lib');
    commitAll(repo, 'submodule');
    const workspace = createWorkspace(testContext({ dataDir: join(directory, 'data') }), () => DEFAULT_SETTINGS);
    const { worktree } = await workspace.prepare({ agentId: 'abcdefgh', directory: repo, flags: {} });
    const tree = worktree!.path;
    runGit(tree, '-c', 'protocol.file.allow=always', 'submodule', '--quiet', 'update', '--init');
    const agent = { id: 'abcdefgh', provider: 'claude', directory: repo, worktree } as AgentInfo;
    await run({ directory: directory, repo, tree, worktree: worktree!, agent, workspace });
  } finally {
    remove();
  }
}

const inside = (path: string) => [`1 repository inside has work that is nowhere else: ${path}`];

test('a commit in a submodule is work, also when the pointer to it is merged, until it is pushed or in the main checkout', () =>
  withWorktree(async ({ repo, tree, worktree, agent, workspace }) => {
    assert.equal(await workspace.unmerged(worktree), []);
    const lib = join(tree, 'lib');
    runGit(lib, 'checkout', '--quiet', '-b', 'work');
    writeFiles(lib, { 'b.txt': 'hours of work' });
    commitAll(lib, 'b');
    await workspace.commit(agent, 'pointer', null);
    await workspace.merge(agent);
    assert.equal(await workspace.unmerged(worktree), inside('lib'));
    runGit(join(repo, 'lib'), 'fetch', '--quiet', lib, 'work:work');
    assert.equal(await workspace.unmerged(worktree), [], 'in the main checkout');
    runGit(join(repo, 'lib'), 'branch', '--quiet', '-D', 'work');
    assert.equal(await workspace.unmerged(worktree), inside('lib'));
    runGit(lib, 'push', '--quiet', 'origin', 'work');
    assert.equal(await workspace.unmerged(worktree), [], 'pushed');
    writeFiles(lib, { 'b.txt': 'more' });
    runGit(lib, 'stash', '--quiet');
    assert.equal(await workspace.unmerged(worktree), inside('lib'), 'a stash');
  }));

test('a repository that the agent began is work, committed to the worktree or ignored', () =>
  withWorktree(async ({ directory, tree, worktree, agent, workspace }) => {
    makeRepository(join(tree, 'app'));
    runGit(tree, '-c', 'advice.addEmbeddedRepo=false', 'add', 'app');
    assert.is((await refusal(workspace.commit(agent, 'app', null))).code, 'nested_repository', 'a pointer is staged');
    runGit(tree, 'commit', '--quiet', '-m', 'app');
    const refused = await refusal(workspace.merge(agent));
    assert.is(refused.code, 'nested_repository');
    assert.match(refused.message, /inside: app\..*git rm --cached/);
    assert.match((await workspace.unmerged(worktree)).join(), inside('app')[0]!);
    runGit(tree, 'rm', '--quiet', '-r', '--cached', 'app');
    runGit(tree, 'commit', '--quiet', '-m', 'no app');
    assert.is((await refusal(workspace.discard(agent, null))).code, 'nested_repository', 'all is not its commits');
    await workspace.discard(agent, ['app/']);
    await workspace.merge(agent);
    assert.equal(await workspace.unmerged(worktree), []);

    mkdirSync(join(tree, 'deps'));
    runGit(join(tree, 'deps'), 'clone', '--quiet', join(directory, 'library'), 'clone');
    assert.equal(await workspace.unmerged(worktree), [], 'a clone without work of its own');
    writeFileSync(join(tree, 'deps/clone/new.txt'), '');
    assert.equal(await workspace.unmerged(worktree), inside('deps/clone'));
  }));

test('a submodule that the agent added is committed and merged', () =>
  withWorktree(async ({ directory, repo, tree, agent, workspace }) => {
    const url = join(directory, 'library');
    runGit(tree, '-c', 'protocol.file.allow=always', 'submodule', '--quiet', 'add', url, 'vendor/more');
    await workspace.commit(agent, 'one more', null);
    await workspace.merge(agent);
    assert.match(runGit(repo, 'ls-tree', 'HEAD', 'vendor/more'), /^160000 commit /);
  }));

test('a repository that cannot be asked is work, one without commits too; packages are not looked into', () =>
  withWorktree(async ({ tree, worktree, workspace }) => {
    makeRepository(join(tree, 'node_modules/x'));
    assert.equal(await workspace.unmerged(worktree), []);
    writeFiles(tree, { 'deps/broken/.git': 'gitdir: /nonexistent\n' });
    mkdirSync(join(tree, 'deps/damaged/.git'), { recursive: true });
    runGit(tree, 'init', '--quiet', 'deps/empty');
    assert.equal(await workspace.unmerged(worktree), [
      '3 repositories inside have work that is nowhere else: deps/broken, deps/damaged, deps/empty',
    ]);
  }));

test.run();
