/**
 * What a session needs of an agent CLI, whichever it is. A provider turns one CLI's protocol into these events and
 * these commands into that protocol; it keeps no history and decides nothing (agent/session does).
 */
import type {
  AgentFlags,
  Capabilities,
  Choice,
  DecisionBody,
  FileDiff,
  PermissionMode,
  ProviderName,
  Question,
  Todo,
  ToolResult,
  ToolStatus,
  Usage,
} from '../../core/wire/types.ts';
import type { ProcessIdentity } from './proc.ts';

/** How to open one session. */
export interface OpenOptions {
  agentId: string;
  /** Absolute; exists. */
  cwd: string;
  /** Continue this provider session; `fork`: as a copy with a new id. */
  resume: string | null;
  fork: boolean;
  flags: AgentFlags;
  model: string;
  mode: PermissionMode;
  effort: string;
}

export interface OutgoingMessage {
  /** UUID made by the client or the server: lifecycle events name it. */
  id: string;
  text: string;
  images: { mediaType: string; data: string }[];
}

/** A request of the CLI to its user, in provider-neutral form. */
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
 * Events in the order in which the CLI told them. `block` ids are stable and unique within the session: `start` opens a
 * message, `delta` appends, `end` replaces it by the complete form. An `end` without `start` is complete in itself.
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
  }
  | { type: 'text.start'; id: string; parent?: string; thinking: boolean }
  | { type: 'text.delta'; id: string; text: string }
  | { type: 'text.end'; id: string; parent?: string; thinking: boolean; text: string }
  | { type: 'tool.start'; id: string; parent?: string; tool: string }
  | { type: 'tool.input.delta'; id: string; text: string }
  | { type: 'tool.input'; id: string; parent?: string; tool: string; title: string; input: Record<string, unknown> }
  | { type: 'tool.output.delta'; id: string; text: string }
  | { type: 'tool.end'; id: string; status: ToolStatus; result: ToolResult }
  | { type: 'todos'; todos: Todo[] }
  | { type: 'request'; request: ProviderRequest }
  /** The CLI no longer wants an answer (interrupted, resolved elsewhere). */
  | { type: 'request.cancelled'; requestId: string }
  /** The CLI is seen to have taken the answer. */
  | { type: 'request.resolved'; requestId: string }
  | { type: 'message.status'; id: string; status: 'queued' | 'sent' | 'cancelled' | 'failed'; error?: string }
  | { type: 'usage'; usage: Partial<Usage> }
  | { type: 'notice'; level: 'info' | 'warning' | 'error'; code: string; text: string; passing: boolean }
  | { type: 'title'; title: string }
  | { type: 'cleared' } // the conversation was reset (/clear)
  | { type: 'activity' } // a sign of life that means nothing else
  /** The last event. `expected`: asked for by stop() or reap(). `text` says what to do about a failure. */
  | {
    type: 'exit';
    expected: boolean;
    code: number | null;
    signal: string | null;
    text: string;
    /** The session that was to be resumed is not there (any more): nothing was done. */
    sessionLost?: boolean;
  };

/** One open session with its CLI. Commands after `exit` are ignored. */
export interface ProviderSession {
  readonly pid: number | null;
  /** Kept on record, so that the process is found again after a crash of this server. */
  readonly identity?: ProcessIdentity | null;
  /** Work goes on in the background although no turn runs: the process must not be ended as idle. */
  readonly hasBackgroundWork?: boolean;
  send(message: OutgoingMessage): void;
  /** Gives false when the CLI has no such open request (any more). */
  decide(requestId: string, decision: DecisionBody): boolean;
  interrupt(): void;
  cancelQueued(messageId: string): void;
  setMode(mode: PermissionMode): void;
  setModel(model: string): void;
  setEffort(effort: string): void;
  /** Ends an idle process cleanly so that it can be resumed. */
  reap(): void;
  /** The whole ladder: interrupt → EOF → SIGTERM → SIGKILL of the group. Resolves when the process is gone. */
  stop(): Promise<void>;
}

export interface Provider {
  readonly name: ProviderName;
  /** Never throws: a failure to start is an `exit` event with a sentence that says what to do. */
  open(options: OpenOptions, emit: (event: ProviderEvent) => void): ProviderSession;
  /** Installed? Which version? What to do if not. Never throws; takes at most 10 s. */
  probe(): Promise<{ available: boolean; version: string; demo: boolean; text: string }>;
  /** Ends what the provider itself keeps running (an app-server). */
  close(): Promise<void>;
}
