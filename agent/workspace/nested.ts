/**
 * Repositories inside a worktree: submodules, and what an agent cloned or began there. Their commits are nowhere else when the
 * worktree is removed, and the repository around them does not show them.
 */
import { readdir } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { git, gitText } from './git.ts';
import { commitOf, findRepository, statusOf } from './repository.ts';

/** Folders that are looked through; in a larger tree it cannot be said that there is nothing. */
const FOLDER_COUNT = 100_000;
/** Not looked into: holds what a package manager put there, in very many folders. */
const SKIPPED = new Set(['.git', 'node_modules']);

/**
 * Paths, relative to `top`, of the repositories inside it with work that would be lost: changes that are not committed, or a
 * commit of a branch, a stash or HEAD that is neither on a remote-tracking branch nor in the repository at the same place in
 * `main`, the checkout that stays. What cannot be found out counts as work.
 */
export async function nestedWork(top: string, main: string): Promise<string[]> {
  const found: string[] = [];
  for (const folder of await nestedRepositories(top)) {
    const path = relative(top, folder);
    if (!(await isSaved(folder, join(main, path)).catch(() => false))) found.push(path);
  }
  return found;
}

async function nestedRepositories(top: string): Promise<string[]> {
  const found: string[] = [];
  let count = 0;
  for (let level = [top]; level.length;) {
    count += level.length;
    if (count > FOLDER_COUNT) throw new Error(`it has more than ${FOLDER_COUNT} folders.`);
    const looked = await Promise.all(level.map(lookInto));
    found.push(...level.filter((folder, i) => folder !== top && looked[i]!.isRepository));
    level = looked.flatMap((one) => one.folders);
  }
  return found.sort();
}

/** Links are not followed: what they lead to stays. */
async function lookInto(folder: string): Promise<{ isRepository: boolean; folders: string[] }> {
  const entries = await readdir(folder, { withFileTypes: true }).catch((error) => {
    if (error.code === 'ENOENT') return []; // removed meanwhile
    throw error;
  });
  const folders = entries.filter((entry) => entry.isDirectory() && !SKIPPED.has(entry.name)).map((entry) => entry.name);
  const unreadable = folders.find((name) => name.includes('\ufffd'));
  if (unreadable) throw new Error(`the name of the folder ${join(folder, unreadable)} is not valid UTF-8.`);
  return {
    isRepository: entries.some((entry) => entry.name === '.git'),
    folders: folders.map((name) => join(folder, name)),
  };
}

/** `copy`: the repository that may have the same commits; it need not be there. */
async function isSaved(folder: string, copy: string): Promise<boolean> {
  if ((await findRepository(folder))?.top !== folder) return false; // damaged: git takes the one around it
  if ((await statusOf(folder)).length) return false;
  const head = await commitOf(folder, 'HEAD');
  if (!head) return false;
  const refs = await gitText(folder, ['for-each-ref', '--format=%(objectname)', 'refs/heads', 'refs/stash']);
  for (const tip of new Set([head, ...refs.split('\n').filter(Boolean)])) {
    if (!(await holds(folder, tip, ['--remotes'])) && !(await isInCopy(copy, tip))) return false;
  }
  return true;
}

async function isInCopy(copy: string, commit: string): Promise<boolean> {
  try {
    return (await findRepository(copy))?.top === copy && await holds(copy, commit, ['--all', 'HEAD']);
  } catch {
    return false;
  }
}

/** The commit is reachable from these revisions. */
async function holds(cwd: string, commit: string, revisions: string[]): Promise<boolean> {
  const { code, stdout } = await git(cwd, ['rev-list', '--max-count=1', commit, '--not', ...revisions], {
    codes: [128],
  });
  return code === 0 && !stdout.length;
}
