/** The tasks and the manager's state on disk: one document, so that a crash never separates them. */
import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Task, TaskStatus } from '../../core/wire/types.ts';
import type { PipelineConfig } from '../../core/wire/workshop.ts';
import { defined, Fields, LIMITS } from '../api/fields.ts';
import type { Document, House } from '../rooms.ts';
import { openDocument } from '../store/document.ts';

export const TASK_COUNT = 500;
const STATUSES: readonly TaskStatus[] = [
  'pending',
  'running',
  'waiting_input',
  'completed',
  'failed',
  'skipped',
  'blocked',
];
const MAX_ORDER = 1e6;
/** Shortest and longest poll and stuck timeout, ms. */
const POLL = { min: 1000, max: 3_600_000 };
const STUCK = { min: 1000, max: 7 * 24 * 3_600_000 };

export interface PipelineState {
  tasks: Task[];
  config: Omit<PipelineConfig, 'running'>;
  running: boolean;
  startedAt: number | null;
  resumes: Record<string, number>;
}

export const INITIAL: PipelineState = {
  tasks: [],
  config: {
    defaultDirectory: '',
    defaultProvider: 'claude',
    pollIntervalMs: 5000,
    claudeMd: '',
    adminEmail: '',
    whatsappPhone: '',
    slackWebhookUrl: '',
    stuckTimeoutMs: 300_000,
    mergeCompleted: false,
  },
  running: false,
  startedAt: null,
  resumes: {},
};

export function openPipeline(house: House): Document<PipelineState> {
  const path = join(house.config.dataDir, 'pipeline.json');
  const warn = (text: string) => house.warn('pipeline', text);
  return openDocument<PipelineState>({
    path,
    initial: INITIAL,
    parse: (value) => {
      const { state, dropped } = parseState(value);
      if (!dropped.length) return state;
      const kept = `${path}.corrupt-${house.clock.now()}`;
      copyFileSync(path, kept);
      warn(`Tasks of ${path} could not be read and were left out: ${dropped.join(' ')} The file was kept as ${kept}.`);
      // What comes after a task must not begin without it.
      return { ...state, running: false };
    },
    warn,
  });
}

/** `dropped`: a sentence for each task that cannot be read. One of them does not take the others with it. */
function parseState(value: unknown): { state: PipelineState; dropped: string[] } {
  const fields = new Fields(value);
  const given = (value as { tasks?: unknown }).tasks;
  if (!Array.isArray(given)) throw new Error('it has no list of tasks');
  const dropped: string[] = [];
  const tasks = given.flatMap((one, i) => {
    try {
      return [parseTask(one)];
    } catch (error) {
      dropped.push(`task ${i + 1}: ${error instanceof Error ? error.message : String(error)}`);
      return [];
    }
  });
  const resumes = fields.object('resumes');
  const counts = tasks.map((task) => [task.id, resumes?.number(task.id, 0, 1e6) ?? 0] as const).filter(([, n]) =>
    n > 0
  );
  const state = {
    tasks,
    config: mergeConfig(INITIAL.config, (value as { config?: unknown }).config ?? {}),
    running: fields.flag('running') ?? false,
    startedAt: fields.number('startedAt', 0, Number.MAX_SAFE_INTEGER) ?? null,
    resumes: Object.fromEntries(counts),
  };
  return { state, dropped };
}

function parseTask(value: unknown): Task {
  const fields = new Fields(value);
  const time = (key: string) => fields.number(key, 0, Number.MAX_SAFE_INTEGER) ?? null;
  return {
    id: fields.needText('id', LIMITS.name),
    ...taskParts(INITIAL.config, fields),
    name: fields.needText('name', LIMITS.name),
    prompt: fields.needText('prompt', LIMITS.prompt),
    order: fields.number('order', -MAX_ORDER, MAX_ORDER) ?? 0,
    status: fields.choice('status', STATUSES) ?? 'pending',
    agentId: fields.text('agentId', LIMITS.name) ?? null,
    error: fields.text('error', LIMITS.document) ?? '',
    attempts: fields.number('attempts', 0, Number.MAX_SAFE_INTEGER) ?? 0,
    createdAt: time('createdAt') ?? 0,
    startedAt: time('startedAt'),
    endedAt: time('endedAt'),
  };
}

type TaskParts = Pick<Task, 'directory' | 'provider' | 'claudeMd' | 'flags'>;

function taskParts(config: PipelineState['config'], fields: Fields): TaskParts {
  const model = fields.model('model');
  return {
    directory: fields.text('directory', LIMITS.path) ?? '',
    provider: fields.provider('provider') ?? config.defaultProvider,
    claudeMd: fields.text('claudeMd', LIMITS.document) ?? '',
    flags: { ...fields.flags('flags'), ...(model ? { model } : {}) },
  };
}

/** A new task from a request body; without an order it comes after all others (beside the last at MAX_ORDER). Throws HttpError 400. */
export function newTask(state: PipelineState, body: unknown, id: string, now: number): Task {
  const fields = new Fields(body);
  const last = state.tasks.reduce((most, task) => Math.max(most, task.order), -1);
  return {
    id,
    name: fields.needText('name', LIMITS.name),
    prompt: fields.needText('prompt', LIMITS.prompt),
    ...taskParts(state.config, fields),
    order: fields.number('order', -MAX_ORDER, MAX_ORDER) ?? Math.min(last + 1, MAX_ORDER),
    status: 'pending',
    agentId: null,
    error: '',
    attempts: 0,
    createdAt: now,
    startedAt: null,
    endedAt: null,
  };
}

/** The task with the fields that the body names replaced. Throws HttpError 400. */
export function editTask(task: Task, body: unknown): Task {
  const fields = new Fields(body);
  const model = fields.model('model');
  const flags = fields.flags('flags') ?? task.flags;
  return {
    ...task,
    ...defined({
      name: fields.has('name') ? fields.needText('name', LIMITS.name) : undefined,
      prompt: fields.has('prompt') ? fields.needText('prompt', LIMITS.prompt) : undefined,
      directory: fields.text('directory', LIMITS.path),
      provider: fields.provider('provider'),
      claudeMd: fields.text('claudeMd', LIMITS.document),
      order: fields.number('order', -MAX_ORDER, MAX_ORDER),
    }),
    flags: model === undefined ? flags : defined({ ...flags, model: model || undefined }),
  };
}

export function mergeConfig(now: PipelineState['config'], body: unknown): PipelineState['config'] {
  const fields = new Fields(body);
  return {
    ...now,
    ...defined({
      defaultDirectory: fields.text('defaultDirectory', LIMITS.path),
      defaultProvider: fields.provider('defaultProvider'),
      pollIntervalMs: fields.number('pollIntervalMs', POLL.min, POLL.max),
      claudeMd: fields.text('claudeMd', LIMITS.document),
      adminEmail: fields.email('adminEmail'),
      whatsappPhone: fields.phone('whatsappPhone'),
      slackWebhookUrl: fields.webhook('slackWebhookUrl'),
      stuckTimeoutMs: fields.number('stuckTimeoutMs', STUCK.min, STUCK.max),
      mergeCompleted: fields.flag('mergeCompleted'),
    }),
  };
}
