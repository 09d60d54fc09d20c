/**
 * Files that hold state: written whole or not at all, never through a symbolic link, readable by nobody but the owner.
 * A file that cannot be read is moved away, never emptied.
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
  unlinkSync,
} from 'node:fs';
import { type FileHandle, open, rename, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';
import process from 'node:process';
import type { Steps } from './steps.ts';

const { O_APPEND, O_CREAT, O_EXCL, O_NOFOLLOW = 0, O_NONBLOCK = 0, O_RDONLY, O_WRONLY } = constants;

/**
 * Makes the directory, or checks it: a real directory of this user (another could change it under us), closed to
 * others. Throws an Error with a sentence for people.
 */
export function ensureDirectory(path: string): void {
  makeDirectory(path);
  const stat = lstatSync(path);
  if (!stat.isDirectory()) throw new Error(`${path} is not a folder: move it away or choose another DATA_DIR.`);
  const user = process.getuid?.();
  if (user !== undefined && stat.uid !== user) {
    throw new Error(`${path} belongs to another user (uid ${stat.uid}): choose a DATA_DIR of your own.`);
  }
  if ((stat.mode & 0o077) !== 0) chmodSync(path, 0o700);
}

/** With its parents. Not mkdir's own recursion: on a disk that cannot be written it says "no such file". */
function makeDirectory(path: string): void {
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    const { code } = error as { code?: string };
    if (code === 'EEXIST') return;
    if (code !== 'ENOENT' || dirname(path) === path) throw error;
    makeDirectory(dirname(path));
    mkdirSync(path, { mode: 0o700 });
  }
}

/** The file's bytes, or null when there is none. Throws when it is a link, no regular file, or over `limit` bytes. */
export function readWhole(path: string, limit: number): Buffer | null {
  const file = openRegular(path);
  if (!file) return null;
  const { fd, size } = file;
  try {
    if (size > limit) throw new Error(`${size} bytes, more than ${limit}`);
    const bytes = Buffer.alloc(size);
    return bytes.subarray(0, readRange(fd, bytes, 0));
  } finally {
    closeSync(fd);
  }
}

/** Bytes that are read at once: memory of the size of the whole file costs more to get than to read into. */
export const READ_PIECE = 1024 * 1024;
const LF = 0x0a;

export interface LinesRead {
  /** Bytes that lie before what was passed on. */
  skipped: number;
  /** Bytes after the last line. */
  rest: number;
}

/**
 * Passes the lines in the last `limit` bytes of a file on, the last one first, each without its end and valid only during the
 * call; `onLine` returns false when it needs none before that one. A step is READ_PIECE bytes; null: there is no file. Throws as readWhole does.
 */
export function* linesBackward(
  path: string,
  limit: number,
  onLine: (line: Buffer) => boolean,
): Steps<LinesRead | null> {
  const file = openRegular(path);
  if (!file) return null;
  try {
    return yield* linesOf(file, Math.max(0, file.size - limit), onLine);
  } finally {
    closeSync(file.fd);
  }
}

function* linesOf({ fd, size }: OpenFile, first: number, onLine: (line: Buffer) => boolean): Steps<LinesRead> {
  let buffer = Buffer.allocUnsafe(Math.min(READ_PIECE, size - first));
  // The line whose beginning is not read yet lies at the buffer's end.
  let held = 0;
  let rest: number | null = null;
  for (let from = size; from > first;) {
    if (from < size) yield;
    if (held > buffer.length / 2) buffer = Buffer.concat([Buffer.allocUnsafe(buffer.length), buffer]);
    const length = Math.min(buffer.length - held, from - first);
    from -= length;
    const piece = buffer.subarray(buffer.length - held - length);
    // What is missing of a file that has become shorter is no record.
    piece.fill(0, readRange(fd, piece.subarray(0, length), from), length);
    let end = piece.length;
    for (let at = lastLf(piece, length); at >= 0; at = lastLf(piece, at)) {
      const line = piece.subarray(at + 1, end);
      end = at;
      if (rest === null) rest = line.length;
      else if (!onLine(line)) return { skipped: from + at + 1, rest };
    }
    held = end;
    piece.copyWithin(piece.length - held, 0, held);
  }
  if (rest === null) return { skipped: first, rest: held };
  // Of a file that is not read whole the first line has lost its beginning.
  if (first === 0) onLine(buffer.subarray(buffer.length - held));
  return { skipped: first, rest };
}

/** Of the line ends before `end` the last one. */
const lastLf = (bytes: Buffer, end: number): number => end > 0 ? bytes.lastIndexOf(LF, end - 1) : -1;

interface OpenFile {
  fd: number;
  size: number;
}

/** null: there is none. */
function openRegular(path: string): OpenFile | null {
  let fd: number;
  try {
    // Not blocking: a FIFO would wait for a writer.
    fd = openSync(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  } catch (error) {
    if ((error as { code?: string }).code === 'ENOENT') return null;
    throw error;
  }
  try {
    const stat = fstatSync(fd);
    if (!stat.isFile()) throw new Error('not a regular file');
    return { fd, size: stat.size };
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

/** Fills `bytes` with what the file has from there on. @returns how many it had */
function readRange(fd: number, bytes: Buffer, from: number): number {
  let at = 0;
  while (at < bytes.length) {
    const count = readSync(fd, bytes, at, bytes.length - at, from + at);
    if (count === 0) break;
    at += count;
  }
  return at;
}

/** Writes all bytes or throws: on a full disk a write may be short without an error. */
export async function writeFully(file: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) {
    const { bytesWritten } = await file.write(bytes, at, bytes.length - at);
    if (bytesWritten <= 0) throw Object.assign(new Error('no space left on the disk'), { code: 'ENOSPC' });
    at += bytesWritten;
  }
}

/** Replaces the file: temporary file, length check, fsync, rename, fsync of the directory. Returns the bytes written. */
export async function writeWhole(path: string, chunks: Iterable<string | Uint8Array>, mode = 0o600): Promise<number> {
  const temporary = `${path}.tmp`;
  await unlink(temporary).catch(() => {}); // left by an earlier run, or a trap: O_EXCL below refuses what appears again
  const file = await open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600);
  let size = 0;
  try {
    for (const chunk of chunks) {
      const bytes = typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
      await writeFully(file, bytes);
      size += bytes.length;
    }
    if ((await file.stat()).size !== size) throw new Error(`${temporary} came out shorter than what was written`);
    if (mode !== 0o600) await file.chmod(mode);
    await file.sync();
  } catch (error) {
    await file.close().catch(() => {});
    await unlink(temporary).catch(() => {});
    throw error;
  }
  await file.close();
  await rename(temporary, path);
  await syncDirectory(dirname(path));
  return size;
}

/** Removes what a server that was killed in the middle of writeWhole() has left. Call it before anything is written there. */
export function removeTemporary(path: string): void {
  try {
    unlinkSync(`${path}.tmp`);
  } catch { /* there is none, or the directory is read-only */ }
}

/** Opens for appending; makes the file when it is not there, and its name durable. */
export async function openAppend(path: string): Promise<FileHandle> {
  try {
    return await open(path, O_WRONLY | O_APPEND | O_NOFOLLOW);
  } catch (error) {
    if ((error as { code?: string }).code !== 'ENOENT') throw error;
  }
  const file = await open(path, O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW, 0o600);
  await syncDirectory(dirname(path));
  return file;
}

/** A rename is on disk only when its directory is. Not every system lets a directory be opened. */
async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, O_RDONLY).catch(() => null);
  await directory?.sync().catch(() => {});
  await directory?.close();
}

/** Copies a damaged file to `<name>.corrupt-<time>`. @returns the new path, or '' when that cannot be done */
export function quarantineCopy(path: string, now: number): string {
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
export function quarantine(path: string, now: number): string {
  const aside = asideName(path, now);
  renameSync(path, aside);
  return aside;
}
