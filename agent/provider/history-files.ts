/** Reads other programs' files of unknown size: never through a link, never a pipe or a device, never all at once. */
import { Buffer } from 'node:buffer';
import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { LineSplitter, parseObject } from '../process/jsonl.ts';
import type { JsonObject } from './untyped-json.ts';

/** Bytes read at a time, so that other work is not held up. */
const CHUNK = 256 * 1024;

/** Opens a regular file. @returns null for anything else: a FIFO would wait for a writer, a device never ends */
export async function openRegular(path: string): Promise<{ file: FileHandle; size: number } | null> {
  const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants;
  const file = await open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK).catch(() => null);
  if (!file) return null;
  const stat = await file.stat().catch(() => null);
  if (stat?.isFile()) return { file, size: stat.size };
  await file.close().catch(() => {});
  return null;
}

/**
 * JSON objects of the lines in the first `head` and the last `tail` bytes, without lines that these bounds cut.
 * @returns null when the path is not a regular file
 */
export async function readEnds(
  path: string,
  head: number,
  tail: number,
): Promise<{ head: JsonObject[]; tail: JsonObject[] } | null> {
  const opened = await openRegular(path);
  if (!opened) return null;
  const { file, size } = opened;
  try {
    if (size <= head + tail) return { head: await readLines(file, 0, size), tail: [] };
    return { head: await readLines(file, 0, head), tail: await readLines(file, size - tail, size) };
  } catch {
    return { head: [], tail: [] };
  } finally {
    await file.close().catch(() => {});
  }
}

/** Passes the lines of the last `bytes` of a file on, one by one; `onDamaged` hears of each that is no JSON. @returns whether the file is longer; null when it is not a regular file */
export async function readTail(
  path: string,
  bytes: number,
  onLine: (line: JsonObject) => void,
  onDamaged: () => void = () => {},
): Promise<{ isCut: boolean } | null> {
  const opened = await openRegular(path);
  if (!opened) return null;
  const { file, size } = opened;
  try {
    await eachLine(file, Math.max(0, size - bytes), size, onLine, onDamaged);
    return { isCut: size > bytes };
  } finally {
    await file.close().catch(() => {});
  }
}

async function readLines(file: FileHandle, from: number, to: number): Promise<JsonObject[]> {
  const lines: JsonObject[] = [];
  await eachLine(file, from, to, (line) => lines.push(line));
  return lines;
}

async function eachLine(
  file: FileHandle,
  from: number,
  to: number,
  onLine: (line: JsonObject) => void,
  onDamaged = () => {},
): Promise<void> {
  const splitter = new LineSplitter({
    line(text) {
      const value = parseObject(text);
      if (value) onLine(value);
      else onDamaged();
    },
  });
  const buffer = Buffer.allocUnsafe(Math.min(CHUNK, to - from));
  for (let at = from; at < to;) {
    const { bytesRead } = await file.read(buffer, 0, Math.min(buffer.length, to - at), at);
    if (!bytesRead) break; // the file has become shorter
    splitter.push(buffer.subarray(0, bytesRead));
    at += bytesRead;
  }
  splitter.end();
}

/** A file that a program writes as a whole. @returns null when it is none, or longer than `limit` */
export async function readSmallFile(path: string, limit: number): Promise<{ text: string; uid: number } | null> {
  const opened = await openRegular(path);
  if (!opened) return null;
  const { file, size } = opened;
  try {
    if (size > limit) return null;
    const buffer = Buffer.alloc(size);
    const { bytesRead } = await file.read(buffer, 0, size, 0);
    return { text: buffer.toString('utf8', 0, bytesRead), uid: (await file.stat()).uid };
  } catch {
    return null;
  } finally {
    await file.close().catch(() => {});
  }
}
