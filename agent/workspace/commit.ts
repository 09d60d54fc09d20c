/** Commits what an agent changed in its worktree, or throws it away. */
import { Buffer } from 'node:buffer';
import { mkdtemp, rm, unlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Failure } from '../../core/api/errors.ts';
import type { WorktreeInfo } from '../../core/api/agents.ts';
import type { ChosenHunks } from '../../core/api/workspace.ts';
import { type Place, repositoryOf } from './changes.ts';
import { commitHunks } from './commit-hunks.ts';
import { git, type Where } from './git.ts';
import { operationIn } from './git-directory.ts';
import { names, nulJoined, pathText } from './git-output.ts';
import { refuseIgnoredFilters } from './ignored-drivers.ts';
import { addPaths } from './patch.ts';
import { stagedPointers } from './pointers.ts';
import { readSeededFiles } from './seeded-files.ts';
import { commitOf, currentBranch, type Repository, type StatusEntry, statusOf } from './repository.ts';
import { withRepository } from './repository-lock.ts';

const SLASH = 0x2f;

/** The uncommitted files that are work; `paths` limits them. */
export async function pendingWork(at: Repository, paths: readonly string[] | null): Promise<StatusEntry[]> {
  const seeded = await readSeededFiles(at);
  const wanted = paths && new Set(paths);
  return (await statusOf(at)).filter(({ path }) =>
    wanted ? wanted.has(pathText(path).path) : !seeded.isUnchanged(path)
  );
}

/**
 * Commits what is not committed: all of it, or the files and hunks that are named. Hooks and signatures of the user are left
 * out (nobody is there to answer them). Returns the commit, or null when there was nothing to commit.
 */
export async function commitWork(
  place: Place,
  message: string,
  paths: readonly string[] | null,
  hunks: readonly ChosenHunks[] = [],
): Promise<string | null> {
  if (message.includes('\0')) throw new Failure('bad_message', 'The message must be free of NUL characters.');
  const at = await repositoryOf(place);
  return withRepository(at.common, async () => {
    if (place.worktree) await refuseOtherBranch(at, place.worktree, ['merge']);
    const isMerging = (await commitOf(at, 'MERGE_HEAD')) !== null; // git refuses a partial commit then
    if (isMerging && hunks.length) throw mergeUnderWay(at);
    const parts = new Set(hunks.map(({ path }) => path));
    const entries = await pendingWork(at, paths && [...paths, ...parts]);
    await refuseUncommittable(at, entries);
    const files = entries.map(({ path }) => path).filter((path) => !parts.has(pathText(path).path));
    if (hunks.length) return await commitHunks(at, { message, author: await author(at), files, hunks });
    if (!files.length) return null;
    await addPaths(at, files);
    await commitFiles(at, message, isMerging ? null : files);
    return await commitOf(at, 'HEAD');
  });
}

const mergeUnderWay = ({ top }: Repository) =>
  new Failure('worktree_busy', `A merge is under way in ${top}: git commits it as a whole. Commit all files.`, {
    params: { operation: 'merge', path: top },
  });

/** Throws Failure for conflicts, repositories inside, and filters that are not run. */
async function refuseUncommittable(at: Repository, entries: StatusEntry[]): Promise<void> {
  const conflicts = entries.filter(({ code }) => code.includes('U') || code === 'AA' || code === 'DD');
  if (conflicts.length) {
    const files = names(conflicts.map((entry) => entry.path));
    throw new Failure('unresolved', `Resolve the conflicts first: ${files}.`, { params: { files } });
  }
  if (entries.length) await refuseNested(at, entries);
  await refuseIgnoredFilters(at, entries.map((entry) => entry.path));
}

/** A new repository inside, which git lists as one directory. */
const isNested = ({ code, path }: StatusEntry) => code === '??' && path.at(-1) === SLASH;

/** A Failure that names repositories inside. */
export function nestedRepository(nested: Buffer[], consequence: string, remedy: string): Failure {
  const files = names(nested);
  const text = `A repository of its own is inside: ${files}. ${consequence} ${remedy}`;
  return new Failure('nested_repository', text, { params: { files } });
}

/** git would commit a pointer to its commit, without a single file; one that the agent has added is such a pointer already. */
async function refuseNested(at: Repository, entries: StatusEntry[]): Promise<void> {
  const wanted = new Set(entries.map(({ path }) => path.toString('latin1')));
  const staged = (await stagedPointers(at)).filter((path) => wanted.has(path.toString('latin1')));
  const nested = [...entries.filter(isNested).map(({ path }) => path), ...staged];
  if (!nested.length) return;
  throw nestedRepository(
    nested,
    'Its files would not be in the commit.',
    'Ask the agent to remove the .git folder in it, to add it as a submodule, or to add it to .gitignore, then commit again.',
  );
}

/** Commits these files only, or what is in the index. A message may be longer than an argument can be: git reads it. */
async function commitFiles(at: Where, message: string, files: Buffer[] | null): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'agent-monitor-commit-'));
  try {
    const only = ['--only', `--pathspec-from-file=${join(directory, 'files')}`, '--pathspec-file-nul'];
    if (files) await writeFile(join(directory, 'files'), nulJoined(files));
    await git(
      at,
      [...await author(at), 'commit', '--quiet', '--no-verify', '--file=-', ...(files ? only : [])],
      { input: message },
    );
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** Who commits: the user as git knows them, else a name that says what did it. */
export async function author(at: Where): Promise<string[]> {
  const { code } = await git(at, ['var', 'GIT_COMMITTER_IDENT'], { codes: [1, 128] });
  return code === 0 ? [] : ['-c', 'user.name=Agent Monitor', '-c', 'user.email=agent-monitor@localhost'];
}

/**
 * Throws Failure when something is under way in the worktree, or another branch than the agent's is checked out: what is
 * committed would not be on it. `allowed`: names of operations that are no obstacle.
 */
export async function refuseOtherBranch(
  at: Repository,
  { path, branch }: WorktreeInfo,
  allowed: string[] = [],
): Promise<void> {
  const operation = await operationIn(at.gitDir);
  if (operation && !allowed.includes(operation.name)) {
    throw new Failure(
      'worktree_busy',
      `A ${operation.name} is under way in ${path}. Ask the agent to ${operation.ending}, then try again.`,
      { params: { operation: operation.name, path } },
    );
  }
  const current = await currentBranch(at);
  if (current === branch) return;
  throw new Failure(
    'other_branch',
    `${current ? `The branch ${current}` : 'A commit without a branch'} is checked out in ${path}, not ${branch}. ` +
      `Ask the agent to bring its commits to ${branch} and to check that out (git checkout ${branch}), then try again.`,
    { params: { branch, path } },
  );
}

/**
 * Discards what is not committed, of `paths` or all of it; only in an agent's worktree. A repository inside has commits of its
 * own: unless `paths` names it, it stays, as with `git clean`. Returns the number of files.
 */
export async function discardWork(place: Place, paths: readonly string[] | null): Promise<number> {
  if (!place.worktree) {
    throw new Failure(
      'no_worktree',
      'This agent works in the folder itself, where changes may be your own: discard them with git.',
    );
  }
  const at = await repositoryOf(place);
  return withRepository(at.common, async () => {
    const pending = await pendingWork(at, paths);
    const entries = paths ? pending : pending.filter((entry) => !isNested(entry));
    if (!entries.length) refuseDiscard(pending);
    const files = entries.map((entry) => entry.path);
    if (!files.length) return 0;
    // New files are only removed: none of them is written.
    const written = entries.filter(({ code }) => code !== '??' && !code.startsWith('A'));
    await refuseIgnoredFilters(at, written.map((entry) => entry.path));
    const pathspec = ['--pathspec-from-file=-', '--pathspec-file-nul'];
    await git(at, ['reset', '--quiet', 'HEAD', ...pathspec], { input: nulJoined(files) });
    const after = new Map((await statusOf(at)).map((entry) => [entry.path.toString('latin1'), entry.code]));
    const tracked = files.filter((path) => (after.get(path.toString('latin1')) ?? '??') !== '??');
    if (tracked.length) await git(at, ['checkout', '--quiet', 'HEAD', ...pathspec], { input: nulJoined(tracked) });
    for (const path of files) if (after.get(path.toString('latin1')) === '??') await removeUntracked(at.top, path);
    return files.length;
  });
}

/** The path is passed as bytes: a name need not be UTF-8. */
async function removeUntracked(top: string, path: Buffer): Promise<void> {
  const full = Buffer.concat([Buffer.from(`${top}/`), path]);
  if (path.at(-1) === SLASH) return await rm(full.toString('utf8'), { recursive: true, force: true });
  await unlink(full);
}

/** Nothing but repositories is left to discard. */
function refuseDiscard(nested: StatusEntry[]): void {
  if (!nested.length) return;
  throw nestedRepository(
    nested.map(({ path }) => path),
    'Its commits would be lost with it.',
    'Discard it by its name, if nobody needs them.',
  );
}
