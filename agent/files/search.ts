/** Files of an agent's folder by name: those that git knows or would take, else all that lie there. Fuzzy, the best first. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
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
}

const lists = new Map<string, { at: number; list: Promise<FileList> }>();

/** @param root the agent's folder; @param query its letters must appear in a path, in this order; '' finds the first files */
export async function searchFiles(
  isolation: GitIsolation,
  root: string,
  query: string,
  now = Date.now(),
): Promise<FileSearch> {
  const { paths, truncated } = await listOf(isolation, root, now);
  return { paths: rank(paths, query.slice(0, MAX_QUERY), MAX_FOUND), truncated };
}

function listOf(isolation: GitIsolation, root: string, now: number): Promise<FileList> {
  const known = lists.get(root);
  if (known && now - known.at < FRESH_MS && now >= known.at) return known.list;
  const list = gitFiles(isolation, root).catch((error) => {
    if (error instanceof GitError || error instanceof Failure) return walkFiles(root);
    throw error;
  });
  lists.delete(root);
  lists.set(root, { at: now, list });
  if (lists.size > MAX_LISTS) lists.delete(lists.keys().next().value!);
  list.catch(() => lists.delete(root));
  return list;
}

async function gitFiles(isolation: GitIsolation, root: string): Promise<FileList> {
  const repository = await findRepository(isolation, root);
  if (!repository) return await walkFiles(root);
  const args = ['ls-files', '--cached', '--others', '--exclude-standard', '--deduplicate', '-z'];
  const { stdout } = await git({ ...repository, top: root }, args, { limit: 64 * 1024 * 1024, cut: true });
  const names = splitNul(stdout).map((name) => name.toString('utf8')).filter((name) => !name.includes('\ufffd'));
  return { paths: names.slice(0, MAX_FILES).map(namedPath), truncated: names.length > MAX_FILES };
}

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

/** The paths that match best, the best first: the whole query in the name, then in the path, then its letters in order. */
export function rank(paths: readonly NamedPath[], query: string, limit: number): string[] {
  const wanted = query.toLowerCase();
  if (!wanted) return paths.slice(0, limit).map(({ path }) => path);
  const best: { path: string; score: number }[] = [];
  for (const named of paths) {
    const score = scoreOf(named, wanted);
    if (score === null || (best.length >= limit && score >= best.at(-1)!.score)) continue;
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
