/** What an agent changed since its branch left the base: the list of files, one file's diff, and all of it as a patch. */
import type { Buffer } from 'node:buffer';
import { Failure } from '../../core/api/errors.ts';
import type { FileDiff } from '../../core/api/messages.ts';
import type { WorktreeInfo } from '../../core/api/agents.ts';
import type { ChangedFile, Changes } from '../../core/api/workspace.ts';
import { parseDiff } from './diff.ts';
import { withHunkIds } from './hunks.ts';
import { git, GitError, gitText, type Where } from './git.ts';
import { pathText, splitNul } from './git-output.ts';
import type { GitIsolation } from './isolation.ts';
import { readSeededFiles, type SeededFiles } from './seeded-files.ts';
import { baseRevision, commitOf, currentBranch, findRepository, type Repository, statusOf } from './repository.ts';
import { openWorktree } from './worktree-repository.ts';
import { unmergedWork } from './unmerged.ts';

/** Most files that are listed. */
export const MAX_FILES = 2000;
/** Most bytes of one file's diff that are read: 100,000 lines of code. */
const MAX_DIFF_BYTES = 8 * 1024 * 1024;

/** One form of a diff, whatever the settings say, and no program for it. */
export const PLAIN_DIFF = ['--no-color', '--no-ext-diff', '--no-textconv', '--no-renames', '--ignore-submodules=dirty'];

/** Where an agent's changes are: in its worktree, or in the directory itself. */
export interface Place {
  /** Where the agent works. */
  cwd: string;
  worktree: WorktreeInfo | null;
  isolation: GitIsolation;
}

/** The checkout, and the commit that changes are counted from (null: a repository without commits). */
export interface Ground {
  at: Repository;
  from: string | null;
  seeded: SeededFiles;
}

export const NONE: SeededFiles = { isUnchanged: () => false };

/** The checkout of a place. Throws Failure when there is none, or a worktree's `.git` leads to another one. */
export async function repositoryOf({ cwd, worktree, isolation }: Place): Promise<Repository> {
  if (worktree) return await openWorktree(isolation, worktree);
  const repository = await findRepository(isolation, cwd).catch((error) => {
    if (error instanceof GitError && error.reason === 'no_git') return null;
    throw error;
  });
  if (repository) return repository;
  throw new Failure(
    'no_repository',
    `${cwd} is not a git repository, so its changes cannot be shown. Run "git init" there to see them.`,
  );
}

/** Where the changes of a place are counted from. Throws Failure. */
export async function groundOf(place: Place): Promise<Ground> {
  const at = await repositoryOf(place);
  const { worktree } = place;
  if (!worktree) return { at, from: await commitOf(at, 'HEAD'), seeded: NONE };
  const { code, stdout } = await git(at, ['merge-base', baseRevision(worktree.base), 'HEAD'], { codes: [1, 128] });
  const from = code === 0 ? stdout.toString('utf8').trim() : await commitOf(at, 'HEAD');
  return { at, from, seeded: await readSeededFiles(at) };
}

/** What changed at a place; without a usable repository `text` says why. */
export async function listChanges(place: Place): Promise<Changes> {
  const { worktree, isolation } = place;
  const empty = { branch: '', base: '', ahead: 0, behind: 0, files: [], truncated: false, unmerged: [] };
  let ground: Ground;
  try {
    ground = await groundOf(place);
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    return {
      ...empty,
      repository: false,
      text: error.message,
      unmerged: worktree ? await unmergedWork(isolation, worktree) : [],
    };
  }
  const files = await filesOf(ground);
  return {
    repository: true,
    text: worktree ? '' : 'This agent works in the folder itself: commit and merge with git as you are used to.',
    branch: await currentBranch(ground.at) ?? '',
    base: worktree?.base ?? '',
    ...await distance(ground.at, worktree),
    files: files.slice(0, MAX_FILES),
    truncated: files.length > MAX_FILES,
    unmerged: worktree ? await unmergedWork(isolation, worktree) : [],
  };
}

async function distance(at: Where, worktree: WorktreeInfo | null): Promise<{ ahead: number; behind: number }> {
  const base = worktree && baseRevision(worktree.base);
  if (!base || !(await commitOf(at, base))) return { ahead: 0, behind: 0 };
  const counts = await gitText(at, ['rev-list', '--left-right', '--count', `${base}...HEAD`]);
  const [behind, ahead] = counts.split('\t').map(Number);
  return { ahead: ahead ?? 0, behind: behind ?? 0 };
}

async function filesOf({ at, from, seeded }: Ground): Promise<ChangedFile[]> {
  const status = await statusOf(at);
  const uncommitted = new Set(status.map((entry) => entry.path.toString('latin1')));
  const tracked = from ? await trackedChanges(at, from) : [];
  const known = new Set(tracked.map((entry) => entry.raw.toString('latin1')));
  const others = status.filter((entry) => !known.has(entry.path.toString('latin1')) && (entry.code === '??' || !from))
    .map((entry) => ({ raw: entry.path, kind: 'add' as const, added: 0, removed: 0, binary: false }));
  return [...tracked, ...others].map(({ raw, ...file }) => {
    const { path, exact } = pathText(raw);
    const committed = !uncommitted.has(raw.toString('latin1'));
    return { ...file, path, committed, placed: seeded.isUnchanged(raw), addressable: exact };
  });
}

interface TrackedChange extends Pick<ChangedFile, 'kind' | 'added' | 'removed' | 'binary'> {
  raw: Buffer;
}

async function trackedChanges(at: Where, from: string): Promise<TrackedChange[]> {
  const { stdout } = await git(at, ['diff', ...PLAIN_DIFF, '--raw', '--numstat', '-z', from, '--']);
  const kinds = new Map<string, FileDiff['kind']>();
  const changes: TrackedChange[] = [];
  const pieces = splitNul(stdout);
  for (let i = 0; i < pieces.length; i++) {
    const piece = pieces[i]!;
    if (piece[0] === 0x3a) { // ":100644 100644 a b M" NUL path
      const letter = piece.toString('latin1').at(-1);
      kinds.set(pieces[++i]!.toString('latin1'), letter === 'A' ? 'add' : letter === 'D' ? 'delete' : 'update');
      continue;
    }
    const [added, removed] = piece.toString('latin1').split('\t', 2); // "3\t1\tpath"; "-" for a binary file
    const raw = piece.subarray(added!.length + removed!.length + 2);
    changes.push({
      raw,
      kind: kinds.get(raw.toString('latin1')) ?? 'update',
      added: Number(added) || 0,
      removed: Number(removed) || 0,
      binary: added === '-',
    });
  }
  return changes;
}

/** The diff of one file of the list. Throws Failure when it has no change. */
export async function fileDiff(place: Place, path: string): Promise<FileDiff> {
  const { diff, output } = await readDiff(await groundOf(place), path);
  // A change of a file that is new or gone as a whole is discarded with the file.
  return place.worktree ? withHunkIds(diff, output) : diff;
}

/** What of one file is not committed. Throws Failure when that is nothing. */
export async function uncommittedDiff(place: Place, path: string): Promise<FileDiff> {
  const at = await repositoryOf(place);
  const { diff, output } = await readDiff({ at, from: await commitOf(at, 'HEAD'), seeded: NONE }, path);
  return withHunkIds(diff, output);
}

export interface ReadDiff {
  diff: FileDiff;
  /** What git printed. */
  output: Buffer;
}

/** The diff of one file. Throws Failure when it has no change. */
export async function readDiff(ground: Ground, path: string): Promise<ReadDiff> {
  return (await readDiffs(ground, [path]))[0]!;
}

/** The diffs of these files. Throws Failure when one has no change. */
export async function readDiffs(ground: Ground, paths: readonly string[]): Promise<ReadDiff[]> {
  const files = new Map((await filesOf(ground)).filter((file) => file.addressable).map((file) => [file.path, file]));
  const found: ReadDiff[] = [];
  for (const path of paths) {
    const file = files.get(path);
    if (!file) throw new Failure('no_change', 'This file has no changes (any more).');
    found.push(await diffOf(ground, file));
  }
  return found;
}

/** Whatever the settings say: what `git apply` takes. */
const PATCH_FORM = [...PLAIN_DIFF, '--unified=3', '--src-prefix=a/', '--dst-prefix=b/'];

async function diffOf({ at, from }: Ground, { path, kind }: ChangedFile): Promise<ReadDiff> {
  const isTracked = from !== null &&
    (await git(at, ['diff', ...PLAIN_DIFF, '--quiet', from, '--', path], { codes: [1] })).code === 1;
  const sides = isTracked ? [from, '--', path] : ['--no-index', '--', '/dev/null', `./${path}`];
  const options = { codes: [1], limit: MAX_DIFF_BYTES, cut: true };
  const { stdout } = await git(at, ['diff', ...PATCH_FORM, ...sides], options);
  const diff = parseDiff(stdout.toString('utf8'), path, kind);
  return { diff: stdout.length >= MAX_DIFF_BYTES ? { ...diff, truncated: true } : diff, output: stdout };
}
