/** What is begun at a time, or again and again. Browser-safe. */
import { type AgentFlags, checks, parseFlags, type ProviderName, providerName } from './agents.ts';
import { MAX_CRON, parseCron } from './cron.ts';
import { INSTRUCTIONS_FIELD } from './instructions.ts';
import {
  bool,
  type Check,
  content,
  integer,
  MAX_FIELD,
  MAX_NAME,
  MAX_TEXT,
  need,
  oneOf,
  pick,
  string,
  text,
  time,
  ValidationError,
  wrong,
} from './schema.ts';

export const MAX_SCHEDULE = 100;

/** POST /api/schedule; PUT takes any part of it. */
export interface ScheduleBody {
  name: string;
  /** An agent with a prompt in a folder, or the pipeline. */
  what: 'agent' | 'pipeline';
  /** Once, at this time; 0: see `cron`. */
  at?: number;
  /** Again and again, in the machine's time zone; empty: see `at`. See cron.ts. */
  cron?: string;
  on?: boolean;
  /** Of an agent. */
  directory?: string;
  prompt?: string;
  provider?: ProviderName;
  model?: string;
  [INSTRUCTIONS_FIELD]?: string;
  flags?: AgentFlags;
}

/** What became of the last time. */
export interface ScheduleRun {
  /** When it was to be. */
  due: number;
  /** When it was begun. */
  at: number;
  /** So many times before it passed without a run, because the server was not there. */
  missed: number;
  /** false: the server ended in the middle of it, and the next one makes it whole. */
  isDone: boolean;
  agentId: string | null;
  /** Why it could not be begun; empty when it was. */
  error: string;
}

export interface ScheduleEntry extends Required<ScheduleBody> {
  id: string;
  createdAt: number;
  /** null: never again. */
  nextAt: number | null;
  last: ScheduleRun | null;
}

const cronLine: Check<string> = (value, name) => {
  const line = text(MAX_CRON)(value, name).trim();
  if (line && !parseCron(line)) {
    wrong(
      name,
      'a cron line of five fields whose time comes: minute, hour, day, month, weekday, e.g. "0 9 * * mon-fri"',
    );
  }
  return line;
};

const bodyChecks = {
  name: text(MAX_NAME, true),
  what: oneOf(['agent', 'pipeline'] as const),
  at: time,
  cron: cronLine,
  on: bool,
  directory: text(MAX_FIELD),
  prompt: text(MAX_TEXT),
  provider: providerName,
  model: checks.model,
  [INSTRUCTIONS_FIELD]: content,
  flags: parseFlags,
};

/** Throws ValidationError, as all parsers do. */
export const parseSchedulePatch = (value: unknown): Partial<ScheduleBody> => pick<ScheduleBody>(value, bodyChecks);

export const parseScheduleBody = (value: unknown): ScheduleBody => need(parseSchedulePatch(value), 'name', 'what');

/** Throws ValidationError when parts do not go together. */
export function checkSchedule({ what, at, cron, directory, prompt }: Required<ScheduleBody>): void {
  if ((at > 0) === (cron !== '')) throw new ValidationError('Give "at" or "cron", one of them.', 'cron');
  if (what === 'pipeline') return;
  if (!directory.trim()) throw new ValidationError('"directory" is missing.', 'directory');
  if (!prompt.trim()) throw new ValidationError('"prompt" is missing.', 'prompt');
}

const parseRun: Check<ScheduleRun> = (value, name) => ({
  agentId: null,
  ...need(
    pick<ScheduleRun>(
      value,
      { due: time, at: time, missed: integer, isDone: bool, agentId: string, error: string },
      name,
    ),
    'due',
    'at',
    'missed',
    'isDone',
    'error',
  ),
});

/** An entry as it was stored. */
export const parseScheduleEntry: Check<ScheduleEntry> = (value, name) => {
  const entry = pick<ScheduleEntry>(
    value,
    { ...bodyChecks, id: string, createdAt: time, nextAt: time, last: parseRun },
    name,
  );
  return { nextAt: null, last: null, ...need(entry, 'id', 'createdAt', ...BODY_FIELDS) };
};

const BODY_FIELDS = [
  'name',
  'what',
  'at',
  'cron',
  'on',
  'directory',
  'prompt',
  'provider',
  'model',
  INSTRUCTIONS_FIELD,
  'flags',
] as const;
