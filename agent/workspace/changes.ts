/** What an agent changed since its branch left the base: the list of files, one file's diff, and all of it as a patch. */
import { Buffer } from 'node:buffer';
import { copyFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { HttpError } from '../../core/http/reply.ts';
import type { FileDiff, WorktreeInfo } from '../../core/wire/types.ts';
import type { ChangedFile, Changes } from '../../core/wire/workshop.ts';
import { parseDiff } from './diff.ts';
import { git, GitError, gitText, pathText, splitNul, startGit } from './git.ts';
import { type Placed, readPlaced } from './placed.ts';
import { baseRevision, commitOf, currentBranch, findRepository, statusOf } from './repository.ts';
import { unmergedWork } from './worktree.ts';

/** Most files that are listed. */
export const FILE_COUNT = 2000;
/** Most bytes of one file's diff that are read. */
const DIFF_LIMIT = 1024 * 1024;

const PLAIN_DIFF = ['--no-color', '--no-ext-diff', '--no-textconv', '--no-renames'];

/** The place that is looked at: an agent's worktree, or the folder itself. */
export interface Place {
  /** Where the agent works. */
  cwd: string;
  worktree: WorktreeInfo | null;
}

/** Top of the checkout, and the commit that changes are counted from (null: a repository without commits). */
interface Ground {
  top: string;
  from: string | null;
  placed: Placed;
}

const NONE: Placed = { isUnchanged: () => false };

/** Throws HttpError 409 `no_repository`. */
async function groundOf({ cwd, worktree }: Place): Promise<Ground> {
  const repository = await findRepository(cwd).catch((error) => {
    if (error instanceof GitError && error.reason === 'no_git') return null;
    throw error;
  });
  if (!repository) {
    throw new HttpError(409, 'no_repository', `${cwd} is not a git repository, so its changes cannot be told.`);
  }
  const { top } = repository;
  if (!worktree) return { top, from: await commitOf(top, 'HEAD'), placed: NONE };
  const { code, stdout } = await git(top, ['merge-base', baseRevision(worktree.base), 'HEAD'], { codes: [1, 128] });
  const from = code === 0 ? stdout.toString('utf8').trim() : await commitOf(top, 'HEAD');
  return { top, from, placed: await readPlaced(top) };
}

export async function listChanges(place: Place): Promise<Changes> {
  const { worktree } = place;
  const empty = { branch: '', base: '', ahead: 0, behind: 0, files: [], truncated: false, unmerged: [] };
  let ground: Ground;
  try {
    ground = await groundOf(place);
  } catch (error) {
    if (!(error instanceof HttpError)) throw error;
    return { ...empty, repository: false, text: error.message, unmerged: worktree ? await unmergedWork(worktree) : [] };
  }
  const files = await filesOf(ground);
  return {
    repository: true,
    text: worktree ? '' : 'This agent works in the folder itself: commit and merge with git as you are used to.',
    branch: await currentBranch(ground.top) ?? '',
    base: worktree?.base ?? '',
    ...await distance(ground.top, worktree),
    files: files.slice(0, FILE_COUNT),
    truncated: files.length > FILE_COUNT,
    unmerged: worktree ? await unmergedWork(worktree) : [],
  };
}

async function distance(top: string, worktree: WorktreeInfo | null): Promise<{ ahead: number; behind: number }> {
  const base = worktree && baseRevision(worktree.base);
  if (!base || !(await commitOf(top, base))) return { ahead: 0, behind: 0 };
  const counts = await gitText(top, ['rev-list', '--left-right', '--count', `${base}...HEAD`]);
  const [behind, ahead] = counts.split('\t').map(Number);
  return { ahead: ahead ?? 0, behind: behind ?? 0 };
}

async function filesOf({ top, from, placed }: Ground): Promise<ChangedFile[]> {
  const status = await statusOf(top);
  const uncommitted = new Set(status.map((entry) => entry.path.toString('latin1')));
  const tracked = from ? await trackedChanges(top, from) : [];
  const known = new Set(tracked.map((entry) => entry.raw.toString('latin1')));
  const others = status.filter((entry) => !known.has(entry.path.toString('latin1')) && (entry.code === '??' || !from))
    .map((entry) => ({ raw: entry.path, kind: 'add' as const, added: 0, removed: 0, binary: false }));
  return [...tracked, ...others].map(({ raw, ...file }) => {
    const { path, exact } = pathText(raw);
    const committed = !uncommitted.has(raw.toString('latin1'));
    return { ...file, path, committed, placed: placed.isUnchanged(raw), addressable: exact };
  });
}

interface TrackedChange extends Pick<ChangedFile, 'kind' | 'added' | 'removed' | 'binary'> {
  raw: Buffer;
}

async function trackedChanges(top: string, from: string): Promise<TrackedChange[]> {
  const { stdout } = await git(top, ['diff', ...PLAIN_DIFF, '--raw', '--numstat', '-z', from, '--']);
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

/** The diff of one file of the list. Throws HttpError 404 when it has no change. */
export async function fileDiff(place: Place, path: string): Promise<FileDiff> {
  const ground = await groundOf(place);
  const file = (await filesOf(ground)).find((one) => one.path === path && one.addressable);
  if (!file) throw new HttpError(404, 'no_change', 'This file has no changes (any more).');
  const isTracked = ground.from !== null && (await git(
        ground.top,
        ['diff', ...PLAIN_DIFF, '--quiet', ground.from, '--', path],
        { codes: [1] },
      )).code === 1;
  const args = isTracked
    ? [...PLAIN_DIFF, ground.from!, '--', path]
    : [...PLAIN_DIFF, '--no-index', '--', '/dev/null', `./${path}`];
  const { stdout } = await git(ground.top, ['diff', ...args], { codes: [1], limit: DIFF_LIMIT, cut: true });
  const diff = parseDiff(stdout.toString('utf8'), path, file.kind);
  return stdout.length >= DIFF_LIMIT ? { ...diff, truncated: true } : diff;
}

/**
 * All changes as one patch that `git apply` takes, with new and binary files. The stream ends with an error when git fails.
 * `close` must be called when it is no longer read.
 */
export async function openPatch(place: Place): Promise<{ stream: Readable; close(): Promise<void> }> {
  const { top, from } = await groundOf(place);
  // An index of its own: new files are added to it, the agent's index stays as it is.
  const folder = await mkdtemp(join(tmpdir(), 'agent-monitor-patch-'));
  const env = { GIT_INDEX_FILE: join(folder, 'index') };
  const close = () => rm(folder, { recursive: true, force: true });
  try {
    const index = await gitText(top, ['rev-parse', '--path-format=absolute', '--git-path', 'index']);
    await copyFile(index, env.GIT_INDEX_FILE).catch(() => {}); // no index: nothing was ever added
    await addAll(top, env);
    const base = from ?? await gitText(top, ['hash-object', '-t', 'tree', '/dev/null']);
    const child = startGit(top, ['diff', '--cached', ...PLAIN_DIFF, '--binary', base, '--'], env);
    child.stdin!.end();
    child.stderr!.resume();
    const stream = child.stdout!;
    child.once('error', (error) => stream.destroy(error));
    child.once('exit', (code) => code !== 0 && stream.destroy(new Error(`git diff ended with code ${code}`)));
    return {
      stream,
      close: async () => {
        child.kill('SIGKILL');
        await close();
      },
    };
  } catch (error) {
    await close();
    throw error;
  }
}

async function addAll(top: string, env: Record<string, string>): Promise<void> {
  const placed = await readPlaced(top);
  const paths = (await statusOf(top)).map((entry) => entry.path).filter((path) => !placed.isUnchanged(path));
  await addPaths(top, paths, env);
}

/** `git add` of exactly these files, whatever their names; removed files are removed from the index. */
export async function addPaths(top: string, paths: Buffer[], env: Record<string, string> = {}): Promise<void> {
  if (!paths.length) return;
  await git(top, ['add', '--all', '--pathspec-from-file=-', '--pathspec-file-nul'], { input: nulJoined(paths), env });
}

export const nulJoined = (paths: Buffer[]): Buffer => Buffer.concat(paths.flatMap((path) => [path, Buffer.of(0)]));
