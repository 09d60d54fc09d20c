/** A merge into a checkout, which either happens as a whole or leaves the checkout as it was. */
import type { Buffer } from 'node:buffer';
import { lstat } from 'node:fs/promises';
import { join } from 'node:path';
import type { WorktreeInfo } from '../../core/api/agents.ts';
import { Failure } from '../../core/api/errors.ts';
import { PLAIN_DIFF } from './changes.ts';
import { author } from './commit.ts';
import { git, type Where } from './git.ts';
import { operationIn } from './git-directory.ts';
import { names, splitNul } from './git-output.ts';
import { commitOf, type Repository, type StatusEntry, statusOf } from './repository.ts';

/** What is merged, and into what. */
export interface Sides {
  worktree: WorktreeInfo;
  /** Names of branches: the one that is checked out, and the other. */
  into: string;
  from: string;
  /** Of `from`. */
  commit: string;
}

export interface MergeOptions {
  /** The merge itself is ended when it takes longer. */
  timeoutMs?: number;
}

/** The branch and its base changed the same lines. */
export const conflict = ({ base, branch }: WorktreeInfo, files: Buffer[]) =>
  new Failure(
    'merge_conflict',
    `${branch} and ${base} changed the same lines in ${names(files) || 'some files'}. Nothing was merged. ` +
      `Ask the agent to merge ${base} into its branch and to resolve the conflicts, then merge again.`,
    { params: { base, branch, files: names(files) } },
  );

/** Merges `sides.commit` into the branch that is checked out at `at`. Throws Failure, which names what is left. */
export async function mergeInCheckout(at: Repository, sides: Sides, { timeoutMs }: MergeOptions = {}): Promise<void> {
  const { into, from, commit, worktree } = sides;
  const before = await stateOf(at);
  refuseDirty(at, before, into);
  const operation = await operationIn(at.gitDir);
  if (operation) { // also without a change in the files
    throw new Failure(
      'base_busy',
      `A ${operation.name} into ${into} is under way in ${at.top}. Ask who began it to ${operation.ending}, then merge again.`,
      { params: { base: into, path: at.top } },
    );
  }
  try {
    const message = `Merge branch '${from}'`;
    await git(
      at,
      [...await author(at), 'merge', '--quiet', '--ff', '--no-edit', '--no-verify', '-m', message, commit],
      { env: withoutMergeOptions(into), ...(timeoutMs ? { timeoutMs } : {}) },
    );
    const { code } = await git(at, ['merge-base', '--is-ancestor', commit, 'HEAD'], { codes: [1] });
    if (code !== 0) throw new Error('it ended without a commit.');
  } catch (error) {
    const files = await conflictsIn(at).catch(() => []);
    await git(at, ['merge', '--abort']).catch(() => {});
    const left = await leftBy(at, before);
    if (files.length && !left.length) throw conflict(worktree, files);
    const obstacles = await untrackedObstacles(at, before, commit);
    if (obstacles.length && !left.length) throw inTheWay(at, into, obstacles);
    const reason = error instanceof Error ? error.message : String(error);
    const text = `Git could not merge into ${into} in ${at.top}: ${reason} ${left.join(' ') || 'Nothing was merged.'}`;
    throw new Failure('merge_failed', text, { params: { base: into, reason } });
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
