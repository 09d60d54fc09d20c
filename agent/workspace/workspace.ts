/** Where agents work: directories, worktrees, and the changes in them. */
import { stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { Failure } from '../../core/api/errors.ts';
import type { AgentInfo, ProviderName, WorktreeInfo } from '../../core/api/agents.ts';
import type { FileDiff } from '../../core/api/messages.ts';
import { list, string } from '../../core/api/schema.ts';
import type {
  Changes,
  ChosenHunks,
  DirectoryListing,
  Instructions,
  NewDirectoryBody,
  PullRequestTarget,
  PullRequestText,
  RemoteWork,
} from '../../core/api/workspace.ts';
import type { AgentContext } from '../context.ts';
import { type Document, openDocument } from '../store/document.ts';
import { fileDiff, listChanges, type Place, uncommittedDiff } from './changes.ts';
import { commitWork, discardWork } from './commit.ts';
import { listDirectories, makeDirectory } from './directories.ts';
import { GitError } from './git.ts';
import { readInstructions, writeInstructions } from './instructions.ts';
import { GitIsolation } from './isolation.ts';
import { type MergeOutcome, mergeWork } from './merge.ts';
import { openPatch } from './patch.ts';
import { openPullRequest } from './pull-request.ts';
import { pullRequestTarget } from './pull-request-target.ts';
import { pushWork } from './push.ts';
import { RemoteWorks } from './remote-work.ts';
import { undoHunk } from './undo.ts';
import { type UpdateOutcome, updateWork } from './update.ts';
import { type Prepared, prepareDirectory, type PrepareRequest, type PrepareSettings } from './prepare.ts';
import { SetupRuns } from './setup.ts';
import { unmergedWork } from './unmerged.ts';
import { refuseUnremovable, removeUnfinished, removeWorktree, workDirectory } from './worktree.ts';

/** Folders that the picker offers first. */
const MAX_RECENT = 10;

/** Where agents work: their directories and worktrees, and the work in them. `agent`: the one whose work it is. */
export interface Workspace {
  /** Through it git looks at a repository. */
  readonly isolation: GitIsolation;
  /** Makes the directory of a new agent ready, see prepareDirectory(). Throws Failure. */
  prepare(request: PrepareRequest): Promise<Prepared>;
  /** What would be lost if the worktree were removed; empty when nothing. One sentence a kind of work. */
  unmerged(worktree: WorktreeInfo): Promise<string[]>;
  /** Throws Failure when `remove` would: the worktree is locked, or something in it cannot be removed. Removes nothing. */
  refuseUnremovable(worktree: WorktreeInfo): Promise<void>;
  /** Removes the worktree with its branch, as a whole or not at all. Throws Failure, unless `discardWork` also `unmerged_work`. */
  remove(worktree: WorktreeInfo, options: { discardWork: boolean }): Promise<void>;
  /** Removes a worktree whose agent was never made, if nobody has committed in it. Throws Failure `unmerged_work`. */
  removeUnfinished(worktree: WorktreeInfo): Promise<void>;
  directories(request: { path: string; hidden: boolean }): Promise<DirectoryListing>;
  /** Makes a directory within those that may be listed. @returns its path. Throws Failure. */
  makeDirectory(request: NewDirectoryBody): Promise<string>;
  instructions(agent: AgentInfo): Promise<Instructions>;
  setInstructions(agent: AgentInfo, content: string, version?: string): Promise<Instructions>;
  changes(agent: AgentInfo): Promise<Changes>;
  diff(agent: AgentInfo, path: string): Promise<FileDiff>;
  /** What of one file is not committed. */
  uncommittedDiff(agent: AgentInfo, path: string): Promise<FileDiff>;
  patch(agent: AgentInfo): Promise<{ stream: Readable; close(): Promise<void> }>;
  /** Returns the commit, or null when there was nothing to commit. */
  commit(
    agent: AgentInfo,
    message: string,
    paths: string[] | null,
    hunks?: readonly ChosenHunks[],
  ): Promise<string | null>;
  merge(agent: AgentInfo): Promise<MergeOutcome>;
  /** Merges the base into the agent's branch. */
  update(agent: AgentInfo): Promise<UpdateOutcome>;
  /** Undoes one hunk of a file's diff. Throws Failure `changed` when it is not there any more. */
  undo(agent: AgentInfo, path: string, hunk: string): Promise<void>;
  /** Begins a push of the agent's branch, or with a text also a pull request; one at a time for each agent. */
  startRemoteWork(agent: AgentInfo, pullRequest: PullRequestText | null): RemoteWork;
  /** Where a pull request would go. Throws Failure. */
  pullRequestTarget(agent: AgentInfo): Promise<PullRequestTarget>;
  /** null: none was asked for since the server began. */
  remoteWork(agent: AgentInfo): RemoteWork | null;
  cancelRemoteWork(agent: AgentInfo): Promise<RemoteWork | null>;
  discard(agent: AgentInfo, paths: string[] | null): Promise<number>;
  /** Ends setup commands and pushes that still run. */
  close(): Promise<void>;
}

/** What making and removing an agent takes of it. */
export type AgentWorkspace = Pick<
  Workspace,
  'prepare' | 'unmerged' | 'refuseUnremovable' | 'remove' | 'removeUnfinished'
>;

/** The settings that a new worktree and the folder picker follow. */
export interface WorkspaceSettings extends PrepareSettings {
  roots: string[];
}

/** @param settings read for every request */
export function createWorkspace(context: AgentContext, settings: () => WorkspaceSettings): Workspace {
  const isolation = new GitIsolation(join(context.config.dataDir, 'git-isolation'));
  const recent = openRecent(context);
  const setups = new SetupRuns(context.config.dataDir);
  const remoteWorks = new RemoteWorks();
  const roots = () => [homedir(), context.config.defaultDirectory, ...settings().roots];
  return {
    isolation,
    close: async () => void await Promise.all([setups.close(), remoteWorks.close()]),
    prepare: async (request) => {
      const result = await prepareDirectory({ context, isolation, settings: settings(), setups }, request);
      await remember(recent, result.directory)
        .catch((error) => context.log.warn('The recent folders were not saved', { error: error.message }));
      return result;
    },
    unmerged: (worktree) => unmergedWork(isolation, worktree),
    refuseUnremovable: (worktree) => refuseUnremovable(isolation, worktree),
    remove: (worktree, { discardWork }) =>
      removeWorktree(isolation, worktree, {
        discardWork,
        onRemoving: async () => void await Promise.all([setups.end(worktree.path), remoteWorks.forget(worktree.path)]),
      }),
    removeUnfinished: (worktree) => removeUnfinished(isolation, worktree),
    makeDirectory: (request) => makeDirectory({ ...request, roots: roots() }),
    directories: ({ path, hidden }) =>
      listDirectories({
        path: path || context.config.defaultDirectory,
        hidden,
        roots: roots(),
        recent: recent.value,
      }),
    ...workOf(isolation),
    ...remoteWorkOf(isolation, remoteWorks),
  };
}

/** What its pushes are known by: who removes a worktree knows of no agent. */
const nameOf = ({ id, worktree }: AgentInfo): string => worktree?.path ?? id;

/** For what is bounded in time, and is waited for. */
const NEVER = new AbortController().signal;

/** Pushes and pull requests of agents. */
function remoteWorkOf(
  isolation: GitIsolation,
  works: RemoteWorks,
): Pick<Workspace, 'startRemoteWork' | 'pullRequestTarget' | 'remoteWork' | 'cancelRemoteWork'> {
  const push = onPlace(isolation, (place, signal: AbortSignal) => pushWork(place, signal));
  const request = onPlace(
    isolation,
    (place, text: PullRequestText, signal: AbortSignal) => openPullRequest(place, text, signal),
  );
  return {
    startRemoteWork: (agent, text) =>
      works.start(
        nameOf(agent),
        text ? 'pull-request' : 'push',
        agent.worktree?.branch ?? '',
        (signal) => text ? request(agent, text, signal) : push(agent, signal),
      ),
    pullRequestTarget: onPlace(isolation, (place) => pullRequestTarget(place, NEVER)),
    remoteWork: (agent) => works.get(nameOf(agent)),
    cancelRemoteWork: (agent) => works.cancel(nameOf(agent)),
  };
}

type WorkActions = Pick<
  Workspace,
  | 'instructions'
  | 'setInstructions'
  | 'changes'
  | 'diff'
  | 'uncommittedDiff'
  | 'patch'
  | 'commit'
  | 'merge'
  | 'update'
  | 'undo'
  | 'discard'
>;

/** An action of an agent, at the place where it works. */
const onPlace =
  <A extends unknown[], T>(isolation: GitIsolation, action: (place: AgentPlace, ...rest: A) => Promise<T>) =>
  async (agent: AgentInfo, ...rest: A): Promise<T> => {
    try {
      return await action(await placeOf(isolation, agent), ...rest);
    } catch (error) {
      throw gitFailure(error);
    }
  };

/** What can be done with the work of an agent. */
function workOf(isolation: GitIsolation): WorkActions {
  return {
    instructions: onPlace(isolation, ({ cwd, provider }) => readInstructions(cwd, provider)),
    setInstructions: onPlace(
      isolation,
      ({ cwd, provider }, content: string, version?: string) => writeInstructions(cwd, provider, content, version),
    ),
    changes: onPlace(isolation, listChanges),
    diff: onPlace(isolation, fileDiff),
    uncommittedDiff: onPlace(isolation, uncommittedDiff),
    patch: onPlace(isolation, openPatch),
    commit: onPlace(isolation, commitWork),
    merge: onPlace(isolation, (place) => mergeWork(place)),
    update: onPlace(isolation, updateWork),
    undo: onPlace(isolation, undoHunk),
    discard: onPlace(isolation, discardWork),
  };
}

async function placeOf(
  isolation: GitIsolation,
  { worktree, directory, provider }: AgentInfo,
): Promise<AgentPlace> {
  const cwd = worktree ? await workDirectory(worktree, directory) : directory;
  if (await isDirectory(cwd)) return { cwd, worktree, provider, isolation };
  throw new Failure('folder_gone', `The folder ${cwd} is not there any more. Bring it back, or delete the agent.`, {
    params: { path: cwd },
  });
}

/** What git refuses (the agent holds a lock, a repository inside has no commit) is the state of the directory, no defect here. */
const gitFailure = (error: unknown) =>
  error instanceof GitError
    ? new Failure('git_failed', `Git could not do this: ${error.message}`, { params: { reason: error.message } })
    : error;

type AgentPlace = Place & { provider: ProviderName };

const isDirectory = (path: string) => stat(path).then((found) => found.isDirectory(), () => false);

function openRecent(context: AgentContext): Document<string[]> {
  return openDocument<string[]>({
    path: join(context.config.dataDir, 'recent-folders.json'),
    initial: [],
    parse: (value) => list(string)(value, 'the list of folders').slice(0, MAX_RECENT),
    warn: (text) => context.warn('recent-folders', text),
  });
}

/** Puts a directory first. */
const remember = (recent: Document<string[]>, directory: string) =>
  recent.update((list) => [directory, ...list.filter((entry) => entry !== directory)].slice(0, MAX_RECENT));
