/** How the rooms of the agent machine know each other: interfaces only, so that each can be built and tested alone. */
import type { Clock } from '../core/clock.ts';
import type { Log } from '../core/log.ts';
import type { LiveChange } from '../core/wire/live.ts';
import type {
  AgentFlags,
  AgentInfo,
  Capabilities,
  CreateAgentBody,
  DecisionBody,
  DecisionRecord,
  Message,
  MessagePage,
  PermissionMode,
  ProviderName,
  SendMessageBody,
  UserMessage,
  WorktreeInfo,
} from '../core/wire/types.ts';
import type { Config } from './config.ts';

/** What every room is given. */
export interface House {
  config: Config;
  log: Log;
  clock: Clock;
  /** Tells every dashboard; the only way to the live feed. */
  publish(change: LiveChange): void;
  /** A server-wide warning that dashboards show until it is cleared with an empty text. */
  warn(code: string, text: string): void;
}

/** The agents: commands and subscriptions. Errors are HttpErrors. `by` names who asks, for the record. */
export interface Agents {
  list(): AgentInfo[];
  info(id: string): AgentInfo;
  capabilities(id: string): Capabilities | null;
  messages(id: string, range: { after?: number; before?: number; limit?: number }): MessagePage;
  message(id: string, messageId: string): Message | undefined;
  create(body: CreateAgentBody & { taskId?: string }, by: string): Promise<AgentInfo>;
  send(id: string, body: SendMessageBody, by: string): Promise<{ message: UserMessage; duplicate: boolean }>;
  cancelQueued(id: string, messageId: string, by: string): Promise<void>;
  decide(
    id: string,
    requestId: string,
    body: DecisionBody,
    by: string,
  ): Promise<{ decision: DecisionRecord; duplicate: boolean }>;
  interrupt(id: string, by: string): Promise<void>;
  stop(id: string, by: string): Promise<AgentInfo>;
  stopAll(by: string): Promise<number>;
  /** `discardWork`: also when the worktree holds work that is not merged (else HttpError 409 `unmerged_work`). */
  remove(id: string, options: { discardWork: boolean }, by: string): Promise<void>;
  rename(id: string, name: string, by: string): Promise<AgentInfo>;
  setMode(id: string, mode: PermissionMode, by: string): Promise<AgentInfo>;
  setModel(id: string, model: string, by: string): Promise<AgentInfo>;
  setEffort(id: string, effort: string, by: string): Promise<AgentInfo>;
  /** Every change of every agent, in order, as the live feed gets it. Returns the unsubscriber. */
  subscribe(listener: (change: LiveChange) => void): () => void;
}

/** Where an agent works. */
export interface Workspace {
  /**
   * Checks the folder and makes the worktree that the flags ask for. Throws HttpError with a sentence; an agent is never
   * silently run somewhere else. `notice` is told to the user (no repository: works in the folder itself).
   * `claudeMd`, when not empty, becomes the instructions file of `cwd`: AGENTS.md for codex, else CLAUDE.md.
   */
  prepare(
    request: { agentId: string; directory: string; flags: AgentFlags; provider?: ProviderName; claudeMd?: string },
  ): Promise<{ directory: string; cwd: string; worktree: WorktreeInfo | null; notice: string }>;
  /** What would be lost if the worktree were removed; empty when nothing. One sentence a kind of work. */
  unmerged(worktree: WorktreeInfo): Promise<string[]>;
  remove(worktree: WorktreeInfo): Promise<void>;
}

/** One small JSON file, written atomically. */
export interface Document<T> {
  readonly value: T;
  /** Resolves when the new value is on disk (fsynced, renamed). Changes are applied one after another. */
  update(change: (value: T) => T): Promise<T>;
}
