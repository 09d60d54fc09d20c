/** Create commands: each makes one agent, however often it is repeated, or leaves nothing behind. */
import { DEFAULT_PROVIDER } from '../../core/api/providers.ts';
import { randomUUID } from 'node:crypto';
import { realpath } from 'node:fs/promises';
import { expandHome } from '../../core/home.ts';
import { Failure } from '../../core/api/errors.ts';
import type { AgentFlags, AgentInfo, CreateAgentBody, ProviderName, WorktreeInfo } from '../../core/api/agents.ts';
import type { AgentContext } from '../context.ts';
import type { Provider } from '../provider/provider.ts';
import type { ProviderSet } from '../provider/provider-set.ts';
import { type Document, notSaved } from '../store/document.ts';
import type { AgentWorkspace } from '../workspace/workspace.ts';
import type { AgentFiles } from './agent-files.ts';
import { type ConversationCopy, copyOwnFiles, forkedNotice } from './conversation-copy.ts';
import type { DeletedAgents } from './deleted-agents.ts';
import type { DiskSessions } from './history.ts';
import type { HistoryMessage } from '../provider/history-message.ts';
import { type AgentRecord, newRecord } from './record.ts';
import { openElsewhere, type SessionLock, type SessionLocks } from './session-locks.ts';
import type { DirectoryUses } from './directory-uses.ts';
import { type AgentSession, closing } from './session.ts';
import { INSTRUCTIONS_FIELD } from '../../core/api/instructions.ts';

export const MAX_AGENT = 500;

const GONE = 'The agent that this command made was deleted. To make another one, send it as a new command.';

export type CreateCommand = CreateAgentBody & {
  taskId?: string;
  /** It is a fork of another agent. */
  copy?: ConversationCopy;
};

/** Ends what else works on the session that is to be resumed, when nobody can take it any more. Rejects: no agent is made. */
export type BeforeResume = () => Promise<void>;

export interface CreationOptions {
  context: AgentContext;
  providers: Pick<ProviderSet, 'get'>;
  workspace: AgentWorkspace;
  onDisk?: Pick<DiskSessions, 'list' | 'history' | 'isOpen'>;
  files: AgentFiles;
  deleted: Pick<DeletedAgents, 'has'>;
  locks: SessionLocks;
  uses: DirectoryUses;
  count(): number;
  /** The agent that goes on with this session of a CLI, also one that is at rest. */
  holderOf(provider: ProviderName, sessionId: string): AgentInfo | null;
  /** Makes the agent known. */
  add(document: Document<AgentRecord>, lock: SessionLock | null): AgentSession;
  /** Publishes the agent. */
  added(session: AgentSession): void;
  /** Closes the agent and removes it from memory and disk. */
  forget(session: AgentSession): Promise<void>;
}

export class Creation {
  readonly #options: CreationOptions;
  /** Ids of the agents by the id of their create command, made or being made. */
  readonly #agents = new Map<string, Promise<string>>();
  /** Agents that are being made and not counted yet. */
  #making = 0;
  #isClosed = false;

  constructor(options: CreationOptions) {
    this.#options = options;
  }

  /** An agent of a previous run was made by this command. */
  remember(clientId: string | null, agentId: string): void {
    if (clientId) this.#agents.set(clientId, Promise.resolve(agentId));
  }

  forget(clientId: string | null): void {
    if (clientId) this.#agents.delete(clientId);
  }

  /** The id of the agent that this command has made, or is making; undefined: neither. */
  madeBy(clientId: string): Promise<string> | undefined {
    return this.#agents.get(clientId);
  }

  /** No agent is made any more: closing the server ends only the agents that are there. */
  close(): void {
    this.#isClosed = true;
  }

  /** @returns the id of the agent. The same clientId again returns the agent already made, also while it is being made. */
  async create(body: CreateCommand, by: string, before?: BeforeResume): Promise<string> {
    if (this.#isClosed) throw closing();
    const clientId = body.clientId ?? randomUUID();
    const known = this.#agents.get(clientId);
    if (known) return await known;
    if (this.#options.deleted.has(clientId)) throw new Failure('agent_gone', GONE);
    const creating = this.#create({ ...body, clientId }, by, before);
    this.#agents.set(clientId, creating);
    try {
      return await creating;
    } catch (error) {
      this.#agents.delete(clientId);
      throw error;
    }
  }

  async #create(
    body: CreateCommand & { clientId: string },
    by: string,
    before: BeforeResume | undefined,
  ): Promise<string> {
    const { context, count } = this.#options;
    if (count() + this.#making >= MAX_AGENT) {
      throw new Failure('too_many_agents', `There are ${MAX_AGENT} agents already: delete some first.`, {
        params: { limit: MAX_AGENT },
      });
    }
    const { provider = DEFAULT_PROVIDER, flags = {} } = body;
    const id = randomUUID();
    const lock = this.#takeSession(id, body);
    const leave = this.#enter();
    try {
      await before?.();
      const history = body.copy?.messages ?? await this.#earlierMessages(provider, flags);
      const { session, notice } = await this.#prepareIn(id, body, lock).finally(leave);
      this.#options.added(session);
      context.log.info('agent made', { agent: id, provider, by });
      session.import(history);
      if (body.copy) session.notice('info', 'forked', forkedNotice(body.copy, session.info));
      if (notice) session.notice('info', 'workspace', notice);
      await this.#begin(session, body.prompt, by);
      return id;
    } catch (error) {
      leave();
      lock?.release();
      throw error;
    }
  }

  /** Counts an agent that is being made. @returns ends that, once */
  #enter(): () => void {
    let count = 1;
    this.#making++;
    return () => {
      this.#making -= count;
      count = 0;
    };
  }

  /** Nobody else is on the session that the agent is to go on with, from now on. Throws Failure `session_in_use`. */
  #takeSession(id: string, { provider = DEFAULT_PROVIDER, flags = {}, name }: CreateCommand): SessionLock | null {
    const { locks, holderOf } = this.#options;
    if (!flags.resume || flags.forkSession) return null;
    const holder = holderOf(provider, flags.resume);
    if (holder) {
      const text = `The agent "${holder.name}" goes on with this session already. Open it, or fork the session.`;
      throw new Failure('session_in_use', text);
    }
    return locks.acquire(provider, flags.resume, { kind: 'agent', id, name: name?.trim() || 'new agent' });
  }

  /** Holds the directory until the agent itself does. */
  async #prepareIn(
    id: string,
    body: CreateCommand & { clientId: string },
    lock: SessionLock | null,
  ): Promise<{ session: AgentSession; notice: string }> {
    const directory = await realpath(expandHome(body.directory)).catch(() => body.directory);
    const leave = this.#options.uses.enter({ label: 'A new agent', directory, agentId: id });
    try {
      return await this.#prepare(id, body, lock);
    } finally {
      leave();
    }
  }

  /** Prepares the workspace and saves the record; when one of them fails, both are removed again. */
  async #prepare(
    id: string,
    body: CreateCommand & { clientId: string },
    lock: SessionLock | null,
  ): Promise<{ session: AgentSession; notice: string }> {
    const { context, workspace, files, add } = this.#options;
    const { provider = DEFAULT_PROVIDER, flags = {}, [INSTRUCTIONS_FIELD]: instructions = '', directory } = body;
    const program = this.#provider(provider);
    const task = body.name?.trim() || body.prompt;
    const place = await workspace.prepare({
      ...{ agentId: id, directory, flags, provider, task, instructions },
      ...(body.copy?.worktree ? { from: body.copy.worktree } : {}),
      planned: (worktree) => files.plan(id, worktree),
    }).catch(async (error) => {
      await files.remove(id).catch(() => {});
      throw error;
    });
    try {
      const { demo } = await program.probe();
      const record = newRecord(id, body, place, { demo, now: context.clock.now() });
      const document = await files.create(id, record);
      const { copy } = body;
      if (copy) await copyOwnFiles(copy.messages, files.ownFiles(copy.agentId), files.ownFiles(id));
      if (this.#isClosed) throw closing();
      return { session: add(document, lock), notice: place.notice };
    } catch (error) {
      if (place.worktree) await this.#discard(place.worktree);
      await files.remove(id).catch(() => {});
      throw error instanceof Failure ? error : notSaved(error);
    }
  }

  /** Removes the worktree of an agent that did not come to be. */
  async #discard(worktree: WorktreeInfo): Promise<void> {
    await this.#options.workspace.remove(worktree, { discardWork: true }).catch(() => {});
  }

  #provider(name: ProviderName): Provider {
    const found = this.#options.providers.get(name);
    if (found) return found;
    throw new Failure('bad_request', `"provider": there is no agent program "${name}". Add it under Settings first.`);
  }

  async #begin(session: AgentSession, prompt: string | undefined, by: string): Promise<void> {
    try {
      if (prompt?.trim()) await session.send({ text: prompt }, by);
      else session.open();
    } catch (error) {
      // An agent that never got its task would be "starting" for ever, and the same create command would make another.
      const { worktree } = session.info;
      if (worktree) await this.#discard(worktree);
      await this.#options.forget(session);
      throw error;
    }
  }

  /** What was said in the session that the agent is to go on with, or of which it begins a copy. */
  async #earlierMessages(provider: ProviderName, { resume, forkSession }: AgentFlags): Promise<HistoryMessage[]> {
    const { onDisk } = this.#options;
    if (!resume || !onDisk) return [];
    const { sessions } = await onDisk.list({ provider, limit: 500 });
    if (!forkSession && sessions.some((session) => session.id === resume && session.inUse)) throw openElsewhere();
    return await onDisk.history(provider, resume);
  }
}
