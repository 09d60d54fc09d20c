/** Where agents work: folders, worktrees, what changed in them. */
import { readFile, realpath, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, isAbsolute, join } from 'node:path';
import type { Readable } from 'node:stream';
import { HttpError } from '../../core/http/reply.ts';
import type { AgentInfo, FileDiff, ProviderName, WorktreeInfo } from '../../core/wire/types.ts';
import type { Changes, DirectoryListing, Instructions } from '../../core/wire/workshop.ts';
import type { Document, House, Workspace } from '../rooms.ts';
import { openSettings, type SettingsDocument } from '../settings.ts';
import { openDocument } from '../store/document.ts';
import { ensureFolder, writeWhole } from '../store/files.ts';
import { fileDiff, listChanges, openPatch, type Place } from './changes.ts';
import { listDirectories } from './directories.ts';
import { GitError } from './git.ts';
import { instructionsFile, readInstructions, writeInstructions } from './instructions.ts';
import { commitWork, discardWork, type MergeOutcome, mergeWork } from './merge.ts';
import { copyInto, recordPlaced } from './placed.ts';
import { findRepository } from './repository.ts';
import { runSetup } from './setup.ts';
import { makeWorktree, removeWorktree, unmergedWork, workFolder } from './worktree.ts';

/** Folders that the picker offers first. */
const RECENT_COUNT = 10;

/** The workspace with what its own pages need. `agent`: the one whose work it is. */
export interface WorkspaceRoom extends Workspace {
  readonly settings: SettingsDocument;
  directories(request: { path: string; hidden: boolean }): Promise<DirectoryListing>;
  instructions(agent: AgentInfo): Promise<Instructions>;
  setInstructions(agent: AgentInfo, content: string, version?: string): Promise<Instructions>;
  changes(agent: AgentInfo): Promise<Changes>;
  diff(agent: AgentInfo, path: string): Promise<FileDiff>;
  patch(agent: AgentInfo): Promise<{ stream: Readable; close(): Promise<void> }>;
  /** Gives the commit, or null when there was nothing to commit. */
  commit(agent: AgentInfo, message: string, paths: string[] | null): Promise<string | null>;
  merge(agent: AgentInfo): Promise<MergeOutcome>;
  discard(agent: AgentInfo, paths: string[] | null): Promise<number>;
}

export function createWorkspace(house: House): WorkspaceRoom {
  const settings = openSettings(house);
  const recent = openRecent(house);
  const onPlace =
    <A extends unknown[], T>(action: (place: AgentPlace, ...rest: A) => Promise<T>) =>
    async (agent: AgentInfo, ...rest: A) => {
      try {
        return await action(await placeOf(agent), ...rest);
      } catch (error) {
        throw gitFailure(error);
      }
    };
  return {
    settings,
    prepare: async (request) => {
      const made = await prepare(house, settings.value, request);
      await recent.update((list) =>
        [made.directory, ...list.filter((one) => one !== made.directory)].slice(0, RECENT_COUNT)
      )
        .catch((error) => house.log.warn('The recent folders were not saved', { error: error.message }));
      return made;
    },
    unmerged: unmergedWork,
    remove: removeWorktree,
    directories: ({ path, hidden }) =>
      listDirectories({
        path: path || house.config.defaultDirectory,
        hidden,
        roots: [homedir(), house.config.defaultDirectory, ...settings.value.roots],
        recent: recent.value,
      }),
    instructions: onPlace(({ cwd, provider }) => readInstructions(cwd, provider)),
    setInstructions: onPlace(({ cwd, provider }, content, version) =>
      writeInstructions(cwd, provider, content, version)
    ),
    changes: onPlace(listChanges),
    diff: onPlace(fileDiff),
    patch: onPlace(openPatch),
    commit: onPlace(commitWork),
    merge: onPlace(mergeWork),
    discard: onPlace(discardWork),
  };

  async function placeOf({ worktree, directory, provider }: AgentInfo): Promise<AgentPlace> {
    const cwd = worktree ? await workFolder(worktree, directory) : directory;
    if (await isFolder(cwd)) return { cwd, worktree, provider };
    throw new HttpError(409, 'folder_gone', `The folder ${cwd} is not there any more.`);
  }
}

/** What git refuses (the agent holds a lock, a repository inside has no commit) is the state of the folder, no defect here. */
const gitFailure = (error: unknown) =>
  error instanceof GitError ? new HttpError(409, 'git_failed', `Git could not do this: ${error.message}`) : error;

type AgentPlace = Place & { provider: ProviderName };

const isFolder = (path: string) => stat(path).then((found) => found.isDirectory(), () => false);

function openRecent(house: House): Document<string[]> {
  return openDocument<string[]>({
    path: join(house.config.dataDir, 'recent-folders.json'),
    initial: [],
    parse: (value) => {
      if (Array.isArray(value) && value.every((one) => typeof one === 'string')) return value.slice(0, RECENT_COUNT);
      throw new Error('not a list of folders');
    },
    warn: (text) => house.warn('recent-folders', text),
  });
}

type Prepare = Workspace['prepare'];

async function prepare(
  house: House,
  settings: { copyFiles: string[]; setupCommands: string[] },
  { agentId, directory: asked, flags, provider = 'claude', claudeMd = '' }: Parameters<Prepare>[0],
): ReturnType<Prepare> {
  const directory = await chosenFolder(asked);
  if (flags.worktree === false) {
    return {
      directory,
      cwd: directory,
      worktree: null,
      notice: await replaceInstructions(house, agentId, directory, provider, claudeMd),
    };
  }
  const repository = await findRepository(directory);
  if (!repository) {
    const notices = [
      `${directory} is not a git repository: the agent works in the folder itself, without a branch of its own.`,
      await replaceInstructions(house, agentId, directory, provider, claudeMd),
    ];
    return { directory, cwd: directory, worktree: null, notice: joined(notices) };
  }
  const { worktree, cwd, uncommitted } = await makeWorktree(repository, await realpath(directory), agentId);
  try {
    const placed = await copyInto(repository.top, worktree.path, settings.copyFiles);
    if (claudeMd) await writeInstructions(cwd, provider, claudeMd);
    await recordPlaced(worktree.path, claudeMd ? [...placed, relativeTo(worktree, cwd, provider)] : placed);
    const notices = [uncommittedNotice(repository.top, uncommitted), await runSetup(cwd, settings.setupCommands)];
    return { directory, cwd, worktree, notice: joined(notices) };
  } catch (error) {
    await removeWorktree(worktree).catch((cause) =>
      house.log.warn('A worktree was left behind', { error: cause.message })
    );
    throw error;
  }
}

function uncommittedNotice(top: string, count: number): string {
  if (!count) return '';
  const [files, are] = count === 1 ? ['file', 'is'] : ['files', 'are'];
  return `${count} ${files} in ${top} with changes that are not committed ${are} not in the agent's worktree.`;
}

const joined = (notices: string[]) => notices.filter(Boolean).join(' ');

const relativeTo = (worktree: WorktreeInfo, cwd: string, provider: ProviderName) =>
  join(cwd, instructionsFile(provider)).slice(worktree.path.length + 1);

/** The folder as an absolute path; `~/` is the home folder. Throws HttpError 400. */
async function chosenFolder(asked: string): Promise<string> {
  const text = asked === '~' ? homedir() : asked.startsWith('~/') ? join(homedir(), asked.slice(2)) : asked;
  if (!text || !isAbsolute(text) || text.includes('\0')) {
    throw new HttpError(400, 'bad_directory', 'Name the folder with its whole path, beginning with "/" or "~/".');
  }
  const path = join(text, '.'); // without "..", "//" and a slash at the end
  const folder = path.length > 1 ? path.replace(/\/$/, '') : path;
  const found = await stat(folder).catch((error) => {
    const why = error.code === 'ENOENT' ? 'does not exist' : `cannot be opened (${error.code})`;
    throw new HttpError(400, 'bad_directory', `The folder ${folder} ${why}. Choose another one, or make it first.`);
  });
  if (!found.isDirectory()) throw new HttpError(400, 'bad_directory', `${folder} is not a folder.`);
  return folder;
}

/** In the user's own folder an instructions file that is replaced is kept under the data folder. */
async function replaceInstructions(
  house: House,
  agentId: string,
  cwd: string,
  provider: ProviderName,
  claudeMd: string,
): Promise<string> {
  if (!claudeMd) return '';
  const before = await readInstructions(cwd, provider);
  if (before.exists && before.content === claudeMd) return '';
  const kept = join(house.config.dataDir, 'replaced', agentId, before.file);
  if (before.exists) {
    ensureFolder(dirname(kept));
    await writeWhole(kept, [await readFile(join(cwd, before.file))]);
  }
  await writeInstructions(cwd, provider, claudeMd);
  return before.exists ? `${before.file} of the folder was replaced; the former text is kept in ${kept}.` : '';
}
