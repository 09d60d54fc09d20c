/** What the client's commands print. */
import process from 'node:process';
import type { AgentInfo } from '../../core/api/agents.ts';
import type { CommandContext } from '../command.ts';
import { printableJson } from './printable.ts';

/** What scripts get of an agent. Contacts are left out: a webhook's address is a secret, and logs of scripts are read by many. */
export type ScriptAgent = Pick<AgentInfo, typeof FIELDS[number]>;

const FIELDS = [
  'id',
  'name',
  'provider',
  'demo',
  'directory',
  'worktree',
  'state',
  'stateReason',
  'stateText',
  'stateSince',
  'sessionId',
  'model',
  'mode',
  'effort',
  'createdAt',
  'activeAt',
  'usage',
  'queue',
  'pending',
  'lastSeq',
  'preview',
  'taskId',
] as const satisfies readonly (keyof AgentInfo)[];

export const scriptAgent = (info: AgentInfo): ScriptAgent =>
  Object.fromEntries(FIELDS.map((name) => [name, info[name]])) as unknown as ScriptAgent;

/** One line of JSON that is harmless on a terminal. */
export const printJsonLine = ({ stdout }: Pick<CommandContext, 'stdout'>, value: unknown): void => {
  stdout.write(`${printableJson(value)}\n`);
};

export const printLine = ({ stdout }: Pick<CommandContext, 'stdout'>, text: string): void => {
  stdout.write(`${text}\n`);
};

export const note = ({ stderr }: Pick<CommandContext, 'stderr'>, text: string): void => {
  stderr.write(`${text}\n`);
};

/** 128 and the number of SIGPIPE, as a shell has it. */
const READER_GONE = 141;

/** Ends the program when nobody reads what it prints any more, as in `agent-monitor logs … | head`. */
export function endWithReader({ stdout }: Pick<CommandContext, 'stdout'>): void {
  stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(READER_GONE);
    throw error;
  });
}

/** "8 s", "5 min", "3 h", "2 d". @param ms a duration */
export function duration(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
  return seconds < 86_400 ? `${Math.floor(seconds / 3600)} h` : `${Math.floor(seconds / 86_400)} d`;
}
