/**
 * Files that hold state: written whole or not at all, never through a symbolic link, readable by nobody but the owner.
 * What cannot be read is kept aside, never emptied.
 */
import { Buffer } from 'node:buffer';
import {
  chmodSync,
  closeSync,
  constants,
  copyFileSync,
  fstatSync,
  lstatSync,
  mkdirSync,
  openSync,
  readSync,
  renameSync,
} from 'node:fs';
import { type FileHandle, open, rename, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';
import process from 'node:process';

const { O_APPEND, O_CREAT, O_EXCL, O_NOFOLLOW = 0, O_NONBLOCK = 0, O_RDONLY, O_WRONLY } = constants;

/**
 * Makes the folder, or checks it: a real folder of this user (not another's, who could change it under us), closed to
 * others. Throws an Error with a sentence for people.
 */
export function ensureFolder(path: string): void {
  makeFolder(path);
  const stat = lstatSync(path);
  if (!stat.isDirectory()) throw new Error(`${path} is not a folder: move it away or choose another DATA_DIR.`);
  const user = process.getuid?.();
  if (user !== undefined && stat.uid !== user) {
    throw new Error(`${path} belongs to another user (uid ${stat.uid}): choose a DATA_DIR of your own.`);
  }
  if ((stat.mode & 0o077) !== 0) chmodSync(path, 0o700);
}

/** With its parents. Not mkdir's own recursion: on a disk that cannot be written it says "no such file". */
function makeFolder(path: string): void {
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    const { code } = error as { code?: string };
    if (code === 'EEXIST') return;
    if (code !== 'ENOENT' || dirname(path) === path) throw error;
    makeFolder(dirname(path));
    mkdirSync(path, { mode: 0o700 });
  }
}

/** The file's bytes, or null when there is none. Throws when it is a link, no regular file, or over `limit` bytes. */
export function readWhole(path: string, limit: number): Buffer | null {
  let fd: number;
  try {
    // Not blocking, because a FIFO would keep us waiting for a writer.
    fd = openSync(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  } catch (error) {
    if ((error as { code?: string }).code === 'ENOENT') return null;
    throw error;
  }
  try {
    const stat = fstatSync(fd);
    if (!stat.isFile()) throw new Error('not a regular file');
    if (stat.size > limit) throw new Error(`${stat.size} bytes, more than ${limit}`);
    const bytes = Buffer.alloc(stat.size);
    let at = 0;
    while (at < bytes.length) {
      const count = readSync(fd, bytes, at, bytes.length - at, at);
      if (count === 0) break;
      at += count;
    }
    return bytes.subarray(0, at);
  } finally {
    closeSync(fd);
  }
}

/** Writes all bytes or throws: on a full disk a write may be short without an error. */
export async function writeFully(file: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) {
    const { bytesWritten } = await file.write(bytes, at, bytes.length - at);
    if (bytesWritten <= 0) throw Object.assign(new Error('no space left on the disk'), { code: 'ENOSPC' });
    at += bytesWritten;
  }
}

/** Replaces the file: temporary file, length check, fsync, rename, fsync of the folder. @returns bytes written */
export async function writeWhole(path: string, chunks: Iterable<string | Uint8Array>): Promise<number> {
  const temporary = `${path}.tmp`;
  await unlink(temporary).catch(() => {}); // of an earlier life, or a trap: O_EXCL below refuses whatever comes back
  const file = await open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600);
  let size = 0;
  try {
    for (const chunk of chunks) {
      const bytes = typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
      await writeFully(file, bytes);
      size += bytes.length;
    }
    if ((await file.stat()).size !== size) throw new Error(`${temporary} came out shorter than what was written`);
    await file.sync();
  } catch (error) {
    await file.close().catch(() => {});
    await unlink(temporary).catch(() => {});
    throw error;
  }
  await file.close();
  await rename(temporary, path);
  await syncFolder(dirname(path));
  return size;
}

/** Opens for appending; makes the file when it is not there. */
export const openAppend = (path: string): Promise<FileHandle> =>
  open(path, O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW, 0o600);

/** A rename is on disk only when its folder is. Not every system lets a folder be opened. */
async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, O_RDONLY).catch(() => null);
  await folder?.sync().catch(() => {});
  await folder?.close();
}

/** Copies a damaged file to `<name>.corrupt-<time>`. @returns the new path, or '' when that cannot be done */
export function copyAside(path: string, now: number): string {
  const aside = asideName(path, now);
  try {
    copyFileSync(path, aside, constants.COPYFILE_EXCL);
    return aside;
  } catch {
    return '';
  }
}

const asideName = (path: string, now: number) => `${path}.corrupt-${new Date(now).toISOString().replaceAll(':', '-')}`;

/** Renames what cannot be read to `<name>.corrupt-<time>`. @returns the new path. Throws when it cannot be renamed. */
export function keepAside(path: string, now: number): string {
  const aside = asideName(path, now);
  renameSync(path, aside);
  return aside;
}
