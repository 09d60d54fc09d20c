/**
 * `agent-monitor claude …` and `agent-monitor codex …`: the program as it would run without the word before it, in a terminal of
 * this machine's server, so that the phone shows and drives the same one. Its arguments are its own, all of them.
 */
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { constants } from 'node:os';
import { resolve } from 'node:path';
import process from 'node:process';
import {
  clampSize,
  type CreateTerminalBody,
  MAX_DESK_TEXT,
  type TerminalInfo,
  VARIABLE_NAME,
} from '../../core/api/terminals.ts';
import { expandHome } from '../../core/home.ts';
import { askForProof, PROOF_PATH, readLocalToken } from '../../agent/access/local-token.ts';
import { removeMarks } from '../../agent/process/environment.ts';
import { type OwnProgram, PROGRAM_SETTINGS } from '../../agent/process/programs.ts';
import { commandSpec } from '../../agent/process/script.ts';
import type { Command, CommandContext } from '../command.ts';
import { CommandError, EXIT } from '../exit-codes.ts';
import { programEnv } from '../home.ts';
import type { Api } from './api.ts';
import { localApi, localOrigin } from './connect.ts';
import { credentialsFile, readCredentials } from './credentials.ts';
import { withDeskHooks } from './desk-hooks.ts';
import { DEFAULT_DETACH_KEYS, detachKeys } from './detach-keys.ts';
import { ApiError } from './errors.ts';
import { shortId } from './find-agent.ts';
import { ask } from './prompt.ts';
import { showNamed } from './shown-terminal.ts';

export const deskCommand = (program: OwnProgram, label: string): Command => ({
  name: program,
  summary: `run ${label} here, in a terminal that the dashboard shows too`,
  usage: `${program} [arguments of ${program}]
  Runs ${program} in this folder, with this shell's environment, in a terminal of this machine's server: the dashboard shows
  and drives the same one. Every argument goes to ${program} as it is; the exit code is that of ${program}.
  ${DEFAULT_DETACH_KEYS} leaves it (AGENT_MONITOR_DETACH_KEYS names other keys); it lives on, also when this window is closed
  or the server is started anew. Without a running server you are asked whether to run it here alone.`,
  options: {},
  isPassThrough: true,
  run: (context) => run(context, program),
});

async function run(context: CommandContext, program: OwnProgram): Promise<number> {
  const { stdin, stdout } = context;
  if (!stdin.isTTY || !stdout.isTTY) {
    const mend = `In a pipe or a script run ${program} itself.`;
    throw new CommandError(`agent-monitor ${program} needs a terminal of its own. ${mend}`, EXIT.usage);
  }
  const keys = detachKeys(context);
  const settings = programEnv(context.env);
  const dataDir = resolve(expandHome(settings.DATA_DIR!));
  const api = await provenApi(context, dataDir);
  if (!api) return await runAlone(context, program, settings[PROGRAM_SETTINGS[program].program]?.trim() || program);
  const args = program === 'claude' ? await withDeskHooks(context, api, dataDir) : context.positionals;
  const terminal = await open(context, api, program, args);
  const back = `agent-monitor attach ${shortId(terminal.id)}`;
  const exit = await showNamed(context, api, terminal, { keys, owner: ` in ${terminal.directory}`, back });
  return exit === null ? EXIT.ok : exit.code || (exit.signal ? 128 + exit.signal : 0);
}

/** HOST asks for a login on the machine itself too. */
const localCookie = ({ env }: CommandContext): string =>
  readCredentials(credentialsFile(env)).relays.find(({ origin }) => origin === localOrigin(env))?.cookie ?? '';

/**
 * The server on this data directory. It proves itself before it is sent the token, a login or the environment: while it does not
 * run, another user of the machine may listen on its port.
 * @returns null: nothing listens there
 */
async function provenApi(context: CommandContext, dataDir: string): Promise<Api | null> {
  const token = readLocalToken(dataDir);
  const { nonce, isProof } = askForProof(token, Number(new URL(localOrigin(context.env)).port || 80));
  try {
    const answer = await localApi(context).call<{ proof?: unknown }>('GET', `${PROOF_PATH}?nonce=${nonce}`);
    if (isProof(answer?.proof)) return localApi(context, { token, cookie: localCookie(context) });
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    if (error.code === 'no_server') return null;
  }
  const where = localOrigin(context.env);
  throw new CommandError(
    `What answers at ${where} is not this user's server with the data folder ${dataDir}: start that one, or set PORT and ` +
      "DATA_DIR to the server's.",
  );
}

function open(
  { env, stdout }: CommandContext,
  api: Api,
  program: OwnProgram,
  args: readonly string[],
): Promise<TerminalInfo> {
  const desk = { args: [...args], env: plainVariables(env) };
  const size = [...desk.args, ...Object.entries(desk.env).flat()].reduce((sum, { length }) => sum + length, 0);
  if (size > MAX_DESK_TEXT) {
    throw new CommandError(
      `Arguments and environment have ${size} characters, more than ${MAX_DESK_TEXT}.`,
      EXIT.usage,
    );
  }
  const body: CreateTerminalBody = {
    command: program,
    directory: process.cwd(),
    clientId: randomUUID(),
    ...clampSize(stdout.columns, stdout.rows),
    desk,
  };
  return api.command('/api/terminals', body);
}

/** Without the functions that a shell exports under names that no program reads. */
function plainVariables(env: CommandContext['env']): Record<string, string> {
  const isPlain = (entry: [string, string | undefined]): entry is [string, string] =>
    entry[1] !== undefined && VARIABLE_NAME.test(entry[0]);
  return Object.fromEntries(Object.entries(env).filter(isPlain));
}

/** No server: the person decides. Nothing is shared then, and nothing lives on. */
async function runAlone(context: CommandContext, program: OwnProgram, bin: string): Promise<number> {
  context.stderr.write(
    'The server of this machine does not run. Start it with `agent-monitor`, or for good with ' +
      '`agent-monitor service install`.\n',
  );
  const answer = await ask(context, `Run ${program} here alone, seen by no phone? Type yes: `);
  if (answer.toLowerCase() !== 'yes') throw new CommandError(`${program} was not started.`, EXIT.unreachable);
  const { command, prefix } = commandSpec(bin);
  const env = { ...context.env };
  removeMarks(env); // of an agent from whose shell this is run
  return await ended(program, spawn(command, [...prefix, ...context.positionals], { stdio: 'inherit', env }));
}

function ended(program: OwnProgram, child: ReturnType<typeof spawn>): Promise<number> {
  return new Promise((settle, reject) => {
    child.once('error', ({ message }) => {
      const mend = `Install it, or set ${PROGRAM_SETTINGS[program].program}.`;
      reject(new CommandError(`${program} could not be started (${message}). ${mend}`));
    });
    child.once('exit', (code, signal) => settle(code ?? 128 + (signal ? constants.signals[signal] : 0)));
  });
}
