/** One Codex thread as a ProviderSession. The app-server is shared with other sessions; the thread's commands are not. */
import { randomUUID } from 'node:crypto';
import type { Clock, Timer } from '../../core/clock.ts';
import type { Capabilities, DecisionBody, PermissionMode } from '../../core/wire/types.ts';
import { ignoredFlags, modeOfFlags } from './codex-modes.ts';
import { inputOf, type Settings, threadParams, turnSettings } from './codex-params.ts';
import { type OpenRequest, openRequest } from './codex-requests.ts';
import type { AppServer } from './codex-server.ts';
import { rateLimitNotice } from './codex-text.ts';
import { ThreadEvents } from './codex-thread.ts';
import { type Loose, object, string } from './loose.ts';
import { endLeftover, type ProcessIdentity } from './proc.ts';
import type { OpenOptions, OutgoingMessage, ProviderEvent, ProviderSession } from './provider.ts';

/** The provider's part that a session needs. */
export interface CodexHost {
  clock: Clock;
  /** Logged in? Which models? Rejects with a sentence. */
  prepare(server: AppServer): Promise<{ version: string; capabilities: Capabilities }>;
  /** Events of this thread come to the session from now on. */
  attach(threadId: string, session: CodexSession): void;
  detach(session: CodexSession): void;
}

/** What the app-server may take to interrupt a turn and to end a thread's commands when a session is stopped, ms. */
const STOP_MS = 2500;
/** Then it counts as hung and is ended with all its sessions; this is its time to obey its closed stdin, ms. */
const HUNG_INPUT_MS = 300;
/** A thread is on disk from its first turn on; resumed before that, or when its file is gone, it is not known. */
const LOST = /no rollout found/;

interface OpenServerRequest extends OpenRequest {
  serverId: number | string;
  isDecided: boolean;
}

/** A message that a running turn was given. */
interface Steering {
  message: OutgoingMessage;
  turnId: string;
  /** Until Codex has answered, the message may or may not become part of the turn, even when that has ended. */
  isAnswered: boolean;
}

export class CodexSession implements ProviderSession {
  readonly #server: AppServer;
  readonly #host: CodexHost;
  readonly #options: OpenOptions;
  readonly #emit: (event: ProviderEvent) => void;
  readonly #events: ThreadEvents;
  /** Threads of subagents, by id. */
  readonly #children = new Map<string, ThreadEvents>();
  readonly #requests = new Map<string, OpenServerRequest>();
  /** Commands of this thread carry it in their environment: they are found and ended without the app-server. */
  readonly #mark: string = randomUUID();
  /** Messages that wait for the thread to be open, or for the turn that is starting to have an id. */
  #waiting: OutgoingMessage[] = [];
  /** Messages that were given to a running turn and have not been taken up by it. */
  readonly #steering = new Map<string, Steering>();
  #threadId = '';
  #turnId: string | null = null;
  #isStarting = false;
  #isInterruptWanted = false;
  #isOver = false;
  #stopping: Promise<void> | null = null;
  #onTurnEnd: (() => void) | null = null;
  #mode: PermissionMode;
  #model: string;
  #effort: string;
  #knownPolicy: Loose = {};

  constructor(server: AppServer, host: CodexHost, options: OpenOptions, emit: (event: ProviderEvent) => void) {
    this.#server = server;
    this.#host = host;
    this.#options = options;
    this.#emit = (event) => this.#isOver || emit(event);
    this.#mode = modeOfFlags(options.flags, options.mode);
    this.#model = options.model || options.flags.model || '';
    this.#effort = options.effort || options.flags.effort || '';
    this.#events = new ThreadEvents({
      emit: this.#emit,
      turn: (turnId) => this.#turnChanged(turnId),
      seen: (messageId) => this.#messageSeen(messageId),
    });
    this.#open().catch(({ message: text }: Error) =>
      this.exit({ expected: false, code: null, signal: null, text, sessionLost: LOST.test(text) })
    );
  }

  get pid(): number | null {
    return this.#isOver ? null : this.#server.process.pid;
  }

  get identity(): ProcessIdentity | null {
    const { identity } = this.#server.process;
    return identity && { ...identity, mark: this.#mark };
  }

  get hasBackgroundWork(): boolean {
    return this.#events.hasOpenTool || this.#steering.size > 0;
  }

  get threadId(): string {
    return this.#threadId;
  }

  async #open(): Promise<void> {
    const { resume, fork, flags } = this.#options;
    const { version, capabilities } = await this.#host.prepare(this.#server);
    if (this.#isOver) return;
    const method = !resume ? 'thread/start' : fork ? 'thread/fork' : 'thread/resume';
    await this.#server.request(
      method,
      threadParams(this.#options, this.#settings(), this.#mark),
      (result) => this.#opened(result),
    );
    this.#emit({ type: 'ready', sessionId: this.#threadId, version, capabilities });
    const ignored = ignoredFlags(flags);
    if (ignored.length) {
      const text = `Codex has no setting for ${ignored.join(', ')}: ignored.`;
      this.#emit({ type: 'notice', level: 'info', code: 'flags_ignored', text, passing: false });
    }
    this.#sendWaiting();
  }

  #opened(result: Loose): void {
    const threadId = string(object(result.thread).id);
    if (this.#isOver) return void this.#server.request('thread/unsubscribe', { threadId }).catch(() => {});
    this.#threadId = threadId;
    this.#knownPolicy = object(result.sandbox);
    this.#model = string(result.model) || this.#model;
    this.#effort ||= string(result.reasoningEffort);
    this.#host.attach(this.#threadId, this);
    this.#tellSettings();
  }

  #settings(): Settings {
    return { mode: this.#mode, model: this.#model, effort: this.#effort };
  }

  #tellSettings(): void {
    this.#emit({
      type: 'session',
      sessionId: this.#threadId,
      ...this.#settings(),
      cwd: this.#options.cwd,
    });
  }

  // ---- what the app-server tells

  notify(method: string, params: Loose): void {
    if (method === 'serverRequest/resolved') return this.#resolved(params.requestId);
    if (method === 'account/rateLimits/updated') return this.#rateLimits(object(params.rateLimits));
    const threadId = string(params.threadId);
    const events = threadId === this.#threadId ? this.#events : this.#children.get(threadId);
    events?.notify(method, params);
  }

  /** A subagent's thread began: its messages are shown below the tool that started it. */
  adopt(threadId: string): void {
    const hooks = { emit: this.#emit, turn: () => {}, seen: () => {} };
    this.#children.set(threadId, new ThreadEvents(hooks, this.#events.agentTool));
  }

  /** @returns false when this kind of request is not known */
  ask(serverId: number | string, method: string, params: Loose): boolean {
    const events = this.#children.get(string(params.threadId)) ?? this.#events;
    // The server's ids start again at 0 with each process; the mark is new with each session.
    const requestId = `${this.#mark.slice(0, 8)}-${serverId}`;
    const open = openRequest(requestId, method, params, (itemId) => events.diffsOf(itemId));
    if (!open) return false;
    this.#requests.set(requestId, { ...open, serverId, isDecided: false });
    this.#emit({ type: 'request', request: open.request });
    return true;
  }

  #resolved(serverId: unknown): void {
    for (const [requestId, open] of this.#requests) {
      if (open.serverId !== serverId) continue;
      this.#requests.delete(requestId);
      this.#emit({ type: open.isDecided ? 'request.resolved' : 'request.cancelled', requestId });
    }
  }

  #rateLimits(limits: Loose): void {
    const notice = rateLimitNotice(limits, this.#host.clock.now());
    if (notice) this.#emit({ type: 'notice', ...notice, code: 'rate_limit', passing: true });
  }

  #turnChanged(turnId: string | null): void {
    this.#turnId = turnId;
    if (turnId && this.#isInterruptWanted) return this.interrupt();
    if (turnId) return;
    this.#isInterruptWanted = false;
    this.#onTurnEnd?.();
    this.#sendLate();
  }

  /** What was given to a turn too late for it to be taken up is the next turn. */
  #sendLate(): void {
    const late = [...this.#steering.values()].filter((one) => one.isAnswered && one.turnId !== this.#turnId);
    for (const { message } of late) this.#steering.delete(message.id);
    queueMicrotask(() => late.forEach(({ message }) => this.send(message)));
  }

  #sendWaiting(): void {
    for (const message of this.#waiting.splice(0)) this.send(message);
  }

  #messageSeen(messageId: string): void {
    if (this.#steering.delete(messageId)) this.#emit({ type: 'message.status', id: messageId, status: 'sent' });
  }

  // ---- commands

  send(message: OutgoingMessage): void {
    if (this.#isOver || this.#stopping) return;
    if (!this.#threadId) return void this.#waiting.push(message);
    if (this.#turnId) return this.#steer(message, this.#turnId);
    if (this.#isStarting) {
      this.#waiting.push(message);
      return this.#emit({ type: 'message.status', id: message.id, status: 'queued' });
    }
    this.#startTurn(message);
  }

  #startTurn(message: OutgoingMessage): void {
    this.#isStarting = true;
    const settings = turnSettings(this.#settings(), this.#knownPolicy);
    this.#server.request('turn/start', { ...this.#input(message), ...settings }, (result) => {
      this.#isStarting = false;
      this.#turnId ??= string(object(result.turn).id) || null;
      this.#emit({ type: 'message.status', id: message.id, status: 'sent' });
      if (this.#isInterruptWanted) this.interrupt();
      this.#sendWaiting();
    }).catch((error: Error) => {
      this.#isStarting = this.#isInterruptWanted = false;
      this.#emit({ type: 'message.status', id: message.id, status: 'failed', error: error.message });
      this.#sendWaiting();
    });
  }

  /** turn/start would do, too, but begin a turn of its own when this one ends meanwhile: nobody could tell which it was. */
  #steer(message: OutgoingMessage, turnId: string): void {
    const steering = { message, turnId, isAnswered: false };
    this.#steering.set(message.id, steering);
    this.#emit({ type: 'message.status', id: message.id, status: 'queued' });
    // Refused when the turn has ended or cannot be steered: then it is the next turn, as one that was not taken up.
    const answered = () => {
      steering.isAnswered = true;
      this.#sendLate();
    };
    this.#server.request('turn/steer', { ...this.#input(message), expectedTurnId: turnId }, answered).catch(answered);
  }

  #input(message: OutgoingMessage): Loose {
    return { threadId: this.#threadId, clientUserMessageId: message.id, input: inputOf(message) };
  }

  decide(requestId: string, decision: DecisionBody): boolean {
    const open = this.#requests.get(requestId);
    if (!open || open.isDecided || this.#isOver) return false;
    if (!this.#server.answer(open.serverId, open.answer(decision))) return false;
    open.isDecided = true;
    // Codex takes no reason with a refusal: it is said to the turn, which goes on.
    const reason = decision.decision === 'deny' && !decision.interrupt ? decision.message?.trim() : '';
    if (reason && this.#turnId) {
      const input = inputOf({ id: '', text: reason, images: [] });
      this.#server.request('turn/start', { threadId: this.#threadId, input }).catch(() => {});
    }
    return true;
  }

  interrupt(): void {
    if (this.#isOver) return;
    // While the thread is opening there is no turn to interrupt: what would begin one is taken back.
    if (!this.#threadId) return this.#waiting.forEach(({ id }) => this.cancelQueued(id));
    if (!this.#turnId) {
      this.#isInterruptWanted = this.#isStarting;
      return;
    }
    this.#isInterruptWanted = false;
    // Refused when the turn has just ended by itself: then there is nothing to interrupt.
    this.#server.request('turn/interrupt', { threadId: this.#threadId, turnId: this.#turnId }).catch(() => {});
  }

  /** A message that a running turn was given cannot be taken back from it; one that still waits here can. */
  cancelQueued(messageId: string): void {
    const before = this.#waiting.length;
    this.#waiting = this.#waiting.filter((message) => message.id !== messageId);
    if (this.#waiting.length < before) {
      return this.#emit({ type: 'message.status', id: messageId, status: 'cancelled' });
    }
    const text = 'It was too late to cancel: the agent already has this message.';
    this.#emit({ type: 'notice', level: 'info', code: 'cancel', text, passing: true });
  }

  setMode(mode: PermissionMode): void {
    this.#mode = mode;
    if (this.#threadId) this.#tellSettings();
  }

  setModel(model: string): void {
    this.#model = model;
    if (this.#threadId) this.#tellSettings();
  }

  setEffort(effort: string): void {
    this.#effort = effort;
    if (this.#threadId) this.#tellSettings();
  }

  reap(): void {
    void this.stop();
  }

  stop(): Promise<void> {
    return this.#stopping ??= this.#stop();
  }

  async #stop(): Promise<void> {
    if (this.#isOver) return;
    if (this.#threadId && this.#server.isRunning && !await this.#within(this.#release(), STOP_MS)) {
      await this.#server.stop({ inputMs: HUNG_INPUT_MS });
    }
    if (this.identity) await endLeftover(markOnly(this.identity), { clock: this.#host.clock });
    this.exit({ expected: true, code: null, signal: null, text: '' });
  }

  /** Interrupts the turn, ends the commands that it left running, and lets the app-server forget the thread. */
  async #release(): Promise<void> {
    const threadId = this.#threadId;
    if (this.#turnId) {
      const ended = new Promise<void>((resolve) => this.#onTurnEnd = resolve);
      await this.#server.request('turn/interrupt', { threadId, turnId: this.#turnId }).catch(() => this.#onTurnEnd?.());
      await ended;
    }
    await this.#server.request('thread/backgroundTerminals/clean', { threadId }).catch(() => {});
    await this.#server.request('thread/unsubscribe', { threadId }).catch(() => {});
  }

  async #within(work: Promise<void>, ms: number): Promise<boolean> {
    let timer: Timer | null = null;
    const late = new Promise<boolean>((resolve) => timer = this.#host.clock.setTimeout(() => resolve(false), ms));
    const isDone = await Promise.race([work.then(() => true), late]);
    this.#host.clock.clearTimeout(timer);
    return isDone;
  }

  /** The last event, whoever caused it: stop(), a failure to open, or the end of the app-server. */
  exit(end: Omit<Extract<ProviderEvent, { type: 'exit' }>, 'type'>): void {
    if (this.#isOver) return;
    for (const events of [...this.#children.values(), this.#events]) events.close();
    for (const requestId of this.#requests.keys()) this.#emit({ type: 'request.cancelled', requestId });
    this.#emit({ type: 'exit', ...end, expected: end.expected || this.#stopping !== null });
    this.#isOver = true;
    this.#requests.clear();
    this.#host.detach(this);
    // The app-server ends its commands when it ends well; this is for when it could not.
    if (!end.expected && this.identity) void endLeftover(markOnly(this.identity), { clock: this.#host.clock });
  }
}

/** Only what carries the mark: the app-server itself serves other sessions. */
const markOnly = (identity: ProcessIdentity): ProcessIdentity => ({ ...identity, startTime: '' });
