/** One Codex thread as a ProviderSession. The app-server is shared with other sessions; the thread's commands are not. */
import { createHash, randomUUID } from 'node:crypto';
import type { Clock, Timer } from '../../../core/clock.ts';
import type { Log } from '../../../core/log.ts';
import type { Capabilities, PermissionMode } from '../../../core/api/agents.ts';
import type { DecisionBody } from '../../../core/api/messages.ts';
import { ignoredFlags, modeOfFlags } from './modes.ts';
import { OpenRequests } from './open-requests.ts';
import { type Settings, threadParams, turnSettings } from './params.ts';
import type { Answer, AppServer } from './server.ts';
import { type CodexSnapshot, type OpenedSnapshot, openedSnapshot } from './snapshot.ts';
import { limitEvents } from './limits.ts';
import { ThreadEvents } from './thread.ts';
import { ThreadTurns } from './turns.ts';
import { type JsonObject, list, object, string } from '../untyped-json.ts';
import type { HeldCli } from '../../process/holder/held-child.ts';
import type { ProcessIdentity } from '../../process/identity.ts';
import { optionsAtStart } from '../opening.ts';
import { killProcessTree } from '../../process/process-tree.ts';
import type { HeldSession, OpenOptions, OutgoingMessage, ProviderEvent, ProviderSession } from '../provider.ts';

/** What a session needs of the provider. */
export interface CodexHost {
  clock: Clock;
  log: Log;
  /** Checks the login and lists the models. Rejects with a sentence. */
  prepare(server: AppServer): Promise<{ version: string; capabilities: Capabilities }>;
  /** Events of this thread come to the session from now on. */
  attach(threadId: string, session: CodexSession): void;
  /** The session has ended; while it is still releasing its thread, events of the thread go on coming to it. */
  detach(session: CodexSession): void;
  /** Resolves when no former session is releasing this thread any more. */
  released(threadId: string): Promise<void>;
  /** Ends a process that hangs; its other sessions go on on a new one. */
  replace(server: AppServer): Promise<void>;
  /** What is said about a thread that could not be opened. */
  failure(threadId: string, text: string): { text: string; sessionLost: boolean };
}

/** How long the app-server may take to interrupt a turn and to end a thread's commands before it is asked whether it lives, ms. */
const STOP_MS = 2500;
/** Turns that are searched for messages which a hung process had not confirmed. */
const MAX_SEARCHED_TURNS = 5;
/** Unreadable lines that are told: a CLI may print without end. */
const MAX_UNREADABLE = 5;
const STILL_OPENING = 'The agent server ended while Codex was reading a long thread. Send a message to begin again.';
const UNKNOWN_FATE =
  'It is not known whether Codex has begun with this message: look at what it did before you send it again.';

export class CodexSession implements ProviderSession {
  readonly #host: CodexHost;
  readonly #options: OpenOptions;
  readonly #emit: (event: ProviderEvent) => void;
  /** Commands of this thread carry it in their environment: they are found and ended without the app-server. */
  readonly #mark: string;
  readonly held: HeldSession | null;
  #ready: OpenedSnapshot['ready'] | null = null;
  /** Why no thread could be opened: said when the process that is its own has ended. */
  #failure: { text: string; sessionLost: boolean } | null = null;
  #connection: Connection;
  #threadId = '';
  #unreadable = 0;
  #isOver = false;
  #stopping: Promise<void> | null = null;
  #releasing: Promise<void> | null = null;
  #settings: Settings;
  #knownPolicy: JsonObject = {};

  constructor(server: AppServer, host: CodexHost, options: OpenOptions, emit: (event: ProviderEvent) => void) {
    this.#host = host;
    this.#options = options;
    this.#emit = (event) => this.#isOver || emit(event);
    this.#settings = settingsOf(options);
    this.#mark = server.held?.mark ?? randomUUID();
    this.#connection = this.#connect(server);
    this.held = server.held && options.holder ? this.#createHeld(server, server.held, options.holder.id) : null;
    const state = options.holder?.survivor?.state;
    const opened = openedSnapshot(state);
    if (opened) this.#restore(opened);
    else if (state) queueMicrotask(() => this.#failed(new Error(STILL_OPENING)));
    else this.#open().catch((error) => this.#failed(error));
  }

  #createHeld(server: AppServer, held: HeldCli, id: string): HeldSession {
    const { turns } = this.#connection;
    const detach = () => {
      this.#isOver = true;
      turns.close();
      server.detach();
      this.#host.detach(this);
    };
    return {
      id,
      get isTurning() {
        return turns.isTurning;
      },
      get offset() {
        return server.offset;
      },
      snapshot: () => this.#snapshot(server),
      running: held.running,
      ack: (offset) => held.ack(offset),
      detach,
    };
  }

  #snapshot({ dropping }: AppServer): CodexSnapshot {
    if (!this.#ready) return { isOpening: true };
    const { turns, events, requests, children } = this.#connection;
    return {
      threadId: this.#threadId,
      ready: this.#ready,
      knownPolicy: this.#knownPolicy,
      model: this.#settings.model,
      effort: this.#settings.effort,
      turns: turns.snapshot(),
      blocks: events.blocks.snapshot(),
      requests: requests.snapshot(),
      children: [...children].map(([threadId, { parent, blocks }]) => ({
        threadId,
        parent,
        blocks: blocks.snapshot(),
      })),
      dropping,
    };
  }

  /** A thread that an earlier server has opened goes on; its settings are those of the record. */
  #restore(state: OpenedSnapshot): void {
    const { turns, events, requests } = this.#connection;
    this.#threadId = state.threadId;
    this.#ready = state.ready;
    this.#knownPolicy = state.knownPolicy;
    this.#settings.model ||= state.model;
    this.#settings.effort ||= state.effort;
    turns.open(state.threadId);
    turns.restore(state.turns);
    events.blocks.restore(state.blocks);
    requests.restore(state.requests);
    this.#host.attach(state.threadId, this);
    for (const { threadId, parent, blocks } of state.children) {
      this.#host.attach(threadId, this);
      this.#addChild(threadId, parent).blocks.restore(blocks);
    }
    queueMicrotask(() => this.#emit({ type: 'ready', sessionId: state.threadId, ...state.ready }));
  }

  /** All that the process wrote before this server came has been read. */
  caughtUp(): void {
    this.#connection.requests.isReplay = false;
    this.#emit({ type: 'caught.up' });
  }

  /** The process that is this session's own runs. */
  started(): void {
    this.#emit({ type: 'process' });
  }

  answered(name: string, answer: Answer): void {
    this.#connection.turns.answered(name, answer);
  }

  #connect(server: AppServer): Connection {
    const turns = new ThreadTurns({
      server,
      clock: this.#host.clock,
      emit: this.#emit,
      settings: () => turnSettings(this.#settings, this.#knownPolicy),
    });
    const events = new ThreadEvents({
      emit: this.#emit,
      turn: (turnId) => turns.changed(turnId),
      taken: (messageId) => turns.taken(messageId),
    });
    const prefix = (this.#options.holder?.id ?? randomUUID()).slice(0, 8);
    const requests = new OpenRequests(server, this.#emit, prefix);
    requests.isReplay = Boolean(this.#options.holder?.survivor);
    return { server, turns, events, requests, children: new Map() };
  }

  get pid(): number | null {
    return this.#isOver ? null : this.#connection.server.process.pid;
  }

  get identity(): ProcessIdentity | null {
    const { identity } = this.#connection.server.process;
    return identity && (this.held ? identity : { ...identity, mark: this.#mark });
  }

  get hasBackgroundWork(): boolean {
    return this.#connection.events.blocks.hasOpenTool || this.#connection.turns.hasSteeredMessages;
  }

  get isStopping(): boolean {
    return this.#stopping !== null;
  }

  /** Settles when the app-server has forgotten the thread; null when it was not asked to. */
  get releasing(): Promise<void> | null {
    return this.#releasing;
  }

  get threadId(): string {
    return this.#threadId;
  }

  async #open(): Promise<void> {
    const { server } = this.#connection;
    const { version, capabilities } = await this.#host.prepare(server);
    const opening = optionsAtStart(this.#options);
    const resume = this.#threadId || opening.resume;
    const fork = opening.fork && !this.#threadId;
    if (resume && !fork && !this.held) await this.#host.released(resume);
    if (this.#isOver || this.#stopping || this.#connection.server !== server) return;
    const method = !resume ? 'thread/start' : fork ? 'thread/fork' : 'thread/resume';
    const settings = this.held ? settingsOf(opening) : this.#settings;
    const params = threadParams({ ...opening, resume, fork }, settings, this.#mark);
    const onResult = (result: JsonObject) => this.#opened(server, result, { version, capabilities });
    await server.request(method, params, { onResult, name: openingName(method, params) });
  }

  /** Done before the next line is read. */
  #opened(server: AppServer, result: JsonObject, ready: OpenedSnapshot['ready']): void {
    const threadId = string(object(result.thread).id);
    // What is stopped while it opens takes a moment to end: nothing would let this thread go any more.
    if (this.#isOver || this.#stopping) return void server.request('thread/unsubscribe', { threadId }).catch(() => {});
    this.#threadId = threadId;
    this.#connection.turns.open(threadId);
    this.#knownPolicy = object(result.sandbox);
    // One that was chosen since holds from the next turn on.
    const isChanged = optionsAtStart(this.#options).model !== this.#options.model;
    if (!isChanged) this.#settings.model = string(result.model) || this.#settings.model;
    this.#settings.effort ||= string(result.reasoningEffort);
    this.#host.attach(threadId, this);
    this.#emitSettings();
    this.#ready = ready;
    server.opened(threadId);
    this.#emit({ type: 'ready', sessionId: threadId, ...ready });
    this.#informIgnoredFlags();
    this.#connection.turns.sendWaiting();
  }

  #informIgnoredFlags(): void {
    const ignored = ignoredFlags(this.#options.flags);
    if (!ignored.length) return;
    const text = `Codex has no setting for ${ignored.join(', ')}: ignored.`;
    this.#emit({ type: 'notice', level: 'info', code: 'flags_ignored', text, passing: false });
  }

  #failed({ message }: Error): void {
    const failure = this.#host.failure(this.#threadId || this.#options.resume || '', message);
    if (this.held) {
      this.#failure ??= failure;
      return void this.#connection.server.stop();
    }
    this.exit({ expected: false, code: null, signal: null, ...failure });
  }

  #emitSettings(): void {
    this.#emit({ type: 'session', sessionId: this.#threadId, ...this.#settings, cwd: this.#options.cwd });
  }

  // ---- events of the app-server

  notify(method: string, params: JsonObject): void {
    const { events, children, requests } = this.#connection;
    if (method === 'serverRequest/resolved') return requests.resolved(params.requestId);
    if (method === 'account/rateLimits/updated') return this.#rateLimits(object(params.rateLimits));
    const threadId = string(params.threadId);
    const receiver = threadId === this.#threadId ? events : children.get(threadId);
    receiver?.notify(method, params);
  }

  /** A subagent's thread has begun: its messages are shown below the tool that started it. */
  adopt(threadId: string): void {
    this.#addChild(threadId, this.#connection.events.blocks.agentTool);
  }

  #addChild(threadId: string, parent: string): ThreadEvents {
    const events = new ThreadEvents({ emit: this.#emit, turn: () => {}, taken: () => {} }, parent);
    this.#connection.children.set(threadId, events);
    return events;
  }

  /** @returns false when this kind of request is not known */
  onRequest(serverId: number | string, method: string, params: JsonObject): boolean {
    const { events, children, requests } = this.#connection;
    const { blocks } = children.get(string(params.threadId)) ?? events;
    return requests.open(serverId, method, params, (itemId) => blocks.changesOf(itemId));
  }

  /** The process has ended while this session was releasing its thread. */
  serverEnded(): void {
    this.#connection.turns.serverEnded();
  }

  /** A line of Codex that may have been about this agent could not be read. Said so often only: a CLI may print in a loop. */
  onUnreadable(text: string): void {
    if (++this.#unreadable > MAX_UNREADABLE) return;
    this.#emit({ type: 'notice', level: 'warning', code: 'garbage', text, passing: false });
  }

  /**
   * The process hung and was replaced: the thread is resumed on another one. A turn that ran is lost, which is shown as an
   * interruption; messages that had not begun go to the new process.
   */
  async moveTo(server: AppServer): Promise<void> {
    const { turns } = this.#connection;
    const { isTurning } = turns;
    const { unconfirmed, waiting } = turns.close();
    this.#closeConnection();
    const text = 'Codex did not respond any more and was started again.' +
      (isTurning ? ' The turn was interrupted. Send a message to go on.' : '');
    this.#emit({ type: 'notice', level: 'warning', code: 'cli_restarted', text, passing: false });
    if (isTurning) this.#emit({ type: 'turn.end', outcome: 'interrupted', text: '', durationMs: 0 });
    this.#connection = this.#connect(server);
    try {
      await this.#open();
      await this.#confirm(unconfirmed);
      for (const message of waiting) this.send(message);
    } catch (error) {
      this.#failed(error as Error);
    }
  }

  /** Sends again what the thread does not hold. */
  async #confirm(messages: OutgoingMessage[]): Promise<void> {
    if (!messages.length) return;
    const params = { threadId: this.#threadId, limit: MAX_SEARCHED_TURNS, sortDirection: 'desc', itemsView: 'full' };
    const { data } = await this.#connection.server.request('thread/turns/list', params);
    const items = list(data).flatMap((turn) => list(object(turn).items)).map((item) => string(object(item).clientId));
    for (const message of messages) {
      if (items.includes(message.id)) this.#emit({ type: 'message.status', id: message.id, status: 'sent' });
      else this.send(message);
    }
  }

  #rateLimits(limits: JsonObject): void {
    for (const event of limitEvents(limits, this.#host.clock.now())) this.#emit(event);
  }

  // ---- commands

  send(message: OutgoingMessage): void {
    this.#connection.turns.send(message);
  }

  decide(requestId: string, decision: DecisionBody): boolean {
    if (this.#isOver || !this.#connection.requests.decide(requestId, decision)) return false;
    // Codex takes no reason with a refusal: the turn, which goes on, gets it as a message.
    const reason = decision.decision === 'deny' && !decision.interrupt ? decision.message?.trim() : '';
    if (reason) this.#connection.turns.addText(reason, `reason ${requestId}`);
    return true;
  }

  interrupt(): void {
    this.#connection.turns.interrupt();
  }

  cancelQueued(messageId: string): void {
    this.#connection.turns.cancelQueued(messageId);
  }

  setMode(mode: PermissionMode): void {
    this.#change({ mode });
  }

  setModel(model: string): void {
    this.#change({ model });
  }

  setEffort(effort: string): void {
    this.#change({ effort });
  }

  #change(settings: Partial<Settings>): void {
    Object.assign(this.#settings, settings);
    if (this.#threadId) this.#emitSettings();
  }

  reap(): void {
    void this.stop();
  }

  stop(): Promise<void> {
    return this.#stopping ??= this.#stop();
  }

  async #stop(): Promise<void> {
    if (this.#isOver) return;
    const { turns, server } = this.#connection;
    turns.closeInput();
    if (this.held) await server.stop({ interrupt: () => turns.end() });
    else await this.#release();
    if (this.#isOver) return;
    if (this.identity) await killProcessTree(markOnly(this.identity), this.#host);
    this.exit({ expected: true, code: null, signal: null, text: '' });
  }

  /**
   * Lets the app-server forget the thread. One that is slow with it but answers goes on by itself: it serves other sessions.
   * One that hangs is replaced.
   */
  async #release(): Promise<void> {
    const { server } = this.#connection;
    if (!this.#threadId || !server.isRunning) return;
    const release = this.#releasing = this.#releaseThread(server);
    if (await this.#within(release, STOP_MS) || await server.isAlive()) return;
    await this.#host.replace(server);
  }

  /** Interrupts the turn, ends the commands that it left running, and lets the app-server forget the thread. */
  async #releaseThread(server: AppServer): Promise<void> {
    const threadId = this.#threadId;
    await this.#connection.turns.end();
    await server.request('thread/backgroundTerminals/clean', { threadId }).catch(() => {});
    await server.request('thread/unsubscribe', { threadId }).catch(() => {});
  }

  async #within(work: Promise<void>, ms: number): Promise<boolean> {
    let timer: Timer | null = null;
    const timeout = new Promise<boolean>((resolve) => timer = this.#host.clock.setTimeout(() => resolve(false), ms));
    const isDone = await Promise.race([work.then(() => true), timeout]);
    this.#host.clock.clearTimeout(timer);
    return isDone;
  }

  /** The last event, whatever caused it: stop(), a failure to open, or the end of the app-server. */
  exit(end: Omit<Extract<ProviderEvent, { type: 'exit' }>, 'type'>): void {
    if (this.#isOver) return;
    const { unconfirmed } = this.#connection.turns.close();
    this.#closeConnection();
    for (const { id } of unconfirmed) {
      this.#emit({ type: 'message.status', id, status: 'failed', error: UNKNOWN_FATE });
    }
    const expected = !this.#failure && (end.expected || this.#stopping !== null);
    this.#emit({ type: 'exit', ...end, ...this.#failure, expected });
    this.#isOver = true;
    this.#host.detach(this);
    // The app-server ends its commands when it ends well; this is for when it could not.
    if (!end.expected && this.identity) void killProcessTree(markOnly(this.identity), this.#host);
  }

  /** Nothing more will come from the process for what is open. */
  #closeConnection(): void {
    const { events, children, requests } = this.#connection;
    for (const { blocks } of [...children.values(), events]) blocks.close();
    requests.close();
  }
}

/** What a session has on one process. */
interface Connection {
  server: AppServer;
  events: ThreadEvents;
  /** Threads of subagents, by id. */
  children: Map<string, ThreadEvents>;
  requests: OpenRequests;
  turns: ThreadTurns;
}

const settingsOf = ({ flags, mode, model, effort }: OpenOptions): Settings => ({
  mode: modeOfFlags(flags, mode),
  model: model || flags.model || '',
  effort: effort || flags.effort || '',
});

/** The same request of a later server has the same name, one with other settings another. */
const openingName = (method: string, params: JsonObject): string =>
  `${method} ${createHash('sha256').update(JSON.stringify(params)).digest('hex').slice(0, 16)}`;

/** Only what carries the mark: the app-server itself serves other sessions. */
const markOnly = (identity: ProcessIdentity): ProcessIdentity => ({ ...identity, startTime: '' });
