/**
 * One agent's session: turns commands into calls of the provider, and the provider's events into messages, usage and state.
 * A user's message is on disk before it is answered; a request of the CLI stays on record until the CLI has its answer.
 */
import { providerData } from '../../core/api/providers.ts';
import { randomUUID } from 'node:crypto';
import { Failure } from '../../core/api/errors.ts';
import type { LiveChange } from '../../core/api/live.ts';
import type { AgentInfo, AgentMarks, Capabilities, MergeRecord, PermissionMode } from '../../core/api/agents.ts';
import type { DecisionBody, QueuedChange, SendMessageBody, UserMessage } from '../../core/api/messages.ts';
import type { HolderRecord } from '../process/holder/records.ts';
import type { HolderOptions, Provider, ProviderEvent } from '../provider/provider.ts';
import type { AgentContext } from '../context.ts';
import type { Document } from '../store/document.ts';
import { AgentInfoStore } from './agent-info-store.ts';
import { applyEvent, queueEntry } from './apply-event.ts';
import { CliRun } from './cli-run.ts';
import { closeOpenMessages } from './close-messages.ts';
import { Decisions } from './decisions.ts';
import type { EventContext } from './event-context.ts';
import type { HistoryMessage } from '../provider/history-message.ts';
import { lostContext } from './lost-context.ts';
import { LazyLog } from './lazy-log.ts';
import { MessageLog } from './message-log.ts';
import { PictureStore } from './pictures.ts';
import { PromptQueue } from './prompt-queue.ts';
import type { AgentRecord } from './record.ts';
import { RunMarker } from './run-marker.ts';
import { firstMarker } from './run-record.ts';
import { SessionHold, type SessionHoldOptions } from './session-hold.ts';
import type { SessionHolder, SessionLock } from './session-locks.ts';
import { SessionStatus } from './session-status.ts';
import type { StopReason } from './state.ts';

export interface AgentSessionOptions {
  context: AgentContext;
  provider: Provider;
  document: Document<AgentRecord>;
  journalPath: string;
  picturesPath: string;
  hold: Omit<SessionHoldOptions, 'record'>;
  publish(change: LiveChange, json?: string): void;
  /** The CLI has said what it can. */
  onCapabilities(capabilities: Capabilities): void;
}

const RESUME_HINT = 'Send a message to go on where it was.';

export class AgentSession {
  readonly id: string;
  readonly #options: AgentSessionOptions;
  readonly #store: AgentInfoStore;
  readonly pictures: PictureStore;
  readonly #log: LazyLog;
  readonly #status: SessionStatus;
  readonly #prompts: PromptQueue;
  readonly #decisions: Decisions;
  readonly #eventContext: EventContext;
  /** Held while a CLI runs or a message is on its way to one. */
  readonly #hold: SessionHold;
  #run: CliRun | null = null;
  /** null: the CLI ends with this server. */
  #marker: RunMarker | null = null;
  /** Called when a CLI of before has been taken up (true) or has ended meanwhile. */
  #onAdopted: ((isThere: boolean) => void) | null = null;
  #lastId = { at: '', count: 0 };
  #capabilities: Capabilities | null = null;
  /** Why the session takes no messages and starts no CLI: it is about to be closed or deleted. */
  #refusing: Failure | null = null;

  constructor(options: AgentSessionOptions) {
    const { context, document, publish } = options;
    const log = () => this.log;
    this.#options = options;
    this.#hold = new SessionHold({ ...options.hold, record: () => this.record });
    this.id = document.value.info.id;
    this.#store = new AgentInfoStore(document, context, publish);
    this.pictures = new PictureStore(options.picturesPath);
    this.#log = new LazyLog(() => this.#openLog(), context.clock);
    this.#status = new SessionStatus(this.#store, log, context.clock.now);
    this.#prompts = new PromptQueue({
      log,
      pictures: this.pictures,
      refusing: () => this.#refusing,
      // A CLI that is being ended for a terminal still runs: the session is the terminal's already.
      prepare: () => this.#hold.takeToSend(this.#run !== null),
      onAccepted: () => this.#deliver(),
    });
    this.#decisions = new Decisions({
      log,
      now: context.clock.now,
      deliver: (requestId, decision) => this.#run?.cli.decide(requestId, decision) ?? false,
      onChange: () => this.#refreshPending(),
    });
    this.#eventContext = this.#createEventContext();
  }

  get info(): AgentInfo {
    return this.#store.info;
  }
  get record(): AgentRecord {
    return this.#store.record;
  }
  get capabilities(): Capabilities | null {
    return this.#capabilities;
  }
  get isOpen(): boolean {
    return this.#run !== null;
  }
  get log(): MessageLog {
    return this.#log.get();
  }

  #openLog(): MessageLog {
    const { context, publish, journalPath } = this.#options;
    return new MessageLog({
      agentId: this.id,
      path: journalPath,
      clock: context.clock,
      publish,
      warn: (text) => context.warn(`journal ${this.id}`, text),
      onAdded: (message) => this.#store.patch({ lastSeq: message.seq }),
    });
  }

  // ---- commands

  /** Saves a message, then hands it to the CLI, which is started if need be. */
  async send(body: SendMessageBody, by: string): Promise<{ message: UserMessage; duplicate: boolean }> {
    try {
      const sent = await this.#prompts.send(body, by);
      if (this.info.archivedAt) this.#store.patch({ archivedAt: 0 });
      return sent;
    } finally {
      this.#releaseAtRest();
    }
  }

  #releaseAtRest(): void {
    if (!this.#run && this.#prompts.isEmpty) this.#hold.release();
  }

  /** Gives the session to a terminal. Throws Failure when the agent is at work or somebody else has the session. */
  async handOver(holder: SessionHolder): Promise<SessionLock | null> {
    if (this.#refusing) throw this.#refusing;
    if (this.isAtRest) return await this.#hold.handOver(holder, () => this.stop());
    const text = `"${this.info.name}" is at work in this session. Stop it first, or open a shell in its folder.`;
    throw new Failure('agent_busy', text);
  }

  /**
   * While the CLI is being ended, messages wait for its exit; while it is at a turn, for the turn's end.
   * @returns true when one was handed over
   */
  #deliver(): boolean {
    if (!this.#prompts.isWaiting || this.#run?.stopReason || this.#refusing) return false;
    if (!this.#run) this.open();
    const run = this.#run;
    const isFree = run !== null && !this.#isOccupied(run);
    if (isFree) {
      run.expectsTurn = true;
      this.#prompts.deliverNext(run.cli, this.#contextFor(run));
    }
    this.#showQueue();
    this.#store.touch();
    return isFree;
  }

  /** The CLI has a message, or is at a turn of its own. */
  #isOccupied(run: CliRun): boolean {
    return run.isTurning || run.expectsTurn || this.#prompts.isBusy;
  }

  /** What waits here stands behind what waits in the CLI. */
  #showQueue(): void {
    const waiting = this.#prompts.waiting.flatMap(({ id }) => {
      const message = this.log.get(id);
      return message?.kind === 'user' ? [message] : [];
    });
    for (const { id } of waiting) this.log.patch(id, { status: 'queued' });
    const ids = this.#prompts.waitingIds;
    const handed = this.info.queue.filter(({ id }) => !ids.has(id)).map((entry) => ({ ...entry, handed: true }));
    this.#store.patch({ queue: [...handed, ...waiting.map(queueEntry)] });
  }

  /** The turn that kept others waiting is over, or there is none: the next message is handed over. */
  #deliverNext(): void {
    // It works on from here; a message that is not taken sets that right.
    if (this.#deliver()) this.#status.apply({ type: 'turn.start' });
  }

  /** What the first message to a session is begun with that stands in the place of a lost one; else ''. */
  #contextFor(run: CliRun): string {
    const { record, info } = this;
    if (run.hasContext || !record.isResumeLost || info.sessionId !== null) return '';
    run.hasContext = true;
    return lostContext(this.log.newest());
  }

  /** Starts the CLI; it resumes the session that it had. */
  open(): void {
    if (this.#refusing) throw this.#refusing;
    if (this.#run) return;
    this.#hold.take();
    this.#status.apply({ type: 'open' });
    this.#prompts.forgetUndelivered();
    const id = randomUUID();
    if (this.#options.provider.isHeld) this.#store.update({ run: firstMarker(id, this.info) });
    this.#begin(this.#options.provider.isHeld ? { id, survivor: null } : undefined);
  }

  #begin(holder: HolderOptions | undefined): void {
    const { provider, context: { clock } } = this.#options;
    const run = new CliRun(this.record, {
      provider,
      holder,
      clock,
      onEvent: (event) => this.#onEvent(event),
      onStopped: () => this.#onStopped(run),
    });
    this.#run = run;
    const { held } = run.cli;
    const settled = () => this.pictures.settled();
    this.#marker = held ? new RunMarker({ held, store: this.#store, clock, log: () => this.log, settled }) : null;
    this.#noteProcess();
  }

  #noteProcess(): void {
    const { cli } = this.#run!;
    this.#store.update({ process: cli.identity ?? null });
    this.#store.patch({ cli: { ...this.info.cli, running: true, pid: cli.pid } });
  }

  /**
   * Takes up the CLI that a holder has kept since before this server.
   * @returns false when it has ended meanwhile, which is then on the record
   */
  adopt(record: HolderRecord): Promise<boolean> {
    const { run } = this.record;
    // A server that was killed before its first save has applied nothing.
    const marker = run?.holder === record.id ? run : firstMarker(record.id, this.info);
    this.#store.patch(marker.info);
    this.log.rewind(marker.streams);
    const open = new Set(this.log.open().map(({ id }) => id));
    this.#store.patch({ lastSeq: this.log.lastSeq, queue: this.info.queue.filter(({ id }) => open.has(id)) });
    const { offset, state } = marker;
    return new Promise((resolve) => {
      this.#onAdopted = (isThere) => {
        this.#onAdopted = null;
        resolve(isThere);
      };
      try {
        this.#hold.take();
      } catch { /* reported when the CLI names its session */ }
      this.#begin({ id: record.id, survivor: { record, offset, state } });
      this.#setTurning(this.#run?.cli.held?.isTurning ?? false);
    });
  }

  /** The CLI has said all that it said before this server came: what it may have missed is given to it. */
  #onCaughtUp(): void {
    this.#decisions.repeat();
    void this.#prompts.repeat(this.info.queue);
    this.#onAdopted?.(true);
  }

  async cancelQueued(messageId: string): Promise<void> {
    const message = this.log.get(messageId);
    if (message?.kind !== 'user') throw new Failure('not_found', 'There is no such message.');
    if (message.status !== 'queued' && message.status !== 'accepted') {
      throw new Failure('already_sent', 'This message is already with the agent: interrupt it instead.');
    }
    // What no CLI has is taken out of our own queue: the next one would get it.
    if (this.#prompts.takeBack(messageId)) this.#cancelled(messageId);
    else this.#run?.cli.cancelQueued(messageId);
    await Promise.resolve();
  }

  /** Changes the text of a message that no CLI has, or its place in the queue. Throws Failure. */
  async changeQueued(messageId: string, { text, before }: QueuedChange): Promise<UserMessage> {
    this.#refuseUnqueued(messageId);
    if (text !== undefined) await this.#prompts.edit(messageId, text);
    if (before !== undefined) await this.#prompts.move(messageId, before);
    this.#showQueue();
    return this.log.get(messageId) as UserMessage;
  }

  /**
   * Has a waiting message read now: in the running turn where the CLI can, else in the next one, for which the running one is
   * interrupted. Throws Failure.
   */
  async sendNow(messageId: string): Promise<{ steered: boolean }> {
    this.#refuseUnqueued(messageId);
    await this.#prompts.move(messageId, this.#prompts.waiting[0]?.id ?? '');
    const run = this.#run;
    const steered = !!run && !run.stopReason && providerData(this.info.provider).features.steer;
    if (steered) this.#prompts.deliverNow(run.cli, messageId);
    else if (run?.isTurning && !run.stopReason) run.cli.interrupt();
    this.#showQueue();
    return { steered };
  }

  #refuseUnqueued(messageId: string): void {
    const message = this.log.get(messageId);
    if (message?.kind !== 'user') throw new Failure('not_found', 'There is no such message.');
    if (message.status === 'queued' || message.status === 'accepted') return;
    throw new Failure('already_sent', 'This message does not wait any more: it can no longer be changed.');
  }

  /** It need not be on disk: after a crash nothing is handed over. */
  #cancelled(messageId: string): void {
    this.log.patch(messageId, { status: 'cancelled' });
    this.#store.patch({ queue: this.info.queue.filter(({ id }) => id !== messageId) });
    this.#releaseAtRest();
  }

  async decide(requestId: string, body: DecisionBody, by: string) {
    if (body.input && !providerData(this.info.provider).features.words) {
      throw new Failure('bad_request', '"input": this agent takes no edited input. Nothing was allowed.');
    }
    return await this.#decisions.decide(requestId, body, by);
  }

  interrupt(): void {
    if (!this.#run) throw new Failure('not_running', 'The agent is not running.');
    this.#run.cli.interrupt();
  }

  /** Ends the CLI and everything that it started. What waits for a CLI that the user stops is not begun with. */
  stop(reason: StopReason = 'stop'): Promise<void> {
    if (reason === 'stop' && this.#run) { for (const { id } of this.#prompts.clear()) this.#cancelled(id); }
    return this.#run?.stop(reason, this.#hasWork) ?? Promise.resolve();
  }

  /** The end of the process would cut something off: a turn, work in the background, a message that is not begun with. */
  get #hasWork(): boolean {
    const { background = false, queue } = this.info;
    return this.#status.isAtWork || background || queue.length > 0 ||
      this.log.open().some(({ kind }) => kind === 'user');
  }

  /** Ends an idle CLI to save memory. */
  reapIfIdle(idleMs: number): void {
    const { info } = this;
    const isIdle = info.state === 'idle' || info.state === 'error';
    const isQuiet = this.#options.context.clock.now() - Math.max(info.activeAt, info.stateSince) >= idleMs;
    if (!this.#run || this.#run.stopReason || !isIdle || !isQuiet || info.queue.length || this.#prompts.isBusy) return;
    if (this.#run.cli.hasBackgroundWork || info.sessionId === null) return;
    this.#run.reap();
  }

  /** Drops the messages from memory when nobody has used them for a while. */
  unloadIfUnused(idleMs: number): void {
    if (!this.#run) this.#log.unloadIfUnused(idleMs);
  }

  // What is set here is on disk first: where that fails, nothing has changed, and the CLI was not told.

  rename(name: string): Promise<void> {
    return this.#store.change({ name }, { isAutoNamed: false });
  }
  mark({ pinned, archived, seenSeq }: AgentMarks): Promise<void> {
    return this.#store.change({
      ...(pinned === undefined ? {} : { pinned }),
      ...(archived === undefined ? {} : { archivedAt: archived ? this.#options.context.clock.now() : 0 }),
      ...(seenSeq === undefined ? {} : { seenSeq: Math.min(seenSeq, this.info.lastSeq) }),
    });
  }
  noteMerge(merge: Omit<MergeRecord, 'at'>): Promise<void> {
    return this.#store.change({ merged: { ...merge, at: this.#options.context.clock.now() } });
  }
  async setMode(mode: PermissionMode): Promise<void> {
    // A CLI that is being ended takes no mode: the next one opens with that of the record. One that runs says whether it took it.
    const takesMode = () => this.#run !== null && !this.#run.stopReason;
    await this.#store.change(takesMode() ? {} : { mode });
    if (takesMode()) this.#run!.cli.setMode(mode);
    else this.#store.patch({ mode });
  }
  async setModel(model: string): Promise<void> {
    await this.#store.change({ model });
    this.#run?.cli.setModel(model);
  }
  async setEffort(effort: string): Promise<void> {
    await this.#store.change({ effort });
    this.#run?.cli.setEffort(effort);
  }

  /** Adds a line of the server itself, e.g. about the directory that the agent works in. */
  notice(level: 'info' | 'warning' | 'error', code: string, text: string): void {
    this.log.add({ kind: 'notice', id: randomUUID(), level, code, text, passing: false });
  }

  /** Adds what was said in the session before it was resumed here. */
  import(history: readonly HistoryMessage[]): void {
    if (history.length) this.log.import(history);
  }

  /** After a crash of this server: closes on the record what was open then. */
  recover(): void {
    const hadWork = this.#hasWork;
    this.#addPrompt();
    closeOpenMessages(this.#eventContext, {
      requests: 'expired',
      untaken: 'The agent server ended before the agent took this message. Send it again.',
      waiting: new Set(),
    });
    if (hadWork) this.#noteInterruption('The agent server ended while this session was open.');
    this.#store.update({ process: null, run: null });
    this.#store.patch({ cli: { ...this.info.cli, running: false, pid: null }, lastSeq: this.log.lastSeq });
    this.#status.apply({ type: 'lost', hadWork });
    this.#refreshBackground();
  }

  /** After a crash of this server before the CLI had been started: what was saved for it goes to another one. */
  reopen(): void {
    this.#addPrompt();
    this.#store.update({ process: null, run: null });
    this.#store.patch({ cli: { ...this.info.cli, running: false, pid: null }, lastSeq: this.log.lastSeq });
    this.#status.apply({ type: 'lost', hadWork: false });
    void this.#prompts.repeat(this.info.queue);
  }

  /** Killed between the record and the first message: the prompt was taken, and would be gone without a word. */
  #addPrompt(): void {
    const { prompt } = this.record;
    if (this.log.lastSeq > 0 || !prompt.trim()) return;
    this.log.add({ kind: 'user', id: randomUUID(), text: prompt, images: [], status: 'accepted', by: '' });
  }

  /**
   * From now on the session takes no messages and starts no CLI, which nobody would end. `reason` is the answer to whoever
   * tries; null: the session goes on after all.
   */
  refuse(reason: Failure | null): void {
    this.#refusing = reason;
  }

  /** Its CLI goes on when this server ends. */
  get outlivesServer(): boolean {
    return this.#run?.cli.held != null && this.#run.stopReason === null && this.#hasWork;
  }

  /** Leaves a CLI that is at work to the next server; ends one that is not. */
  async detach(): Promise<void> {
    this.#refusing ??= closing();
    await this.#prompts.settled();
    await this.#run?.cli.held?.running;
    if (!this.outlivesServer) return await this.close();
    await this.#marker?.mark();
    this.#run!.cli.held!.detach();
    this.#run = null;
    this.#marker?.close();
    await this.close();
  }

  async close(): Promise<void> {
    this.#refusing ??= closing();
    await this.stop('shutdown');
    await this.#prompts.settled();
    await this.pictures.settled();
    await this.#log.close();
    await this.#store.close();
    this.#hold.release();
  }

  /** Nothing works in it and no message is on its way. */
  get isAtRest(): boolean {
    return !this.#status.isAtWork && this.#prompts.isEmpty;
  }

  /** Resolves when the record is on disk. */
  save(): Promise<void> {
    return this.#store.save();
  }

  // ---- events of the provider

  #onEvent(event: ProviderEvent): void {
    this.#store.touch();
    if (event.type === 'exit') return this.#onExit(event);
    if (event.type === 'process') this.#noteProcess();
    if (event.type === 'ready' && event.capabilities) this.#learn(event.capabilities);
    if (event.type === 'message.status' && event.status !== 'queued') this.#prompts.settle(event.id);
    if (event.type === 'turn.start') this.#setTurning(true);
    applyEvent(this.#eventContext, event);
    if (event.type === 'turn.end') this.#turnEnded();
    if (event.type === 'session' || event.type === 'ready') this.#followSession();
    if (event.type === 'message.status') this.#afterMessage(event);
    if (event.type === 'turn.end' || event.type === 'message.status') this.#deliverNext();
    if (event.type === 'caught.up') this.#onCaughtUp();
    this.#refreshBackground();
    this.#marker?.touch();
  }

  #learn(capabilities: Capabilities): void {
    this.#capabilities = capabilities;
    this.#options.onCapabilities(capabilities);
  }

  /** The CLI has told which session it works on: a new one, or a copy. */
  #followSession(): void {
    if (!this.#run) return;
    try {
      this.#hold.take();
    } catch (error) {
      this.#options.context.log.warn('another program has the session', { agent: this.id, error: String(error) });
    }
  }

  #setTurning(isTurning: boolean): void {
    if (this.#run) this.#run.isTurning = isTurning;
  }

  #turnEnded(): void {
    this.#setTurning(false);
    if (this.#run) this.#run.expectsTurn = false;
  }

  /** The state is "running" from the moment a message is on its way: one that is not taken must not leave it so. */
  #afterMessage({ status, error = '' }: Extract<ProviderEvent, { type: 'message.status' }>): void {
    const isOff = status === 'failed' || status === 'cancelled';
    if (!isOff || this.#run?.isTurning || this.#prompts.isBusy) return;
    if (this.#run) this.#run.expectsTurn = false;
    this.#status.apply({ type: 'turn.off', text: error });
  }

  /** Every provider emits its exit; should one not, the record must still be right. */
  #onStopped(run: CliRun): void {
    if (this.#run === run) this.#onEvent({ type: 'exit', expected: true, code: null, signal: null, text: '' });
  }

  #onExit(event: Extract<ProviderEvent, { type: 'exit' }>): void {
    const run = this.#run;
    if (!run) return;
    this.#run = null;
    run.ended();
    this.#marker?.close();
    this.#marker = null;
    const stopReason = run.stopReason ?? (event.expected ? 'reap' : null);
    if (event.sessionLost && stopReason === null && this.info.sessionId !== null) return this.#restartFresh();
    const failed = stopReason === null && (this.#status.isAtWork || event.code !== 0);
    this.#prompts.forgetUndelivered();
    // A CLI that failed is not started again by itself for what waited behind its turn.
    if (this.#refusing || stopReason === null) this.#prompts.clear();
    closeOpenMessages(this.#eventContext, {
      requests: stopReason === 'shutdown' ? 'expired' : 'cancelled',
      untaken: stopReason === 'stop' ? '' : event.text || 'The agent ended before it took this message. Send it again.',
      waiting: this.#prompts.waitingIds,
    });
    const { hadWork } = run;
    this.#noteExit({ stopReason, failed, text: event.text, hadWork });
    this.#store.update({ process: null, run: null });
    this.#store.patch({ cli: { ...this.info.cli, running: false, pid: null } });
    this.#status.apply({ type: 'exit', stopReason, failed, hadWork, text: event.text });
    this.#refreshBackground();
    const { log } = this.#options.context;
    log.info('agent process ended', { agent: this.id, reason: stopReason ?? 'none', code: event.code });
    this.#onAdopted?.(false);
    this.#deliver();
    this.#releaseAtRest();
  }

  #noteExit(exit: { stopReason: StopReason | null; failed: boolean; text: string; hadWork: boolean }): void {
    const { stopReason, failed, text, hadWork } = exit;
    if (stopReason === null) this.notice(failed ? 'error' : 'info', 'exit', text || 'The agent has ended by itself.');
    if (stopReason === 'shutdown' && hadWork) {
      this.#noteInterruption('The agent server was stopped while this session was at work.');
    }
  }

  #noteInterruption(what: string): void {
    this.notice('warning', 'interrupted', `${what} ${RESUME_HINT}`);
  }

  /**
   * The CLI no longer knows its own session (it was killed before it wrote it down, or the files are gone): the messages that
   * it did not take go to a new one, with what is left of the conversation here, and the user is informed.
   */
  #restartFresh(): void {
    this.notice(
      'warning',
      'session_lost',
      'The CLI no longer has the earlier conversation on its disk. A new one begins: the agent is told what you wrote before ' +
        'and how its last answer ended, and remembers nothing else of what is above.',
    );
    this.#store.update({ isResumeLost: true });
    this.#store.patch({ sessionId: null });
    this.#prompts.requeueUndelivered();
    this.open();
    this.#deliver();
  }

  #refreshPending(): void {
    this.#status.refreshPending(this.#run?.isTurning ?? false);
  }

  #refreshBackground(): void {
    this.#status.refreshBackground(this.#run?.cli.hasBackgroundWork === true);
  }

  /** Made once: it is used for each event. */
  #createEventContext(): EventContext {
    const log = () => this.log;
    return {
      get log() {
        return log();
      },
      pictures: this.pictures,
      store: this.#store,
      now: this.#options.context.clock.now,
      apply: (event) => this.#status.apply(event),
      refreshPending: () => this.#refreshPending(),
      isBusy: () => this.#prompts.isBusy,
      newId: () => this.#newId(),
      isReplay: () => this.#onAdopted !== null,
    };
  }

  /** Of a CLI that outlives this server the place in its output, so that the same output gives the same id. */
  #newId(): string {
    const held = this.#run?.cli.held;
    if (!held) return randomUUID();
    const at = `${held.id}-${held.offset}`;
    this.#lastId = { at, count: at === this.#lastId.at ? this.#lastId.count + 1 : 0 };
    return `${at}-${this.#lastId.count}`;
  }
}

export const closing = () => new Failure('closing', 'The server is going down: send it again in a moment.');
