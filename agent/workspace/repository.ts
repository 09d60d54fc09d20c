/** Which repository a directory belongs to, and in what state it is. */
import { lstat, readFile, realpath } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Failure } from '../../core/api/errors.ts';
import { discover, git, GitError, type Where } from './git.ts';
import { adminDirectoryOf } from './git-directory.ts';
import { ceilings } from './git-environment.ts';
import { splitNul } from './git-output.ts';
import type { GitIsolation, Isolated } from './isolation.ts';

/** A checkout, or only a git directory, whose git directories are known and isolated. */
export interface Repository extends Where, Readonly<Omit<Isolated, 'env'>> {
  /** Top directory of the checkout; without one, the git directory. Real path. */
  readonly top: string;
  /** The git directory that all checkouts share: it names the repository. Real path. */
  readonly common: string;
  /** The checkout's own git directory, with HEAD, the index and what is under way. Real path. */
  readonly gitDir: string;
  readonly isolation: GitIsolation;
}

/** Where a repository is. */
export type Location = Pick<Repository, 'top' | 'common' | 'gitDir'>;

/**
 * Isolates a checkout. GIT_CEILING_DIRECTORIES is for the git of a filter: nothing that the server starts looks for a
 * repository. Throws GitError, Failure.
 */
export async function openRepository(isolation: GitIsolation, location: Location): Promise<Repository> {
  const { env, ...rest } = await isolation.open(location);
  return repositoryOf(isolation, location, env, rest);
}

/** Calls `action` with the repository, which is isolated for so long. */
export function useRepository<T>(
  isolation: GitIsolation,
  location: Location,
  action: (repository: Repository) => Promise<T>,
): Promise<T> {
  return isolation.use(location, ({ env, ...rest }) => action(repositoryOf(isolation, location, env, rest)));
}

function repositoryOf(
  isolation: GitIsolation,
  location: Location,
  env: Record<string, string>,
  rest: Omit<Isolated, 'env'>,
): Repository {
  const { top, gitDir } = location;
  const checkout = { GIT_WORK_TREE: top, GIT_CEILING_DIRECTORIES: dirname(top) };
  return { ...rest, ...location, isolation, env: top === gitDir ? env : { ...env, ...checkout } };
}

/** The repository of an existing directory, see locateRepository. */
export async function findRepository(isolation: GitIsolation, directory: string): Promise<Repository | null> {
  const location = await locateRepository(directory);
  return location && await openRepository(isolation, location);
}

/**
 * Where the repository of an existing directory is; null when it is in none. A repository that git refuses to open (owned by
 * another user, damaged, bare) is a Failure `repository_unusable` with git's reason: it is never taken for a plain directory.
 */
export async function locateRepository(directory: string): Promise<Location | null> {
  const path = await realpath(directory).catch(() => directory);
  try {
    const found = await locate(path);
    const worktrees = ceilings(path).at(-1);
    // GIT_CEILING_DIRECTORIES cannot hold a path with a colon.
    if (!worktrees || found.top.startsWith(`${worktrees}/`)) return found;
    throw new GitError('failed', `it has no .git, and the repository around it (${found.top}) is another one.`);
  } catch (error) {
    if (!(error instanceof GitError)) throw error;
    if (/not a git repository/i.test(error.stderr) && !(await hasGitEntry(path))) return null;
    if (error.reason === 'no_git' && !(await hasGitEntry(path))) return null;
    throw new Failure(
      'repository_unusable',
      `Git cannot use the repository of ${directory}: ${error.message} Mend that, or choose to work in the folder itself.`,
      { params: { path: directory, reason: error.message } },
    );
  }
}

/** Where git finds the repository of `directory`. Throws GitError. */
async function locate(directory: string): Promise<Location> {
  // One query each: an answer ends with its line, but a directory's name may hold newlines.
  const query = (option: string) => discover(directory, ['--path-format=absolute', option]);
  const [top, common, gitDir] = await Promise.all(
    [query('--show-toplevel'), query('--git-common-dir'), query('--absolute-git-dir')],
  );
  if (`${top}${common}${gitDir}`.includes('\ufffd')) throw new GitError('failed', 'its path is not valid UTF-8');
  return { top, common: await realpath(common), gitDir: await realpath(gitDir) };
}

/** A `.git` here or above: git would have said yes if it could. */
async function hasGitEntry(directory: string): Promise<boolean> {
  for (let path = directory;; path = dirname(path)) {
    if (await lstat(join(path, '.git')).then(() => true, () => false)) return true;
    if (dirname(path) === path) return false;
  }
}

const BRANCHES = 'refs/heads/';

/** The branch that is checked out; null when HEAD is detached. */
export async function currentBranch(where: Where): Promise<string | null> {
  // Not --short: beside a tag of the same name that is "heads/…".
  const { code, stdout } = await git(where, ['symbolic-ref', '--quiet', 'HEAD'], { codes: [1] });
  const name = stdout.toString('utf8').trim();
  return code === 0 && name.startsWith(BRANCHES) ? name.slice(BRANCHES.length) : null;
}

/** A worktree was made from a commit without a branch. */
export const isCommitName = (base: string): boolean => /^[0-9a-f]{40,}$/.test(base);

/** The base of a worktree for people. */
export const baseName = (base: string): string => (isCommitName(base) ? base.slice(0, 8) : base);

/** The base of a worktree as a revision: in full, for a tag may have the name of the branch. */
export const baseRevision = (base: string): string => (isCommitName(base) ? base : `${BRANCHES}${base}`);

/** The commit of a revision; null when there is none (a repository without commits, a branch that is gone). */
export async function commitOf(where: Where, revision: string): Promise<string | null> {
  const { code, stdout } = await git(where, [
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

/**
 * Everything in a checkout that is not committed, each untracked file by itself; ignored files are left out. A submodule is
 * in it when another commit is checked out in it: changes inside are found by nestedWork().
 */
export async function statusOf(where: Where): Promise<StatusEntry[]> {
  const { stdout } = await git(where, [
    'status',
    '--porcelain=v1',
    '-z',
    '--untracked-files=all',
    '--ignore-submodules=dirty',
    '--no-renames',
  ]);
  return splitNul(stdout).map((piece) => ({ code: piece.toString('latin1', 0, 2), path: piece.subarray(3) }));
}

export interface Checkout {
  path: string;
  /** Full name, refs/heads/…; null when detached. During a rebase: the branch that is rebased. */
  branch: string | null;
  isRebasing: boolean;
  /** The checkout that the repository began with; all others are linked worktrees. */
  isMain: boolean;
}

/** Every checkout of the repository whose directory is there. The first is the main one, if it is there. */
export async function checkoutsOf(repository: Repository): Promise<Checkout[]> {
  const { stdout } = await git(repository, ['worktree', 'list', '--porcelain', '-z']);
  const found: Checkout[] = [];
  for (const piece of splitNul(stdout)) {
    const line = piece.toString('utf8');
    if (line.startsWith('worktree ')) {
      // git derives the main one from the common directory, which is the isolated one here.
      const isMain = !found.length;
      const path = isMain ? repository.common.replace(/\/\.git$/, '') : line.slice('worktree '.length);
      found.push({ path, branch: null, isRebasing: false, isMain });
    } else if (line.startsWith('branch ')) found.at(-1)!.branch = line.slice('branch '.length);
  }
  const present: Checkout[] = [];
  for (const checkout of found) {
    if (!(await lstat(checkout.path).then(() => true, () => false))) continue;
    const rebased = checkout.branch ? null : await rebasedBranch(checkout, repository.common);
    present.push(rebased ? { ...checkout, branch: rebased, isRebasing: true } : checkout);
  }
  return present;
}

/** HEAD is detached while a rebase goes on; git notes the branch beside it. */
async function rebasedBranch({ path, isMain }: Checkout, common: string): Promise<string | null> {
  const directory = isMain ? common : await adminDirectoryOf(common, path);
  for (const kind of directory ? ['rebase-merge', 'rebase-apply'] : []) {
    const name = await readFile(join(directory!, kind, 'head-name'), 'utf8').catch(() => '');
    if (name) return name.trim();
  }
  return null;
}
