/**
 * The data that crosses the wire between the agent machine and the dashboard: REST bodies and live events.
 * Browser-safe (no node: import). Described in ./SPEC.md; a change here changes that page in the same commit.
 * All times are milliseconds since the Unix epoch.
 */

export type ProviderName = 'claude' | 'codex';

/** Where a session is. `agent/session/state.ts` owns every transition. */
export type AgentState = 'starting' | 'running' | 'waiting_input' | 'idle' | 'stopped' | 'error';

/** Why the session is in its state; a machine word, so that the dashboard can translate and explain it. */
export type StateReason =
  | 'created'
  | 'turn' // a turn runs
  | 'permission' // waits for a decision on a permission request
  | 'question' // waits for answers
  | 'plan' // waits for a decision on a plan
  | 'done' // the last turn ended well
  | 'stopped_by_user'
  | 'interrupted_by_user' // the turn was interrupted, the session goes on
  | 'interrupted' // the agent server ended while the session was open; it can be resumed
  | 'reaped' // idle process ended to save memory; the next message resumes it
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

/** A message that waits for its turn inside the CLI; it can be cancelled until it is started. */
export interface QueuedMessage {
  id: string;
  text: string;
  at: number;
}

export interface WorktreeInfo {
  /** Absolute path of the worktree; the agent's process runs there. */
  path: string;
  branch: string;
  /** Branch that the worktree was made from and is merged into. */
  base: string;
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
}

/** What the CLI of an agent offers, from its `initialize` answer. GET /api/agents/:id carries it as `capabilities`. */
export interface Capabilities {
  models: { value: string; label: string; efforts: string[] }[];
  commands: { name: string; description: string; argumentHint: string }[];
  modes: PermissionMode[];
  account: string;
}

/** One file's change as a list of unified hunks. */
export interface FileDiff {
  path: string;
  kind: 'add' | 'update' | 'delete';
  hunks: { oldStart: number; oldLines: number; newStart: number; newLines: number; lines: string[] }[];
  /** Hunks were left out because the diff is too large. */
  truncated?: boolean;
}

export type ToolStatus = 'running' | 'done' | 'error' | 'denied' | 'cancelled';

/** What a tool gave back. `text` is bounded (RESULT_LIMIT in the journal); `truncated` says that it was cut. */
export interface ToolResult {
  text: string;
  truncated: boolean;
  exitCode?: number;
  diffs?: FileDiff[];
}

export interface Todo {
  text: string;
  status: 'pending' | 'in_progress' | 'completed';
}

/** One way to answer a request. `allow` and `deny` always exist for a permission; rules add more. */
export interface Choice {
  /** `allow`, `deny`, `cancel`, `session`, or `rule:<n>` */
  id: string;
  label: string;
  /** What exactly it allows and where that is written. */
  detail: string;
  tone: 'allow' | 'rule' | 'deny';
}

export interface Question {
  id: string;
  header: string;
  question: string;
  options: { label: string; description: string }[];
  multiSelect: boolean;
  /** A free text answer is welcome. */
  other: boolean;
  secret: boolean;
}

export type RequestStatus = 'pending' | 'decided' | 'answered' | 'cancelled' | 'expired';

/** POST /api/agents/:id/permissions/:requestId. `decision` is a Choice id, or `answer` with `answers` for questions. */
export interface DecisionBody {
  decision: string;
  /** Made by the client; posting the same id again is harmless. */
  clientId: string;
  /** Deny: told to the model. */
  message?: string;
  /** Deny: also interrupt the turn. */
  interrupt?: boolean;
  /** Allow: the edited tool input. */
  input?: Record<string, unknown>;
  /** Question id → chosen labels or free text. */
  answers?: Record<string, string[]>;
  /** Plan: the mode to go on with. */
  mode?: PermissionMode;
}

/** Who decided what and when; `by` names the session ("Safari on iPhone", "this machine"). */
export interface DecisionRecord extends DecisionBody {
  by: string;
  at: number;
}

export interface MessageBase {
  /** Stable and unique within the agent. */
  id: string;
  /** 1, 2, 3 … without gaps within the agent: the order of appearance. */
  seq: number;
  at: number;
  /** Id of the tool message of the subagent that this belongs to. */
  parent?: string;
}

export type Message =
  & MessageBase
  & (
    | {
      kind: 'user';
      text: string;
      images: { mediaType: string; size: number }[];
      /** accepted: on the record, not yet with the CLI; sent: the CLI has it; failed: see error. */
      status: 'accepted' | 'queued' | 'sent' | 'cancelled' | 'failed';
      by: string;
      error?: string;
    }
    | { kind: 'text'; text: string; done: boolean }
    | { kind: 'thinking'; text: string; done: boolean }
    | {
      kind: 'tool';
      tool: string;
      /** One line for the closed row: the command, the file, the pattern. */
      title: string;
      /** The complete input once known; `inputText` is the JSON as it streams in. */
      input: Record<string, unknown> | null;
      inputText: string;
      /** Live output, where the provider streams it. */
      output: string;
      status: ToolStatus;
      result?: ToolResult;
      endedAt?: number;
    }
    | {
      kind: 'request';
      /** permission: run a tool; question: answer a form; plan: approve a plan. */
      request: 'permission' | 'question' | 'plan';
      /** Id of the tool message that asks, where there is one. */
      toolId: string | null;
      tool: string;
      title: string;
      description: string;
      input: Record<string, unknown>;
      diffs: FileDiff[];
      choices: Choice[];
      questions: Question[];
      plan: string;
      status: RequestStatus;
      decision: DecisionRecord | null;
    }
    | { kind: 'todos'; todos: Todo[] }
    | {
      kind: 'notice';
      level: 'info' | 'warning' | 'error';
      /** machine word: api_retry, rate_limit, stderr, compacted, background, interrupted, exit … */
      code: string;
      text: string;
      /** A passing notice is replaced by the next one of the same code. */
      passing: boolean;
    }
    | {
      kind: 'turn';
      outcome: 'done' | 'interrupted' | 'error' | 'max_turns' | 'max_budget';
      text: string;
      durationMs: number;
      /** Cumulative, as in Usage. */
      costUsd: number | null;
      inputTokens: number;
      outputTokens: number;
    }
  );

export type MessageKind = Message['kind'];
export type RequestMessage = Extract<Message, { kind: 'request' }>;
export type ToolMessage = Extract<Message, { kind: 'tool' }>;
export type UserMessage = Extract<Message, { kind: 'user' }>;

/** POST /api/agents */
export interface CreateAgentBody {
  name?: string;
  directory: string;
  prompt?: string;
  provider?: ProviderName;
  claudeMd?: string;
  adminEmail?: string;
  whatsappPhone?: string;
  slackWebhookUrl?: string;
  flags?: AgentFlags;
  /** Made by the client: posting the same id again answers with the agent already made. */
  clientId?: string;
}

/** POST /api/agents/:id/message */
export interface SendMessageBody {
  text: string;
  clientId?: string;
  images?: { mediaType: string; data: string }[];
}

/** A page of history: GET /api/agents/:id/messages?after=SEQ | ?before=SEQ & limit=N */
export interface MessagePage {
  messages: Message[];
  /** Older messages exist before the first of this page. */
  more: boolean;
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
  /** The agent here that goes on with it. */
  agentId: string | null;
}

export interface TerminalInfo {
  id: string;
  name: string;
  agentId: string | null;
  directory: string;
  command: string;
  cols: number;
  rows: number;
  viewers: number;
  createdAt: number;
  activeAt: number;
  exited: { code: number; signal: number; at: number } | null;
  /** Total bytes the PTY has written: the next output's offset. */
  offset: number;
}

export interface Template {
  id: string;
  name: string;
  content: string;
  updatedAt: number;
}

export type TaskStatus = 'pending' | 'running' | 'waiting_input' | 'completed' | 'failed' | 'skipped' | 'blocked';

/** A pipeline task; tasks of one `order` run in parallel, the next order waits. */
export interface Task {
  id: string;
  name: string;
  prompt: string;
  directory: string;
  provider: ProviderName;
  order: number;
  claudeMd: string;
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

export interface ErrorBody {
  error: string;
  code: string;
}
