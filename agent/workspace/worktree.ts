/**
 * An agent's own checkout: `<repository>/.agent-worktrees/agent-<id8>` on the branch `agent-<id8>`. What is in it and nowhere
 * else is work; nothing here removes a worktree before unmergedWork() was asked.
 */
import { Buffer } from 'node:buffer';
import { lstat, mkdir, realpath, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join, relative } from 'node:path';
import { HttpError } from '../../core/http/reply.ts';
import type { WorktreeInfo } from '../../core/wire/types.ts';
import { git, GitError, gitText, pathText, withRepository } from './git.ts';
import { nestedWork } from './nested.ts';
import { readPlaced } from './placed.ts';
import {
  baseRevision,
  commitOf,
  currentBranch,
  findRepository,
  isCommitName,
  type Repository,
  statusOf,
} from './repository.ts';

export const WORKTREES = '.agent-worktrees';
/** How many names are tried when a branch or folder of an earlier agent is in the way. */
const NAME_TRIES = 20;
/** Names shown in one sentence. */
const NAMES_SHOWN = 3;

export interface MadeWorktree {
  worktree: WorktreeInfo;
  /** Where the agent works: the folder of the worktree that corresponds to the chosen folder. */
  cwd: string;
  /** Files of the chosen checkout that are not committed, and so are not in the worktree. */
  uncommitted: number;
}

/** Makes the worktree for an agent that is to work in `directory` (real path, inside `repository`). Throws HttpError 409. */
export function makeWorktree(repository: Repository, directory: string, agentId: string): Promise<MadeWorktree> {
  return withRepository(repository.common, async () => {
    const start = await commitOf(repository.top, 'HEAD');
    if (!start) {
      throw new HttpError(
        409,
        'no_commit',
        `The repository ${repository.top} has no commit yet, so no worktree can be made. Commit something first, or choose to work in the folder itself.`,
      );
    }
    try {
      const base = await currentBranch(repository.top) ?? start;
      const folder = await worktreesFolder(repository.top);
      const name = await freeName(repository.top, folder, agentId);
      const path = join(folder, name);
      await git(repository.top, ['worktree', 'add', '--quiet', '-b', name, '--', path, start]);
      const cwd = join(path, relative(repository.top, directory));
      // The chosen folder may hold nothing that git tracks.
      await mkdir(cwd, { recursive: true });
      return { worktree: { path, branch: name, base }, cwd, uncommitted: (await statusOf(repository.top)).length };
    } catch (error) {
      throw worktreeFailure(error);
    }
  });
}

const worktreeFailure = (error: unknown) =>
  error instanceof HttpError ? error : new HttpError(
    409,
    'worktree_failed',
    `No worktree could be made: ${(error as Error).message} Mend that, or choose to work in the folder itself.`,
  );

/** The folder that holds the worktrees. It ignores itself, so that nobody's `git status` shows it. */
async function worktreesFolder(top: string): Promise<string> {
  // An agent that is started in another agent's worktree becomes its neighbour, not its part.
  const folder = basename(dirname(top)) === WORKTREES ? dirname(top) : join(top, WORKTREES);
  await mkdir(folder, { recursive: true });
  if ((await lstat(folder)).isSymbolicLink()) throw new Error(`${folder} is a symbolic link; a folder must be there.`);
  await writeFile(join(folder, '.gitignore'), '*\n', { flag: 'wx' }).catch((error) => {
    if (error.code !== 'EEXIST') throw error;
  });
  return folder;
}

async function freeName(top: string, folder: string, agentId: string): Promise<string> {
  const id = agentId.replace(/[^A-Za-z0-9]/g, '').slice(0, 8);
  for (let n = 1; n <= NAME_TRIES; n++) {
    const name = n === 1 ? `agent-${id}` : `agent-${id}-${n}`;
    const isTaken = await lstat(join(folder, name)).then(() => true, () => false);
    if (!isTaken && !(await commitOf(top, `refs/heads/${name}`))) return name;
  }
  throw new Error(`every name up to agent-${id}-${NAME_TRIES} is taken in ${folder}.`);
}

/** The folder in which an agent with this worktree was started; `directory` as the user gave it. */
export async function workFolder(worktree: WorktreeInfo, directory: string): Promise<string> {
  const top = (await findRepository(directory).catch(() => null))?.top;
  if (!top) return worktree.path;
  const inside = relative(top, await realpath(directory));
  return inside.startsWith('..') ? worktree.path : join(worktree.path, inside);
}

/** True when the path has the shape that makeWorktree() gives: nothing else is ever deleted. */
const isOurs = (worktree: WorktreeInfo) =>
  basename(dirname(worktree.path)) === WORKTREES && /^agent-[A-Za-z0-9-]+$/.test(basename(worktree.path));

/** A checkout from which the repository can be asked also when the worktree itself is gone. */
const mainFolder = (worktree: WorktreeInfo) => dirname(dirname(worktree.path));

const exists = (path: string) => lstat(path).then(() => true, () => false);

/**
 * What would be lost with the worktree and its branch: a sentence each for changes that are not committed, files that git does
 * not track, repositories inside it, and commits that are on no other branch, remote or tag. What cannot be found out counts as work.
 */
export async function unmergedWork(worktree: WorktreeInfo): Promise<string[]> {
  try {
    if (!(await exists(worktree.path))) return await lostCommits(mainFolder(worktree), worktree);
    const placed = await readPlaced(worktree.path);
    const status = (await statusOf(worktree.path)).filter((entry) => !placed.isUnchanged(entry.path));
    const untracked = status.filter((entry) => entry.code === '??');
    const changed = status.filter((entry) => entry.code !== '??');
    return [
      ...filesSentence(changed, 'file has changes that are not committed', 'files have changes that are not committed'),
      ...filesSentence(untracked, 'new file is not in git', 'new files are not in git'),
      ...filesSentence(
        (await nestedWork(worktree.path, mainFolder(worktree))).map((path) => ({ path: Buffer.from(path) })),
        'repository inside has work that is nowhere else',
        'repositories inside have work that is nowhere else',
      ),
      ...await lostCommits(worktree.path, worktree),
    ];
  } catch (error) {
    if (await isGone(worktree)) return [];
    return [`It could not be found out whether ${worktree.path} holds unmerged work: ${(error as Error).message}`];
  }
}

/** Nothing is left to lose: neither the worktree nor the repository that it was made from. */
const isGone = async (worktree: WorktreeInfo) =>
  !(await exists(worktree.path)) && !(await exists(mainFolder(worktree)));

function filesSentence(entries: { path: Buffer }[], one: string, many: string): string[] {
  if (!entries.length) return [];
  const names = entries.slice(0, NAMES_SHOWN).map((entry) => pathText(entry.path).path).join(', ');
  const more = entries.length > NAMES_SHOWN ? ' …' : '';
  return [`${entries.length} ${entries.length === 1 ? one : many}: ${names}${more}`];
}

/** `cwd`: the worktree, or another checkout of its repository when it is gone. */
async function lostCommits(cwd: string, { path, branch, base }: WorktreeInfo): Promise<string[]> {
  const tip = await commitOf(cwd, `refs/heads/${branch}`);
  const head = cwd === path ? await commitOf(cwd, 'HEAD') : tip;
  const tips = [...new Set([tip, head].filter((commit) => commit !== null))];
  if (!tips.length) return [];
  // --exclude names what the --branches behind it leaves out.
  const elsewhere = ['--not', `--exclude=${branch}`, '--branches', '--remotes', '--tags'];
  const count = Number(await gitText(cwd, ['rev-list', '--count', ...tips, ...elsewhere]));
  if (!count || (tips.length === 1 && await isContained(cwd, tips[0]!, base))) return [];
  return [
    `${count} ${count === 1 ? 'commit' : 'commits'} on ${branch} ${count === 1 ? 'is' : 'are'} not in ${
      baseName(base)
    }.`,
  ];
}

export const baseName = (base: string) => (isCommitName(base) ? base.slice(0, 8) : base);

/** Merging the commit would change nothing in the base: its work got there in another way (squash, cherry-pick). */
async function isContained(cwd: string, commit: string, base: string): Promise<boolean> {
  try {
    const revision = baseRevision(base);
    const merged = await gitText(cwd, ['merge-tree', '--write-tree', '--no-messages', revision, commit]);
    return merged === await gitText(cwd, ['rev-parse', '--verify', '--end-of-options', `${revision}^{tree}`]);
  } catch {
    return false; // a conflict, or a git older than 2.38
  }
}

/** Removes the worktree with all that is in it, and its branch. Ask unmergedWork() before. */
export async function removeWorktree(worktree: WorktreeInfo): Promise<void> {
  if (!isOurs(worktree)) throw new HttpError(409, 'not_a_worktree', `${worktree.path} is no worktree of an agent.`);
  const main = mainFolder(worktree);
  const repository = await findRepository(main).catch(() => null);
  await withRepository(repository?.common ?? main, async () => {
    if (await exists(worktree.path)) {
      await git(main, ['worktree', 'remove', '--force', '--force', '--', worktree.path]).catch(() => {});
      // What git leaves: files that appeared meanwhile, folders that it does not know. Links are not followed.
      await rm(worktree.path, { recursive: true, force: true, maxRetries: 3 });
    }
    if (!repository) return;
    await git(main, ['worktree', 'prune']).catch(() => {});
    // Kept when it is checked out elsewhere: somebody went on with it.
    await git(main, ['branch', '--quiet', '-D', '--', worktree.branch]).catch(ignoreGitError);
  });
}

const ignoreGitError = (error: unknown) => {
  if (!(error instanceof GitError)) throw error;
};
