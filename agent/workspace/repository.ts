/** Which repository a folder belongs to, and in what state it is. */
import { lstat, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { HttpError } from '../../core/http/reply.ts';
import { git, GitError, gitText, splitNul } from './git.ts';

export interface Repository {
  /** Top folder of the checkout that `directory` is in; real path. */
  top: string;
  /** The git folder that all its worktrees share: names the repository. */
  common: string;
}

/**
 * The repository of an existing folder, or null when it is in none. A repository that git refuses to open (owned by another
 * user, damaged, bare) is an HttpError 409 with git's reason: it must never be taken for a plain folder.
 */
export async function findRepository(directory: string): Promise<Repository | null> {
  try {
    const { stdout } = await git(directory, [
      'rev-parse',
      '--path-format=absolute',
      '--show-toplevel',
      '--git-common-dir',
    ]);
    // Each answer is a line, but a folder's name may hold newlines: the common folder is asked for alone.
    const common = await gitText(directory, ['rev-parse', '--path-format=absolute', '--git-common-dir']);
    const top = stdout.toString('utf8').replace(/\n$/, '').slice(0, -common.length - 1);
    if (`${top}${common}`.includes('\ufffd')) throw new GitError('failed', 'its path is not valid UTF-8');
    return { top, common };
  } catch (error) {
    if (!(error instanceof GitError)) throw error;
    if (/not a git repository/i.test(error.stderr) && !(await hasGitEntry(directory))) return null;
    if (error.reason === 'no_git' && !(await hasGitEntry(directory))) return null;
    throw new HttpError(
      409,
      'repository_unusable',
      `Git cannot use the repository of ${directory}: ${error.message} Mend that, or choose to work in the folder itself.`,
    );
  }
}

/** A `.git` here or above: git would have said yes if it could. */
async function hasGitEntry(directory: string): Promise<boolean> {
  for (let folder = directory;; folder = dirname(folder)) {
    if (await lstat(join(folder, '.git')).then(() => true, () => false)) return true;
    if (dirname(folder) === folder) return false;
  }
}

const BRANCHES = 'refs/heads/';

/** The branch that is checked out; null when HEAD is detached. */
export async function currentBranch(cwd: string): Promise<string | null> {
  // Not --short: beside a tag of the same name that is "heads/…".
  const { code, stdout } = await git(cwd, ['symbolic-ref', '--quiet', 'HEAD'], { codes: [1] });
  const name = stdout.toString('utf8').trim();
  return code === 0 && name.startsWith(BRANCHES) ? name.slice(BRANCHES.length) : null;
}

/** A worktree was made from a commit without a branch. */
export const isCommitName = (base: string): boolean => /^[0-9a-f]{40,}$/.test(base);

/** The base of a worktree as a revision: in full, for a tag may have the name of the branch. */
export const baseRevision = (base: string): string => (isCommitName(base) ? base : `${BRANCHES}${base}`);

/** The commit of a revision; null when there is none (a repository without commits, a branch that is gone). */
export async function commitOf(cwd: string, revision: string): Promise<string | null> {
  const { code, stdout } = await git(cwd, [
    'rev-parse',
    '--verify',
    '--quiet',
    '--end-of-options',
    `${revision}^{commit}`,
  ], {
    codes: [1, 128],
  });
  return code === 0 ? stdout.toString('utf8').trim() : null;
}

export interface StatusEntry {
  /** Two letters of `git status --porcelain=v1`; `??` is a file that git does not track. */
  code: string;
  /** Raw bytes, relative to the top of the checkout. */
  path: Buffer;
}

/** Everything in a checkout that is not committed, each untracked file by itself; ignored files are left out. */
export async function statusOf(top: string): Promise<StatusEntry[]> {
  const { stdout } = await git(top, [
    'status',
    '--porcelain=v1',
    '-z',
    '--untracked-files=all',
    '--ignore-submodules=none',
    '--no-renames',
  ]);
  return splitNul(stdout).map((piece) => ({ code: piece.toString('latin1', 0, 2), path: piece.subarray(3) }));
}

export interface Checkout {
  path: string;
  /** Full name, refs/heads/…; null when detached. During a rebase: the branch that is rebased. */
  branch: string | null;
  isRebasing: boolean;
}

/** Every checkout of the repository that `cwd` is in, whose folder is there. */
export async function checkoutsOf(cwd: string): Promise<Checkout[]> {
  const { stdout } = await git(cwd, ['worktree', 'list', '--porcelain', '-z']);
  const found: Checkout[] = [];
  for (const piece of splitNul(stdout)) {
    const line = piece.toString('utf8');
    if (line.startsWith('worktree ')) {
      found.push({ path: line.slice('worktree '.length), branch: null, isRebasing: false });
    } else if (line.startsWith('branch ')) found.at(-1)!.branch = line.slice('branch '.length);
  }
  const there: Checkout[] = [];
  for (const checkout of found) {
    if (!(await lstat(checkout.path).then(() => true, () => false))) continue;
    const rebased = checkout.branch ? null : await rebasedBranch(checkout.path);
    there.push(rebased ? { ...checkout, branch: rebased, isRebasing: true } : checkout);
  }
  return there;
}

/** HEAD is detached while a rebase goes on; git notes the branch beside it. */
async function rebasedBranch(checkout: string): Promise<string | null> {
  const folder = await gitText(checkout, ['rev-parse', '--path-format=absolute', '--git-dir']);
  for (const kind of ['rebase-merge', 'rebase-apply']) {
    const name = await readFile(join(folder, kind, 'head-name'), 'utf8').catch(() => '');
    if (name) return name.trim();
  }
  return null;
}
