/**
 * An agent's own checkout: `<repository>/.agent-worktrees/agent-<id8>` on a branch that is called after the task,
 * `agent/fix-the-rounding-bug`, or `agent-<id8>` where the task gives no name. What is in it and nowhere
 * else is work; nothing here removes a worktree before unmergedWork() was asked, unless the user gives the work up.
 */
import { lstat, mkdir, realpath, rm, rmdir, writeFile } from 'node:fs/promises';
import { basename, dirname, join, relative } from 'node:path';
import { Failure } from '../../core/api/errors.ts';
import type { WorktreeInfo } from '../../core/api/agents.ts';
import { git, gitAsOwner, GitError, gitText } from './git.ts';
import { adminDirectoryOf, lockReason } from './git-directory.ts';
import { WORKTREES } from './git-environment.ts';
import type { GitIsolation } from './isolation.ts';
import { refuseObstacles, removeDirectory } from './removal.ts';
import { commitOf, currentBranch, locateRepository, type Repository, statusOf } from './repository.ts';
import { withRepository } from './repository-lock.ts';
import { lockedSentence, refuseLoss, unmergedWork } from './unmerged.ts';
import { mainDirectory, openCommon } from './worktree-repository.ts';

/** How many names are tried when a branch or directory of an earlier agent is in the way. */
const NAME_TRIES = 20;
export interface NewWorktree {
  worktree: WorktreeInfo;
  /** Where the agent works: the directory of the worktree that corresponds to the chosen one. */
  cwd: string;
  /** Files of the chosen checkout that are not committed, and so are not in the worktree. */
  uncommitted: number;
}

/**
 * Makes the worktree for an agent that is to work in `directory` (real path, inside `repository`). Throws Failure.
 * @param task what the agent is to do, in words: its branch is called after it
 * @param origin commit and base of another worktree that this one is to be a copy of
 * @param planned called with what is about to be made, before anything of it is: should this process be killed, it can be found
 */
export function makeWorktree(
  repository: Repository,
  directory: string,
  agentId: string,
  task = '',
  planned: (worktree: WorktreeInfo) => Promise<void> = () => Promise.resolve(),
  origin?: { start: string | null; base: string },
): Promise<NewWorktree> {
  return withRepository(repository.common, async () => {
    const start = origin ? origin.start : await commitOf(repository, 'HEAD');
    if (!start) {
      throw new Failure(
        'no_commit',
        `The repository ${repository.top} has no commit yet, so no worktree can be made. Commit something first, or choose to work in the folder itself.`,
        { params: { path: repository.top } },
      );
    }
    try {
      const base = origin?.base ?? await currentBranch(repository) ?? start;
      const worktrees = await worktreesDirectory(repository.top);
      const name = await freeName(repository, worktrees, agentId);
      const path = join(worktrees, name);
      const branch = await branchName(repository, task) ?? name;
      const worktree = { path, branch, base, commonDir: repository.common };
      await planned(worktree);
      await gitAsOwner(repository.top, ['worktree', 'add', '--quiet', '-b', branch, '--', path, start]).catch(
        async (error) => {
          await undo(repository, worktree, start);
          throw error;
        },
      );
      const cwd = join(path, relative(repository.top, directory));
      // The chosen directory may hold nothing that git tracks.
      await mkdir(cwd, { recursive: true });
      return { worktree, cwd, uncommitted: (await statusOf(repository)).length };
    } catch (error) {
      throw worktreeFailure(error);
    }
  });
}

/** git that fails while it writes the files (a filter that is missing) leaves the branch, sometimes the folder, too. */
async function undo(repository: Repository, { path, branch }: WorktreeInfo, start: string): Promise<void> {
  await rm(path, { recursive: true, force: true }).catch(() => {});
  await git(repository, ['worktree', 'remove', '--force', '--', path]).catch(ignoreGitError);
  await removeBranch(repository, branch, start);
}

const worktreeFailure = (error: unknown) =>
  error instanceof Failure ? error : new Failure(
    'worktree_failed',
    `No worktree could be made: ${(error as Error).message} Mend that, or choose to work in the folder itself.`,
    { params: { reason: (error as Error).message } },
  );

/** The directory that holds the worktrees. It ignores itself, so that nobody's `git status` shows it. */
async function worktreesDirectory(top: string): Promise<string> {
  // An agent that is started in another agent's worktree becomes its neighbour, not its part.
  const directory = basename(dirname(top)) === WORKTREES ? dirname(top) : join(top, WORKTREES);
  await mkdir(directory, { recursive: true });
  if ((await lstat(directory)).isSymbolicLink()) {
    throw new Error(`${directory} is a symbolic link; a folder must be there.`);
  }
  await writeFile(join(directory, '.gitignore'), '*\n', { flag: 'wx' }).catch((error) => {
    if (error.code !== 'EEXIST') throw error;
  });
  return directory;
}

async function freeName(repository: Repository, directory: string, agentId: string): Promise<string> {
  const id = agentId.replace(/[^A-Za-z0-9]/g, '').slice(0, 8);
  for (let n = 1; n <= NAME_TRIES; n++) {
    const name = n === 1 ? `agent-${id}` : `agent-${id}-${n}`;
    const isTaken = await lstat(join(directory, name)).then(() => true, () => false);
    if (!isTaken && !(await commitOf(repository, `refs/heads/${name}`))) return name;
  }
  throw new Error(`every name up to agent-${id}-${NAME_TRIES} is taken in ${directory}.`);
}

/** Longest part of a branch's name that comes from the task, characters. */
const MAX_SLUG = 40;

/** `Fix the rounding bug!` as `fix-the-rounding-bug`; empty where no letter or digit of ASCII is in it. */
export function slugOf(task: string): string {
  const line = task.trim().split('\n')[0]!.slice(0, MAX_TASK);
  const words = line.normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase().match(/[a-z0-9]+/g) ?? [];
  let slug = '';
  for (const word of words) {
    const next = slug ? `${slug}-${word}` : word.slice(0, MAX_SLUG);
    if (next.length > MAX_SLUG) break;
    slug = next;
  }
  return slug;
}

/** So much of a task is looked at for its name, characters. */
const MAX_TASK = 200;

/** A free branch `agent/…` that is called after the task; null where there is none, or a branch `agent` is in the way. */
async function branchName(repository: Repository, task: string): Promise<string | null> {
  const slug = slugOf(task);
  if (!slug || await commitOf(repository, 'refs/heads/agent')) return null;
  for (let n = 1; n <= NAME_TRIES; n++) {
    const name = n === 1 ? `agent/${slug}` : `agent/${slug}-${n}`;
    if (await isFree(repository, name)) return name;
  }
  return null;
}

/** Neither the branch nor one below its name exists: git keeps one of the two. */
async function isFree(repository: Repository, name: string): Promise<boolean> {
  const refs = await gitText(repository, ['for-each-ref', '--count=1', '--', `refs/heads/${name}`]);
  return refs === '';
}

/** The directory in which an agent with this worktree was started; `directory` as the user chose it. */
export async function workDirectory(worktree: WorktreeInfo, directory: string): Promise<string> {
  const top = (await locateRepository(directory).catch(() => null))?.top;
  if (!top) return worktree.path;
  const inside = relative(top, await realpath(directory));
  return inside.startsWith('..') ? worktree.path : join(worktree.path, inside);
}

/** Whether the path has the form that makeWorktree() chooses: nothing else is ever deleted. */
const isOurs = (worktree: WorktreeInfo) =>
  basename(dirname(worktree.path)) === WORKTREES && /^agent-[A-Za-z0-9-]+$/.test(basename(worktree.path));

const exists = (path: string) => lstat(path).then(() => true, () => false);

interface RemovalOptions {
  discardWork: boolean;
  /** It is sure to be removed: whatever writes into it is to end first. */
  onRemoving?: () => Promise<void>;
}

/**
 * Removes the worktree with all that is in it, and its branch. Throws Failure when it is locked, when something in it cannot be
 * removed, or, unless `discardWork`, when it holds work: the worktree then stays as it is. Looking and removing are one step for
 * the repository: of two worktrees whose branches hold each other's commits only the first can be removed.
 */
export async function removeWorktree(
  isolation: GitIsolation,
  worktree: WorktreeInfo,
  { discardWork, onRemoving = () => Promise.resolve() }: RemovalOptions,
): Promise<void> {
  const { path, branch } = worktree;
  await refuseForeign(worktree);
  const common = await openCommon(isolation, worktree).catch(() => null);
  await withRepository(common?.common ?? mainDirectory(worktree), async () => {
    const admin = common && await adminDirectoryOf(common.common, path);
    if (admin) await refuseLocked(admin, path);
    // Read before the look: should the branch move meanwhile, it is not deleted.
    const tip = common && await commitOf(common, `refs/heads/${branch}`);
    if (!discardWork) refuseLoss(await unmergedWork(isolation, worktree));
    await onRemoving();
    if (await exists(path)) await removeDirectory(path);
    if (!common) return;
    // Its directory is gone by now: only git's record of it is removed. (prune would remove other missing worktrees too.)
    await git(common, ['worktree', 'remove', '--force', '--', path]).catch(ignoreGitError);
    await rmdir(join(common.common, 'worktrees')).catch(() => {}); // as git does after the last one
    if (admin) await isolation.forget(admin);
    if (tip) await removeBranch(common, branch, tip);
  });
}

/**
 * Removes what a server that was killed has left of a worktree that it was making: no agent has been in it, so its files are the
 * server's own. A branch with a commit of its own is somebody's all the same: Failure `unmerged_work`.
 */
export async function removeUnfinished(isolation: GitIsolation, worktree: WorktreeInfo): Promise<void> {
  const common = await openCommon(isolation, worktree).catch(() => null);
  const ref = `refs/heads/${worktree.branch}`;
  if (common && await commitOf(common, ref)) {
    const own = await gitText(common, ['rev-list', '--max-count=1', ref, '--not', `--exclude=${ref}`, '--all']);
    if (own) throw new Failure('unmerged_work', `the branch ${worktree.branch} has commits of its own.`);
  }
  await removeWorktree(isolation, worktree, { discardWork: true });
}

/** Throws Failure when removeWorktree() would for something that can be seen before. Removes nothing. */
export async function refuseUnremovable(isolation: GitIsolation, worktree: WorktreeInfo): Promise<void> {
  await refuseForeign(worktree);
  const common = await openCommon(isolation, worktree).catch(() => null);
  const admin = common && await adminDirectoryOf(common.common, worktree.path);
  if (admin) await refuseLocked(admin, worktree.path);
  if (await exists(worktree.path)) await refuseObstacles(worktree.path);
}

async function refuseForeign(worktree: WorktreeInfo): Promise<void> {
  if (isOurs(worktree) && await isPlain(dirname(worktree.path))) return;
  throw new Failure('not_a_worktree', `${worktree.path} is no worktree of an agent.`, {
    params: { path: worktree.path },
  });
}

/** Not a link to another place; a directory that is gone does no harm. */
const isPlain = (directory: string) => lstat(directory).then((found) => found.isDirectory(), () => true);

async function refuseLocked(admin: string, path: string): Promise<void> {
  const reason = await lockReason(admin);
  if (!reason) return;
  const how = `Nothing was removed. Unlock it with "git worktree unlock ${path}", then delete it.`;
  throw new Failure('worktree_locked', `${lockedSentence(reason)} ${how}`, { params: { reason } });
}

/** Deletes the branch if it still points to `tip`. One that is checked out elsewhere stays: somebody works on it. */
async function removeBranch(common: Repository, branch: string, tip: string): Promise<void> {
  const ref = `refs/heads/${branch}`;
  try {
    if (await gitText(common, ['for-each-ref', '--format=%(worktreepath)', ref])) return;
    await git(common, ['update-ref', '-d', ref, tip]);
    // git removes the branch's settings from the isolated file.
    const file = join(common.common, 'config');
    await git(common, ['config', '--file', file, '--remove-section', `branch.${branch}`], { codes: [128] });
  } catch (error) {
    ignoreGitError(error);
  }
}

const ignoreGitError = (error: unknown) => {
  if (!(error instanceof GitError)) throw error;
};
