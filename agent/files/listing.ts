/** What is in a directory below an agent's folder: bounded, and nothing in it is opened. */
import { Buffer } from 'node:buffer';
import { lstat, readdir } from 'node:fs/promises';
import type { FileEntry, FileKind, FileListing } from '../../core/api/files.ts';
import { Failure } from '../../core/api/errors.ts';
import { pathText } from '../workspace/git-output.ts';
import { isReachable, type Opened } from './beneath.ts';
import { notAFile } from './content.ts';
import { GIT_DIRECTORY, openInside } from './inside.ts';

/** Most entries that one listing names. */
export const MAX_ENTRIES = 10_000;
/** Entries that are looked at at a time. */
const BATCH = 64;

/** @param root the agent's folder @param limit the first ones only; what is left out is not looked at */
export async function listFiles(root: string, path: string, limit = MAX_ENTRIES): Promise<FileListing> {
  const opened = await openInside(root, path);
  try {
    const stat = await opened.handle.stat();
    if (!stat.isDirectory()) {
      throw stat.isFile() ? new Failure('not_a_folder', 'This is not a folder.') : notAFile(stat);
    }
    return await list(opened, Math.min(limit, MAX_ENTRIES));
  } finally {
    await opened.handle.close();
  }
}

interface Name {
  bytes: Buffer;
  shown: string;
  isDirectory: boolean;
  /** It can be asked for by `shown`. */
  addressable: boolean;
}

async function list({ path, at }: Opened, limit: number): Promise<FileListing> {
  // By the descriptor: what is listed is what was opened, wherever it was moved meanwhile.
  const here = Buffer.from(`${at}/`);
  const found = (await readdir(here, { encoding: 'buffer', withFileTypes: true })).filter(({ name }) => !isGit(name));
  const texts = found.map(({ name }) => pathText(name));
  const taken = new Set(texts.filter(({ exact }) => exact).map(({ path }) => path));
  const names = found.slice(0, MAX_ENTRIES).map((entry, i): Name => {
    const { path: shown, exact } = texts[i]!;
    const addressable = exact || isReachable(entry.name, shown, taken.has(shown));
    return { bytes: entry.name, shown, addressable, isDirectory: entry.isDirectory() };
  });
  const shown = names.sort(byKindAndName).slice(0, limit);
  const entries: FileEntry[] = [];
  for (let from = 0; from < shown.length; from += BATCH) {
    const batch = shown.slice(from, from + BATCH).map((name) => describe(here, name, path));
    entries.push(...(await Promise.all(batch)).filter((entry) => entry !== null));
  }
  return { path, entries, truncated: found.length > shown.length };
}

const isGit = (name: Buffer) => name.toString('latin1').toLowerCase() === GIT_DIRECTORY;

/** null: it is gone by now. */
async function describe(here: Buffer, { bytes, shown, addressable }: Name, path: string): Promise<FileEntry | null> {
  const stat = await lstat(Buffer.concat([here, bytes])).catch(() => null);
  if (!stat) return null;
  const kind: FileKind = stat.isFile()
    ? 'file'
    : stat.isDirectory()
    ? 'directory'
    : stat.isSymbolicLink()
    ? 'link'
    : 'other';
  return {
    name: shown,
    path: path ? `${path}/${shown}` : shown,
    kind,
    size: stat.isFile() ? stat.size : 0,
    modifiedAt: Math.round(stat.mtimeMs),
    addressable,
  };
}

const collator = new Intl.Collator('en', { numeric: true, sensitivity: 'base' });
const byKindAndName = (a: Name, b: Name) =>
  Number(b.isDirectory) - Number(a.isDirectory) || collator.compare(a.shown, b.shown);
