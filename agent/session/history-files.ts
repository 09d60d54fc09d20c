/** Reading other programs' files of unknown size and kind: never through a link, never a pipe or a device, never whole. */
import { Buffer } from 'node:buffer';
import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { LineSplitter, parseObject } from '../provider/jsonl.ts';
import type { Loose } from '../provider/loose.ts';

/** Bytes that are read at once, so that nothing else has to wait long. */
const CHUNK = 256 * 1024;

/** Opens a plain file. null for anything else: a FIFO would wait for a writer, a device never ends. */
async function openPlain(path: string): Promise<{ file: FileHandle; size: number } | null> {
  const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants;
  const file = await open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK).catch(() => null);
  if (!file) return null;
  const stat = await file.stat().catch(() => null);
  if (stat?.isFile()) return { file, size: stat.size };
  await file.close().catch(() => {});
  return null;
}

/**
 * JSON objects of the lines in the first `head` and the last `tail` bytes. Lines cut by these bounds are left out.
 * @returns null when it is no plain file
 */
export async function readEnds(
  path: string,
  head: number,
  tail: number,
): Promise<{ head: Loose[]; tail: Loose[] } | null> {
  const opened = await openPlain(path);
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

/** The lines of the last `bytes` of a file one by one. @returns whether the file is longer; null when it is no plain file */
export async function readTail(
  path: string,
  bytes: number,
  onLine: (line: Loose) => void,
): Promise<{ isCut: boolean } | null> {
  const opened = await openPlain(path);
  if (!opened) return null;
  const { file, size } = opened;
  try {
    await eachLine(file, Math.max(0, size - bytes), size, onLine);
    return { isCut: size > bytes };
  } finally {
    await file.close().catch(() => {});
  }
}

async function readLines(file: FileHandle, from: number, to: number): Promise<Loose[]> {
  const lines: Loose[] = [];
  await eachLine(file, from, to, (line) => lines.push(line));
  return lines;
}

async function eachLine(file: FileHandle, from: number, to: number, onLine: (line: Loose) => void): Promise<void> {
  const splitter = new LineSplitter({
    line(text) {
      const value = parseObject(text);
      if (value) onLine(value);
    },
  });
  const buffer = Buffer.allocUnsafe(Math.min(CHUNK, to - from));
  for (let at = from; at < to;) {
    const { bytesRead } = await file.read(buffer, 0, Math.min(buffer.length, to - at), at);
    if (!bytesRead) break; // it has become shorter
    splitter.push(buffer.subarray(0, bytesRead));
    at += bytesRead;
  }
  splitter.end();
}
