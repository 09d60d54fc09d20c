/**
 * Repositories as git sees them when this server asks: with all of their objects, refs and files, and none of their settings
 * that could name a program. Each git directory gets a directory of links, whose `config` holds the part of the repository's own
 * that safe-settings.ts lets through; GIT_COMMON_DIR points git to it. It lies in the data directory: an agent in a sandbox
 * that may write to its worktree and to the temporary directory cannot reach it.
 */
import { Buffer } from 'node:buffer';
import { createHash, randomUUID } from 'node:crypto';
import { rmSync } from 'node:fs';
import { lstat, mkdir, readFile, readlink, rename, rm, symlink, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Failure } from '../../core/api/errors.ts';
import { listSettings } from './git.ts';
import { type SafeSettings, safeSettings } from './safe-settings.ts';

/** What the checkouts of a repository share, as gitrepository-layout(5) names it; without `config` and `hooks`. */
const SHARED_FILES = ['HEAD', 'packed-refs', 'shallow'];
const SHARED_DIRECTORIES = [
  'common',
  'info',
  'logs',
  'lost-found',
  'modules',
  'objects',
  'refs',
  'reftable',
  'rr-cache',
  'worktrees',
];

/** The git directories of a checkout, real paths. `gitDir` is its own, `common` what it shares with the others. */
export interface GitDirectories {
  gitDir: string;
  common: string;
}

export interface Isolated extends Omit<SafeSettings, 'text'> {
  /** Variables that name the repository to git. */
  env: Record<string, string>;
}

export class GitIsolation {
  readonly #directory: string;

  /** @param directory of its own, in the data directory; what an earlier server left there is removed */
  constructor(directory: string) {
    this.#directory = directory;
    try {
      rmSync(directory, { recursive: true, force: true });
    } catch { /* a disk that cannot be written: what is there is used as far as it can be */ }
  }

  /** Isolates a repository; again at each use, because its settings and directories change. Throws GitError, Failure. */
  open(repository: GitDirectories): Promise<Isolated> {
    return this.#isolate(repository, this.#pathOf(repository.gitDir));
  }

  /** Isolates a repository while `action` runs, and leaves nothing behind. */
  async use<T>(repository: GitDirectories, action: (isolated: Isolated) => Promise<T>): Promise<T> {
    const path = join(this.#directory, randomUUID());
    try {
      return await action(await this.#isolate(repository, path));
    } finally {
      await rm(path, { recursive: true, force: true });
    }
  }

  /** The checkout with this git directory is gone. */
  async forget(gitDir: string): Promise<void> {
    await rm(this.#pathOf(gitDir), { recursive: true, force: true });
  }

  #pathOf = (gitDir: string): string =>
    join(this.#directory, createHash('sha256').update(gitDir).digest('hex').slice(0, 32));

  async #isolate({ gitDir, common }: GitDirectories, path: string): Promise<Isolated> {
    const output = await listSettings({ GIT_DIR: gitDir, GIT_COMMON_DIR: common });
    const { text, ...rest } = safeSettings(output);
    try {
      await mkdir(path, { recursive: true, mode: 0o700 });
      await Promise.all([
        ...SHARED_FILES.map((name) => link(join(common, name), join(path, name))),
        ...SHARED_DIRECTORIES.map((name) => linkDirectory(join(common, name), join(path, name))),
      ]);
      await replace(join(path, 'config'), text);
    } catch (error) {
      const why = (error as Error).message;
      throw new Failure('not_saved', `${path}, through which git is asked, cannot be written: ${why}`);
    }
    return { ...rest, env: { GIT_DIR: gitDir, GIT_COMMON_DIR: path } };
  }
}

/** Files that git replaces: it follows the link, also when there is no file yet. */
async function link(target: string, path: string): Promise<void> {
  if (await readlink(path).catch(() => null) === target) return;
  await symlink(target, path).catch((error) => {
    if (error.code !== 'EEXIST') throw error; // another request was faster
  });
}

/** Directories that git would make: one that is not there is not linked, since git cannot make it through a link. */
async function linkDirectory(target: string, path: string): Promise<void> {
  const isThere = await lstat(target).then(() => true, () => false);
  const found = await lstat(path).catch(() => null);
  if (found && (!isThere || !found.isSymbolicLink())) await rm(path, { recursive: true, force: true });
  if (isThere) await link(target, path);
}

/** Writes only what differs: on a full disk a repository that is known can still be looked at. */
async function replace(path: string, text: string): Promise<void> {
  const before = await readFile(path).catch(() => null);
  if (before?.equals(Buffer.from(text))) return;
  const temporary = `${path}.${randomUUID()}`;
  try {
    await writeFile(temporary, text, { mode: 0o600, flag: 'wx' });
    await rename(temporary, path);
  } catch (error) {
    await unlink(temporary).catch(() => {});
    throw error;
  }
}
