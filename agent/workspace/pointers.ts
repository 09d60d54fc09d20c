/**
 * Pointers to commits of other repositories (mode 160000) that are no submodules: git makes one of a repository inside when it is
 * added, without a single file of it. Whoever gets the commit gets an empty folder.
 */
import { Buffer } from 'node:buffer';
import { git } from './git.ts';
import { splitNul } from './git-output.ts';
import type { Repository } from './repository.ts';

/** The paths that commit `head` has as pointers and `base` has not. */
export async function newPointers(at: Repository, base: string, head: string): Promise<Buffer[]> {
  return await withoutSubmodules(at, ['diff-tree', '-r', '--raw', '-z', '--no-renames', base, head], head);
}

/** The paths that the index has as pointers and the checked out commit has not. */
export async function stagedPointers(at: Repository): Promise<Buffer[]> {
  return await withoutSubmodules(at, ['diff-index', '--cached', '--raw', '-z', '--no-renames', 'HEAD'], '');
}

/** @param tree whose .gitmodules counts; '' is the index */
async function withoutSubmodules(at: Repository, look: string[], tree: string): Promise<Buffer[]> {
  const parts = splitNul((await git(at, [...look, '--'])).stdout);
  // ":<old mode> <new mode> <old id> <new id> <status>", and behind it the path.
  const isNew = (raw: Buffer) => /^:(?!160000)\d{6} 160000 /.test(raw.toString('latin1'));
  const pointers = parts.filter((_, i) => i % 2 === 1 && isNew(parts[i - 1]!));
  if (!pointers.length) return [];
  const submodules = await submodulePaths(at, tree);
  return pointers.filter((path) => !submodules.has(path.toString('latin1')));
}

async function submodulePaths(at: Repository, tree: string): Promise<Set<string>> {
  const args = ['config', '--blob', `${tree}:.gitmodules`, '-z', '--get-regexp', '^submodule\\..*\\.path$'];
  const { code, stdout } = await git(at, args, { codes: [1, 128] });
  // "<name>\n<path>"
  const paths = code ? [] : splitNul(stdout).map((entry) => entry.subarray(entry.indexOf(0x0a) + 1).toString('latin1'));
  return new Set(paths);
}
