import type {
  AgentFlags,
  Capabilities,
  DiskSession,
  PermissionMode,
  ProviderName,
  Usage,
} from '../../core/api/agents.ts';
import type {
  Choice,
  DecisionBody,
  FileDiff,
  LimitState,
  Question,
  Todo,
  ToolResult,
  ToolStatus,
} from '../../core/api/messages.ts';
import type { LimitWindow } from '../../core/api/usage.ts';
import type { HistoryMessage } from './history-message.ts';
import type { TerminalSessions } from './terminal-sessions.ts';
import type { HolderRecord } from '../process/holder/records.ts';
import type { ProcessIdentity } from '../process/identity.ts';

/** What a session is opened with. */
export interface OpenOptions {
  agentId: string;
  /** Absolute; exists. */
  cwd: string;
  /** Id of the provider's session to continue; `fork`: as a copy with a new id. */
  resume: string | null;
  fork: boolean;
  /** The copy ends at this place, as `turn.end` named it; missing: it is whole. */
  forkAt?: string;
  flags: AgentFlags;
  model: string;
  mode: PermissionMode;
  effort: string;
  /** Where files that were sent to the agent are: the CLI may read there. */
  attachments?: string;
  /** For a provider that can keep its CLI in a holder. */
  holder?: HolderOptions;
}

/** The holder that a CLI is to run in, or runs in. */
export interface HolderOptions {
  id: string;
  /**
   * One that runs since before this server, up to where its output is known, and the snapshot() of there, which is the session's to
   * change; null: it is to be started.
   */
  survivor: { record: HolderRecord; offset: number; state: unknown } | null;
}

/** A CLI that outlives this server. */
export interface HeldSession {
  readonly id: string;
  /** It is at a turn, as far as its output is known. */
  readonly isTurning: boolean;
  /** Resolves when the CLI runs, or has failed to. */
  readonly running: Promise<void>;
  /** Bytes of its output whose events have been emitted: those of a line are all emitted at once. */
  readonly offset: number;
  /** What is to be known at this offset to go on reading, as JSON. */
  snapshot(): unknown;
  /** What came before this offset is on disk: it is not asked for again. */
  ack(offset: number): void;
  /** Leaves it to the next server. No event follows. */
  detach(): void;
}

export interface OutgoingMessage {
  /** UUID made by the client or the server; status events name it. */
  id: string;
  text: string;
  images: { mediaType: string; data: string }[];
  /** Other files, which the CLI reads from the disk. */
  files?: OutgoingFile[];
}

/** A file that goes with a message. */
export interface OutgoingFile {
  /** As its sender calls it. */
  name: string;
  /** Absolute. */
  path: string;
  size: number;
}

/** A picture that a tool returned: its bytes as base64, or a file that the CLI looked at. */
export type ToolPicture = { data: string } | { path: string };

/** A request of the CLI to its user, in the same form for every provider. */
export interface ProviderRequest {
  requestId: string;
  request: 'permission' | 'question' | 'plan';
  toolId: string | null;
  tool: string;
  title: string;
  description: string;
  input: Record<string, unknown>;
  diffs: FileDiff[];
  choices: Choice[];
  questions: Question[];
  plan: string;
}

/**
 * Events in the order in which the CLI sent them. Ids of blocks are stable and unique within the session: `start` opens a
 * message, `delta` appends to it, `end` replaces it by its complete form. An `end` without `start` is complete by itself.
 */
export type ProviderEvent =
  | { type: 'ready'; sessionId: string | null; version: string; capabilities: Capabilities | null }
  | { type: 'session'; sessionId: string; model?: string; mode?: PermissionMode; effort?: string; cwd?: string }
  | { type: 'turn.start' }
  | {
    type: 'turn.end';
    outcome: 'done' | 'interrupted' | 'error' | 'max_turns' | 'max_budget';
    text: string;
    durationMs: number;
    /** Where the session stands now: a copy can end here. Missing: the CLI has no name for it. */
    point?: string;
  }
  | { type: 'text.start'; id: string; parent?: string; thinking: boolean }
  | { type: 'text.delta'; id: string; text: string }
  | { type: 'text.end'; id: string; parent?: string; thinking: boolean; text: string }
  | { type: 'tool.start'; id: string; parent?: string; tool: string }
  | { type: 'tool.input.delta'; id: string; text: string }
  | { type: 'tool.input'; id: string; parent?: string; tool: string; title: string; input: Record<string, unknown> }
  | { type: 'tool.output.delta'; id: string; text: string }
  /** `at`: when, where the CLI says it: an earlier server may not have lived to see it. */
  | { type: 'tool.end'; id: string; status: ToolStatus; result: ToolResult; pictures?: ToolPicture[]; at?: number }
  | { type: 'todos'; todos: Todo[] }
  | { type: 'request'; request: ProviderRequest }
  /** The CLI no longer wants an answer (interrupted, resolved elsewhere). */
  | { type: 'request.cancelled'; requestId: string }
  /** The CLI has confirmed the answer. */
  | { type: 'request.resolved'; requestId: string }
  /** A message that was typed elsewhere, into a conversation that is shared; or by this agent before, with its `clientId`. */
  | { type: 'typed'; id: string; clientId?: string; text: string; images: number; by: string }
  | { type: 'message.status'; id: string; status: 'queued' | 'sent' | 'cancelled' | 'failed'; error?: string }
  | { type: 'usage'; usage: Partial<Usage> }
  | {
    type: 'notice';
    level: 'info' | 'warning' | 'error';
    code: string;
    text: string;
    passing: boolean;
    limit?: LimitState;
  }
  /** How much of the account's limits is used; windows that are not named are as they were. */
  | { type: 'limits'; windows: LimitWindow[] }
  | { type: 'title'; title: string }
  | { type: 'cleared' } // the conversation was reset (/clear)
  /** The CLI runs: its process is known now. Only of a CLI in a holder. */
  | { type: 'process' }
  /** All that the CLI wrote before this server came has been emitted. Its commands may be given again. */
  | { type: 'caught.up' }
  | { type: 'activity' } // a sign of life that means nothing else
  /** The last event. `expected`: stop() or reap() asked for it. `text` says what to do about a failure. */
  | {
    type: 'exit';
    expected: boolean;
    code: number | null;
    signal: string | null;
    text: string;
    /** The session that was to be resumed does not exist (any more): nothing was done. */
    sessionLost?: boolean;
  };

/** One open session with its CLI. Commands after `exit` have no effect. */
export interface ProviderSession {
  readonly pid: number | null;
  /** Saved, so that the process is found again after a crash of this server. */
  readonly identity?: ProcessIdentity | null;
  /** Work goes on although no turn runs: the process must not be ended as idle. */
  readonly hasBackgroundWork?: boolean;
  /** Others are in the same session, and what they do is shown: it is not ended as idle. */
  readonly isShared?: boolean;
  /** null: it ends with this server. */
  readonly held?: HeldSession | null;
  send(message: OutgoingMessage): void;
  /** @returns false when the CLI has no such open request (any more) */
  decide(requestId: string, decision: DecisionBody): boolean;
  interrupt(): void;
  cancelQueued(messageId: string): void;
  setMode(mode: PermissionMode): void;
  setModel(model: string): void;
  setEffort(effort: string): void;
  /**
   * Makes the files that the CLI has edited as they were before a message of the user. Rejects with a sentence. Missing: it
   * keeps no earlier state of them.
   */
  rewindFiles?(messageId: string, dryRun: boolean): Promise<RewoundFiles>;
  /** Ends an idle process gently; the session can be resumed. */
  reap(): void;
  /** Every step: interrupt → EOF → SIGTERM → SIGKILL of the group. Resolves when the process has ended. */
  stop(): Promise<void>;
}

/** Files that are, or would be, as they were before a message. */
export interface RewoundFiles {
  /** Paths of those that change; of a dry run only. */
  files: string[];
  /** Lines. */
  insertions: number;
  deletions: number;
  /** Links that were left as they are. */
  skipped: number;
}

/** A session as its CLI stores it. */
export type StoredSession = Omit<DiskSession, 'agentId'>;

/** The sessions that a CLI keeps on disk, started here or in a terminal. */
export interface StoredSessions {
  /** Newest first. Rejects with a sentence. */
  list(limit: number): Promise<StoredSession[]>;
  /** The newest messages, oldest first; null when there is no such session. */
  read(id: string, limit: number): Promise<HistoryMessage[] | null>;
  /** Has a program on this machine the session open? false where the CLI guards its sessions itself. */
  isOpen(id: string): Promise<boolean>;
}

export interface Provider {
  readonly name: ProviderName;
  /** For people; those with drivers of their own have theirs in core/api/providers.ts. */
  readonly label?: string;
  readonly icon?: string;
  /** Its CLIs run in holders, if OpenOptions name one. */
  readonly isHeld?: boolean;
  /**
   * Of the form of HeldSession.snapshot(): one of another version is not read, its CLI is ended and its session resumed. Missing: 1.
   * To be raised with each change after which an earlier or later server would misread it (test/agent/session/snapshot-version.test.ts).
   */
  readonly snapshotVersion?: number;
  /** Missing: its sessions on disk are not read. */
  readonly storedSessions?: StoredSessions;
  /** Missing: its sessions in terminals are not found. */
  readonly terminalSessions?: TerminalSessions;
  /** Never throws: a failure to start is an `exit` event whose text says what to do. */
  open(options: OpenOptions, emit: (event: ProviderEvent) => void): ProviderSession;
  /**
   * Arguments with which the CLI's own interface goes on with a session as the agent would: its mode, model, rules.
   * Missing: the CLI has none.
   */
  terminalArgs?(options: OpenOptions): string[];
  /** Installed? Which version? What to do if not. Never throws; takes at most 10 s. */
  probe(): Promise<{ available: boolean; version: string; demo: boolean; text: string }>;
  /** Asks the account how much of its limits is used; null where it does not say. Missing: the CLI cannot be asked. */
  readLimits?(): Promise<LimitWindow[] | null>;
  /** Ends what the provider itself runs (an app-server). */
  close(): Promise<void>;
}
