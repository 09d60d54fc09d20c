/**
 * The one way to a worktree's repository. A worktree lies inside the user's checkout: a git that finds no `.git` in it goes up
 * and takes the user's own repository. So git never looks for it: `.git` is read here, must lead to the worktree's own
 * directory in the expected repository, and every command gets both by variables. A `.git` that changes after that has no
 * effect.
 */
import { realpath } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { Failure } from '../../core/api/errors.ts';
import type { WorktreeInfo } from '../../core/api/agents.ts';
import { gitText } from './git.ts';
import { type Fault, linkedDirectory, readLink, realDirectory } from './git-directory.ts';
import type { GitIsolation } from './isolation.ts';
import { locateRepository, type Location, openRepository, type Repository } from './repository.ts';

/** A checkout from which the repository can be reached also when the worktree itself is gone. */
export const mainDirectory = (worktree: WorktreeInfo): string => dirname(dirname(worktree.path));

/**
 * The worktree with its own git directory in the repository that it was made from. Throws Failure `wrong_repository` when
 * its `.git` is missing, damaged, a repository of its own, or leads anywhere else.
 */
export async function openWorktree(isolation: GitIsolation, worktree: WorktreeInfo): Promise<Repository> {
  const common = await commonDirectory(worktree);
  return await openCheckout(isolation, worktree.path, common, mainDirectory(worktree));
}

/** The repository itself, for what concerns its branches and no checkout. Throws Failure. */
export async function openCommon(isolation: GitIsolation, worktree: WorktreeInfo): Promise<Repository> {
  const common = await commonDirectory(worktree);
  return await openRepository(isolation, { top: common, common, gitDir: common });
}

/** The git directory of the user's repository (real path). Records of earlier versions do not name it. */
async function commonDirectory(worktree: WorktreeInfo): Promise<string> {
  const main = mainDirectory(worktree);
  if (worktree.commonDir) {
    const common = await realpath(worktree.commonDir).catch(() => null);
    if (common) return common;
    throw wrong(worktree.path, `its repository ${worktree.commonDir} is not there`, 'Bring that folder back.');
  }
  const found = await locateRepository(main);
  if (found && found.top === await realpath(main)) return found.common;
  throw wrong(worktree.path, `${main}, which it was made from, is no repository any more`, 'Bring its .git back.');
}

/**
 * A linked worktree of the repository `common`. `main`: where `git worktree repair` can be run. Throws Failure
 * `wrong_repository`.
 */
export async function openCheckout(
  isolation: GitIsolation,
  path: string,
  common: string,
  main: string,
): Promise<Repository> {
  const top = await realDirectory(path);
  if (!top) throw wrong(path, 'it is not a folder', 'Put the folder back.');
  const { gitDir, fault } = await linkedDirectory(top, common);
  if (!gitDir) {
    const first = fault === 'missing' || fault === 'damaged' ? '' : 'move its .git away, then ';
    throw wrong(
      path,
      SENTENCES[fault!],
      `Save what you need; to mend it, ${first}run "git worktree repair" in ${main}.`,
    );
  }
  return await confirmed(isolation, { top, common, gitDir }, main);
}

/** The checkout that the repository began with: the first of `paths` whose `.git` is, or leads to, `common`. Throws Failure. */
export async function openMainCheckout(
  isolation: GitIsolation,
  paths: readonly string[],
  common: string,
): Promise<Repository> {
  for (const path of paths) {
    const top = await realpath(path).catch(() => null);
    const link = top && (await readLink(join(top, '.git')) ?? '.git');
    if (!top || !link || await realpath(resolve(top, link)).catch(() => null) !== common) continue;
    return await confirmed(isolation, { top, common, gitDir: common }, top);
  }
  throw wrong(paths[0]!, `it is not a checkout of ${common}`, 'Bring its .git back.');
}

const SENTENCES: Record<Fault, string> = {
  missing: 'its .git file is missing',
  damaged: 'its .git file is empty or damaged',
  own: 'a .git folder of its own is in it, so it is another repository',
  link: 'its .git is a symbolic link',
  elsewhere: 'its .git file leads to another repository or another worktree',
};

const wrong = (path: string, why: string, what: string) =>
  new Failure('wrong_repository', `The worktree ${path} cannot be used: ${why}. Nothing was touched. ${what}`);

/** The checkout, when git itself says that this is where it works. */
async function confirmed(isolation: GitIsolation, location: Location, main: string): Promise<Repository> {
  const repository = await openRepository(isolation, location);
  const top = await gitText(repository, ['rev-parse', '--path-format=absolute', '--show-toplevel']);
  if (top === location.top) return repository;
  throw wrong(location.top, `git takes ${top} for it`, `Run "git worktree repair" in ${main}.`);
}
