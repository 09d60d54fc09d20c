/**
 * Files that were put into a worktree when it was made: the agent's instructions and copied files such as `.env`. They are no
 * work as long as nobody changed them. Remembered in git's own folder of the worktree, so that the record goes with it.
 */
import { Buffer } from 'node:buffer';
import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { copyFile, lstat, mkdir, open, readdir, readFile, realpath, writeFile } from 'node:fs/promises';
import { dirname, join, relative, sep } from 'node:path';
import { gitText } from './git.ts';

const RECORD = 'agent-monitor-placed.json';
/** Largest file that is copied, bytes. */
export const COPY_LIMIT = 10 * 1024 * 1024;
/** Most files that are copied, and most names that a pattern looks at. */
const COPY_COUNT = 200;
const LOOK_COUNT = 10_000;

const hash = (content: Uint8Array) => createHash('sha256').update(content).digest('hex');

export interface Placed {
  /** Was this file (raw bytes, relative to the worktree) placed there, and is it as it was placed? */
  isUnchanged(path: Buffer): boolean;
}

const recordPath = async (worktree: string) =>
  join(await gitText(worktree, ['rev-parse', '--path-format=absolute', '--git-dir']), RECORD);

async function readRecord(worktree: string): Promise<Record<string, string>> {
  try {
    return Object.assign(Object.create(null), JSON.parse(await readFile(await recordPath(worktree), 'utf8')));
  } catch {
    return Object.create(null); // none placed, or not readable: everything counts as work
  }
}

export async function readPlaced(worktree: string): Promise<Placed> {
  const unchanged = new Set<string>();
  for (const [path, sum] of Object.entries(await readRecord(worktree))) {
    const content = await readSmall(join(worktree, path));
    if (content && hash(content) === sum) unchanged.add(path);
  }
  return { isUnchanged: (path) => unchanged.has(path.toString('utf8')) };
}

/** Remembers files (relative paths) as they are now. */
export async function recordPlaced(worktree: string, paths: string[]): Promise<void> {
  if (!paths.length) return;
  const record = await readRecord(worktree);
  for (const path of paths) {
    const content = await readSmall(join(worktree, path));
    if (content) record[path] = hash(content);
  }
  await writeFile(await recordPath(worktree), JSON.stringify(record), { mode: 0o600 });
}

/** A regular file's content up to COPY_LIMIT; null for anything else. A FIFO is not waited for. */
async function readSmall(path: string): Promise<Buffer | null> {
  let file;
  try {
    file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW);
    const stat = await file.stat();
    return stat.isFile() && stat.size <= COPY_LIMIT ? await file.readFile() : null;
  } catch {
    return null;
  } finally {
    await file?.close();
  }
}

/**
 * Copies the files that the patterns name from one checkout to another, where the other does not have them. Only regular files
 * below `from`: no links, nothing outside, nothing larger than COPY_LIMIT. Gives the relative paths that were copied.
 */
export async function copyInto(from: string, to: string, patterns: readonly string[]): Promise<string[]> {
  const copied: string[] = [];
  for (const pattern of patterns) {
    for (const path of await expand(from, pattern)) {
      if (copied.length >= COPY_COUNT) return copied;
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
    if (!stat.isFile() || stat.size > COPY_LIMIT || !isInside) return false;
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
      for (const name of names.slice(0, LOOK_COUNT)) {
        const isHidden = name.startsWith('.') && !segment.startsWith('.');
        if (!isHidden && name !== '.git' && matcher.test(name)) next.push(path ? `${path}${sep}${name}` : name);
      }
    }
    found = next.slice(0, LOOK_COUNT);
  }
  return found;
}

const escapeRegex = (text: string) => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
