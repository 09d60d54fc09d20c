/** Tasks of the pipeline and its manager. Browser-safe. */
import { DEFAULT_PROVIDER } from './providers.ts';
import { type AgentFlags, checks, parseFlags, type ProviderName, providerName } from './agents.ts';
import { contactChecks, type Contacts } from './contacts.ts';
import {
  bool,
  content,
  MAX_FIELD,
  MAX_NAME,
  MAX_TEXT,
  need,
  number,
  oneOf,
  pick,
  string,
  text,
  time,
} from './schema.ts';
import { INSTRUCTIONS_FIELD } from './instructions.ts';

export type TaskStatus = 'pending' | 'running' | 'waiting_input' | 'completed' | 'failed' | 'skipped' | 'blocked';

/** A pipeline task; tasks of one `order` run in parallel, the next order waits. */
export interface Task {
  id: string;
  name: string;
  prompt: string;
  directory: string;
  provider: ProviderName;
  order: number;
  [INSTRUCTIONS_FIELD]: string;
  flags: AgentFlags;
  status: TaskStatus;
  agentId: string | null;
  error: string;
  attempts: number;
  createdAt: number;
  startedAt: number | null;
  endedAt: number | null;
}

export interface PipelineStatus {
  running: boolean;
  startedAt: number | null;
  /** Why it does not go on, for people; empty when it does. */
  text: string;
  counts: Record<TaskStatus, number>;
}

/** GET, PUT /api/tasks/meta/config */
export interface PipelineConfig extends Contacts {
  running: boolean;
  defaultDirectory: string;
  defaultProvider: ProviderName;
  pollIntervalMs: number;
  /** Instructions of tasks that bring none of their own. */
  [INSTRUCTIONS_FIELD]: string;
  stuckTimeoutMs: number;
  /** Commit and merge what a finished task did, so that the next step builds on it. */
  mergeCompleted: boolean;
}

/** GET /api/tasks/meta/status; also the answer of start and stop. */
export type PipelineAnswer = PipelineStatus & { ok: true };

/** POST /api/tasks. Without `order` the task comes last. */
export interface CreateTaskBody {
  name: string;
  prompt: string;
  directory?: string;
  provider?: ProviderName;
  /** Goes into `flags`. */
  model?: string;
  [INSTRUCTIONS_FIELD]?: string;
  flags?: AgentFlags;
  order?: number;
}

/** PUT /api/tasks/:id: what is left out stays as it is; an empty `model` removes the one of the flags. */
export type TaskPatch = Partial<CreateTaskBody>;

/** PUT /api/tasks/meta/config: what is left out stays as it is. */
export type PipelineConfigPatch = Partial<Omit<PipelineConfig, 'running'>>;

export const MAX_ORDER = 1e6;
/** Shortest and longest poll and stuck timeout, ms. */
const POLL = { min: 1000, max: 3_600_000 };
const STUCK = { min: 1000, max: 7 * 24 * 3_600_000 };

const STATUSES: readonly TaskStatus[] = [
  'pending',
  'running',
  'waiting_input',
  'completed',
  'failed',
  'skipped',
  'blocked',
];

/** Body of PUT. Throws ValidationError, as all parsers do. */
export const parseTaskPatch = (value: unknown): TaskPatch =>
  pick<CreateTaskBody>(value, {
    name: text(MAX_NAME, true),
    prompt: text(MAX_TEXT, true),
    directory: text(MAX_FIELD),
    provider: providerName,
    model: checks.model,
    [INSTRUCTIONS_FIELD]: content,
    flags: parseFlags,
    order: number(-MAX_ORDER, MAX_ORDER),
  });

/** Body of POST. */
export const parseCreateTask = (value: unknown): CreateTaskBody => need(parseTaskPatch(value), 'name', 'prompt');

/** Body of PUT, and the configuration as it was stored. */
export const parsePipelineConfig = (value: unknown): PipelineConfigPatch =>
  pick<Omit<PipelineConfig, 'running'>>(value, {
    defaultDirectory: text(MAX_FIELD),
    defaultProvider: providerName,
    pollIntervalMs: number(POLL.min, POLL.max),
    [INSTRUCTIONS_FIELD]: content,
    ...contactChecks,
    stuckTimeoutMs: number(STUCK.min, STUCK.max),
    mergeCompleted: bool,
  });

/** A task as it was stored. */
export function parseTask(value: unknown): Task {
  const task = pick<Task>(value, {
    id: text(MAX_NAME, true),
    name: string,
    prompt: string,
    directory: string,
    provider: providerName,
    order: number(-MAX_ORDER, MAX_ORDER),
    [INSTRUCTIONS_FIELD]: string,
    flags: parseFlags,
    status: oneOf(STATUSES),
    agentId: string,
    error: string,
    attempts: time,
    createdAt: time,
    startedAt: time,
    endedAt: time,
  });
  return {
    directory: '',
    provider: DEFAULT_PROVIDER,
    order: 0,
    [INSTRUCTIONS_FIELD]: '',
    flags: {},
    status: 'pending',
    agentId: null,
    error: '',
    attempts: 0,
    createdAt: 0,
    startedAt: null,
    endedAt: null,
    ...need(task, 'id', 'name', 'prompt'),
  };
}
