/** Makes the directory of a new agent ready: worktree, copied files, instructions, setup commands. */
import { DEFAULT_PROVIDER } from '../../core/api/providers.ts';
import { readFile, realpath, stat } from 'node:fs/promises';
import { dirname, isAbsolute, join } from 'node:path';
import { Failure } from '../../core/api/errors.ts';
import type { AgentFlags, ProviderName, WorktreeInfo } from '../../core/api/agents.ts';
import { expandHome } from '../../core/home.ts';
import type { AgentContext } from '../context.ts';
import { ensureDirectory, writeWhole } from '../store/atomic-file.ts';
import { carryOver } from './carry-over.ts';
import { instructionsFile, placeInstructions, readInstructions } from './instructions.ts';
import type { GitIsolation } from './isolation.ts';
import { recordSetup } from './ignored-files.ts';
import { missingParts } from './missing.ts';
import { fillSubmodules } from './submodules.ts';
import { copyInto, recordSeededFiles } from './seeded-files.ts';
import { commitOf, findRepository, type Repository } from './repository.ts';
import type { SetupRuns } from './setup.ts';
import { openWorktree } from './worktree-repository.ts';
import { makeWorktree, removeWorktree } from './worktree.ts';

/** The settings that a new worktree follows. */
export interface PrepareSettings {
  copyFiles: string[];
  setupCommands: string[];
}

export interface PrepareRequest {
  agentId: string;
  directory: string;
  flags: AgentFlags;
  provider?: ProviderName;
  /** What the agent is to do, in words: its branch is called after it. */
  task?: string;
  /** When not empty, it becomes the instructions file of `cwd`, by the name that the provider reads. */
  instructions?: string;
  /** The new worktree is a copy of this one: the same commit, with what is not committed there, merged into the same base. */
  from?: WorktreeInfo;
  /** Called with the worktree that is about to be made. */
  planned?: (worktree: WorktreeInfo) => Promise<void>;
}

export interface Prepared {
  /** The chosen directory as an absolute path. */
  directory: string;
  /** Where the agent works. */
  cwd: string;
  worktree: WorktreeInfo | null;
  /** For the user: what is not as expected (no repository: works in the folder itself). */
  notice: string;
}

export interface PrepareOptions {
  context: AgentContext;
  isolation: GitIsolation;
  settings: PrepareSettings;
  setups: SetupRuns;
}

/**
 * Checks the directory and makes the worktree that the flags ask for. Throws Failure with a sentence; an agent is never
 * silently run somewhere else.
 */
export async function prepareDirectory(options: PrepareOptions, request: PrepareRequest): Promise<Prepared> {
  const directory = await chosenDirectory(request.directory);
  const repository = request.flags.worktree === false ? null : await findRepository(options.isolation, directory);
  if (repository) return { directory, ...await prepareWorktree(options, request, repository, directory) };
  const notices = [
    request.flags.worktree === false
      ? ''
      : `${directory} is not a git repository: the agent works in the folder itself, without a branch of its own.`,
    await replaceInstructions(options.context, request, directory),
  ];
  return { directory, cwd: directory, worktree: null, notice: joined(notices) };
}

async function prepareWorktree(
  { context, isolation, settings, setups }: PrepareOptions,
  { agentId, provider = DEFAULT_PROVIDER, task, instructions = '', from, planned }: PrepareRequest,
  repository: Repository,
  directory: string,
): Promise<Omit<Prepared, 'directory'>> {
  const source = from ? await openWorktree(isolation, from) : null;
  const origin = from && source ? { start: await commitOf(source, 'HEAD'), base: from.base } : undefined;
  const inside = await realpath(directory);
  const { worktree, cwd, uncommitted } = await makeWorktree(repository, inside, agentId, task, planned, origin);
  try {
    await fillSubmodules(await openWorktree(isolation, worktree));
    const carried = source ? await carryOver(source, worktree.path) : [];
    const seeded = [...carried, ...await copyInto((source ?? repository).top, worktree.path, settings.copyFiles)];
    if (instructions) await placeInstructions(cwd, provider, instructions);
    await recordSeededFiles(
      await openWorktree(isolation, worktree),
      instructions ? [...seeded, relativeTo(worktree, cwd, provider)] : seeded,
    );
    const setup = await setups.run(worktree.path, cwd, settings.setupCommands);
    const at = await openWorktree(isolation, worktree);
    // Of one that goes on it is not known any more what it made and what the agent did: that counts as work.
    if (settings.setupCommands.length && !setups.isRunning(worktree.path)) await recordSetup(at);
    // After the setup, which may have filled them.
    const missing = await missingParts(at);
    return {
      cwd,
      worktree,
      notice: joined([source ? '' : uncommittedNotice(repository.top, uncommitted), ...missing, setup]),
    };
  } catch (error) {
    const onRemoving = () => setups.end(worktree.path);
    await removeWorktree(isolation, worktree, { discardWork: true, onRemoving }).catch((cause) =>
      context.log.warn('A worktree was left behind', { error: cause.message })
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

/** The directory as an absolute path; `~/` is the home directory. Throws Failure `bad_directory`. */
async function chosenDirectory(requested: string): Promise<string> {
  const text = expandHome(requested);
  if (!text || !isAbsolute(text) || text.includes('\0')) {
    throw new Failure('bad_directory', 'Name the folder with its whole path, beginning with "/" or "~/".');
  }
  const path = join(text, '.'); // without "..", "//" and a slash at the end
  const directory = path.length > 1 ? path.replace(/\/$/, '') : path;
  const found = await stat(directory).catch((error) => {
    const why = error.code === 'ENOENT' ? 'does not exist' : `cannot be opened (${error.code})`;
    throw new Failure('bad_directory', `The folder ${directory} ${why}. Choose another one, or make it first.`, {
      params: { path: directory },
    });
  });
  if (!found.isDirectory()) {
    throw new Failure('bad_directory', `${directory} is not a folder.`, { params: { path: directory } });
  }
  return directory;
}

/** In the user's own directory, an instructions file that is replaced is saved in the data directory. */
async function replaceInstructions(
  context: AgentContext,
  { agentId, provider = DEFAULT_PROVIDER, instructions = '' }: PrepareRequest,
  cwd: string,
): Promise<string> {
  if (!instructions) return '';
  const before = await readInstructions(cwd, provider);
  if (before.exists && before.content === instructions) return '';
  const retained = join(context.config.dataDir, 'replaced', agentId, before.file);
  if (before.exists) {
    ensureDirectory(dirname(retained));
    await writeWhole(retained, [await readFile(join(cwd, before.file))]);
  }
  await placeInstructions(cwd, provider, instructions);
  return before.exists ? `${before.file} of the folder was replaced; the former text is kept in ${retained}.` : '';
}
