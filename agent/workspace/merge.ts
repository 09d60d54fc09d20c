/** Merges the branch of an agent's worktree into the branch that it was made from. */
import type { Buffer } from 'node:buffer';
import { lstat } from 'node:fs/promises';
import { join } from 'node:path';
import { Failure } from '../../core/api/errors.ts';
import type { WorktreeInfo } from '../../core/api/agents.ts';
import { type Place, PLAIN_DIFF } from './changes.ts';
import { author, nestedRepository, pendingWork, refuseOtherBranch } from './commit.ts';
import { git, gitText, type Where } from './git.ts';
import { operationIn } from './git-directory.ts';
import { names, splitNul } from './git-output.ts';
import { refuseIgnoredFilters, refuseIgnoredMergeDrivers } from './ignored-drivers.ts';
import { newPointers } from './pointers.ts';
import {
  baseName,
  type Checkout,
  checkoutsOf,
  commitOf,
  isCommitName,
  type Repository,
  type StatusEntry,
  statusOf,
} from './repository.ts';
import { withRepository } from './repository-lock.ts';
import { mainDirectory, openCheckout, openMainCheckout, openWorktree } from './worktree-repository.ts';

export interface MergeOutcome {
  /** Commits that the base got. */
  commits: number;
  /** Files that the agent changed in them. */
  files: number;
  base: string;
}

export interface MergeOptions {
  /** The merge itself is ended when it takes longer. */
  timeoutMs?: number;
}

/**
 * Merges the agent's branch into its base. Either all of it is merged or nothing is changed: conflicts, a checkout of the base
 * with changes of its own, or work that is not committed are Failure that say what to do. When git ended half-way, the
 * error names what it left.
 */
export async function mergeWork(place: Place, options: MergeOptions = {}): Promise<MergeOutcome> {
  const { worktree, isolation } = place;
  if (!worktree) {
    throw new Failure('no_worktree', 'This agent works in the folder itself: there is nothing to merge.');
  }
  const at = await openWorktree(isolation, worktree);
  return withRepository(at.common, async () => {
    await refuseOtherBranch(at, worktree);
    const target = await baseCommit(at, worktree);
    const pending = await pendingWork(at, null);
    if (pending.length) {
      const files = names(pending.map((entry) => entry.path));
      const text = `Commit or discard these changes before merging: ${files}.`;
      throw new Failure('uncommitted', text, { params: { files } });
    }
    const head = await branchCommit(at, worktree);
    const commits = Number(await gitText(at, ['rev-list', '--count', head, `^${target}`]));
    if (!commits) return { commits: 0, files: 0, base: worktree.base };
    await refusePointers(at, target, head);
    const changed = await changedBy(at, target, head);
    await refuseIgnoredMergeDrivers(at, changed.byBoth);
    await refuseConflicts(at, target, head, worktree);
    const checkout = (await checkoutsOf(at)).find((entry) => entry.branch === `refs/heads/${worktree.base}`);
    if (checkout?.isRebasing) {
      throw new Failure(
        'base_busy',
        `${worktree.base} is being rebased in ${checkout.path}. Finish that, then merge again.`,
        { params: { base: worktree.base, path: checkout.path } },
      );
    }
    if (!checkout) await mergeWithoutCheckout(at, target, head, worktree);
    else {
      const base = await openListed(at, checkout, worktree);
      for (const side of [at, base]) await refuseIgnoredFilters(side, changed.byAgent); // each has attributes of its own
      await mergeInCheckout(base, head, worktree, options);
    }
    return { commits, files: changed.byAgent.length, base: worktree.base };
  });
}

/** The base would get an empty folder. */
async function refusePointers(at: Repository, target: string, head: string): Promise<void> {
  const pointers = await newPointers(at, target, head);
  if (!pointers.length) return;
  throw nestedRepository(
    pointers,
    'The branch has only a pointer to it, without its files.',
    'Ask the agent to take it out of the index (git rm --cached), to remove the .git folder in it and to commit its files, ' +
      'or to add it as a submodule, then merge again.',
  );
}

/** The files that the agent's branch changed since it left the base, and those that the base changed as well. */
async function changedBy(
  at: Repository,
  target: string,
  head: string,
): Promise<{ byAgent: Buffer[]; byBoth: Buffer[] }> {
  const fork = await gitText(at, ['merge-base', target, head], { codes: [1] });
  const tree = fork || await gitText(at, ['hash-object', '-t', 'tree', '/dev/null']);
  const changes = async (to: string) =>
    splitNul((await git(at, ['diff', ...PLAIN_DIFF, '--name-only', '-z', tree, to, '--'])).stdout);
  const byAgent = await changes(head);
  const byBase = new Set((await changes(target)).map((path) => path.toString('latin1')));
  return { byAgent, byBoth: byAgent.filter((path) => byBase.has(path.toString('latin1'))) };
}

/** A checkout that git lists. A main one with its git directory elsewhere (a submodule) is listed by that directory. */
function openListed(
  { isolation, common }: Repository,
  { path, isMain }: Checkout,
  worktree: WorktreeInfo,
): Promise<Repository> {
  const main = mainDirectory(worktree);
  return isMain ? openMainCheckout(isolation, [path, main], common) : openCheckout(isolation, path, common, main);
}

async function branchCommit(at: Repository, { branch, path }: WorktreeInfo): Promise<string> {
  const head = await commitOf(at, `refs/heads/${branch}`);
  if (head) return head;
  throw new Failure('no_branch', `The branch ${branch} of ${path} has no commit: there is nothing to merge.`, {
    params: { branch },
  });
}

async function baseCommit(at: Where, { base }: WorktreeInfo): Promise<string> {
  const target = await commitOf(at, `refs/heads/${base}`);
  if (target) return target;
  throw new Failure(
    'no_base',
    isCommitName(base)
      ? `The worktree was made from commit ${
        baseName(base)
      } without a branch: merge it with git into the branch of your choice.`
      : `The branch ${base} is gone: merge with git into the branch of your choice.`,
    { params: { base: baseName(base) } },
  );
}

/** Asks for conflicts without touching any checkout (git 2.38 or newer; older ones find out while merging). */
async function refuseConflicts(at: Where, target: string, head: string, worktree: WorktreeInfo): Promise<void> {
  const args = ['merge-tree', '--write-tree', '--name-only', '--no-messages', '-z', target, head];
  const { code, stdout } = await git(at, args, { codes: [1, 128, 129] });
  if (code === 1) throw conflict(worktree, splitNul(stdout).slice(1));
}

const conflict = ({ base, branch }: WorktreeInfo, files: Buffer[]) =>
  new Failure(
    'merge_conflict',
    `${branch} and ${base} changed the same lines in ${names(files) || 'some files'}. Nothing was merged. ` +
      `Ask the agent to merge ${base} into its branch and to resolve the conflicts, then merge again.`,
    { params: { base, branch, files: names(files) } },
  );

async function mergeInCheckout(
  at: Repository,
  head: string,
  worktree: WorktreeInfo,
  { timeoutMs }: MergeOptions,
): Promise<void> {
  const { base, branch } = worktree;
  const before = await stateOf(at);
  refuseDirty(at, before, base);
  const operation = await operationIn(at.gitDir);
  if (operation) { // also without a change in the files
    throw new Failure(
      'base_busy',
      `A ${operation.name} into ${base} is under way in ${at.top}. Ask who began it to ${operation.ending}, then merge again.`,
      { params: { base, path: at.top } },
    );
  }
  try {
    const message = `Merge branch '${branch}'`;
    await git(
      at,
      [...await author(at), 'merge', '--quiet', '--ff', '--no-edit', '--no-verify', '-m', message, head],
      { env: withoutMergeOptions(base), ...(timeoutMs ? { timeoutMs } : {}) },
    );
    const { code } = await git(at, ['merge-base', '--is-ancestor', head, 'HEAD'], { codes: [1] });
    if (code !== 0) throw new Error('it ended without a commit.');
  } catch (error) {
    const files = await conflictsIn(at).catch(() => []);
    await git(at, ['merge', '--abort']).catch(() => {});
    const left = await leftBy(at, before);
    if (files.length && !left.length) throw conflict(worktree, files);
    const obstacles = await untrackedObstacles(at, before, head);
    if (obstacles.length && !left.length) throw inTheWay(at, base, obstacles);
    const reason = error instanceof Error ? error.message : String(error);
    const text = `Git could not merge into ${base} in ${at.top}: ${reason} ${left.join(' ') || 'Nothing was merged.'}`;
    throw new Failure('merge_failed', text, { params: { base, reason } });
  }
}

/** Untracked files of the checkout that the branch has as well: git keeps them and merges nothing. */
async function untrackedObstacles(at: Repository, { entries }: CheckoutState, head: string): Promise<Buffer[]> {
  const untracked = entries.filter((entry) => entry.code === '??').map((entry) => entry.path);
  if (!untracked.length) return [];
  const written = splitNul((await git(at, ['diff', ...PLAIN_DIFF, '--name-only', '-z', 'HEAD', head, '--'])).stdout);
  const known = new Set(written.map((path) => path.toString('latin1')));
  return untracked.filter((path) => known.has(path.toString('latin1')));
}

const inTheWay = (at: Repository, base: string, files: Buffer[]) =>
  new Failure(
    'merge_failed',
    `These files in ${at.top} are not in git, and the merge into ${base} would overwrite them: ${
      names(files, MAX_OBSTACLES)
    }. Move or remove them, then merge again. Nothing was merged.`,
    { params: { base, files: names(files, MAX_OBSTACLES) } },
  );

function refuseDirty(at: Repository, { entries }: CheckoutState, base: string): void {
  const changed = entries.filter((entry) => entry.code !== '??');
  if (!changed.length) return;
  throw new Failure(
    'base_dirty',
    `${base} is checked out in ${at.top} with changes that are not committed: ${
      names(changed.map((entry) => entry.path))
    }. ` +
      `Commit or stash them, then merge again.`,
    { params: { base, path: at.top, files: names(changed.map((entry) => entry.path)) } },
  );
}

/** Names of files in the way of a merge that are shown: people have to move each. */
const MAX_OBSTACLES = 200;

/** What a merge could change in a checkout. */
interface CheckoutState {
  head: string | null;
  entries: StatusEntry[];
}

const stateOf = async (at: Repository): Promise<CheckoutState> => ({
  head: await commitOf(at, 'HEAD'),
  entries: await statusOf(at),
});

/** A sentence for each thing that a merge which failed left in the checkout; none: it is as it was. */
async function leftBy(at: Repository, before: CheckoutState): Promise<string[]> {
  try {
    const after = await stateOf(at);
    const keyOf = ({ code, path }: StatusEntry) => code + path.toString('latin1');
    const known = new Set(before.entries.map(keyOf));
    const changed = after.entries.filter((entry) => !known.has(keyOf(entry))).map((entry) => entry.path);
    const lock = join(at.gitDir, 'index.lock');
    const isLocked = await lstat(lock).then(() => true, () => false);
    const operation = await operationIn(at.gitDir);
    return [
      ...after.head !== before.head ? [`The branch moved to ${after.head?.slice(0, 8)}.`] : [],
      ...operation ? [`A ${operation.name} is under way there: ${operation.ending}.`] : [],
      ...changed.length ? [`These files are left changed there: ${names(changed)}. Compare them with git status.`] : [],
      ...isLocked ? [`${lock} is left: remove it when no git runs there.`] : [],
    ];
  } catch (error) {
    return [`It could not be found out what is left there: ${(error as Error).message}`];
  }
}

/** What the user set for merges by hand (--no-commit, --squash, a strategy) would leave them half done. */
const withoutMergeOptions = (branch: string): Record<string, string> => ({
  GIT_CONFIG_COUNT: '1',
  GIT_CONFIG_KEY_0: `branch.${branch}.mergeoptions`,
  GIT_CONFIG_VALUE_0: '',
});

async function conflictsIn(at: Where): Promise<Buffer[]> {
  const { stdout } = await git(at, ['diff', ...PLAIN_DIFF, '--name-only', '--diff-filter=U', '-z']);
  return splitNul(stdout);
}

/** The base is checked out nowhere: the merge is made from trees, and the branch moved only if nobody else moved it. */
async function mergeWithoutCheckout(at: Where, target: string, head: string, worktree: WorktreeInfo): Promise<void> {
  const { code } = await git(at, ['merge-base', '--is-ancestor', target, head], { codes: [1] });
  const merged = code === 0 ? head : await mergeCommit(at, target, head, worktree);
  await git(at, ['update-ref', '-m', `merge ${worktree.branch}`, `refs/heads/${worktree.base}`, merged, target]);
}

async function mergeCommit(at: Where, target: string, head: string, { branch, base }: WorktreeInfo): Promise<string> {
  const tree = await gitText(at, ['merge-tree', '--write-tree', '--no-messages', target, head]);
  const message = `Merge branch '${branch}' into ${base}`;
  return await gitText(at, [...await author(at), 'commit-tree', tree, '-p', target, '-p', head, '-m', message]);
}
