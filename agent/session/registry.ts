/** The agents of this machine: made, found, commanded, removed; and what an earlier life of this server left is put right. */
import { randomUUID } from 'node:crypto';
import { existsSync, readdirSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { HttpError } from '../../core/http/reply.ts';
import type { Timer } from '../../core/clock.ts';
import type { LiveChange } from '../../core/wire/live.ts';
import type {
  AgentFlags,
  AgentInfo,
  Capabilities,
  CreateAgentBody,
  DecisionBody,
  Message,
  MessagePage,
  PermissionMode,
  ProviderName,
  SendMessageBody,
} from '../../core/wire/types.ts';
import { endLeftover } from '../provider/process.ts';
import type { Provider } from '../provider/provider.ts';
import type { Agents, Document, House, Workspace } from '../rooms.ts';
import { notSaved, openDocument } from '../store/document.ts';
import { ensureFolderIfWritable } from '../store/claim.ts';
import { ensureFolder } from '../store/files.ts';
import type { DiskSessions } from './history.ts';
import type { HistoryMessage } from './history-message.ts';
import { type AgentRecord, newRecord, parseRecord } from './record.ts';
import { closing, Session } from './session.ts';

export const AGENT_LIMIT = 500;
/** An idle process is ended after this long, ms: it takes about 200 MB and is resumed within a second. */
export const IDLE_REAP_MS = 15 * 60_000;
/** Messages of an agent that nobody looks at leave the memory after this long, ms. */
const UNLOAD_MS = 10 * 60_000;
const SWEEP_MS = 30_000;

export interface RegistryOptions {
  house: House;
  providers: Record<ProviderName, Provider>;
  workspace: Workspace;
  /** Sessions that the CLIs keep themselves, for agents that go on with one. */
  onDisk?: Pick<DiskSessions, 'list' | 'history'>;
  idleReapMs?: number;
}

export class Registry implements Agents {
  readonly #options: RegistryOptions;
  readonly #folder: string;
  #sessions = new Map<string, Session>();
  #listeners = new Set<(change: LiveChange) => void>();
  /** Create commands by the client's id, running or done. */
  #created = new Map<string, Promise<string>>();
  #lastCapabilities = new Map<ProviderName, Capabilities>();
  #sweepTimer: Timer | null = null;
  #isClosed = false;

  private constructor(options: RegistryOptions) {
    this.#options = options;
    this.#folder = join(options.house.config.dataDir, 'agents');
    ensureFolderIfWritable(this.#folder);
  }

  /** Reads what is on disk, ends processes that an earlier life left behind, closes their sessions on the record. */
  static async open(options: RegistryOptions): Promise<Registry> {
    const registry = new Registry(options);
    const names = existsSync(registry.#folder) ? readdirSync(registry.#folder, { withFileTypes: true }) : [];
    await Promise.all(names.filter((entry) => entry.isDirectory()).map((entry) => registry.#load(entry.name)));
    registry.#sweep();
    return registry;
  }

  async #load(id: string): Promise<void> {
    const { house } = this.#options;
    const document = this.#document(id, null);
    const record = document.value;
    if (!record) {
      house.log.warn('a folder of agents holds no readable record', { agent: id });
      return;
    }
    if (record.info.id !== id) {
      return house.warn(`record ${id}`, `${join(this.#folder, id)} holds the record of another agent.`);
    }
    const session = this.#add(id, document as Document<AgentRecord>);
    const wasOpen = record.process !== null || ['starting', 'running', 'waiting_input'].includes(record.info.state);
    if (!wasOpen) return;
    if (record.process) {
      const ended = await endLeftover(record.process, { clock: house.clock });
      if (ended) house.log.warn('ended processes of an earlier life', { agent: id, count: ended });
    }
    session.recover();
    await session.save().catch(() => {});
  }

  /** Its value is null only where there is no record to be read, and then it is not used. */
  #document(id: string, initial: AgentRecord | null): Document<AgentRecord | null> {
    const { house } = this.#options;
    return openDocument<AgentRecord | null>({
      path: join(this.#folder, id, 'agent.json'),
      parse: parseRecord,
      initial,
      now: house.clock.now,
      warn: (text) => house.warn(`record ${id}`, text),
    });
  }

  #add(id: string, document: Document<AgentRecord>): Session {
    const { house, providers } = this.#options;
    const { info, clientId } = document.value;
    const session = new Session({
      house,
      provider: providers[info.provider] ?? providers.claude,
      document,
      journalPath: join(this.#folder, id, 'journal.jsonl'),
      publish: (change) => this.#publish(change),
    });
    this.#sessions.set(id, session);
    if (clientId) this.#created.set(clientId, Promise.resolve(id));
    return session;
  }

  #publish(change: LiveChange): void {
    this.#options.house.publish(change);
    for (const listener of this.#listeners) listener(change);
  }

  #session(id: string): Session {
    const session = this.#sessions.get(id);
    if (!session) throw noSuchAgent();
    return session;
  }

  /** Newest first. */
  list(): AgentInfo[] {
    return [...this.#sessions.values()].map((session) => session.info).sort((a, b) => b.createdAt - a.createdAt);
  }

  info(id: string): AgentInfo {
    return this.#session(id).info;
  }

  has(id: string): boolean {
    return this.#sessions.has(id);
  }

  /** The first prompt and the instructions that an agent was made with. */
  origin(id: string): { prompt: string; instructions: string } {
    return this.#session(id).record;
  }

  capabilities(id: string): Capabilities | null {
    const session = this.#session(id);
    const own = session.capabilities;
    if (own) this.#lastCapabilities.set(session.info.provider, own);
    return own ?? this.#lastCapabilities.get(session.info.provider) ?? null;
  }

  messages(id: string, range: { after?: number; before?: number; limit?: number }): MessagePage {
    return this.#session(id).log.page(range);
  }

  message(id: string, messageId: string): Message | undefined {
    return this.#session(id).log.get(messageId);
  }

  /** The same clientId again gives the agent already made, also while it is being made. */
  async create(body: CreateAgentBody & { taskId?: string }, by: string): Promise<AgentInfo> {
    if (this.#isClosed) throw closing();
    const clientId = body.clientId ?? randomUUID();
    const known = this.#created.get(clientId);
    if (known) return this.info(await known);
    const making = this.#create({ ...body, clientId }, by);
    this.#created.set(clientId, making);
    try {
      return this.info(await making);
    } catch (error) {
      this.#created.delete(clientId);
      throw error;
    }
  }

  async #create(body: CreateAgentBody & { taskId?: string; clientId: string }, by: string): Promise<string> {
    if (this.#sessions.size >= AGENT_LIMIT) {
      throw new HttpError(409, 'too_many_agents', `There are ${AGENT_LIMIT} agents already: delete some first.`);
    }
    const { house, workspace, providers } = this.#options;
    const id = randomUUID();
    const { provider = 'claude', flags = {}, claudeMd = '' } = body;
    const history = await this.#earlier(provider, flags);
    const place = await workspace.prepare({ agentId: id, directory: body.directory, flags, provider, claudeMd });
    const { demo } = await providers[provider].probe();
    const record = newRecord(id, body, place, { demo, now: house.clock.now() });
    let document: Document<AgentRecord>;
    try {
      ensureFolder(join(this.#folder, id));
      document = this.#document(id, record) as Document<AgentRecord>;
      await document.update(() => record);
      // Who closes the server ends only the agents that are there.
      if (this.#isClosed) throw closing();
    } catch (error) {
      if (place.worktree) await workspace.remove(place.worktree).catch(() => {});
      await rm(join(this.#folder, id), { recursive: true, force: true }).catch(() => {});
      throw error instanceof HttpError ? error : notSaved(error);
    }
    const session = this.#add(id, document);
    this.#publish({ type: 'agent', agent: session.info });
    house.log.info('agent made', { agent: id, provider, by });
    session.import(history);
    if (place.notice) session.notice('info', 'workspace', place.notice);
    try {
      if (body.prompt?.trim()) await session.send({ text: body.prompt }, by);
      else session.open();
    } catch (error) {
      // An agent that never got its task would be "starting" for ever, and the same create command would make another.
      if (place.worktree) await workspace.remove(place.worktree).catch(() => {});
      await this.#forget(session);
      throw error;
    }
    return id;
  }

  async #forget(session: Session): Promise<void> {
    const { id } = session;
    const { house } = this.#options;
    await session.close();
    this.#sessions.delete(id);
    if (session.record.clientId) this.#created.delete(session.record.clientId);
    await rm(join(this.#folder, id), { recursive: true, force: true });
    this.#publish({ type: 'agent.removed', id });
    house.warn(`record ${id}`, '');
    house.warn(`journal ${id}`, '');
  }

  /** What was said in the session that an agent is to go on with. Two processes on one session would overwrite each other. */
  async #earlier(provider: ProviderName, { resume, forkSession }: AgentFlags): Promise<HistoryMessage[]> {
    const { onDisk } = this.#options;
    if (!resume || !onDisk) return [];
    const holder = this.agentOf(provider, resume);
    if (holder && !forkSession) {
      throw new HttpError(
        409,
        'session_in_use',
        `The agent "${this.info(holder).name}" goes on with this session already. Open it, or fork the session.`,
      );
    }
    const { sessions } = await onDisk.list({ provider, limit: 500 });
    if (!forkSession && sessions.some((one) => one.id === resume && one.inUse)) {
      throw new HttpError(
        409,
        'session_in_use',
        'A program on this machine has this session open. End it first, or fork the session.',
      );
    }
    return await onDisk.history(provider, resume);
  }

  /** The agent that goes on with this session of a CLI. */
  agentOf(provider: ProviderName, sessionId: string): string | null {
    return this.list().find((info) => info.provider === provider && info.sessionId === sessionId)?.id ?? null;
  }

  async send(id: string, body: SendMessageBody, by: string) {
    if (this.#isClosed) throw closing();
    return await this.#session(id).send(body, by);
  }

  async cancelQueued(id: string, messageId: string): Promise<void> {
    await this.#session(id).cancelQueued(messageId);
  }

  async decide(id: string, requestId: string, body: DecisionBody, by: string) {
    const result = await this.#session(id).decide(requestId, body, by);
    if (!result.duplicate) this.#options.house.log.info('request decided', { agent: id, decision: body.decision, by });
    return result;
  }

  interrupt(id: string, by: string): Promise<void> {
    this.#session(id).interrupt();
    this.#options.house.log.info('agent interrupted', { agent: id, by });
    return Promise.resolve();
  }

  async stop(id: string, by: string): Promise<AgentInfo> {
    const session = this.#session(id);
    if (session.isOpen) this.#options.house.log.info('agent stopped', { agent: id, by });
    await session.stop();
    return session.info;
  }

  async stopAll(by: string): Promise<number> {
    const open = [...this.#sessions.values()].filter((session) => session.isOpen);
    await Promise.all(open.map((session) => this.stop(session.id, by)));
    return open.length;
  }

  async remove(id: string, { discardWork }: { discardWork: boolean }, by: string): Promise<void> {
    const session = this.#session(id);
    const { worktree } = session.info;
    const { workspace, house } = this.#options;
    const refuseLoss = async () => {
      const work = worktree && !discardWork ? await workspace.unmerged(worktree) : [];
      if (!work.length) return;
      throw new HttpError(409, 'unmerged_work', `Deleting this agent would lose work: ${work.join(' ')}`);
    };
    // A refusal leaves the agent at its work; what it wrote until it was stopped is found by the second look.
    await refuseLoss();
    session.bar(noSuchAgent());
    try {
      await session.stop();
      await refuseLoss();
      if (worktree) await workspace.remove(worktree);
    } catch (error) {
      session.bar(null);
      throw error;
    }
    await this.#forget(session);
    house.log.info('agent deleted', { agent: id, by });
  }

  rename(id: string, name: string): Promise<AgentInfo> {
    return this.#change(id, (session) => session.rename(name));
  }
  setMode(id: string, mode: PermissionMode): Promise<AgentInfo> {
    return this.#change(id, (session) => session.setMode(mode));
  }
  setModel(id: string, model: string): Promise<AgentInfo> {
    return this.#change(id, (session) => session.setModel(model));
  }
  setEffort(id: string, effort: string): Promise<AgentInfo> {
    return this.#change(id, (session) => session.setEffort(effort));
  }

  async #change(id: string, change: (session: Session) => void): Promise<AgentInfo> {
    const session = this.#session(id);
    change(session);
    await session.save();
    return session.info;
  }

  subscribe(listener: (change: LiveChange) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Ends every CLI; sessions can be resumed after the next start. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#options.house.clock.clearTimeout(this.#sweepTimer);
    await Promise.all([...this.#sessions.values()].map((session) => session.close()));
  }

  #sweep(): void {
    for (const session of this.#sessions.values()) {
      session.reapIfIdle(this.#options.idleReapMs ?? IDLE_REAP_MS);
      session.unloadIfUnused(UNLOAD_MS);
    }
    if (!this.#isClosed) this.#sweepTimer = this.#options.house.clock.setTimeout(() => this.#sweep(), SWEEP_MS);
  }
}

const noSuchAgent = () => new HttpError(404, 'not_found', 'There is no such agent.');
