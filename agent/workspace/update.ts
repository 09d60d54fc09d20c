/** Brings what the base got meanwhile into an agent's branch: merges the base in the agent's worktree. */
import { Failure } from '../../core/api/errors.ts';
import type { Place } from './changes.ts';
import { pendingWork, refuseOtherBranch } from './commit.ts';
import { gitText } from './git.ts';
import { refuseIgnoredFilters, refuseIgnoredMergeDrivers } from './ignored-drivers.ts';
import { baseCommit, branchCommit, changedBy, refuseConflicts, refuseUncommitted } from './merge.ts';
import { mergeInCheckout } from './merge-checkout.ts';
import { withRepository } from './repository-lock.ts';
import { openWorktree } from './worktree-repository.ts';

export interface UpdateOutcome {
  /** Commits that the agent's branch got. */
  commits: number;
  base: string;
}

/**
 * Merges the base into the agent's branch. Either all of it is merged or nothing is changed: conflicts, and changes of files
 * in git that are not committed, are Failure. New files stay as they are, unless the base has files of their names.
 */
export async function updateWork({ worktree, isolation }: Place): Promise<UpdateOutcome> {
  if (!worktree) {
    throw new Failure('no_worktree', 'This agent works in the folder itself: it has no branch of its own to update.');
  }
  const at = await openWorktree(isolation, worktree);
  return withRepository(at.common, async () => {
    await refuseOtherBranch(at, worktree);
    const { base, branch } = worktree;
    const target = await baseCommit(at, worktree);
    const head = await branchCommit(at, worktree);
    const commits = Number(await gitText(at, ['rev-list', '--count', target, `^${head}`]));
    if (!commits) return { commits, base };
    refuseUncommitted((await pendingWork(at, null)).filter(({ code }) => code !== '??'));
    const changed = await changedBy(at, target, head);
    await refuseIgnoredMergeDrivers(at, changed.byBoth);
    await refuseIgnoredFilters(at, changed.byBase);
    await refuseConflicts(at, target, head, worktree);
    await mergeInCheckout(at, { worktree, into: branch, from: base, commit: target });
    return { commits, base };
  });
}
