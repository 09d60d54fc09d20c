/**
 * Repositories inside a worktree: submodules, and what an agent cloned or made there. Their commits are nowhere else when the
 * worktree is removed, and the repository around them does not show them. Each is isolated while it is looked at: whoever made
 * it chose its settings.
 */
import { readdir } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { git, gitText, type Where } from './git.ts';
import { gitDirectoriesOf } from './git-directory.ts';
import { readFileList } from './file-list.ts';
import type { GitIsolation } from './isolation.ts';
import { commitOf, type Repository, statusOf, useRepository } from './repository.ts';

/** Directories that are looked through; in a larger tree it cannot be said that there is nothing. */
const MAX_DIRECTORIES = 100_000;
/** Not looked into: it holds what a package manager put there, in very many directories. */
const SKIPPED = new Set(['.git', 'node_modules']);
/** Submodules of the index that are looked at. */
const MAX_SUBMODULES = 10_000;

/**
 * Paths, relative to the top of `at`, of the repositories inside it with work that would be lost: changes that are not
 * committed, or a commit of a branch, a stash or HEAD that is neither on a remote-tracking branch nor in the repository at the
 * same place in `main`, the checkout that stays. What cannot be found out counts as work.
 */
export async function nestedWork(at: Repository, main: string): Promise<string[]> {
  const found: string[] = [];
  const inside = [...await nestedRepositories(at.top), ...await submodules(at)];
  for (const directory of [...new Set(inside)].sort()) {
    const path = relative(at.top, directory);
    if (!(await isSaved(at.isolation, directory, join(main, path)).catch(() => false))) found.push(path);
  }
  return found;
}

async function nestedRepositories(top: string): Promise<string[]> {
  const found: string[] = [];
  let count = 0;
  for (let level = [top]; level.length;) {
    count += level.length;
    if (count > MAX_DIRECTORIES) throw new Error(`it has more than ${MAX_DIRECTORIES} folders.`);
    const looked = await Promise.all(level.map(lookInto));
    found.push(...level.filter((directory, i) => directory !== top && looked[i]!.isRepository));
    level = looked.flatMap((entry) => entry.directories);
  }
  return found;
}

/** Links are not followed: what they lead to stays. */
async function lookInto(directory: string): Promise<{ isRepository: boolean; directories: string[] }> {
  const entries = await readdir(directory, { withFileTypes: true }).catch((error) => {
    if (error.code === 'ENOENT') return []; // removed meanwhile
    throw error;
  });
  const names = entries.filter((entry) => entry.isDirectory() && !SKIPPED.has(entry.name)).map((entry) => entry.name);
  const unreadable = names.find((name) => name.includes('\ufffd'));
  if (unreadable) throw new Error(`the name of the folder ${join(directory, unreadable)} is not valid UTF-8.`);
  return {
    isRepository: entries.some((entry) => entry.name === '.git'),
    directories: names.map((name) => join(directory, name)),
  };
}

/** Submodules that are checked out, wherever they are. */
async function submodules(at: Repository): Promise<string[]> {
  const entries = await readFileList(at, ['ls-files', '--stage', '-z'], isSubmodule, MAX_SUBMODULES);
  const paths = entries.map((entry) => join(at.top, entry.subarray(entry.indexOf(0x09) + 1).toString('utf8')));
  const checkedOut = await Promise.all(paths.map(async (path) => (await lookInto(path)).isRepository));
  return paths.filter((_, i) => checkedOut[i]);
}

/** "160000 <object> <stage> TAB <path>". */
const isSubmodule = (entry: Uint8Array) => entry[0] === 0x31 && entry[1] === 0x36;

/** `copy`: where a repository may be that has the same commits. */
async function isSaved(isolation: GitIsolation, directory: string, copy: string): Promise<boolean> {
  return await withNested(isolation, directory, async (at) => {
    if ((await statusOf(at)).length) return false;
    const head = await commitOf(at, 'HEAD');
    if (!head) return false;
    const refs = await gitText(at, ['for-each-ref', '--format=%(objectname)', 'refs/heads', 'refs/stash']);
    for (const tip of new Set([head, ...refs.split('\n').filter(Boolean)])) {
      if (!(await holds(at, tip, ['--remotes'])) && !(await isInCopy(isolation, copy, tip))) return false;
    }
    return true;
  });
}

/** Calls `action` with the repository at `top`. Throws when its `.git` leads to none. */
async function withNested<T>(
  isolation: GitIsolation,
  top: string,
  action: (at: Repository) => Promise<T>,
): Promise<T> {
  const directories = await gitDirectoriesOf(top);
  if (!directories) throw new Error(`${join(top, '.git')} leads to no repository.`);
  return await useRepository(isolation, { top, ...directories }, action);
}

const isInCopy = (isolation: GitIsolation, copy: string, commit: string): Promise<boolean> =>
  withNested(isolation, copy, (at) => holds(at, commit, ['--all', 'HEAD'])).catch(() => false);

/** The commit is reachable from these revisions. */
async function holds(where: Where, commit: string, revisions: string[]): Promise<boolean> {
  const { code, stdout } = await git(where, ['rev-list', '--max-count=1', commit, '--not', ...revisions], {
    codes: [128],
  });
  return code === 0 && !stdout.length;
}
