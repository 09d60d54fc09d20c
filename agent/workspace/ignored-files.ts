/**
 * Files that git ignores are in no status, and are gone with their worktree: `.env`, notes, a local database. They are work, but
 * for what the server or the setup commands put there, what the repository's own checkout has just so, and what tools make again.
 */
import { Buffer } from 'node:buffer';
import { lstat, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readFileList } from './file-list.ts';
import type { Repository } from './repository.ts';
import { readSeededFiles, readSmallFile } from './seeded-files.ts';

const RECORD = 'agent-monitor-setup.json';
/** Entries that are looked at: a directory that is ignored as a whole is one. */
const MAX_ENTRIES = 100_000;
/** Directories and files that are looked into for anything but empty directories. */
const MAX_LOOK = 1000;

/** Directories of packages, caches and builds, by the names that their tools give them. */
const MADE_DIRECTORIES = new Set([
  ...['node_modules', 'bower_components', '.pnpm-store', '.yarn', 'Pods', '.venv', 'venv', '.direnv', '.terraform'],
  ...[
    '__pycache__',
    '.tox',
    '.nox',
    '.mypy_cache',
    '.pytest_cache',
    '.ruff_cache',
    '.eggs',
    'htmlcov',
    '.ipynb_checkpoints',
  ],
  ...[
    'target',
    'build',
    'dist',
    'out',
    'obj',
    '.gradle',
    '.dart_tool',
    'DerivedData',
    '_build',
    'zig-cache',
    '.zig-cache',
  ],
  ...['.next', '.nuxt', '.svelte-kit', '.turbo', '.parcel-cache', '.cache', '.vite', '.angular', '.output', '.astro'],
  ...['coverage', '.nyc_output', 'test-results', 'playwright-report', 'tmp', '.tmp', 'logs'],
]);
const MADE_DIRECTORY = /\.egg-info$/;
const MADE_FILE = /(^|\/)(\.DS_Store|Thumbs\.db|\.coverage)$|\.(pyc|pyo|o|obj|class|tsbuildinfo|log|tmp|swp|pid)$/;
/** In a directory of a cache: https://bford.info/cachedir/ */
const CACHE_TAG = 'CACHEDIR.TAG';

/** What git ignores in a checkout: files, and directories (with a slash at the end) in which everything is ignored. */
async function ignoredEntries(at: Repository): Promise<Buffer[]> {
  const args = ['ls-files', '--others', '--ignored', '--exclude-standard', '--directory', '-z'];
  const entries = await readFileList(at, args, () => true, MAX_ENTRIES);
  // What is within such a directory may stand behind it.
  let directory: Buffer | null = null;
  return entries.filter((entry) => {
    if (directory && entry.subarray(0, directory.length).equals(directory)) return false;
    directory = entry.at(-1) === 0x2f ? entry : null;
    return true;
  });
}

/** Remembers what is ignored now, behind the setup commands: they made it, and make it again. */
export async function recordSetup(at: Repository): Promise<void> {
  const entries = await ignoredEntries(at);
  if (!entries.length) return;
  const paths = entries.map((entry) => entry.toString('latin1'));
  await writeFile(join(at.gitDir, RECORD), JSON.stringify(paths), { mode: 0o600 });
}

async function readSetup(at: Repository): Promise<Set<string>> {
  try {
    const paths: unknown = JSON.parse(await readFile(join(at.gitDir, RECORD), 'utf8'));
    return new Set(Array.isArray(paths) ? paths : []);
  } catch {
    return new Set(); // there was no setup
  }
}

/** Ignored files and directories that would be lost with the worktree `at`. @param main the repository's own checkout */
export async function ignoredWork(at: Repository, main: string): Promise<Buffer[]> {
  const [setup, seeded] = [await readSetup(at), await readSeededFiles(at)];
  const found: Buffer[] = [];
  for (const entry of await ignoredEntries(at)) {
    if (setup.has(entry.toString('latin1')) || seeded.isUnchanged(entry)) continue;
    const path = entry.toString();
    const isLost = path.endsWith('/')
      ? !isMadeDirectory(path) && await holdsFiles(join(at.top, path))
      : !MADE_FILE.test(path) && !(await isSame(join(at.top, path), join(main, path)));
    if (isLost) found.push(entry);
  }
  return found;
}

const isMadeDirectory = (path: string): boolean =>
  path.split('/').some((name) => MADE_DIRECTORIES.has(name) || MADE_DIRECTORY.test(name));

/** A directory that says that it is a cache holds nothing; nor do empty ones. One that cannot be read, or is large, counts. */
async function holdsFiles(directory: string): Promise<boolean> {
  const waiting = [directory];
  for (let looked = 0; waiting.length; looked++) {
    if (looked > MAX_LOOK) return true;
    const next = waiting.pop()!;
    const entries = await readdir(next, { withFileTypes: true }).catch(() => null);
    if (!entries) return true;
    // A repository inside is looked at by nested-repositories.ts.
    if (entries.some(({ name }) => name === CACHE_TAG || name === '.git')) continue;
    if (entries.some((entry) => !entry.isDirectory() && !MADE_FILE.test(entry.name))) return true;
    const inner = entries.filter((entry) => entry.isDirectory() && !MADE_DIRECTORIES.has(entry.name));
    waiting.push(...inner.map(({ name }) => join(next, name)));
  }
  return false;
}

async function isSame(path: string, other: string): Promise<boolean> {
  const [stat, otherStat] = await Promise.all([path, other].map((name) => lstat(name).catch(() => null)));
  if (!stat?.isFile() || !otherStat?.isFile() || stat.size !== otherStat.size) return false;
  const [content, otherContent] = await Promise.all([readSmallFile(path), readSmallFile(other)]);
  return content !== null && otherContent !== null && content.equals(otherContent);
}
