/** Deleting agents with real worktrees, by hand and by retention: what git cannot tell for sure is kept. */
import { existsSync, mkdirSync, readFileSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { ERROR_STATUS, type Failure } from '../../core/api/errors.ts';
import { Retention } from '../../agent/session/retention.ts';
import { Registry } from '../../agent/session/registry.ts';
import { DEFAULT_SETTINGS } from '../../agent/settings/settings.ts';
import { createWorkspace } from '../../agent/workspace/workspace.ts';
import { commitAll, makeRepository, runGit, temporaryDirectory, writeFiles } from '../support/harness/git.ts';
import { fakeClock } from '../support/fakes/fake-clock.ts';
import { testContext } from '../support/fakes/test-context.ts';
import { scriptedProvider } from '../support/fakes/scripted-provider.ts';

const HOUR = 3_600_000;

/** What makes a worktree that holds nothing else one that is kept. */
const OBSTACLES: Record<string, (tree: string, repo: string) => void> = {
  'its .git is missing': (tree) => unlinkSync(join(tree, '.git')),
  'its .git is empty': (tree) => writeFileSync(join(tree, '.git'), ''),
  'its .git is a repository of its own': (tree) => {
    unlinkSync(join(tree, '.git'));
    runGit(tree, 'init', '--quiet', '--initial-branch=main');
    commitAll(tree, 'all');
  },
  "its .git leads to the user's own": (tree, repo) => writeFileSync(join(tree, '.git'), `gitdir: ${repo}/.git\n`),
  'its .git leads nowhere': (tree) => writeFileSync(join(tree, '.git'), 'gitdir: /nonexistent\n'),
  "its .git is a link to the user's own": (tree, repo) => {
    unlinkSync(join(tree, '.git'));
    symlinkSync(join(repo, '.git'), join(tree, '.git'));
  },
  'it is locked': (tree) => runGit(tree, 'worktree', 'lock', '--reason', 'mine', tree),
  'a file is assume-unchanged': (tree) => {
    runGit(tree, 'update-index', '--assume-unchanged', 'a.txt');
    writeFiles(tree, { 'a.txt': 'work\n' });
  },
  'a file is skip-worktree': (tree) => {
    runGit(tree, 'update-index', '--skip-worktree', 'a.txt');
    writeFiles(tree, { 'a.txt': 'work\n' });
  },
  'a bisect is under way': (tree) => runGit(tree, 'bisect', 'start', '--no-checkout'),
};

for (const [name, breakIt] of Object.entries(OBSTACLES)) {
  test(`${name}: neither DELETE nor retention deletes the agent`, async () => {
    const { path: directory, remove } = temporaryDirectory();
    const clock = fakeClock();
    const context = testContext({ dataDir: join(directory, 'data'), clock });
    const repo = makeRepository(join(directory, 'repo'));
    const agents = await Registry.open({
      context,
      providers: { get: (name) => scriptedProvider(name) },
      workspace: createWorkspace(context, () => DEFAULT_SETTINGS),
    });
    const retention = new Retention({
      context,
      agents,
      terminals: { list: () => [] },
      runTime: { since: (time) => clock.now() - time },
      settings: () => ({ retentionHours: 1, archiveDays: 1 }),
    });
    try {
      const [{ id, worktree }, clean] = [
        await agents.create({ directory: repo }, 'test'),
        await agents.create({ directory: repo }, 'test'),
      ];
      mkdirSync(join(worktree!.path, 'ignored'));
      breakIt(worktree!.path, repo);
      // Nothing of the user's is uncommitted: a git that looks there finds nothing to lose.
      writeFiles(repo, { 'user.txt': 'mine\n' });
      commitAll(repo, 'mine');
      const userState = () => [runGit(repo, 'rev-parse', 'HEAD'), runGit(repo, 'status', '--porcelain')];
      const before = userState();

      const error: Failure = await agents.remove(id, { discardWork: false }, 'test').catch((e) => e);
      assert.is(`${ERROR_STATUS[error.code]} ${error.code}`, '409 unmerged_work');
      await Promise.all([id, clean.id].map((entry) => agents.stop(entry, 'test')));
      await retention.close(); // only the looks of this test
      clock.advance(2 * HOUR);
      await retention.sweep();
      assert.is(agents.list().filter(({ archivedAt }) => archivedAt).length, 2, 'both are archived first');
      clock.advance(25 * HOUR);
      await retention.sweep();
      assert.equal(agents.list().map((agent) => agent.id), [id], 'the clean one is deleted');
      assert.ok(existsSync(join(worktree!.path, 'ignored')));
      assert.is(runGit(repo, 'branch', '--list', worktree!.branch).slice(2), worktree!.branch);
      assert.equal(userState(), before);
      assert.is(readFileSync(join(repo, 'user.txt'), 'utf8'), 'mine\n');

      if (name === 'it is locked') runGit(repo, 'worktree', 'unlock', worktree!.path);
      await agents.remove(id, { discardWork: true }, 'test');
      assert.not.ok(existsSync(worktree!.path));
      assert.equal(userState(), before);
    } finally {
      await agents.close();
      remove();
    }
  });
}

test.run();
