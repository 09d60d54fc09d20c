/**
 * The live feed, GET /api/live (WebSocket, JSON text messages, one object each). See ./SPEC.md, "Live feed".
 * Browser-safe.
 */
import type { AgentInfo, Message, PipelineStatus, Task, Template, TerminalInfo } from './types.ts';

/** Client → server. */
export type LiveCommand =
  /** First message. `epoch` and `last` as of the last event seen; left out on a first visit. */
  | { type: 'hello'; epoch?: string; last?: number; watch?: WatchCursor[] }
  /** Messages of this agent are wanted from now on; answered by a `messages` event. */
  | { type: 'watch'; agent: string; after?: number; limit?: number }
  | { type: 'unwatch'; agent: string }
  /** Application-level heartbeat: answered by `pong` with the same `t`. */
  | { type: 'ping'; t: number };

export interface WatchCursor {
  agent: string;
  limit?: number;
}

/**
 * What changed. Events carry `seq` in the envelope. Applying one twice changes nothing: patches are absolute, deltas
 * carry the offset (in UTF-16 code units) at which the text goes.
 */
export type LiveChange =
  | { type: 'agent'; agent: AgentInfo } // made, or replaced as a whole
  | { type: 'agent.patch'; id: string; patch: Partial<AgentInfo> }
  | { type: 'agent.removed'; id: string }
  | { type: 'message'; agent: string; message: Message } // added, or replaced as a whole (same id)
  | { type: 'message.patch'; agent: string; id: string; patch: Record<string, unknown> }
  | { type: 'delta'; agent: string; id: string; field: 'text' | 'inputText' | 'output'; offset: number; text: string }
  | { type: 'messages.cleared'; agent: string } // the journal was compacted or cleared: fetch again
  | { type: 'terminal'; terminal: TerminalInfo }
  | { type: 'terminal.removed'; id: string }
  | { type: 'template'; template: Template }
  | { type: 'template.removed'; id: string }
  | { type: 'task'; task: Task }
  | { type: 'task.removed'; id: string }
  | { type: 'pipeline'; pipeline: PipelineStatus }
  | { type: 'settings' } // changed: fetch again
  | { type: 'warning'; code: string; text: string }; // server-wide, e.g. a data file was kept aside

/** The state at one cursor: what a client starts from. */
export interface LiveSnapshot {
  agents: AgentInfo[];
  terminals: TerminalInfo[];
  templates: Template[];
  tasks: Task[];
  pipeline: PipelineStatus;
  warnings: { code: string; text: string }[];
}

export interface MachineInfo {
  name: string;
  platform: string;
  version: string;
  startedAt: number;
  /** Providers that can be started, with what to do if not. */
  providers: Record<string, { available: boolean; version: string; demo: boolean; text: string }>;
  terminals: { available: boolean; text: string };
  /** What the create form begins with on a first visit; empty: nothing was set. */
  defaultDirectory: string;
}

/** Server → client. */
export type LiveMessage =
  /** Answer to hello. resumed: the missed events follow; else `snapshot` follows and everything known is stale. */
  | { type: 'welcome'; epoch: string; seq: number; resumed: boolean; machine: MachineInfo }
  | { type: 'snapshot'; seq: number; snapshot: LiveSnapshot }
  /** The newest messages of a watched agent as of `seq`; changes after it follow as events. */
  | { type: 'messages'; seq: number; agent: string; messages: Message[]; more: boolean }
  | { type: 'event'; seq: number; change: LiveChange }
  /** `seq`: everything up to it that this client wants has been sent. */
  | { type: 'pong'; t: number; seq?: number }
  | { type: 'error'; code: string; text: string };

/** Close codes of the live feed (RFC 6455 section 7.4.2: 4000-4999 is for private use). */
export const LIVE_CLOSE = {
  /** Signed out or the session was revoked: show the login page. */
  signedOut: 4401,
  /** Read too slowly: reconnect and resync. */
  slow: 4408,
  /** The server is going down and will be back. */
  restart: 4503,
} as const;
