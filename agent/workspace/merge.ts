/** What is done with an agent's work: commit it, merge it into its base, or throw it away. All in its worktree. */
import { Buffer } from 'node:buffer';
import { mkdtemp, rm, unlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { HttpError } from '../../core/http/reply.ts';
import type { WorktreeInfo } from '../../core/wire/types.ts';
import { addPaths, nulJoined, type Place } from './changes.ts';
import { git, gitText, pathText, splitNul, withRepository } from './git.ts';
import { readPlaced } from './placed.ts';
import { checkoutsOf, commitOf, findRepository, isCommitName, type StatusEntry, statusOf } from './repository.ts';
import { baseName } from './worktree.ts';

/** Names shown in one sentence. */
const NAMES_SHOWN = 5;

async function repositoryOf(place: Place) {
  const repository = await findRepository(place.cwd);
  if (repository) return repository;
  throw new HttpError(409, 'no_repository', `${place.cwd} is not a git repository.`);
}

/** The uncommitted files that are work; `paths` limits them. */
async function pendingWork(top: string, paths: readonly string[] | null): Promise<StatusEntry[]> {
  const placed = await readPlaced(top);
  const wanted = paths && new Set(paths);
  return (await statusOf(top)).filter(({ path }) =>
    wanted ? wanted.has(pathText(path).path) : !placed.isUnchanged(path)
  );
}

/**
 * Commits what is not committed: all of it, or `paths`. Hooks and signatures of the user are left out (nobody is there to
 * answer them). Gives the commit, or null when there was nothing to commit.
 */
export async function commitWork(
  place: Place,
  message: string,
  paths: readonly string[] | null,
): Promise<string | null> {
  if (message.includes('\0')) throw new HttpError(400, 'bad_message', 'The message must be free of NUL characters.');
  const { top, common } = await repositoryOf(place);
  return withRepository(common, async () => {
    const entries = await pendingWork(top, paths);
    const conflicts = entries.filter(({ code }) => code.includes('U') || code === 'AA' || code === 'DD');
    if (conflicts.length) {
      throw new HttpError(
        409,
        'unresolved',
        `Resolve the conflicts first: ${names(conflicts.map((one) => one.path))}.`,
      );
    }
    if (!entries.length) return null;
    const files = entries.map((entry) => entry.path);
    await addPaths(top, files);
    const isMerging = (await commitOf(top, 'MERGE_HEAD')) !== null; // git refuses a partial commit then
    await commitFiles(top, message, isMerging ? null : files);
    return await commitOf(top, 'HEAD');
  });
}

/** Commits these files only, or what is in the index. A message may be longer than an argument can be: git reads it. */
async function commitFiles(top: string, message: string, files: Buffer[] | null): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'agent-monitor-commit-'));
  try {
    const only = ['--only', `--pathspec-from-file=${join(folder, 'files')}`, '--pathspec-file-nul'];
    if (files) await writeFile(join(folder, 'files'), nulJoined(files));
    await git(
      top,
      [...await author(top), 'commit', '--quiet', '--no-verify', '--file=-', ...(files ? only : [])],
      { input: message },
    );
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Who commits: the user as git knows them, else a name that says what did it. */
async function author(top: string): Promise<string[]> {
  const { code } = await git(top, ['var', 'GIT_COMMITTER_IDENT'], { codes: [1, 128] });
  return code === 0 ? [] : ['-c', 'user.name=Agent Monitor', '-c', 'user.email=agent-monitor@localhost'];
}

const names = (paths: Buffer[]) =>
  paths.slice(0, NAMES_SHOWN).map((path) => pathText(path).path).join(', ') + (paths.length > NAMES_SHOWN ? ' …' : '');

/** Throws away what is not committed: of `paths`, or all of it. Only in a worktree of an agent. Gives how many files. */
export async function discardWork(place: Place, paths: readonly string[] | null): Promise<number> {
  if (!place.worktree) {
    throw new HttpError(
      409,
      'no_worktree',
      'This agent works in the folder itself, where changes may be your own: discard them with git.',
    );
  }
  const { top, common } = await repositoryOf(place);
  return withRepository(common, async () => {
    const entries = await pendingWork(top, paths);
    const files = entries.map((entry) => entry.path);
    if (!files.length) return 0;
    const pathspec = ['--pathspec-from-file=-', '--pathspec-file-nul'];
    await git(top, ['reset', '--quiet', 'HEAD', ...pathspec], { input: nulJoined(files) });
    const after = new Map((await statusOf(top)).map((entry) => [entry.path.toString('latin1'), entry.code]));
    const tracked = files.filter((path) => (after.get(path.toString('latin1')) ?? '??') !== '??');
    if (tracked.length) await git(top, ['checkout', '--quiet', 'HEAD', ...pathspec], { input: nulJoined(tracked) });
    for (const path of files) if (after.get(path.toString('latin1')) === '??') await removeUntracked(top, path);
    return files.length;
  });
}

/** The path goes as bytes: a name need not be UTF-8. git lists a repository inside the worktree as one entry, a folder. */
async function removeUntracked(top: string, path: Buffer): Promise<void> {
  const full = Buffer.concat([Buffer.from(`${top}/`), path]);
  if (path.at(-1) === 0x2f) return await rm(full.toString('utf8'), { recursive: true, force: true });
  await unlink(full);
}

export interface MergeOutcome {
  /** Commits that the base got. */
  commits: number;
  base: string;
}

/**
 * Merges the agent's branch into its base. Either all of it is merged or nothing is changed: conflicts, a checkout of the base
 * with changes of its own, or work that is not committed are HttpErrors 409 that say what to do.
 */
export async function mergeWork(place: Place): Promise<MergeOutcome> {
  const { worktree } = place;
  if (!worktree) {
    throw new HttpError(409, 'no_worktree', 'This agent works in the folder itself: there is nothing to merge.');
  }
  const { top, common } = await repositoryOf(place);
  return withRepository(common, async () => {
    const target = await baseCommit(top, worktree);
    const pending = await pendingWork(top, null);
    if (pending.length) {
      throw new HttpError(
        409,
        'uncommitted',
        `Commit or discard these changes before merging: ${names(pending.map((entry) => entry.path))}.`,
      );
    }
    const head = (await commitOf(top, 'HEAD'))!;
    const commits = Number(await gitText(top, ['rev-list', '--count', head, `^${target}`]));
    if (!commits) return { commits: 0, base: worktree.base };
    await refuseConflicts(top, target, head, worktree);
    const checkout = (await checkoutsOf(top)).find((one) => one.branch === `refs/heads/${worktree.base}`);
    if (checkout?.isRebasing) {
      throw new HttpError(
        409,
        'base_busy',
        `${worktree.base} is being rebased in ${checkout.path}. Finish that, then merge again.`,
      );
    }
    if (checkout) await mergeInCheckout(checkout.path, head, worktree);
    else await mergeWithoutCheckout(top, target, head, worktree);
    return { commits, base: worktree.base };
  });
}

async function baseCommit(top: string, { base }: WorktreeInfo): Promise<string> {
  const target = await commitOf(top, `refs/heads/${base}`);
  if (target) return target;
  throw new HttpError(
    409,
    'no_base',
    isCommitName(base)
      ? `The worktree was made from commit ${
        baseName(base)
      } without a branch: merge it with git into the branch of your choice.`
      : `The branch ${base} is gone: merge with git into the branch of your choice.`,
  );
}

/** Asks for conflicts without touching any checkout (git 2.38 or newer; older ones find out while merging). */
async function refuseConflicts(top: string, target: string, head: string, worktree: WorktreeInfo): Promise<void> {
  const args = ['merge-tree', '--write-tree', '--name-only', '--no-messages', '-z', target, head];
  const { code, stdout } = await git(top, args, { codes: [1, 128, 129] });
  if (code === 1) throw conflict(worktree, splitNul(stdout).slice(1));
}

const conflict = ({ base, branch }: WorktreeInfo, files: Buffer[]) =>
  new HttpError(
    409,
    'merge_conflict',
    `${branch} and ${base} changed the same lines in ${names(files) || 'some files'}. Nothing was merged. ` +
      `Ask the agent to merge ${base} into its branch and to resolve the conflicts, then merge again.`,
  );

async function mergeInCheckout(folder: string, head: string, worktree: WorktreeInfo): Promise<void> {
  const { base, branch } = worktree;
  const changed = (await statusOf(folder)).filter((entry) => entry.code !== '??');
  if (changed.length) {
    throw new HttpError(
      409,
      'base_dirty',
      `${base} is checked out in ${folder} with changes that are not committed: ${
        names(changed.map((one) => one.path))
      }. ` +
        `Commit or stash them, then merge again.`,
    );
  }
  if (await commitOf(folder, 'MERGE_HEAD')) { // also without a change in the files
    throw new HttpError(
      409,
      'base_busy',
      `A merge into ${base} is under way in ${folder}. Commit or abort it, then merge again.`,
    );
  }
  const before = await commitOf(folder, 'HEAD');
  try {
    const message = `Merge branch '${branch}'`;
    await git(
      folder,
      [...await author(folder), 'merge', '--quiet', '--ff', '--no-edit', '--no-verify', '-m', message, head],
      { env: withoutMergeOptions(base) },
    );
    const { code } = await git(folder, ['merge-base', '--is-ancestor', head, 'HEAD'], { codes: [1] });
    if (code !== 0) throw new Error('it ended without a commit.');
  } catch (error) {
    const files = await conflictsIn(folder);
    await git(folder, ['merge', '--abort']).catch(() => {});
    if (files.length) throw conflict(worktree, files);
    const said = error instanceof Error ? error.message : String(error);
    const isWhole = await commitOf(folder, 'HEAD') === before;
    throw new HttpError(
      409,
      'merge_failed',
      `Git could not merge into ${base} in ${folder}: ${said}${isWhole ? ' Nothing was merged.' : ''}`,
    );
  }
}

/** What the user set for merges by hand (--no-commit, --squash, a strategy) would leave them half done. */
const withoutMergeOptions = (branch: string): Record<string, string> => ({
  GIT_CONFIG_COUNT: '1',
  GIT_CONFIG_KEY_0: `branch.${branch}.mergeoptions`,
  GIT_CONFIG_VALUE_0: '',
});

async function conflictsIn(folder: string): Promise<Buffer[]> {
  const { stdout } = await git(folder, ['diff', '--name-only', '--diff-filter=U', '-z']);
  return splitNul(stdout);
}

/** The base is checked out nowhere: the merge is made from trees, and the branch moved only if nobody else moved it. */
async function mergeWithoutCheckout(top: string, target: string, head: string, worktree: WorktreeInfo): Promise<void> {
  const { code } = await git(top, ['merge-base', '--is-ancestor', target, head], { codes: [1] });
  const merged = code === 0 ? head : await mergeCommit(top, target, head, worktree);
  await git(top, ['update-ref', '-m', `merge ${worktree.branch}`, `refs/heads/${worktree.base}`, merged, target]);
}

async function mergeCommit(top: string, target: string, head: string, { branch, base }: WorktreeInfo): Promise<string> {
  const tree = await gitText(top, ['merge-tree', '--write-tree', '--no-messages', target, head]);
  const message = `Merge branch '${branch}' into ${base}`;
  return await gitText(top, [...await author(top), 'commit-tree', tree, '-p', target, '-p', head, '-m', message]);
}
