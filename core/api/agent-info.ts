/** An agent as it was stored: the parser of AgentInfo. Browser-safe. */
import {
  type AgentInfo,
  type AgentState,
  type MergeRecord,
  MODES,
  parseFlags,
  providerName,
  type QueuedMessage,
  type ReachedLimit,
  type StateReason,
  type Usage,
  type WorktreeInfo,
} from './agents.ts';
import { bool, type Check, list, need, oneOf, pick, string, time } from './schema.ts';

const STATES: AgentState[] = ['starting', 'running', 'waiting_input', 'waiting_limit', 'idle', 'stopped', 'error'];

const REASONS: StateReason[] = [
  'created',
  'turn',
  'permission',
  'question',
  'plan',
  'limit',
  'done',
  'stopped_by_user',
  'at_desk',
  'budget',
  'interrupted_by_user',
  'interrupted',
  'reaped',
  'exited',
  'failed',
];

/** Entries of a list that this server wrote. */
const MAX_STORED = 100_000;

export const NO_USAGE: Usage = {
  costUsd: null,
  inputTokens: 0,
  outputTokens: 0,
  cacheReadTokens: 0,
  cacheWriteTokens: 0,
  contextTokens: null,
  contextWindow: null,
  turns: 0,
};

const parseUsage: Check<Usage> = (value, name) => ({
  ...NO_USAGE,
  ...pick<Usage>(value, {
    costUsd: time,
    inputTokens: time,
    outputTokens: time,
    cacheReadTokens: time,
    cacheWriteTokens: time,
    contextTokens: time,
    contextWindow: time,
    turns: time,
  }, name),
});

const parseQueued: Check<QueuedMessage> = (value, name) =>
  need(pick<QueuedMessage>(value, { id: string, text: string, at: time, handed: bool }, name), 'id', 'text', 'at');

export const parseWorktree: Check<WorktreeInfo> = (value, name) =>
  need(
    pick<WorktreeInfo>(value, { path: string, branch: string, base: string, commonDir: string }, name),
    'path',
    'branch',
    'base',
  );

const parseCli: Check<AgentInfo['cli']> = (value, name) => ({
  running: false,
  pid: null,
  version: '',
  seenAt: null,
  ...pick<AgentInfo['cli']>(value, { running: bool, pid: time, version: string, seenAt: time }, name),
});

const parseMerge: Check<MergeRecord> = (value, name) =>
  need(
    pick<MergeRecord>(value, { at: time, base: string, commits: time, files: time }, name),
    'at',
    'base',
    'commits',
    'files',
  );

const parseLimit: Check<ReachedLimit> = (value, name) => ({
  resetsAt: null,
  ...need(pick<ReachedLimit>(value, { at: time, resetsAt: time, isStuck: bool }, name), 'at'),
});

const CHECKS: { [K in keyof AgentInfo]-?: Check<NonNullable<AgentInfo[K]>> } = {
  id: string,
  name: string,
  provider: providerName,
  demo: bool,
  directory: string,
  worktree: parseWorktree,
  state: oneOf(STATES),
  stateReason: oneOf(REASONS),
  stateText: string,
  stateSince: time,
  sessionId: string,
  resumable: bool,
  model: string,
  mode: oneOf(MODES),
  effort: string,
  createdAt: time,
  activeAt: time,
  usage: parseUsage,
  queue: list(parseQueued, MAX_STORED),
  pending: list(string, MAX_STORED),
  background: bool,
  lastSeq: time,
  preview: string,
  cli: parseCli,
  flags: parseFlags,
  adminEmail: string,
  whatsappPhone: string,
  slackWebhookUrl: string,
  taskId: string,
  merged: parseMerge,
  pinned: bool,
  archivedAt: time,
  seenSeq: time,
  limit: parseLimit,
  goOn: bool,
};

/** What every version has written. */
const REQUIRED = [
  'id',
  'name',
  'provider',
  'directory',
  'state',
  'stateReason',
  'createdAt',
  'activeAt',
  'usage',
  'queue',
  'pending',
  'cli',
  'flags',
] as const satisfies readonly (keyof AgentInfo)[];

/** An agent as it was stored. Throws ValidationError for what is missing or of another type. */
export function parseAgentInfo(value: unknown, name: string): AgentInfo {
  const info = pick<AgentInfo>(value, CHECKS, name);
  return {
    demo: false,
    worktree: null,
    stateText: '',
    stateSince: info.createdAt ?? 0,
    sessionId: null,
    resumable: true,
    model: '',
    mode: 'default',
    effort: '',
    lastSeq: 0,
    preview: '',
    adminEmail: '',
    whatsappPhone: '',
    slackWebhookUrl: '',
    taskId: null,
    ...need(info, ...REQUIRED),
  };
}
