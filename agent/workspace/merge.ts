/** Merges the branch of an agent's worktree into the branch that it was made from. */
import type { Buffer } from 'node:buffer';
import { Failure } from '../../core/api/errors.ts';
import type { WorktreeInfo } from '../../core/api/agents.ts';
import { type Place, PLAIN_DIFF } from './changes.ts';
import { author, nestedRepository, pendingWork, refuseOtherBranch } from './commit.ts';
import { git, gitText, type Where } from './git.ts';
import { names, splitNul } from './git-output.ts';
import { refuseIgnoredFilters, refuseIgnoredMergeDrivers } from './ignored-drivers.ts';
import { conflict, mergeInCheckout, type MergeOptions } from './merge-checkout.ts';
import { newPointers } from './pointers.ts';
import {
  baseName,
  type Checkout,
  checkoutsOf,
  commitOf,
  isCommitName,
  type Repository,
  type StatusEntry,
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
    refuseUncommitted(await pendingWork(at, null));
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
      await mergeInCheckout(base, { worktree, into: worktree.base, from: worktree.branch, commit: head }, options);
    }
    return { commits, files: changed.byAgent.length, base: worktree.base };
  });
}

/** Throws Failure `uncommitted` when there are such entries. */
export function refuseUncommitted(pending: readonly StatusEntry[]): void {
  if (!pending.length) return;
  const files = names(pending.map((entry) => entry.path));
  throw new Failure('uncommitted', `Commit or discard these changes before merging: ${files}.`, { params: { files } });
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

/** The files that the agent's branch and its base changed since they parted. */
export interface ChangedSides {
  byAgent: Buffer[];
  byBase: Buffer[];
  byBoth: Buffer[];
}

/** What each side changed since the branch left its base. */
export async function changedBy(at: Repository, target: string, head: string): Promise<ChangedSides> {
  const fork = await gitText(at, ['merge-base', target, head], { codes: [1] });
  const tree = fork || await gitText(at, ['hash-object', '-t', 'tree', '/dev/null']);
  const changes = async (to: string) =>
    splitNul((await git(at, ['diff', ...PLAIN_DIFF, '--name-only', '-z', tree, to, '--'])).stdout);
  const [byAgent, byBase] = [await changes(head), await changes(target)];
  const known = new Set(byBase.map((path) => path.toString('latin1')));
  return { byAgent, byBase, byBoth: byAgent.filter((path) => known.has(path.toString('latin1'))) };
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

/** The last commit of the agent's branch. Throws Failure. */
export async function branchCommit(at: Repository, { branch, path }: WorktreeInfo): Promise<string> {
  const head = await commitOf(at, `refs/heads/${branch}`);
  if (head) return head;
  throw new Failure('no_branch', `The branch ${branch} of ${path} has no commit: there is nothing to merge.`, {
    params: { branch },
  });
}

/** The last commit of the branch that the worktree was made from. Throws Failure. */
export async function baseCommit(at: Where, { base }: WorktreeInfo): Promise<string> {
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
export async function refuseConflicts(at: Where, target: string, head: string, worktree: WorktreeInfo): Promise<void> {
  const args = ['merge-tree', '--write-tree', '--name-only', '--no-messages', '-z', target, head];
  const { code, stdout } = await git(at, args, { codes: [1, 128, 129] });
  if (code === 1) throw conflict(worktree, splitNul(stdout).slice(1));
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
