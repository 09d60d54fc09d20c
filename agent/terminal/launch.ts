/** What runs in a new terminal: program, arguments, folder, environment. */
import { stat } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { basename, isAbsolute } from 'node:path';
import process from 'node:process';
import { HttpError } from '../../core/http/reply.ts';
import type { TerminalProgram } from '../../core/wire/terminal.ts';
import type { AgentInfo } from '../../core/wire/types.ts';
import type { Config } from '../config.ts';
import { cleanEnvironment, type Environment } from '../provider/environment.ts';

/** Shells that take `-l` for "login shell"; any other is started without arguments. */
const LOGIN_SHELLS = new Set(['sh', 'bash', 'zsh', 'fish', 'dash', 'ash', 'ksh', 'mksh', 'tcsh', 'csh']);
/** Set by terminal programs about themselves: what this server was started from is not what the shell runs in. */
const OTHER_TERMINALS = ['TMUX', 'TMUX_PANE', 'STY', 'WINDOW', 'WINDOWID', 'TERMCAP', 'COLUMNS', 'LINES'];
const OTHER_PROGRAMS = ['TERM_PROGRAM', 'TERM_PROGRAM_VERSION', 'VTE_VERSION', 'KITTY_WINDOW_ID', 'WT_SESSION'];

/** The user's login shell by the password database, else by SHELL, else sh. */
export function loginShell(env: Environment = process.env): string {
  let shell: string | null = null;
  try {
    shell = userInfo().shell;
  } catch { /* a user without an entry */ }
  return shell || env.SHELL || '/bin/sh';
}

export function terminalEnvironment(env: Environment): Record<string, string> {
  const foreign = Object.fromEntries([...OTHER_TERMINALS, ...OTHER_PROGRAMS].map((name) => [name, undefined]));
  const clean = cleanEnvironment(env, { ...foreign, TERM: 'xterm-256color', COLORTERM: 'truecolor' });
  const hasLocale = clean.LC_ALL || clean.LC_CTYPE || clean.LANG;
  return hasLocale ? clean : { ...clean, LANG: 'C.UTF-8' };
}

/**
 * The command of a terminal. A CLI continues the session of its agent.
 * @throws HttpError 409 when the agent runs another CLI
 */
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
    throw new HttpError(
      409,
      'other_provider',
      `This agent is a ${agent.provider} agent: open it with ${agent.provider}.`,
    );
  }
  const session = agent?.sessionId;
  if (program === 'claude') return { file: config.claudeBin, args: session ? ['--resume', session] : [] };
  return { file: config.codexBin, args: session ? ['resume', session] : [] };
}

/** Where it runs: the folder asked for, else the agent's, else the default. Throws HttpError 400. */
export async function terminalFolder(
  asked: string | undefined,
  agent: AgentInfo | null,
  config: Config,
): Promise<string> {
  const folder = asked ?? agent?.worktree?.path ?? agent?.directory ?? config.defaultDirectory;
  if (!isAbsolute(folder)) {
    throw new HttpError(400, 'bad_directory', 'Name the folder with its whole path, beginning with "/".');
  }
  const found = await stat(folder).catch(() => null);
  if (found?.isDirectory()) return folder;
  throw new HttpError(400, 'bad_directory', `There is no folder ${folder} (any more). Choose another one.`);
}
