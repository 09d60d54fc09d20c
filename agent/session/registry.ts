/** The agents of this machine: created, listed, commanded and removed. At the start, sessions that a crash left open are recovered. */
import type { Timer } from '../../core/clock.ts';
import { Failure } from '../../core/api/errors.ts';
import type { LimitWindow } from '../../core/api/usage.ts';
import type {
  AgentInfo,
  AgentMarks,
  Capabilities,
  MergeRecord,
  PermissionMode,
  ProviderName,
} from '../../core/api/agents.ts';
import type {
  DecisionBody,
  Message,
  MessagePage,
  QueuedChange,
  SendMessageBody,
  UserMessage,
} from '../../core/api/messages.ts';
import type { HistoryMessage } from '../provider/history-message.ts';
import type { ForkBody } from '../../core/api/fork.ts';
import type { Rewind } from '../../core/api/rewind.ts';
import type { HolderRecord } from '../process/holder/records.ts';
import type { ProcessIdentity } from '../process/identity.ts';
import { absentProvider, type ProviderSet } from '../provider/provider-set.ts';
import type { AgentContext } from '../context.ts';
import type { Document } from '../store/document.ts';
import type { AgentWorkspace } from '../workspace/workspace.ts';
import { AgentFiles } from './agent-files.ts';
import { noSuchAgent, removeAgent } from './agent-removal.ts';
import { startAgents } from './start-agents.ts';
import { openOptions } from './cli-run.ts';
import type { Agents, HandedSession, RemoveOptions } from './agents.ts';
import { type BeforeResume, type CreateCommand, Creation } from './creation.ts';
import { forkCommand } from './fork-command.ts';
import { DeletedAgents } from './deleted-agents.ts';
import { type DirectoryUse, DirectoryUses, useOf } from './directory-uses.ts';
import type { DiskSessions } from './history.ts';
import { KnownCapabilities } from './known-capabilities.ts';
import type { AttachmentStore } from './attachments.ts';
import type { OpenPicture } from './pictures.ts';
import { type AgentRecord, sessionOf } from './record.ts';
import { AgentSession, closing } from './session.ts';
import { type SessionLock, SessionLocks } from './session-locks.ts';

/** An idle process is ended after this long, ms: it takes about 200 MB and is resumed within a second. */
export const IDLE_REAP_MS = 15 * 60_000;
/** Messages of an agent that nobody looks at leave the memory after this long, ms. */
const UNLOAD_MS = 10 * 60_000;
const SWEEP_MS = 30_000;

export interface RegistryOptions {
  context: AgentContext;
  providers: Pick<ProviderSet, 'get'>;
  workspace: AgentWorkspace;
  /** Sessions that the CLIs keep themselves, for agents that go on with one. */
  onDisk?: Pick<DiskSessions, 'list' | 'history' | 'isOpen'>;
  idleReapMs?: number;
  /** A CLI has said how much of its account's limits is used. */
  onLimits?(provider: ProviderName, account: string, windows: LimitWindow[]): void;
  /** Why an agent may not begin anything at the moment; null: it may. */
  refuse?(agent: string): Failure | null;
  /** Holders of CLIs that run since before this server. */
  holders?: readonly HolderRecord[];
  /** Whether a holder that has died had started its CLI. */
  wasStarted?(holder: string): boolean;
}

export class Registry implements Agents {
  readonly #options: RegistryOptions;
  readonly #files: AgentFiles;
  readonly #creation: Creation;
  readonly #deleted: DeletedAgents;
  readonly #locks = new SessionLocks();
  readonly #uses = new DirectoryUses();
  readonly #sessions = new Map<string, AgentSession>();
  /** How each agent leaves its directory. */
  readonly #leave = new Map<string, () => void>();
  readonly #removing = new Map<string, Promise<void>>();
  readonly #known: KnownCapabilities;
  #sweepTimer: Timer | null = null;
  #isClosed = false;

  private constructor(options: RegistryOptions) {
    this.#options = options;
    this.#files = new AgentFiles(options.context);
    this.#deleted = new DeletedAgents(options.context);
    this.#known = new KnownCapabilities(options.context);
    this.#creation = new Creation({
      ...options,
      deleted: this.#deleted,
      files: this.#files,
      locks: this.#locks,
      uses: this.#uses,
      count: () => this.#sessions.size,
      holderOf: (provider, sessionId) => this.#holderOf(provider, sessionId),
      add: (document, lock) => this.#add(document, lock),
      added: (session) => options.context.publish({ type: 'agent', agent: session.info }),
      forget: (session) => this.#forget(session),
    });
  }

  /** Reads what is on disk, ends processes that a previous run left behind, closes their sessions on the record. */
  static async open(options: RegistryOptions): Promise<Registry> {
    const registry = new Registry(options);
    await startAgents({ ...options, files: registry.#files, add: (document) => registry.#add(document, null) });
    registry.#sweep();
    return registry;
  }

  #add(document: Document<AgentRecord>, lock: SessionLock | null): AgentSession {
    const { context, providers, onDisk } = this.#options;
    const { info, clientId } = document.value;
    const session = new AgentSession({
      context,
      provider: providers.get(info.provider) ?? absentProvider(info.provider),
      document,
      journalPath: this.#files.journalPath(info.id),
      picturesPath: this.#files.picturesPath(info.id),
      attachmentsPath: this.#files.attachmentsPath(info.id),
      hold: {
        locks: this.#locks,
        lock,
        isOpenElsewhere: (provider, id) => onDisk?.isOpen(provider, id) ?? Promise.resolve(false),
      },
      publish: context.publish,
      onCapabilities: (capabilities) => this.#known.note(info.provider, capabilities),
      refuse: () => this.#options.refuse?.(info.id) ?? null,
      onLimits: (windows) => this.#options.onLimits?.(info.provider, this.#account(info.id), windows),
    });
    this.#leave.set(info.id, this.#uses.enter(useOf(session)));
    this.#sessions.set(info.id, session);
    this.#creation.remember(clientId, info.id);
    return session;
  }

  #session(id: string): AgentSession {
    const session = this.#sessions.get(id);
    if (!session) throw noSuchAgent();
    return session;
  }

  #account(id: string): string {
    return this.capabilities(id)?.account ?? '';
  }

  // ---- queries

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

  /** The first prompt and the instructions that the agent was created with. */
  origin(id: string): { prompt: string; instructions: string } {
    return this.#session(id).record;
  }

  capabilities(id: string): Capabilities | null {
    const session = this.#session(id);
    return session.capabilities ?? this.#known.of(session.info.provider);
  }

  messages(id: string, range: { after?: number; before?: number; limit?: number }): MessagePage {
    return this.#session(id).log.page(range);
  }

  message(id: string, messageId: string): Message | undefined {
    return this.#session(id).log.get(messageId);
  }

  /** Of its CLI, while it runs. */
  process(id: string): ProcessIdentity | null {
    return this.#session(id).record.process;
  }

  /** A picture of an agent's conversation. Throws Failure `not_found`. */
  picture(id: string, hash: string): Promise<OpenPicture> {
    return this.#session(id).pictures.open(hash);
  }

  /** The files that are sent to an agent. */
  attachments(id: string): AttachmentStore {
    return this.#session(id).attachments;
  }

  /** The agent that goes on with this session of a CLI. */
  agentOf(provider: ProviderName, sessionId: string): string | null {
    return this.#holderOf(provider, sessionId)?.id ?? null;
  }

  #holderOf(provider: ProviderName, sessionId: string): AgentInfo | null {
    const session = [...this.#sessions.values()].find(({ info, record }) =>
      info.provider === provider && sessionOf(record) === sessionId
    );
    return session?.info ?? null;
  }

  // ---- commands

  /** The same clientId again returns the agent already made, also while it is being made. */
  async create(body: CreateCommand, by: string, before?: BeforeResume): Promise<AgentInfo> {
    return this.info(await this.#creation.create(body, by, before));
  }

  /** The agent that this create command has made, or is making; null: neither. Throws Failure when it makes none after all. */
  async madeBy(clientId: string): Promise<AgentInfo | null> {
    const id = await this.#creation.madeBy(clientId);
    return id === undefined ? null : this.info(id);
  }

  /** The agent goes on with its session, which a program in a terminal has had. `before` ends that. Throws Failure. */
  async takeBack(id: string, before: BeforeResume, by: string): Promise<AgentInfo> {
    if (this.#isClosed) throw closing();
    const session = this.#session(id);
    await session.takeBack(async () => {
      await before();
      return await this.#earlier(session);
    });
    this.#options.context.log.info('session taken back from a terminal', { agent: id, by });
    return session.info;
  }

  /** Gives the agent's session to a terminal that this server does not have. @returns what goes on with it there. Throws Failure */
  async giveBack(id: string, by: string): Promise<{ directory: string; args: string[] }> {
    if (this.#isClosed) throw closing();
    const session = this.#session(id);
    await session.giveBack();
    this.#options.context.log.info('session given back to a terminal', { agent: id, by });
    const args = this.#options.providers.get(session.info.provider)?.terminalArgs?.(openOptions(session.record)) ?? [];
    return { directory: session.record.cwd, args };
  }

  /** As long as a terminal has the session, a message is refused; what is said there is added once, when it is whole. */
  async #importFromDesk(session: AgentSession): Promise<void> {
    const { provider, sessionId } = session.info;
    if (!sessionId || await this.#options.onDisk?.isOpen(provider, sessionId)) return;
    session.import(await this.#earlier(session));
  }

  /** What was said in its session while a terminal had it. */
  async #earlier({ info: { provider, sessionId, stateSince } }: AgentSession): Promise<HistoryMessage[]> {
    const history = sessionId ? await this.#options.onDisk?.history(provider, sessionId) ?? [] : [];
    return history.filter(({ at }) => at > stateSince);
  }

  /** A new agent that goes on with a copy of the conversation up to a message. Throws Failure. */
  async fork(id: string, body: ForkBody, by: string): Promise<AgentInfo> {
    return await this.create(forkCommand(this.#session(id), body, this.list().map(({ name }) => name)), by);
  }

  /** The files as they were before a message: what would change, or with the list's version: does it. Throws Failure. */
  async rewind(id: string, messageId: string, version: string | undefined, by: string): Promise<Rewind> {
    if (this.#isClosed) throw closing();
    const rewind = await this.#session(id).rewind(messageId, version);
    if (version) this.#options.context.log.info('files rewound', { agent: id, files: rewind.total, by });
    return rewind;
  }

  async send(id: string, body: SendMessageBody, by: string) {
    if (this.#isClosed) throw closing();
    const session = this.#session(id);
    if (session.info.stateReason === 'at_desk') await this.#importFromDesk(session);
    return await session.send(body, by);
  }

  async cancelQueued(id: string, messageId: string): Promise<void> {
    await this.#session(id).cancelQueued(messageId);
  }

  changeQueued(id: string, messageId: string, change: QueuedChange): Promise<UserMessage> {
    return this.#session(id).changeQueued(messageId, change);
  }

  async sendNow(id: string, messageId: string, by: string): Promise<{ steered: boolean }> {
    const result = await this.#session(id).sendNow(messageId);
    this.#options.context.log.info('message sent before its turn', { agent: id, ...result, by });
    return result;
  }

  async decide(id: string, requestId: string, body: DecisionBody, by: string) {
    const result = await this.#session(id).decide(requestId, body, by);
    if (!result.duplicate) {
      this.#options.context.log.info('request decided', { agent: id, decision: body.decision, by });
    }
    return result;
  }

  interrupt(id: string, by: string): Promise<void> {
    this.#session(id).interrupt();
    this.#options.context.log.info('agent interrupted', { agent: id, by });
    return Promise.resolve();
  }

  async stop(id: string, by: string): Promise<AgentInfo> {
    const session = this.#session(id);
    if (session.isOpen) this.#options.context.log.info('agent stopped', { agent: id, by });
    await session.stop();
    return session.info;
  }

  /** Ends what the agent does, because its budget is used up; one that does nothing stays as it is. */
  async stopFor(id: string, text: string): Promise<void> {
    const session = this.#session(id);
    if (session.isOpen) this.#options.context.log.info('agent at its budget', { agent: id });
    await session.stopFor(text);
  }

  async stopAll(by: string): Promise<number> {
    const open = [...this.#sessions.values()].filter((session) => session.isOpen);
    await Promise.all(open.map((session) => this.stop(session.id, by)));
    return open.length;
  }

  async remove(id: string, options: RemoveOptions, by: string): Promise<void> {
    // A removal that is under way ends first: it may be refused.
    while (this.#removing.has(id)) await this.#removing.get(id)!.catch(() => {});
    const { workspace, context } = this.#options;
    const deleted = async (session: AgentSession) => {
      await this.#deleted.add(session.record.clientId);
      await this.#forget(session);
      context.log.info('agent deleted', { agent: id, by });
    };
    const removing = removeAgent(this.#session(id), options, { workspace, uses: this.#uses, deleted });
    this.#removing.set(id, removing);
    try {
      await removing;
    } finally {
      this.#removing.delete(id);
    }
  }

  async #forget(session: AgentSession): Promise<void> {
    const { id, record } = session;
    const { context } = this.#options;
    await session.close();
    this.#sessions.delete(id);
    this.#leave.get(id)?.();
    this.#leave.delete(id);
    this.#creation.forget(record.clientId);
    await this.#files.remove(id);
    context.publish({ type: 'agent.removed', id });
    context.warn(`record ${id}`, '');
    context.warn(`journal ${id}`, '');
  }

  async handOverSession(id: string, terminal: { id: string; name: string }, by: string): Promise<HandedSession> {
    if (this.#isClosed) throw closing();
    const session = this.#session(id);
    // The CLI's own interface knows no place in a session.
    if (openOptions(session.record).forkAt) throw new Failure('fork_not_begun', 'Send this copy a first message.');
    const lock = await session.handOver({ kind: 'terminal', ...terminal });
    this.#options.context.log.info('session handed to a terminal', { agent: id, terminal: terminal.id, by });
    const args = this.#options.providers.get(session.info.provider)?.terminalArgs?.(openOptions(session.record)) ?? [];
    return { args, release: () => lock?.release() };
  }

  enterDirectory(use: DirectoryUse): () => void {
    return this.#uses.enter(use);
  }

  rename(id: string, name: string): Promise<AgentInfo> {
    return this.#change(id, (session) => session.settings.rename(name));
  }
  mark(id: string, marks: AgentMarks): Promise<AgentInfo> {
    return this.#change(id, (session) => session.settings.mark(marks));
  }
  noteMerge(id: string, merge: Omit<MergeRecord, 'at'>): Promise<AgentInfo> {
    return this.#change(id, (session) => session.settings.noteMerge(merge));
  }
  setMode(id: string, mode: PermissionMode): Promise<AgentInfo> {
    return this.#change(id, (session) => session.settings.setMode(mode));
  }
  setModel(id: string, model: string): Promise<AgentInfo> {
    return this.#change(id, (session) => session.settings.setModel(model));
  }
  setEffort(id: string, effort: string): Promise<AgentInfo> {
    return this.#change(id, (session) => session.settings.setEffort(effort));
  }

  setGoOn(id: string, goOn: boolean): Promise<AgentInfo> {
    return this.#change(id, (session) => session.setGoOn(goOn));
  }
  /** Goes on by itself after a limit that is over; the same clientId again changes nothing. Throws Failure. */
  async goOn(id: string, message: SendMessageBody & { clientId: string }, by: string): Promise<void> {
    if (this.#isClosed) throw closing();
    await this.#session(id).goOn(message, by);
  }

  async #change(id: string, change: (session: AgentSession) => Promise<void>): Promise<AgentInfo> {
    const session = this.#session(id);
    await change(session);
    return session.info;
  }

  // ---- life of the registry

  /** Ends every CLI; sessions can be resumed after the next start. */
  close(): Promise<void> {
    return this.#closeAll((session) => session.close());
  }

  /** Leaves the CLIs that are at work, where they can be left, to the next server, and ends the others. */
  detach(): Promise<void> {
    return this.#closeAll((session) => session.detach());
  }

  /** How many CLIs would go on after detach(). */
  get survivors(): number {
    return [...this.#sessions.values()].filter((session) => session.outlivesServer).length;
  }

  async #closeAll(close: (session: AgentSession) => Promise<void>): Promise<void> {
    this.#isClosed = true;
    this.#creation.close();
    this.#options.context.clock.clearTimeout(this.#sweepTimer);
    await Promise.all([...this.#sessions.values()].map(close));
    await Promise.all([this.#deleted.close(), this.#known.close()]);
  }

  #sweep(): void {
    for (const session of this.#sessions.values()) {
      session.reapIfIdle(this.#options.idleReapMs ?? IDLE_REAP_MS);
      session.unloadIfUnused(UNLOAD_MS);
    }
    if (!this.#isClosed) this.#sweepTimer = this.#options.context.clock.setTimeout(() => this.#sweep(), SWEEP_MS);
  }
}
