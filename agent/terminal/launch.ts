/** What runs in a new terminal: program, arguments, directory, environment. */
import { stat } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { basename, isAbsolute } from 'node:path';
import process from 'node:process';
import { Failure } from '../../core/api/errors.ts';
import { providerData } from '../../core/api/providers.ts';
import type { DeskLaunch, TerminalProgram } from '../../core/api/terminals.ts';
import type { AgentInfo } from '../../core/api/agents.ts';
import { cliProgram, type Config } from '../config.ts';
import { programPath } from '../process/program-path.ts';
import type { Agents } from '../session/agents.ts';
import { cleanEnvironment, DATA_DIRECTORY_MARK, type Environment, PROCESS_MARK } from '../process/environment.ts';

/** Shells that take `-l` for "login shell"; any other shell is started without arguments. */
const LOGIN_SHELLS = new Set(['sh', 'bash', 'zsh', 'fish', 'dash', 'ash', 'ksh', 'mksh', 'tcsh', 'csh']);
/** Variables by which terminal programs describe themselves: they are about where this server was started. */
const OTHER_TERMINALS = ['TMUX', 'TMUX_PANE', 'STY', 'WINDOW', 'WINDOWID', 'TERMCAP', 'COLUMNS', 'LINES'];
const OTHER_PROGRAMS = ['TERM_PROGRAM', 'TERM_PROGRAM_VERSION', 'VTE_VERSION', 'KITTY_WINDOW_ID', 'WT_SESSION'];
/** A terminal that is begun from an agent's tool would be ended with that agent. */
const MARKS = [PROCESS_MARK, DATA_DIRECTORY_MARK];

/** The user's login shell: from the password database, else from SHELL, else sh. */
export function loginShell(env: Environment = process.env): string {
  let shell: string | null = null;
  try {
    shell = userInfo().shell;
  } catch { /* a user without an entry */ }
  return shell || env.SHELL || '/bin/sh';
}

export function terminalEnvironment(env: Environment): Record<string, string> {
  const others = [...OTHER_TERMINALS, ...OTHER_PROGRAMS, ...MARKS];
  const foreign = Object.fromEntries(others.map((name) => [name, undefined]));
  const clean = cleanEnvironment(env, { ...foreign, TERM: 'xterm-256color', COLORTERM: 'truecolor' });
  const hasLocale = clean.LC_ALL || clean.LC_CTYPE || clean.LANG;
  return hasLocale ? clean : { ...clean, LANG: 'C.UTF-8' };
}

/** The command of a terminal. Throws Failure `other_provider` when the agent runs another CLI. */
export function terminalCommand(
  program: TerminalProgram,
  agent: AgentInfo | null,
  config: Config,
): { file: string; args: string[] } {
  if (program === 'shell') {
    const file = loginShell();
    return { file, args: LOGIN_SHELLS.has(basename(file)) ? ['-l'] : [] };
  }
  if (agent && agent.provider !== program) {
    throw new Failure('other_provider', `This agent is a ${agent.provider} agent: open it with ${agent.provider}.`);
  }
  return { file: cliProgram(config, program), args: [] };
}

/** Found by the PATH of the shell that it was typed in, without its relative entries. Throws Failure `terminal_failed`. */
export function deskProgram(program: string, path: string | undefined): string {
  try {
    return programPath(program, path);
  } catch (error) {
    const reason = (error as Error).message;
    throw new Failure('terminal_failed', `The terminal could not be started: ${reason}.`, { params: { reason } });
  }
}

const SESSION_ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/**
 * The agent whose session is named at the desk (`--resume ID`): it lets go of the session first, since two programs on one
 * session lose each other's turns.
 */
export function sessionAgent(
  agents: Pick<Agents, 'agentOf'>,
  program: TerminalProgram,
  desk: DeskLaunch | undefined,
): string | null {
  if (!desk || program === 'shell' || providerData(program).features.guardsSessions) return null;
  const ids = desk.args.filter((word) => SESSION_ID.test(word));
  return ids.map((id) => agents.agentOf(program, id.toLowerCase())).find((id) => id !== null) ?? null;
}

/** The directory of a terminal: the requested one, else the agent's, else the default. Throws Failure `bad_directory`. */
export async function terminalDirectory(
  requested: string | undefined,
  agent: AgentInfo | null,
  config: Config,
): Promise<string> {
  const directory = requested ?? agent?.worktree?.path ?? agent?.directory ?? config.defaultDirectory;
  if (!isAbsolute(directory)) {
    throw new Failure('bad_directory', 'Name the folder with its whole path, beginning with "/".');
  }
  const found = await stat(directory).catch(() => null);
  if (found?.isDirectory()) return directory;
  throw noDirectory(directory);
}

export const noDirectory = (directory: string): Failure =>
  new Failure('bad_directory', `There is no folder ${directory} (any more). Choose another one.`, {
    params: { path: directory },
  });
