/** Two agents whose branches hold each other's commits, deleted at once in random orders: the commits stay on a branch. */
import { join } from 'node:path';
import process from 'node:process';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Failure } from '../../core/api/errors.ts';
import { Registry } from '../../agent/session/registry.ts';
import { DEFAULT_SETTINGS } from '../../agent/settings/settings.ts';
import { createWorkspace } from '../../agent/workspace/workspace.ts';
import { commitAll, makeRepository, runGit, writeFiles } from '../support/harness/git.ts';
import { memoryDirectory } from '../support/harness/memory-directory.ts';
import { scriptedProvider } from '../support/fakes/scripted-provider.ts';
import { seeded } from '../support/fakes/seeded.ts';
import { testContext } from '../support/fakes/test-context.ts';

/** Each takes most of a second of git: `RANDOM_ROUNDS=200` for a thorough run. */
const ROUNDS = Number(process.env.RANDOM_ROUNDS ?? 5);

test('the second of two is refused, whatever the order', async () => {
  const { path: directory, remove: cleanUp } = memoryDirectory();
  const context = testContext({ dataDir: join(directory, 'data') });
  const repo = makeRepository(join(directory, 'repo'));
  const agents = await Registry.open({
    context,
    providers: { get: (name) => scriptedProvider(name) },
    workspace: createWorkspace(context, () => DEFAULT_SETTINGS),
  });
  try {
    for (let round = 1; round <= ROUNDS; round++) {
      const random = seeded(round);
      const create = () => agents.create({ directory: repo }, 'test');
      const [a, b] = [await create(), await create()];
      writeFiles(a.worktree!.path, { [`${round}.txt`]: 'work\n' });
      commitAll(a.worktree!.path, `round ${round}`);
      const commit = runGit(a.worktree!.path, 'rev-parse', 'HEAD').trim();
      runGit(b.worktree!.path, 'reset', '--hard', '--quiet', commit);
      const remove = async (id: string) => {
        await new Promise((resolve) => setTimeout(resolve, random() * 40));
        return await agents.remove(id, { discardWork: false }, 'test').then(() => '', (error: Failure) => error.code);
      };
      const codes = await Promise.all([remove(a.id), remove(b.id)]);
      assert.equal([...codes].sort(), ['', 'unmerged_work'], `round ${round}`);
      const [left] = agents.list();
      assert.is(agents.list().length, 1);
      const branches = runGit(repo, 'branch', '--contains', commit, '--format=%(refname:short)').trim();
      assert.is(branches, left!.worktree!.branch, `round ${round}: the commit is on no branch`);
      await agents.remove(left!.id, { discardWork: true }, 'test');
    }
    assert.is(runGit(repo, 'branch', '--format=%(refname:short)').trim(), 'main');
  } finally {
    await agents.close();
    cleanUp();
  }
});

test('a branch that gets a commit while its agent is deleted keeps it', async () => {
  const { path: directory, remove: cleanUp } = memoryDirectory();
  const context = testContext({ dataDir: join(directory, 'data') });
  const repo = makeRepository(join(directory, 'repo'));
  const workspace = createWorkspace(context, () => DEFAULT_SETTINGS);
  try {
    writeFiles(repo, { 'elsewhere.txt': 'work\n' });
    commitAll(repo, 'elsewhere');
    const commit = runGit(repo, 'rev-parse', 'HEAD').trim();
    runGit(repo, 'reset', '--hard', '--quiet', 'HEAD~1');
    for (let round = 0; round < ROUNDS; round++) {
      const agentId = `round${round}`;
      const worktree = (await workspace.prepare({ agentId, directory: repo, flags: {} })).worktree!;
      let isOver = false;
      const removing = workspace.remove(worktree, { discardWork: false })
        .then(() => '', (error: Failure) => error.code).finally(() => isOver = true);
      await new Promise((resolve) => setTimeout(resolve, seeded(round)() * 150));
      // As a push or another tool would; before the look it is work, after it the branch is another one than was looked at.
      for (let isSet = false; !isSet;) {
        try {
          runGit(repo, 'update-ref', `refs/heads/${worktree.branch}`, commit);
          isSet = true;
        } catch {
          await new Promise((resolve) => setTimeout(resolve, 5)); // git holds the ref
        }
      }
      const wasOver = isOver;
      const code = await removing;
      assert.ok(code === '' || code === 'unmerged_work', code);
      const tip = runGit(repo, 'for-each-ref', '--format=%(objectname)', `refs/heads/${worktree.branch}`).trim();
      assert.is(tip, commit, `round ${round}, removed before: ${wasOver}`);
      await workspace.remove(worktree, { discardWork: true });
    }
  } finally {
    cleanUp();
  }
});

test.run();
