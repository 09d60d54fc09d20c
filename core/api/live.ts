import { fields, integer, list, need, pick, text, ValidationError } from './schema.ts';
import type { ErrorCode } from './errors.ts';
import type { AgentInfo } from './agents.ts';
import type { AgentCounts } from './agent-order.ts';
import type { DeskSession } from './handoff.ts';
import type { Message } from './messages.ts';
import type { ProviderInfo } from './providers.ts';
import type { PipelineStatus, Task } from './tasks.ts';
import type { Template } from './templates.ts';
import type { TerminalInfo } from './terminals.ts';

/** Client → server. */
export type LiveCommand =
  /**
   * First message. `epoch` of the snapshot that the client has, `last` as of the last event that it applied to it; both are left
   * out when it has no whole snapshot. `first`: so many agents of a snapshot are enough to begin with.
   */
  | { type: 'hello'; epoch?: string; last?: number; watch?: WatchCursor[]; first?: number }
  /** The next of the agents that the snapshot left out; answered by `agents`. */
  | { type: 'rest' }
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
  | { type: 'handoff'; session: DeskSession }
  | { type: 'handoff.removed'; id: string }
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
  /** A machine of an earlier version is without it. */
  handoff?: readonly DeskSession[];
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
  providers: Record<string, ProviderInfo>;
  terminals: { available: boolean; text: string };
  /** What the create form begins with on a first visit; empty: nothing was set. */
  defaultDirectory: string;
}

/** Server → client. */
export type LiveMessage =
  /** Answer to hello. resumed: the missed events follow; else `snapshot` follows and everything known is stale. */
  | { type: 'welcome'; epoch: string; seq: number; resumed: boolean; machine: MachineInfo }
  /** The whole state. Only from here on has the client a place to go on from: this epoch and `seq`. */
  | { type: 'snapshot'; epoch: string; seq: number; snapshot: LiveSnapshot; rest?: AgentCounts }
  /** More agents, as of `seq`. `rest` (here and in `snapshot`): how many are still left out; without it: none. */
  | { type: 'agents'; seq: number; agents: AgentInfo[]; rest?: AgentCounts }
  /** The newest messages of a watched agent as of `seq`; changes after it follow as events. */
  | { type: 'messages'; seq: number; agent: string; messages: Message[]; more: boolean }
  | { type: 'event'; seq: number; change: LiveChange }
  /** `seq`: everything up to it that this client wants has been sent. */
  | { type: 'pong'; t: number; seq?: number }
  | { type: 'error'; code: ErrorCode; text: string };

/** A client's message on the live feed. */
export function parseLiveCommand(value: unknown): LiveCommand {
  const command = fields(value, 'message');
  const agent = () =>
    need(
      pick<{ agent: string; after: number; limit: number }>(command, {
        agent: text(100, true),
        after: integer,
        limit: integer,
      }),
      'agent',
    );
  switch (command.type) {
    case 'hello':
      return {
        type: 'hello',
        ...pick<{ epoch: string; last: number; first: number }>(command, {
          epoch: text(100),
          last: integer,
          first: integer,
        }),
        watch: list((item, name) =>
          need(pick<{ agent: string; limit: number }>(item, { agent: text(100, true), limit: integer }, name), 'agent')
        )(command.watch ?? [], 'watch'),
      };
    case 'watch':
      return { type: 'watch', ...agent() };
    case 'unwatch':
      return { type: 'unwatch', agent: agent().agent };
    case 'rest':
      return { type: 'rest' };
    case 'ping':
      return { type: 'ping', t: typeof command.t === 'number' ? command.t : 0 };
    default:
      throw new ValidationError('"type" must be hello, watch, unwatch, rest or ping.');
  }
}
