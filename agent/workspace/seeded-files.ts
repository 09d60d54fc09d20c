/**
 * Files that the server put into a new worktree: the agent's instructions and copied files such as `.env`. They are no work as
 * long as nobody changes them. The record is in git's own directory of the worktree, so that it is removed with it.
 */
import { Buffer } from 'node:buffer';
import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { copyFile, lstat, mkdir, open, readdir, readFile, realpath, writeFile } from 'node:fs/promises';
import { dirname, join, relative, sep } from 'node:path';
import type { Repository } from './repository.ts';

const RECORD = 'agent-monitor-placed.json';
/** Largest file that is copied, bytes. */
export const MAX_COPY_BYTES = 10 * 1024 * 1024;
/** Most files that are copied, and most names that a pattern looks at. */
const MAX_COPIED_FILES = 200;
const MAX_LOOK = 10_000;

const hash = (content: Uint8Array) => createHash('sha256').update(content).digest('hex');

export interface SeededFiles {
  /** Was this file (raw bytes, relative to the worktree) placed there, and is it as it was placed? */
  isUnchanged(path: Buffer): boolean;
}

const recordPath = ({ gitDir }: Repository) => join(gitDir, RECORD);

async function readRecord(worktree: Repository): Promise<Record<string, string>> {
  try {
    return Object.assign(Object.create(null), JSON.parse(await readFile(recordPath(worktree), 'utf8')));
  } catch {
    return Object.create(null); // none placed, or not readable: everything counts as work
  }
}

export async function readSeededFiles(worktree: Repository): Promise<SeededFiles> {
  const unchanged = new Set<string>();
  for (const [path, sum] of Object.entries(await readRecord(worktree))) {
    const content = await readSmallFile(join(worktree.top, path));
    if (content && hash(content) === sum) unchanged.add(path);
  }
  return { isUnchanged: (path) => unchanged.has(path.toString('utf8')) };
}

/** Remembers files (relative paths) as they are now. */
export async function recordSeededFiles(worktree: Repository, paths: string[]): Promise<void> {
  if (!paths.length) return;
  const record = await readRecord(worktree);
  for (const path of paths) {
    const content = await readSmallFile(join(worktree.top, path));
    if (content) record[path] = hash(content);
  }
  await writeFile(recordPath(worktree), JSON.stringify(record), { mode: 0o600 });
}

/** A regular file's content up to `limit` bytes; null for anything else. A FIFO is not waited for. */
export async function readSmallFile(path: string, limit = MAX_COPY_BYTES): Promise<Buffer | null> {
  let file;
  try {
    file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW);
    const stat = await file.stat();
    return stat.isFile() && stat.size <= limit ? await file.readFile() : null;
  } catch {
    return null;
  } finally {
    await file?.close();
  }
}

/**
 * Copies the files that the patterns name from one checkout to another, where the other does not have them. Only regular files
 * below `from`: no links, nothing outside, nothing larger than MAX_COPY_BYTES. Returns the relative paths that were copied.
 */
export async function copyInto(from: string, to: string, patterns: readonly string[]): Promise<string[]> {
  const copied: string[] = [];
  for (const pattern of patterns) {
    for (const path of await expand(from, pattern)) {
      if (copied.length >= MAX_COPIED_FILES) return copied;
      if (await copyOne(from, to, path)) copied.push(path);
    }
  }
  return copied;
}

async function copyOne(from: string, to: string, path: string): Promise<boolean> {
  try {
    const source = join(from, path);
    const stat = await lstat(source);
    const isInside = !relative(from, await realpath(source)).startsWith('..');
    if (!stat.isFile() || stat.size > MAX_COPY_BYTES || !isInside) return false;
    await mkdir(dirname(join(to, path)), { recursive: true });
    await copyFile(source, join(to, path), constants.COPYFILE_EXCL);
    return true;
  } catch {
    return false; // not there, not readable, or the worktree has it already
  }
}

/** Relative paths below `root` that match. `*` stands for any characters within one name. */
async function expand(root: string, pattern: string): Promise<string[]> {
  let found = [''];
  const segments = pattern.split('/').filter((segment) => segment && segment !== '.');
  if (!segments.length || segments.includes('..') || segments[0] === '.git') return [];
  for (const segment of segments) {
    if (!segment.includes('*')) {
      found = found.map((path) => (path ? `${path}${sep}${segment}` : segment));
      continue;
    }
    const matcher = new RegExp(`^${segment.split(/\*+/).map(escapeRegex).join('[^]*')}$`);
    const next: string[] = [];
    for (const path of found) {
      const names = await readdir(join(root, path)).catch(() => []);
      for (const name of names.slice(0, MAX_LOOK)) {
        const isHidden = name.startsWith('.') && !segment.startsWith('.');
        if (!isHidden && name !== '.git' && matcher.test(name)) next.push(path ? `${path}${sep}${name}` : name);
      }
    }
    found = next.slice(0, MAX_LOOK);
  }
  return found;
}

const escapeRegex = (text: string) => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
