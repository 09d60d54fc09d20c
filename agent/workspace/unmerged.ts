/** What would be lost with an agent's worktree. */
import { Buffer } from 'node:buffer';
import { lstat } from 'node:fs/promises';
import { Failure } from '../../core/api/errors.ts';
import type { WorktreeInfo } from '../../core/api/agents.ts';
import { git, gitText } from './git.ts';
import { adminDirectoryOf, hasAutostash, lockReason, operationIn } from './git-directory.ts';
import { pathText } from './git-output.ts';
import { hiddenChanges } from './hidden.ts';
import { ignoredWork } from './ignored-files.ts';
import type { GitIsolation } from './isolation.ts';
import { nestedWork } from './nested-repositories.ts';
import { baseName, baseRevision, commitOf, type Repository, statusOf } from './repository.ts';
import { readSeededFiles } from './seeded-files.ts';
import { mainDirectory, openCommon, openWorktree } from './worktree-repository.ts';

/** Names shown in one sentence. */
const MAX_NAMES = 3;

const exists = (path: string) => lstat(path).then(() => true, () => false);

/**
 * What would be lost with the worktree and its branch: a sentence each for changes that are not committed or hidden from git,
 * files that git does not track, what it ignores, repositories inside it, what is under way in it, stashes made on its branch, and commits that
 * are on no other branch, remote or tag. What cannot be found out counts as work.
 */
export async function unmergedWork(isolation: GitIsolation, worktree: WorktreeInfo): Promise<string[]> {
  try {
    const common = await openCommon(isolation, worktree);
    const admin = await adminDirectoryOf(common.common, worktree.path);
    return [
      ...await exists(worktree.path) ? await workInDirectory(isolation, worktree) : [],
      ...admin ? await standingWork(admin) : [],
      ...await stashes(common, worktree),
      ...await lostCommits(common, admin, worktree),
    ];
  } catch (error) {
    if (await isGone(worktree)) return [];
    return [`It could not be found out whether ${worktree.path} holds unmerged work: ${(error as Error).message}`];
  }
}

/** Throws Failure `unmerged_work`, unless `work` of unmergedWork() is empty. */
export function refuseLoss(work: string[]): void {
  if (!work.length) return;
  const params = { work: work.join('\n') };
  throw new Failure('unmerged_work', `Deleting this agent would lose work: ${work.join(' ')}`, { params });
}

async function workInDirectory(isolation: GitIsolation, worktree: WorktreeInfo): Promise<string[]> {
  const at = await openWorktree(isolation, worktree);
  const seeded = await readSeededFiles(at);
  const status = (await statusOf(at)).filter((entry) => !seeded.isUnchanged(entry.path));
  const untracked = status.filter((entry) => entry.code === '??');
  const changed = status.filter((entry) => entry.code !== '??');
  const hidden = (await hiddenChanges(at)).filter((path) => !seeded.isUnchanged(path));
  const nested = await nestedWork(at, mainDirectory(worktree));
  const ignored = await ignoredWork(at, mainDirectory(worktree));
  return [
    ...filesSentence(changed, 'file has changes that are not committed', 'files have changes that are not committed'),
    ...filesSentence(untracked, 'new file is not in git', 'new files are not in git'),
    ...filesSentence(
      hidden.map((path) => ({ path })),
      'file has changes that git was told not to look at (assume-unchanged, skip-worktree)',
      'files have changes that git was told not to look at (assume-unchanged, skip-worktree)',
    ),
    ...filesSentence(
      ignored.map((path) => ({ path })),
      'file or folder that git ignores is nowhere else',
      'files or folders that git ignores are nowhere else',
    ),
    ...filesSentence(
      nested.map((path) => ({ path: Buffer.from(path) })),
      'repository inside has work that is nowhere else',
      'repositories inside have work that is nowhere else',
    ),
  ];
}

/** What git has stored beside the worktree. */
async function standingWork(admin: string): Promise<string[]> {
  const [lock, operation] = [await lockReason(admin), await operationIn(admin)];
  return [
    ...lock !== null ? [lockedSentence(lock)] : [],
    ...operation ? [`A ${operation.name} is under way in it.`] : [],
    ...await hasAutostash(admin) ? ['Changes that were put aside (autostash) come back only when that has ended.'] : [],
  ];
}

/** @param reason of lockReason() */
export const lockedSentence = (reason: string) => `The worktree is locked (git worktree lock): ${reason}.`;

/** A stash outlives its worktree, but with the branch nobody knows any more what it belongs to. */
async function stashes(common: Repository, { branch }: WorktreeInfo): Promise<string[]> {
  const { code, stdout } = await git(common, ['log', '-g', '--format=%gs', 'refs/stash', '--'], { codes: [128] });
  if (code !== 0) return []; // there is none
  const own = stdout.toString('utf8').split('\n')
    .filter((line) => line.startsWith(`WIP on ${branch}: `) || line.startsWith(`On ${branch}: `));
  if (!own.length) return [];
  return [`${own.length} ${own.length === 1 ? 'stash was' : 'stashes were'} made on ${branch} (git stash list).`];
}

/** Nothing is left to lose: neither the worktree nor the repository that it was made from. */
const isGone = async (worktree: WorktreeInfo) =>
  !(await exists(worktree.path)) && !(await exists(mainDirectory(worktree)));

function filesSentence(entries: { path: Buffer }[], single: string, plural: string): string[] {
  if (!entries.length) return [];
  const names = entries.slice(0, MAX_NAMES).map((entry) => pathText(entry.path).path).join(', ');
  const more = entries.length > MAX_NAMES ? ' …' : '';
  return [`${entries.length} ${entries.length === 1 ? single : plural}: ${names}${more}`];
}

/** `admin`: git's own directory of the worktree; its HEAD counts too, also when the worktree itself is gone. */
async function lostCommits(
  common: Repository,
  admin: string | null,
  { branch, base }: WorktreeInfo,
): Promise<string[]> {
  const tips = [...new Set([await commitOf(common, `refs/heads/${branch}`), ...await ownTips(common, admin)])]
    .filter((commit) => commit !== null);
  if (!tips.length) return [];
  // --exclude names what the --branches behind it leaves out.
  const elsewhere = ['--not', `--exclude=${branch}`, '--branches', '--remotes', '--tags'];
  const count = Number(await gitText(common, ['rev-list', '--count', ...tips, ...elsewhere]));
  if (!count || (tips.length === 1 && await isContained(common, tips[0]!, base))) return [];
  return [
    `${count} ${count === 1 ? 'commit' : 'commits'} on ${branch} ${count === 1 ? 'is' : 'are'} not in ${
      baseName(base)
    }.`,
  ];
}

/** Commits that only the worktree names: its HEAD, and its refs/worktree. */
async function ownTips(common: Repository, admin: string | null): Promise<(string | null)[]> {
  if (!admin) return [];
  const own = { ...common, env: { ...common.env, GIT_DIR: admin } };
  const refs = await gitText(own, ['for-each-ref', '--format=%(objectname)', 'refs/worktree']);
  return [await commitOf(own, 'HEAD'), ...refs.split('\n').filter(Boolean)];
}

/** Merging the commit would change nothing in the base: its work got there in another way (squash, cherry-pick). */
async function isContained(common: Repository, commit: string, base: string): Promise<boolean> {
  try {
    const revision = baseRevision(base);
    const merged = await gitText(common, ['merge-tree', '--write-tree', '--no-messages', revision, commit]);
    return merged === await gitText(common, ['rev-parse', '--verify', '--end-of-options', `${revision}^{tree}`]);
  } catch {
    return false; // a conflict, or a git older than 2.38
  }
}
