/** The tasks and the manager's state on disk: one document, so that a crash never separates them. */
import { DEFAULT_PROVIDER } from '../../core/api/providers.ts';
import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import type { AgentFlags } from '../../core/api/agents.ts';
import { bool, type Check, fields, pick, time } from '../../core/api/schema.ts';
import {
  type CreateTaskBody,
  MAX_ORDER,
  parsePipelineConfig,
  parseTask,
  type PipelineConfig,
  type Task,
  type TaskPatch,
} from '../../core/api/tasks.ts';
import type { AgentContext } from '../context.ts';
import type { Document } from '../store/document.ts';
import { openDocument } from '../store/document.ts';
import { INSTRUCTIONS_FIELD } from '../../core/api/instructions.ts';

export const MAX_TASK = 500;

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
    defaultProvider: DEFAULT_PROVIDER,
    pollIntervalMs: 5000,
    [INSTRUCTIONS_FIELD]: '',
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

export function openPipeline(context: AgentContext): Document<PipelineState> {
  const path = join(context.config.dataDir, 'pipeline.json');
  const warn = (text: string) => context.warn('pipeline', text);
  return openDocument<PipelineState>({
    path,
    initial: INITIAL,
    parse: (value) => {
      const { state, dropped } = parseState(value);
      if (!dropped.length) return state;
      const retained = `${path}.corrupt-${context.clock.now()}`;
      copyFileSync(path, retained);
      warn(
        `Tasks of ${path} could not be read and were left out: ${dropped.join(' ')} The file was kept as ${retained}.`,
      );
      // What comes after a task must not begin without it.
      return { ...state, running: false };
    },
    warn,
  });
}

/** `dropped`: a sentence for each task that cannot be read. One of them does not take the others with it. */
function parseState(value: unknown): { state: PipelineState; dropped: string[] } {
  const dropped: string[] = [];
  const { tasks, config, resumes = {}, ...rest } = pick<PipelineState>(value, {
    tasks: readableTasks(dropped),
    config: (input) => ({ ...INITIAL.config, ...parsePipelineConfig(input) }),
    running: bool,
    startedAt: time,
    resumes: counts,
  });
  if (!tasks) throw new Error('it has no list of tasks');
  const known = new Set(tasks.map((task) => task.id));
  const state = {
    ...INITIAL,
    ...rest,
    tasks,
    config: config ?? INITIAL.config,
    resumes: Object.fromEntries(Object.entries(resumes).filter(([id, count]) => known.has(id) && count > 0)),
  };
  return { state, dropped };
}

const readableTasks = (dropped: string[]): Check<Task[]> => (value) => {
  if (!Array.isArray(value)) throw new Error('it has no list of tasks');
  return value.flatMap((entry, i) => {
    try {
      return [parseTask(entry)];
    } catch (error) {
      dropped.push(`task ${i + 1}: ${error instanceof Error ? error.message : String(error)}`);
      return [];
    }
  });
};

const counts: Check<Record<string, number>> = (value, name) =>
  Object.fromEntries(Object.entries(fields(value, name)).map(([id, count]) => [id, time(count, `${name}.${id}`)]));

const withModel = (flags: AgentFlags, model: string): AgentFlags => {
  const { model: _, ...rest } = flags;
  return model ? { ...rest, model } : rest;
};

/** A new task; without an order it comes after all others (beside the last at MAX_ORDER). */
export function newTask(state: PipelineState, body: CreateTaskBody, id: string, now: number): Task {
  const { name, prompt, directory = '', provider = state.config.defaultProvider, model } = body;
  const last = state.tasks.reduce((most, task) => Math.max(most, task.order), -1);
  return {
    id,
    name,
    prompt,
    directory,
    provider,
    [INSTRUCTIONS_FIELD]: body[INSTRUCTIONS_FIELD] ?? '',
    flags: model ? withModel(body.flags ?? {}, model) : body.flags ?? {},
    order: body.order ?? Math.min(last + 1, MAX_ORDER),
    status: 'pending',
    agentId: null,
    error: '',
    attempts: 0,
    createdAt: now,
    startedAt: null,
    endedAt: null,
  };
}

/** The task with the fields that the patch names replaced. */
export function editTask(task: Task, { model, ...patch }: TaskPatch): Task {
  const edited = { ...task, ...patch };
  return model === undefined ? edited : { ...edited, flags: withModel(edited.flags, model) };
}
