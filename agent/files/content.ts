/** The bytes of a file below an agent's folder: read in ranges, replaced as a whole with a check of the version. */
import { createHash, randomBytes } from 'node:crypto';
import { type BigIntStats, constants, type Stats } from 'node:fs';
import { type FileHandle, open, rename, unlink } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { Failure } from '../../core/api/errors.ts';
import type { FileWritten } from '../../core/api/files.ts';
import { entryPath, partsOf } from './beneath.ts';
import { openInside } from './inside.ts';

/** Bytes of one file that is written in place. Larger ones are uploaded. */
export const MAX_WRITE = 16 * 1024 * 1024;

export interface FileContent {
  path: string;
  size: number;
  modifiedAt: number;
  /** Strong: made of what the file system knows of every change (inode, size, times in ns). */
  etag: string;
  /** Both ends included. To be called once; the stream closes the file. */
  stream(from: number, to: number): Readable;
  /** When no stream was taken. */
  close(): Promise<void>;
}

/** Opens a regular file. Throws Failure `not_a_file`, and what openInside throws. */
export async function openContent(root: string, path: string): Promise<FileContent> {
  const { handle, path: real } = await openInside(root, path);
  try {
    const stat = await handle.stat({ bigint: true });
    if (!stat.isFile()) throw notAFile(stat);
    return {
      path: real,
      size: Number(stat.size),
      modifiedAt: Number(stat.mtimeMs),
      etag: etagOf(stat),
      stream: (start, end) => handle.createReadStream({ start, end, autoClose: true }),
      close: () => handle.close(),
    };
  } catch (error) {
    await handle.close();
    throw error;
  }
}

/** Says what it is instead. */
export function notAFile(stat: Pick<Stats | BigIntStats, 'isDirectory' | 'isFIFO' | 'isSocket'>): Failure {
  const what = stat.isDirectory()
    ? 'This is a folder'
    : stat.isFIFO()
    ? 'This is a named pipe'
    : stat.isSocket()
    ? 'This is a socket'
    : 'This is a device';
  return new Failure('not_a_file', `${what}, not a file with content.`);
}

function etagOf(
  { dev, ino, size, mtimeNs, ctimeNs }: Pick<BigStat, 'dev' | 'ino' | 'size' | 'mtimeNs' | 'ctimeNs'>,
): string {
  const text = [dev, ino, size, mtimeNs, ctimeNs].join(' ');
  return `"${createHash('sha256').update(text).digest('base64url').slice(0, 22)}"`;
}

type BigStat = Awaited<ReturnType<typeof statOf>>;
const statOf = (handle: FileHandle) => handle.stat({ bigint: true });

/**
 * Replaces a file's content, or makes the file. On disk as a whole or not at all: a temporary file beside it is renamed.
 * @param version If-Match: an etag, `*` (it must be there), or null (it must not be there)
 * @param bytes at most MAX_WRITE
 */
export async function writeContent(
  root: string,
  path: string,
  bytes: Uint8Array,
  version: string | null,
): Promise<FileWritten> {
  const [parent, name] = splitPath(path);
  const directory = await openInside(root, parent, { flags: constants.O_RDONLY | constants.O_DIRECTORY });
  try {
    const mode = await checkVersion(root, path, version);
    // Within the directory's descriptor: it cannot be swapped for another one meanwhile.
    const temporary = `${directory.at}/.${randomBytes(9).toString('base64url')}.saving`;
    const stat = await writeTemporary(temporary, bytes, mode);
    await rename(temporary, await entryPath(directory, name)).catch(async (error) => {
      await unlink(temporary).catch(() => {});
      throw error;
    });
    const real = directory.path ? `${directory.path}/${name}` : name;
    return { ok: true, path: real, size: bytes.length, etag: await currentEtag(root, real) ?? etagOf(stat) };
  } finally {
    await directory.handle.close();
  }
}

/** The directory and the name of what is to be written. Throws Failure `bad_path`. */
export function splitPath(path: string): [string, string] {
  const parts = partsOf(path);
  const name = parts.pop();
  if (!name || name === '..') throw new Failure('bad_path', 'Name the file to be written.');
  return [parts.join('/'), name];
}

/** @returns the permissions that the new file gets: those of the old one */
async function checkVersion(root: string, path: string, version: string | null): Promise<number> {
  const before = await openInside(root, path).catch((error) => {
    if (error instanceof Failure && error.code === 'not_found') return null;
    throw error;
  });
  if (!before) {
    if (version !== null) throw new Failure('not_found', 'The file is not there any more.');
    return 0o644;
  }
  try {
    const stat = await before.handle.stat({ bigint: true });
    if (!stat.isFile()) throw notAFile(stat);
    const isSame = version === '*' || version === etagOf(stat);
    if (!isSame) throw new Failure('changed', 'The file was changed meanwhile. Load it again before you save.');
    return Number(stat.mode & 0o777n);
  } finally {
    await before.handle.close();
  }
}

async function writeTemporary(path: string, bytes: Uint8Array, mode: number): Promise<BigStat> {
  const file = await open(path, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, mode);
  try {
    for (let at = 0; at < bytes.length;) at += (await file.write(bytes, at)).bytesWritten;
    await file.chmod(mode);
    await file.sync();
    return await file.stat({ bigint: true });
  } catch (error) {
    await unlink(path).catch(() => {});
    throw error;
  } finally {
    await file.close();
  }
}

export async function currentEtag(root: string, path: string): Promise<string | null> {
  const opened = await openInside(root, path).catch(() => null);
  if (!opened) return null;
  try {
    return etagOf(await opened.handle.stat({ bigint: true }));
  } finally {
    await opened.handle.close();
  }
}

/** What a Range field asks of a file: one range (RFC 9110 section 14.2), the whole file, or nothing that it has. */
export type ByteRange = { kind: 'whole' } | { kind: 'part'; from: number; to: number } | { kind: 'unsatisfiable' };

/** A field that is not understood, or that names several ranges, is as if it were not there. */
export function parseRange(field: string | undefined, size: number): ByteRange {
  const match = /^bytes=(\d*)-(\d*)$/.exec(field?.trim() ?? '');
  if (!match || (match[1] === '' && match[2] === '')) return { kind: 'whole' };
  if (match[1] === '') {
    const length = Math.min(Number(match[2]), size);
    return length > 0 ? { kind: 'part', from: size - length, to: size - 1 } : { kind: 'unsatisfiable' };
  }
  const from = Number(match[1]);
  const last = match[2] === '' ? Infinity : Number(match[2]);
  if (last < from) return { kind: 'whole' };
  return from < size ? { kind: 'part', from, to: Math.min(last, size - 1) } : { kind: 'unsatisfiable' };
}
