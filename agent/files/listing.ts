/** What is in a directory below an agent's folder: bounded, and nothing in it is opened. */
import { Buffer } from 'node:buffer';
import { lstat, readdir } from 'node:fs/promises';
import type { FileEntry, FileKind, FileListing } from '../../core/api/files.ts';
import { Failure } from '../../core/api/errors.ts';
import { pathText } from '../workspace/git-output.ts';
import type { Opened } from './beneath.ts';
import { GIT_DIRECTORY, openInside } from './inside.ts';

/** Most entries that one listing names. */
export const MAX_ENTRIES = 10_000;
/** Entries that are looked at at a time. */
const BATCH = 64;

/** @param root the agent's folder */
export async function listFiles(root: string, path: string): Promise<FileListing> {
  const opened = await openInside(root, path);
  try {
    if (!(await opened.handle.stat()).isDirectory()) throw new Failure('not_a_folder', 'This is not a folder.');
    return await list(opened);
  } finally {
    await opened.handle.close();
  }
}

async function list({ path, at }: Opened): Promise<FileListing> {
  // By the descriptor: what is listed is what was opened, wherever it was moved meanwhile.
  const here = Buffer.from(`${at}/`);
  const names = (await readdir(here, { encoding: 'buffer' })).filter((name) => !isGit(name));
  const shown = names.slice(0, MAX_ENTRIES);
  const entries: FileEntry[] = [];
  for (let from = 0; from < shown.length; from += BATCH) {
    const batch = shown.slice(from, from + BATCH).map((name) => describe(here, name, path));
    entries.push(...(await Promise.all(batch)).filter((entry) => entry !== null));
  }
  return { path, entries: entries.sort(byKindAndName), truncated: names.length > MAX_ENTRIES };
}

const isGit = (name: Buffer) => name.toString('latin1').toLowerCase() === GIT_DIRECTORY;

/** null: it is gone by now. */
async function describe(here: Buffer, name: Buffer, path: string): Promise<FileEntry | null> {
  const stat = await lstat(Buffer.concat([here, name])).catch(() => null);
  if (!stat) return null;
  const { path: shown, exact } = pathText(name);
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
    addressable: exact,
  };
}

const collator = new Intl.Collator('en', { numeric: true, sensitivity: 'base' });
const byKindAndName = (a: FileEntry, b: FileEntry) =>
  Number(b.kind === 'directory') - Number(a.kind === 'directory') || collator.compare(a.name, b.name);
