/** Reads git directories without git: one that is started in a foreign checkout already writes there. */
import { constants } from 'node:fs';
import { lstat, open, readdir, readFile, realpath } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';

/** Longest `.git` file and the like that are read, bytes: a path and a word. */
const MAX_LINK_BYTES = 8192;

/** What is wrong with the `.git` of a linked worktree. */
export type Fault = 'missing' | 'damaged' | 'own' | 'link' | 'elsewhere';

/** Where `.git` of a linked worktree leads, if that is the worktree's own directory in the git directory `common`. */
export async function linkedDirectory(
  top: string,
  common: string,
): Promise<{ gitDir: string | null; fault: Fault | null }> {
  const not = (fault: Fault) => ({ gitDir: null, fault });
  const found = await lstat(join(top, '.git')).catch(() => null);
  if (!found) return not('missing');
  if (found.isDirectory()) return not('own');
  if (found.isSymbolicLink()) return not('link');
  const link = await readLink(join(top, '.git'));
  if (!link) return not('damaged');
  const gitDir = await realpath(resolve(top, link)).catch(() => null);
  if (!gitDir || dirname(gitDir) !== join(common, 'worktrees')) return not('elsewhere');
  const [back, shared] = [await readLine(join(gitDir, 'gitdir')), await readLine(join(gitDir, 'commondir'))];
  const isOwn = back && basename(back) === '.git' && await realDirectory(resolve(gitDir, dirname(back))) === top;
  const isShared = shared && await realpath(resolve(gitDir, shared)).catch(() => null) === common;
  return isOwn && isShared ? { gitDir, fault: null } : not('elsewhere');
}

/** The git directories of the repository whose top is `top`, whoever made it; null when its `.git` leads to none. */
export async function gitDirectoriesOf(top: string): Promise<{ gitDir: string; common: string } | null> {
  const path = join(top, '.git');
  const isFile = await lstat(path).then((found) => found.isFile(), () => false);
  const link = isFile ? await readLink(path) : '.git';
  const gitDir = link ? await directoryAt(resolve(top, link)) : null;
  if (!gitDir) return null;
  const common = await directoryAt(resolve(gitDir, await readLine(join(gitDir, 'commondir')) ?? '.'));
  return common === null ? null : { gitDir, common };
}

/** The real path of a bare repository that has all of its own, whoever made it; null when there is none at `path`. */
export async function bareDirectory(path: string): Promise<string | null> {
  const gitDir = await directoryAt(path);
  if (!gitDir || await readLine(join(gitDir, 'commondir')) !== null) return null;
  const parts = await Promise.all(['objects', 'refs'].map((name) => realDirectory(join(gitDir, name))));
  return parts.every(Boolean) && await readLine(join(gitDir, 'HEAD')) !== null ? gitDir : null;
}

/** The real path of a directory, also through links; null when there is none. */
async function directoryAt(path: string): Promise<string | null> {
  const real = await realpath(path).catch(() => null);
  return real && await lstat(real).then((found) => found.isDirectory(), () => false) ? real : null;
}

/** The path in a `.git` file; null when it is none. */
export async function readLink(path: string): Promise<string | null> {
  return /^gitdir: (.+)$/s.exec(await readLine(path) ?? '')?.[1] ?? null;
}

/** A small regular file without its last newline; null for anything else. */
async function readLine(path: string): Promise<string | null> {
  const found = await lstat(path).catch(() => null);
  if (!found?.isFile() || found.size > MAX_LINK_BYTES) return null;
  // Not what it may have become meanwhile: to open a pipe would wait for a writer and hold up every other file.
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK).catch(() => null);
  try {
    if (!(await file?.stat())?.isFile()) return null;
    return (await file!.readFile('utf8')).replace(/\r?\n$/, '');
  } finally {
    await file?.close();
  }
}

/** The real path of a directory; null when it is none, or a link. */
export const realDirectory = async (path: string) =>
  await lstat(path).then((found) => found.isDirectory(), () => false) ? await realpath(path) : null;

/** Most linked worktrees that are looked through. */
const MAX_LINKED = 10_000;

/** The directory in `common` that belongs to a worktree, whatever is at `path` now; null: git does not know of it. */
export async function adminDirectoryOf(common: string, path: string): Promise<string | null> {
  const names = await readdir(join(common, 'worktrees')).catch(() => []);
  for (const name of names.slice(0, MAX_LINKED)) {
    const directory = join(common, 'worktrees', name);
    const back = await readLine(join(directory, 'gitdir'));
    if (back && resolve(directory, dirname(back)) === path) return directory;
  }
  return null;
}

/** Why a worktree is locked (`git worktree lock`); null: it is not. */
export async function lockReason(gitDir: string): Promise<string | null> {
  const isLocked = await lstat(join(gitDir, 'locked')).then(() => true, () => false);
  return isLocked
    ? (await readFile(join(gitDir, 'locked'), 'utf8').catch(() => '')).trim() || 'no reason is given'
    : null;
}

/** What can be under way in a checkout: a file of its git directory, its name, how to end it. */
const OPERATIONS: [file: string, name: string, ending: string][] = [
  ['rebase-merge', 'rebase', 'finish it (git rebase --continue) or undo it (git rebase --abort)'],
  ['rebase-apply/applying', 'git am', 'finish it (git am --continue) or undo it (git am --abort)'],
  ['rebase-apply', 'rebase', 'finish it (git rebase --continue) or undo it (git rebase --abort)'],
  ['MERGE_HEAD', 'merge', 'commit it or undo it (git merge --abort)'],
  ['CHERRY_PICK_HEAD', 'cherry-pick', 'finish it (git cherry-pick --continue) or undo it (git cherry-pick --abort)'],
  ['REVERT_HEAD', 'revert', 'finish it (git revert --continue) or undo it (git revert --abort)'],
  ['sequencer', 'cherry-pick or revert', 'finish it or undo it (git cherry-pick --abort, git revert --abort)'],
  ['BISECT_LOG', 'bisect', 'end it (git bisect reset)'],
];

export interface Operation {
  name: string;
  /** What to do, as the end of a sentence. */
  ending: string;
}

/** The rebase, merge, cherry-pick, revert or bisect that is under way in a checkout. */
export async function operationIn(gitDir: string): Promise<Operation | null> {
  for (const [file, name, ending] of OPERATIONS) {
    if (await lstat(join(gitDir, file)).then(() => true, () => false)) return { name, ending };
  }
  return null;
}

/** Changes that a rebase or merge put aside are on no branch until it ends. */
export async function hasAutostash(gitDir: string): Promise<boolean> {
  for (const file of ['rebase-merge/autostash', 'rebase-apply/autostash', 'MERGE_AUTOSTASH']) {
    if (await lstat(join(gitDir, file)).then(() => true, () => false)) return true;
  }
  return false;
}
