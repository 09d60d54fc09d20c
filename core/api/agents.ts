import { contactChecks } from './contacts.ts';
import {
  bool,
  type Check,
  integer,
  list,
  MAX_FIELD,
  MAX_TEXT,
  need,
  oneOf,
  pick,
  text,
  uuid,
  wrong,
} from './schema.ts';
import { INSTRUCTIONS_FIELD } from './instructions.ts';

/**
 * The data that crosses the wire between the agent machine and the dashboard: REST bodies and live events.
 * Browser-safe (no node: import). Described in ./SPEC.md; a change here changes that page in the same commit.
 * All times are milliseconds since the Unix epoch.
 */

/** One of OWN_PROVIDERS, or the id of an agent of the Agent Client Protocol. */
export type ProviderName = string;

/** Where a session is. `agent/session/state.ts` owns every transition. */
export type AgentState = 'starting' | 'running' | 'waiting_input' | 'waiting_limit' | 'idle' | 'stopped' | 'error';

/** Why the session is in its state; a machine word, so that the dashboard can translate and explain it. */
export type StateReason =
  | 'created'
  | 'turn' // a turn runs
  | 'permission' // waits for a decision on a permission request
  | 'question' // waits for answers
  | 'plan' // waits for a decision on a plan
  | 'limit' // the account's limit ended the turn; see `limit`
  | 'done' // the last turn ended well
  | 'stopped_by_user'
  | 'at_desk' // its session was given back to a terminal
  | 'budget' // the day's budget is used up: see stateText
  | 'interrupted_by_user' // the turn was interrupted, the session goes on
  | 'interrupted' // the agent server ended while the session was at work; it can be resumed
  | 'reaped' // idle process ended, to save memory or with the server; the next message resumes it
  | 'exited' // the CLI ended by itself
  | 'failed'; // see stateText

/** Token and money counters. `null` where the provider does not tell. Cumulative over the session. */
export interface Usage {
  costUsd: number | null;
  inputTokens: number;
  outputTokens: number;
  cacheReadTokens: number;
  cacheWriteTokens: number;
  /** Tokens now in the context window, and its size. */
  contextTokens: number | null;
  contextWindow: number | null;
  turns: number;
}

export type PermissionMode = 'default' | 'acceptEdits' | 'plan' | 'auto' | 'dontAsk' | 'bypassPermissions';

/** What the create form and POST /api/agents accept as `flags`. */
export interface AgentFlags {
  dangerouslySkipPermissions?: boolean;
  resume?: string;
  forkSession?: boolean;
  /** The copy ends at this place of the session: an id of the CLI. */
  resumeAt?: string;
  model?: string;
  effort?: string;
  fullAuto?: boolean;
  chrome?: boolean;
  permissionMode?: PermissionMode;
  maxBudgetUsd?: number;
  allowedTools?: string[];
  disallowedTools?: string[];
  addDirs?: string[];
  mcpConfig?: string;
  /** false: work in the folder itself although it is a git repository. */
  worktree?: boolean;
}

/** A message that waits for its turn, in the order in which they will be begun with. */
export interface QueuedMessage {
  id: string;
  text: string;
  at: number;
  /** The CLI has it: it can be withdrawn until it is begun with where the CLI can, and not be changed or moved. */
  handed?: boolean;
}

export interface WorktreeInfo {
  /** Absolute path of the worktree; the agent's process runs there. */
  path: string;
  branch: string;
  /** Branch that the worktree was made from and is merged into. */
  base: string;
  /** Git folder of the repository that it was made from; records of earlier versions are without it. */
  commonDir?: string;
}

/** One agent as cards and page headers show it. Everything but `messages`. */
export interface AgentInfo {
  id: string;
  name: string;
  provider: ProviderName;
  /** The scripted demo CLI stands in for the real one; the dashboard labels it. */
  demo: boolean;
  /** The folder as the user gave it. */
  directory: string;
  worktree: WorktreeInfo | null;
  state: AgentState;
  stateReason: StateReason;
  /** A human sentence where the reason alone does not say enough (an error text, what to do). */
  stateText: string;
  stateSince: number;
  /** The provider's own session or thread id, once known: what `resume` takes. */
  sessionId: string | null;
  /** True when a message may be sent: to a running session it is queued, to a stopped one it resumes it. */
  resumable: boolean;
  model: string;
  mode: PermissionMode;
  effort: string;
  createdAt: number;
  /** Last sign of life of the session: an event of the CLI or a command of a user. */
  activeAt: number;
  usage: Usage;
  queue: QueuedMessage[];
  /** Ids of the pending requests, oldest first; the requests themselves are messages of kind `request`. */
  pending: string[];
  /** The turn is over, but something that it started still works: a subagent, a command. */
  background?: boolean;
  /** Number of messages in the journal; sequence number of the newest. */
  lastSeq: number;
  /** One line of what the agent said or did last. */
  preview: string;
  /** The CLI process: third hop of the status line. `seenAt`: last byte that it wrote. */
  cli: { running: boolean; pid: number | null; version: string; seenAt: number | null };
  flags: AgentFlags;
  adminEmail: string;
  whatsappPhone: string;
  slackWebhookUrl: string;
  /** The pipeline task that made this agent. */
  taskId: string | null;
  /** What was last merged into its base; an agent that was never merged is without it. */
  merged?: MergeRecord;
  /** It stands first in every list. */
  pinned?: boolean;
  /** When it was put away; 0 or missing: it is in use. A message takes it out again. */
  archivedAt?: number;
  /** The newest message that a user has seen. */
  seenSeq?: number;
  /** The limit of its account that was reached last. */
  limit?: ReachedLimit | null;
  /** After a limit it goes on by itself, once that is reset. */
  goOn?: boolean;
}

export interface ReachedLimit {
  /** When it was reached. */
  at: number;
  /** null: not told, so that nothing goes on by itself. */
  resetsAt: number | null;
  /** It went on by itself after the limit before, and came no further: it waits for a person. */
  isStuck?: boolean;
}

export interface MergeRecord {
  at: number;
  base: string;
  commits: number;
  files: number;
}

/** PUT /api/agents/:id/marks: what is left out stays as it is. */
export interface AgentMarks {
  pinned?: boolean;
  archived?: boolean;
  /** 0: nothing is seen, so that it counts as unread. */
  seenSeq?: number;
}

/** What the CLI of an agent offers, from its `initialize` answer. GET /api/agents/:id carries it as `capabilities`. */
export interface Capabilities {
  models: { value: string; label: string; efforts: string[] }[];
  commands: { name: string; description: string; argumentHint: string }[];
  modes: PermissionMode[];
  account: string;
}

/** POST /api/agents */
export interface CreateAgentBody {
  name?: string;
  directory: string;
  prompt?: string;
  provider?: ProviderName;
  [INSTRUCTIONS_FIELD]?: string;
  adminEmail?: string;
  whatsappPhone?: string;
  slackWebhookUrl?: string;
  flags?: AgentFlags;
  /** Made by the client: posting the same id again answers with the agent already made. */
  clientId?: string;
}

/** A session that a CLI keeps on disk, started here or in a terminal. GET /api/sessions → { sessions, notes } */
export interface DiskSession {
  provider: ProviderName;
  /** What `flags.resume` takes. */
  id: string;
  /** The name that it was given, or the first prompt. */
  title: string;
  /** Where it was started; empty when unknown. */
  directory: string;
  createdAt: number | null;
  updatedAt: number;
  /** null where the provider does not tell. */
  costUsd: number | null;
  /** A running process has it open: two processes on one session overwrite each other. */
  inUse: boolean;
  /** It is loaded where an agent here can join it: a terminal and the agent then share one live conversation. */
  live?: boolean;
  /** The agent here that goes on with it. */
  agentId: string | null;
}

/** Characters of the instructions file. */
export const MAX_INSTRUCTIONS = 200_000;

const PROVIDER_NAME = /^[a-z][a-z0-9-]{0,31}$/;

/** The name of a provider; whether there is one is known by the machine. */
export const providerName: Check<ProviderName> = (value, name) =>
  typeof value === 'string' && PROVIDER_NAME.test(value)
    ? value
    : wrong(name, 'the name of an agent program: small letters, digits and dashes');

export const MODES: PermissionMode[] = ['default', 'acceptEdits', 'plan', 'auto', 'dontAsk', 'bypassPermissions'];

const EFFORTS = ['', 'minimal', 'low', 'medium', 'high', 'xhigh', 'max'];

/** A value that becomes an argument of a CLI: never one that could be read as an option. */
const argument: Check<string> = (value, name) => {
  const input = text(MAX_FIELD)(value, name);
  if (input.trim().startsWith('-')) wrong(name, 'something that does not begin with "-"');
  return input;
};

/** Lists may come as one text with commas, as the create form of the reference product sent them. */
const listOrText: Check<string[]> = (value, name) =>
  list(argument)(typeof value === 'string' ? splitList(value) : value, name).filter((item) => item.trim());

const budget: Check<number> = (value, name) =>
  typeof value === 'number' && value > 0 && value <= 1e6 ? value : wrong(name, 'an amount of dollars above 0');

/** Splits at commas outside parentheses: `Bash(git log, git diff), Read` are two tools. */
function splitList(value: string): string[] {
  const items = [''];
  let depth = 0;
  for (const c of value) {
    depth += c === '(' ? 1 : c === ')' ? -1 : 0;
    if (c === ',' && depth <= 0) items.push('');
    else items[items.length - 1] += c;
  }
  return items.map((item) => item.trim());
}

export const parseFlags: Check<AgentFlags> = (value, name) =>
  pick<AgentFlags>(value, {
    dangerouslySkipPermissions: bool,
    resume: argument,
    forkSession: bool,
    resumeAt: argument,
    model: argument,
    effort: oneOf(EFFORTS),
    fullAuto: bool,
    chrome: bool,
    permissionMode: oneOf(MODES),
    maxBudgetUsd: budget,
    allowedTools: listOrText,
    disallowedTools: listOrText,
    addDirs: listOrText,
    mcpConfig: argument,
    worktree: bool,
  }, name);

export function parseCreateAgent(value: unknown): CreateAgentBody {
  const body = pick<CreateAgentBody>(value, {
    name: text(200),
    directory: text(MAX_FIELD, true),
    prompt: text(MAX_TEXT),
    provider: providerName,
    [INSTRUCTIONS_FIELD]: text(MAX_INSTRUCTIONS),
    ...contactChecks,
    flags: parseFlags,
    clientId: uuid,
  });
  return need(body, 'directory');
}

export const parseMarks = (value: unknown): AgentMarks =>
  pick<AgentMarks>(value, { pinned: bool, archived: bool, seenSeq: integer });

export const checks = {
  name: text(200, true),
  instructions: text(MAX_INSTRUCTIONS),
  mode: oneOf(MODES),
  model: argument,
  effort: oneOf(EFFORTS),
  goOn: bool,
};
