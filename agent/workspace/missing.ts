/**
 * What a new worktree lacks of the repository: git makes it without a word with empty folders for submodules, with pointers where
 * Git LFS is not set up, and without the files outside of a sparse checkout. Looking runs nothing.
 */
import { Buffer } from 'node:buffer';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { readFileList } from './file-list.ts';
import { pathText } from './git-output.ts';
import type { Repository } from './repository.ts';
import { readSmallFile } from './seeded-files.ts';

/** Files of each kind that are looked at, and names in one sentence. */
const MAX_FILES = 100_000;
const MAX_POINTERS = 500;
const MAX_NAMES = 3;
/** A pointer is smaller: https://github.com/git-lfs/git-lfs/blob/main/docs/spec.md */
const MAX_POINTER_BYTES = 1024;
const POINTER = 'version https://git-lfs.github.com/spec/';

/** Sentences for the user; empty: it is whole. Never throws: a worktree is not refused for what could not be looked at. */
export async function missingParts(at: Repository): Promise<string[]> {
  const looks = [emptySubmodules, pointers, leftOut].map((look) => look(at).catch(() => ''));
  return (await Promise.all(looks)).filter(Boolean);
}

async function emptySubmodules(at: Repository): Promise<string> {
  const entries = await readFileList(at, ['ls-files', '--stage', '-z'], isSubmodule, MAX_FILES);
  const paths = entries.map((entry) => entry.subarray(entry.indexOf(0x09) + 1));
  const empty: Buffer[] = [];
  for (const path of paths) if (await isEmpty(join(at.top, path.toString()))) empty.push(path);
  if (!empty.length) return '';
  const [what, are] = empty.length === 1 ? ['submodule', 'is'] : ['submodules', 'are'];
  return `${empty.length} ${what} ${are} empty in the worktree (${
    named(empty)
  }): "git submodule update --init" there, or as a ` +
    'setup command, fills them.';
}

/** "160000 <commit> 0\t<path>" */
const isSubmodule = (entry: Buffer) => entry.subarray(0, 7).toString('latin1') === '160000 ';

const isEmpty = (path: string) => readdir(path).then((names) => names.length === 0, () => true);

async function pointers(at: Repository): Promise<string> {
  const ofLfs = ['--no-literal-pathspecs', 'ls-files', '-z', '--', ':(top,attr:filter=lfs)'];
  const paths = await readFileList(at, ofLfs, () => true, MAX_FILES);
  const found: Buffer[] = [];
  for (const path of paths.slice(0, MAX_POINTERS)) {
    const content = await readSmallFile(join(at.top, path.toString()), MAX_POINTER_BYTES);
    if (content?.toString('latin1').startsWith(POINTER)) found.push(path);
  }
  if (!found.length) return '';
  const count = paths.length > MAX_POINTERS ? `${found.length} and more` : `${found.length}`;
  const [what, are] = found.length === 1 ? ['file', 'is a pointer'] : ['files', 'are pointers'];
  return `${count} ${what} of Git LFS ${are} without content in the worktree (${
    named(found)
  }): "git lfs pull" there gets it.`;
}

async function leftOut(at: Repository): Promise<string> {
  const { length } = await readFileList(at, ['ls-files', '-t', '-z'], ([tag]) => tag === 0x53, MAX_FILES);
  if (!length) return '';
  const [what, are] = length === 1 ? ['file', 'is'] : ['files', 'are'];
  return `The checkout is sparse: ${length} ${what} of the repository ${are} not in the worktree either.`;
}

const named = (paths: Buffer[]) =>
  paths.slice(0, MAX_NAMES).map((path) => pathText(path).path).join(', ') + (paths.length > MAX_NAMES ? ' …' : '');
