/** The agents as the rest of the machine commands and reads them. `Registry` is the implementation. */
import type {
  AgentInfo,
  AgentMarks,
  Capabilities,
  CreateAgentBody,
  MergeRecord,
  PermissionMode,
  ProviderName,
} from '../../core/api/agents.ts';
import type {
  DecisionBody,
  DecisionRecord,
  Message,
  MessagePage,
  QueuedChange,
  SendMessageBody,
  UserMessage,
} from '../../core/api/messages.ts';
import type { AttachmentStore } from './attachments.ts';
import type { DirectoryUse } from './directory-uses.ts';

export interface RemoveOptions {
  /** Also when the worktree holds work that is not merged (else Failure `unmerged_work`). */
  discardWork: boolean;
  /** Asked when nothing new can come any more: false leaves the agent as it is (Failure `agent_busy`). */
  onlyIf?(agent: AgentInfo): boolean;
}

/** What a terminal needs to go on with an agent's session. */
export interface HandedSession {
  /** Arguments of the CLI: its session, mode, rules. */
  args: string[];
  /** To be called when the terminal's program has ended. */
  release(): void;
}

/** Commands and queries; changes are published. Errors are Failures. `by` names who asks, for the record. */
export interface Agents {
  list(): AgentInfo[];
  info(id: string): AgentInfo;
  capabilities(id: string): Capabilities | null;
  messages(id: string, range: { after?: number; before?: number; limit?: number }): MessagePage;
  message(id: string, messageId: string): Message | undefined;
  create(body: CreateAgentBody & { taskId?: string }, by: string): Promise<AgentInfo>;
  send(id: string, body: SendMessageBody, by: string): Promise<{ message: UserMessage; duplicate: boolean }>;
  cancelQueued(id: string, messageId: string, by: string): Promise<void>;
  /** Changes a message that waits behind a turn, or its place. Throws Failure `already_sent`. */
  changeQueued(id: string, messageId: string, change: QueuedChange): Promise<UserMessage>;
  /** Has a waiting message read now. `steered`: in the running turn; else that is interrupted. */
  sendNow(id: string, messageId: string, by: string): Promise<{ steered: boolean }>;
  /** The files that are sent to an agent. */
  attachments(id: string): AttachmentStore;
  decide(
    id: string,
    requestId: string,
    body: DecisionBody,
    by: string,
  ): Promise<{ decision: DecisionRecord; duplicate: boolean }>;
  interrupt(id: string, by: string): Promise<void>;
  stop(id: string, by: string): Promise<AgentInfo>;
  stopAll(by: string): Promise<number>;
  /** Ends what the agent does, with this sentence; one that does nothing stays as it is. */
  stopFor(id: string, text: string): Promise<void>;
  /** Ends the agent, closes its terminals, removes its worktree. Throws Failure. */
  remove(id: string, options: RemoveOptions, by: string): Promise<void>;
  /** Gives the agent's session to a terminal: its own CLI is ended first. Throws Failure. */
  handOverSession(id: string, terminal: { id: string; name: string }, by: string): Promise<HandedSession>;
  /** The agent that goes on with a session of a CLI; null: none. */
  agentOf(provider: ProviderName, sessionId: string): string | null;
  /** Somebody begins to work in a directory. @returns how to leave it. Throws Failure when it is being removed */
  enterDirectory(use: DirectoryUse): () => void;
  rename(id: string, name: string, by: string): Promise<AgentInfo>;
  /** Pins, archives, says what was seen. */
  mark(id: string, marks: AgentMarks): Promise<AgentInfo>;
  /** Its work was merged. */
  noteMerge(id: string, merge: Omit<MergeRecord, 'at'>): Promise<AgentInfo>;
  setMode(id: string, mode: PermissionMode, by: string): Promise<AgentInfo>;
  setModel(id: string, model: string, by: string): Promise<AgentInfo>;
  setEffort(id: string, effort: string, by: string): Promise<AgentInfo>;
  /** Whether it goes on by itself after a limit. */
  setGoOn(id: string, goOn: boolean, by: string): Promise<AgentInfo>;
}
