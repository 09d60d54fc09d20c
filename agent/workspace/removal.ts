/** Removes an agent's directory as a whole or not at all. */
import { constants } from 'node:fs';
import { access, chmod, lstat, readdir, rename, rm } from 'node:fs/promises';
import { basename, dirname, join, relative } from 'node:path';
import process from 'node:process';
import { Failure } from '../../core/api/errors.ts';

/** Where a directory lies while it is removed, beside its place: the place itself never holds half of it. */
const ASIDE = '.removing-';
/** Entries of one directory that are looked at together. */
const BATCH = 64;
/** Bits of a directory's mode: its owner may do all; only an entry's owner may remove it. */
const OWNER_ALL = 0o700;
const STICKY = 0o1000;

type Remove = (path: string) => Promise<void>;

/** Links are not followed. */
const removeTree: Remove = (path) => rm(path, { recursive: true, force: true, maxRetries: 3 });

/**
 * Removes `directory` with all that is in it: checks that all of it can be removed, renames it in one step, and removes it
 * there. Throws Failure `not_removable` that names the first file in the way; the directory is whole then,
 * or, when a removal failed in spite of the look, back at its place with what is left of it, which the error says.
 */
export async function removeDirectory(directory: string, remove: Remove = removeTree): Promise<void> {
  const aside = join(dirname(directory), ASIDE + basename(directory));
  await remove(aside).catch((error) => { // left behind by a server that was killed here
    throw refusal(error, aside, 'Nothing was removed now.');
  });
  const closed = await refuseObstacles(directory);
  await rename(directory, aside).catch((error) => {
    throw refusal(error, directory, 'Nothing was removed.');
  });
  try {
    for (const path of closed) {
      if ((await lstat(join(aside, path))).isDirectory()) await chmod(join(aside, path), OWNER_ALL);
    }
    await remove(aside);
  } catch (error) {
    const what = await rename(aside, directory).then(
      () => `What is left is in ${directory} again.`,
      () => `The rest is in ${aside}.`,
    );
    throw refusal(error as NodeJS.ErrnoException, directory, what, aside);
  }
}

function refusal(error: NodeJS.ErrnoException, directory: string, what: string, aside = directory): Failure {
  const path = error.path ? join(directory, relative(aside, error.path)) : directory;
  return obstacle(path, `${error.code ?? error.message}`, what);
}

const obstacle = (path: string, why: string, what: string) =>
  new Failure(
    'not_removable',
    `${path} cannot be removed (${why}). ${what} Remove it yourself, or give it to the user of this server, then try again.`,
  );

/**
 * Throws Failure for the first entry that could not be removed: in a directory of another user, on another file system,
 * read-only or immutable. Returns the server's own directories (relative) that are closed to itself and must be opened first.
 */
export async function refuseObstacles(directory: string): Promise<string[]> {
  const closed: string[] = [];
  const found = await lstat(directory);
  if (!found.isDirectory()) return closed; // a link: what it leads to is not looked at
  const user = process.geteuid?.() ?? 0;
  for (let level = [directory]; level.length;) {
    const next: string[] = [];
    for (const path of level) {
      const looked = await lookInto(path, user, found.dev);
      if (looked.isClosed) closed.push(relative(directory, path));
      next.push(...looked.directories);
    }
    level = next;
  }
  return closed;
}

const refuse = (path: string, why: string) => obstacle(path, why, 'Nothing was removed.');

async function lookInto(
  path: string,
  user: number,
  dev: number,
): Promise<{ directories: string[]; isClosed: boolean }> {
  const found = await lstat(path);
  if (found.dev !== dev) throw refuse(path, 'another file system is mounted there');
  const entries = await readdir(path, { withFileTypes: true }).catch((error) => {
    throw refuse(path, error.code);
  });
  const denied = entries.length ? await denialOf(path, constants.W_OK | constants.X_OK) : null;
  const isClosed = denied === 'EACCES' && found.uid === user;
  if (denied && !isClosed) {
    throw refuse(entries.length ? join(path, entries[0]!.name) : path, `${denied} in its folder`);
  }
  const isSticky = (found.mode & STICKY) !== 0 && found.uid !== user && user !== 0;
  for (let i = 0; i < entries.length; i += BATCH) {
    await Promise.all(
      entries.slice(i, i + BATCH).map((entry) => refuseEntry(join(path, entry.name), isSticky ? user : null)),
    );
  }
  return {
    directories: entries.filter((entry) => entry.isDirectory()).map((entry) => join(path, entry.name)),
    isClosed,
  };
}

/** `owner`, if any: only an entry's owner may remove it. An entry need not be writable, but an immutable one cannot be removed. */
async function refuseEntry(path: string, owner: number | null): Promise<void> {
  const found = await lstat(path).catch(() => null);
  if (!found) return; // removed meanwhile
  if (owner !== null && found.uid !== owner) throw refuse(path, 'it belongs to another user');
  if (found.isSymbolicLink()) return;
  const denied = await denialOf(path, constants.W_OK);
  if (denied === 'EPERM' || denied === 'EROFS') throw refuse(path, denied);
}

/** The code with which the system would refuse; null: it would not. */
const denialOf = (path: string, mode: number): Promise<string | null> =>
  access(path, mode).then(() => null, (error) => error.code === 'ENOENT' ? null : error.code);
