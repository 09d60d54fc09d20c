/** Files of an agent's folder by name: those that git knows or would take, else all that lie there. Fuzzy, the best first. */
import { createHash } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import type { FileSearch } from '../../core/api/files.ts';
import { Failure } from '../../core/api/errors.ts';
import { git, GitError } from '../workspace/git.ts';
import { splitNul } from '../workspace/git-output.ts';
import type { GitIsolation } from '../workspace/isolation.ts';
import { findRepository } from '../workspace/repository.ts';

/** Files that are looked through. */
export const MAX_FILES = 200_000;
export const MAX_FOUND = 50;
const MAX_QUERY = 200;
/** How long a list of files is good for, ms: people type faster than folders change. */
const FRESH_MS = 3000;
/** For so long an older list answers while a new one is made, ms: git takes its time for 100,000 files. */
const USABLE_MS = 60_000;
/** Lists that are kept. */
const MAX_LISTS = 4;
/** Not looked into without git, which would say so itself. */
const SKIPPED = new Set(['.git', 'node_modules', '.agent-worktrees']);

/** A path as it is compared: lower case is worked out once for all keystrokes. */
export interface NamedPath {
  path: string;
  lower: string;
  /** Where the name begins. */
  nameAt: number;
}

export const namedPath = (path: string): NamedPath => ({
  path,
  lower: path.toLowerCase(),
  nameAt: path.lastIndexOf('/') + 1,
});

interface FileList {
  paths: NamedPath[];
  truncated: boolean;
  /** Of what git printed: the same again needs no reading. */
  digest?: string;
  /** What the last query matched: one that goes on from it looks through nothing else. */
  matched?: { query: string; paths: NamedPath[] };
}

interface Listed {
  at: number;
  list: Promise<FileList>;
  /** A newer list is being made. */
  isRenewing: boolean;
}

const lists = new Map<string, Listed>();

/** @param root the agent's folder; @param query its letters must appear in a path, in this order; '' finds the first files */
export async function searchFiles(
  isolation: GitIsolation,
  root: string,
  query: string,
  now = Date.now(),
): Promise<FileSearch> {
  const list = await listOf(isolation, root, now);
  const wanted = query.slice(0, MAX_QUERY).toLowerCase();
  const { matched } = list;
  const among = matched && wanted.startsWith(matched.query) ? matched.paths : list.paths;
  const matches: NamedPath[] = [];
  const paths = rank(among, wanted, MAX_FOUND, matches);
  list.matched = wanted ? { query: wanted, paths: matches } : undefined;
  return { paths, truncated: list.truncated };
}

function listOf(isolation: GitIsolation, root: string, now: number): Promise<FileList> {
  const known = lists.get(root);
  const age = known ? now - known.at : Infinity;
  if (known && age >= 0 && age < FRESH_MS) return known.list;
  if (known && age >= 0 && age < USABLE_MS) {
    if (!known.isRenewing) renew(isolation, root, now, known);
    return known.list;
  }
  const list = readFiles(isolation, root);
  retain(root, { at: now, list, isRenewing: false });
  list.catch(() => lists.delete(root));
  return list;
}

function renew(isolation: GitIsolation, root: string, now: number, known: Listed): void {
  known.isRenewing = true;
  const list = known.list.then((old) => readFiles(isolation, root, old));
  list.then(
    () => retain(root, { at: now, list, isRenewing: false }),
    () => lists.delete(root), // the next query says why
  );
}

function retain(root: string, listed: Listed): void {
  lists.delete(root);
  lists.set(root, listed);
  if (lists.size > MAX_LISTS) lists.delete(lists.keys().next().value!);
}

const readFiles = (isolation: GitIsolation, root: string, old?: FileList): Promise<FileList> =>
  gitFiles(isolation, root, old).catch((error) => {
    if (error instanceof GitError || error instanceof Failure) return walkFiles(root);
    throw error;
  });

async function gitFiles(isolation: GitIsolation, root: string, old?: FileList): Promise<FileList> {
  const repository = await findRepository(isolation, root);
  if (!repository) return await walkFiles(root);
  const args = ['ls-files', '--cached', '--others', '--exclude-standard', '--deduplicate', '-z'];
  const { stdout } = await git({ ...repository, top: root }, args, { limit: 64 * 1024 * 1024, cut: true });
  const digest = createHash('sha1').update(stdout).digest('base64');
  if (old?.digest === digest) return old;
  const names = splitNul(stdout);
  const paths: NamedPath[] = [];
  for (let at = 0; at < names.length && paths.length < MAX_FILES; at += SLICE) {
    const slice = names.slice(at, at + SLICE).map((name) => name.toString('utf8'));
    paths.push(...slice.filter((name) => !name.includes('\ufffd')).map(namedPath));
    await setImmediate(); // who types meanwhile is answered
  }
  return { paths: paths.slice(0, MAX_FILES), truncated: paths.length > MAX_FILES || names.length > MAX_FILES, digest };
}

/** Names that are read at a time. */
const SLICE = 5000;

/** Breadth first: what lies near the top is found first. Links are not followed. */
export async function walkFiles(root: string): Promise<FileList> {
  const paths: NamedPath[] = [];
  const todo = [''];
  for (let at = 0; at < todo.length; at++) {
    const directory = todo[at]!;
    const entries = await readdir(join(root, directory), { withFileTypes: true }).catch(() => []);
    for (const entry of entries) {
      const path = directory ? `${directory}/${entry.name}` : entry.name;
      if (entry.isDirectory() && !SKIPPED.has(entry.name)) todo.push(path);
      else if (entry.isFile() && !entry.name.includes('\ufffd')) paths.push(namedPath(path));
      if (paths.length >= MAX_FILES || todo.length >= MAX_FILES) return { paths, truncated: true };
    }
  }
  return { paths, truncated: false };
}

/**
 * The paths that match best, the best first: the whole query in the name, then in the path, then its letters in order.
 * @param matches gets all that match
 */
export function rank(paths: readonly NamedPath[], query: string, limit: number, matches: NamedPath[] = []): string[] {
  const wanted = query.toLowerCase();
  if (!wanted) return paths.slice(0, limit).map(({ path }) => path);
  const best: { path: string; score: number }[] = [];
  for (const named of paths) {
    const score = scoreOf(named, wanted);
    if (score === null) continue;
    matches.push(named);
    if (best.length >= limit && score >= best.at(-1)!.score) continue;
    const at = best.findIndex((entry) => entry.score > score);
    best.splice(at < 0 ? best.length : at, 0, { path: named.path, score });
    if (best.length > limit) best.pop();
  }
  return best.map((entry) => entry.path);
}

/** Lower is better; null: it does not match. */
function scoreOf({ path, lower, nameAt }: NamedPath, wanted: string): number | null {
  const inName = lower.indexOf(wanted, nameAt);
  if (inName >= 0) return (inName - nameAt) + path.length / 1000;
  const inPath = lower.indexOf(wanted);
  if (inPath >= 0) return 1000 + inPath + path.length / 1000;
  let from = 0;
  let gaps = 0;
  for (const letter of wanted) {
    const at = lower.indexOf(letter, from);
    if (at < 0) return null;
    gaps += at - from;
    from = at + 1;
  }
  return 10_000 + gaps + path.length / 1000;
}
