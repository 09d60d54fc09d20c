/**
 * One agent's session: turns commands into calls of the provider, and the provider's events into messages, usage and state.
 * A user's message is on disk before it is answered; a request of the CLI stays on record until the CLI has its answer.
 */
import { providerData } from '../../core/api/providers.ts';
import { Failure } from '../../core/api/errors.ts';
import type { AgentInfo, Capabilities } from '../../core/api/agents.ts';
import type { DecisionBody, QueuedChange, SendMessageBody, UserMessage } from '../../core/api/messages.ts';
import type { Rewind } from '../../core/api/rewind.ts';
import type { HolderRecord } from '../process/holder/records.ts';
import type { HistoryMessage } from '../provider/history-message.ts';
import { Decisions } from './decisions.ts';
import type { MessageLog } from './message-log.ts';
import type { AttachmentStore } from './attachments.ts';
import type { PictureStore } from './pictures.ts';
import type { AgentRecord } from './record.ts';
import { SessionCli } from './session-cli.ts';
import type { SessionHolder, SessionLock } from './session-locks.ts';
import { type AgentSessionOptions, SessionParts } from './session-parts.ts';
import { recoverSession, reopenSession } from './session-recovery.ts';
import { rewindFiles } from './rewind.ts';
import { SessionSettings } from './session-settings.ts';
import type { StopReason } from './state.ts';

export class AgentSession {
  readonly id: string;
  readonly #parts: SessionParts;
  readonly #decisions: Decisions;
  readonly #cli: SessionCli;
  readonly settings: SessionSettings;

  constructor(options: AgentSessionOptions) {
    this.id = options.document.value.info.id;
    this.#parts = new SessionParts(options, () => this.#cli.delivery.deliverNext());
    this.#decisions = new Decisions({
      log: () => this.log,
      now: options.context.clock.now,
      deliver: (requestId, decision) => this.#parts.run?.cli.decide(requestId, decision) ?? false,
      onChange: () => this.#parts.refreshPending(),
    });
    this.#cli = new SessionCli(this.#parts, this.#decisions);
    this.settings = new SessionSettings(this.#parts);
  }

  get info(): AgentInfo {
    return this.#parts.info;
  }
  get record(): AgentRecord {
    return this.#parts.record;
  }
  get attachments(): AttachmentStore {
    return this.#parts.attachments;
  }
  get pictures(): PictureStore {
    return this.#parts.pictures;
  }
  get capabilities(): Capabilities | null {
    return this.#cli.capabilities;
  }
  get isOpen(): boolean {
    return this.#parts.run !== null;
  }
  get log(): MessageLog {
    return this.#parts.log;
  }

  // ---- commands

  /** Saves a message, then hands it to the CLI, which is started if need be. */
  async send(body: SendMessageBody, by: string): Promise<{ message: UserMessage; duplicate: boolean }> {
    const parts = this.#parts;
    try {
      const sent = await parts.prompts.send(body, by);
      // A person has said something: there is a reason to go on by itself again.
      if (!sent.duplicate && parts.record.goneOn) parts.store.update({ goneOn: null });
      if (this.info.archivedAt) parts.store.patch({ archivedAt: 0 });
      return sent;
    } finally {
      parts.releaseAtRest();
    }
  }

  /** Gives the session to a terminal. Throws Failure when the agent is at work or somebody else has the session. */
  async handOver(holder: SessionHolder): Promise<SessionLock | null> {
    const { refusing, hold } = this.#parts;
    if (refusing) throw refusing;
    if (this.isAtRest) return await hold.handOver(holder, () => this.stop());
    const text = `"${this.info.name}" is at work in this session. Stop it first, or open a shell in its folder.`;
    throw new Failure('agent_busy', text);
  }

  /**
   * Ends the CLI, so that a terminal can go on with the session. Throws Failure when the agent is at work or has no session.
   */
  async giveBack(): Promise<void> {
    const { refusing, hold, status } = this.#parts;
    if (refusing) throw refusing;
    if (this.info.sessionId === null) {
      throw new Failure('not_running', 'The agent has no session yet: send a message first.');
    }
    const text = `"${this.info.name}" is at work. Give it back when its turn is over, or interrupt it first.`;
    if (!this.isAtRest) throw new Failure('agent_busy', text);
    hold.take();
    await this.stop();
    // Somebody has sent a message meanwhile.
    if (this.#parts.run || !this.isAtRest) throw new Failure('agent_busy', text);
    status.apply({ type: 'desk' });
    hold.release();
    await this.save();
  }

  /** Goes on with a session that a terminal has had. `before` ends that; it returns what was said there. Throws Failure. */
  async takeBack(before: () => Promise<readonly HistoryMessage[]>): Promise<void> {
    const { refusing, hold } = this.#parts;
    if (refusing) throw refusing;
    hold.take();
    try {
      const earlier = await before();
      if (this.#parts.refusing) throw this.#parts.refusing;
      this.import(earlier);
      this.open();
    } finally {
      this.#parts.releaseAtRest();
    }
  }

  /** Goes on by itself after a limit that is over; the same clientId again changes nothing. Throws Failure. */
  async goOn(message: SendMessageBody & { clientId: string }, by: string): Promise<void> {
    try {
      await this.#cli.delivery.goOn(message, by);
    } finally {
      this.#parts.releaseAtRest();
    }
  }

  /** Whether it goes on by itself after a limit; if not, what waits for that goes to the CLI now. */
  async setGoOn(goOn: boolean): Promise<void> {
    await this.settings.setGoOn(goOn);
    this.#cli.delivery.deliverNext();
  }

  /** Starts the CLI; it resumes the session that it had. */
  open(): void {
    this.#cli.open();
  }

  /**
   * Takes up the CLI that a holder has kept since before this server.
   * @returns false when it has ended meanwhile, which is then on the record
   */
  adopt(record: HolderRecord): Promise<boolean> {
    return this.#cli.adopt(record);
  }

  cancelQueued(messageId: string): Promise<void> {
    return this.#cli.delivery.cancel(messageId);
  }

  /** Changes the text of a message that no CLI has, or its place in the queue. Throws Failure. */
  changeQueued(messageId: string, change: QueuedChange): Promise<UserMessage> {
    return this.#cli.delivery.change(messageId, change);
  }

  /** Has a waiting message read now. Throws Failure. */
  sendNow(messageId: string): Promise<{ steered: boolean }> {
    return this.#cli.delivery.sendNow(messageId);
  }

  async decide(requestId: string, body: DecisionBody, by: string) {
    if (body.input && !providerData(this.info.provider).features.words) {
      throw new Failure('bad_request', '"input": this agent takes no edited input. Nothing was allowed.');
    }
    return await this.#decisions.decide(requestId, body, by);
  }

  /** What rewinding the files to a message would change, or with the list's version: does it. Throws Failure. */
  rewind(messageId: string, version?: string): Promise<Rewind> {
    return rewindFiles(this.#parts, () => this.open(), messageId, version);
  }

  interrupt(): void {
    const { run } = this.#parts;
    if (!run) throw new Failure('not_running', 'The agent is not running.');
    run.cli.interrupt();
  }

  /** Ends the CLI and everything that it started. What waits for a CLI that the user stops is not begun with. */
  stop(reason: StopReason = 'stop'): Promise<void> {
    const { run } = this.#parts;
    if (reason === 'stop' && (run || this.info.state === 'waiting_limit')) this.#cli.delivery.cancelWaiting();
    if (reason === 'stop' && !run) this.#parts.status.apply({ type: 'stop' });
    return run?.stop(reason, this.#parts.hasWork) ?? Promise.resolve();
  }

  /** Ends what it does because the day's budget is used up; what waits is not begun with. */
  async stopFor(text: string): Promise<void> {
    const { run } = this.#parts;
    if (!run || run.stopReason || !this.#parts.hasWork) return;
    run.stopText = text;
    this.#parts.notice('warning', 'budget', text);
    await this.stop('budget');
  }

  /** Ends an idle CLI to save memory. */
  reapIfIdle(idleMs: number): void {
    const { info, run, prompts, options: { context } } = this.#parts;
    const isIdle = info.state === 'idle' || info.state === 'error' || info.state === 'waiting_limit';
    const isQuiet = context.clock.now() - Math.max(info.activeAt, info.stateSince) >= idleMs;
    if (!run || run.stopReason || !isIdle || !isQuiet || info.queue.length || prompts.isBusy) return;
    if (run.cli.hasBackgroundWork || run.cli.isShared || info.sessionId === null) return;
    run.reap();
  }

  /** Reads the messages in steps: what needs them then waits for no disk. */
  preload(): Promise<void> {
    return this.#parts.lazyLog.preload();
  }

  /** Drops the messages from memory when nobody has used them for a while. */
  unloadIfUnused(idleMs: number): void {
    if (!this.isOpen) this.#parts.lazyLog.unloadIfUnused(idleMs);
  }

  /** Adds a line of the server itself, e.g. about the directory that the agent works in. */
  notice(level: 'info' | 'warning' | 'error', code: string, text: string): void {
    this.#parts.notice(level, code, text);
  }

  /** Adds what was said in the session before it was resumed here. */
  import(history: readonly HistoryMessage[]): void {
    if (history.length) this.log.import(history);
  }

  /** After a crash of this server: closes on the record what was open then. */
  recover(): void {
    recoverSession(this.#parts, this.#cli.eventContext);
  }

  /** After a crash of this server before the CLI had been started: what was saved for it goes to another one. */
  reopen(): void {
    reopenSession(this.#parts);
  }

  // ---- its end

  /**
   * From now on the session takes no messages and starts no CLI, which nobody would end. `reason` is the answer to whoever
   * tries; null: the session goes on after all.
   */
  refuse(reason: Failure | null): void {
    this.#parts.refusing = reason;
  }

  /** Its CLI goes on when this server ends. */
  get outlivesServer(): boolean {
    const { run } = this.#parts;
    return run?.cli.held != null && run.stopReason === null && this.#parts.hasWork;
  }

  /** Leaves a CLI that is at work to the next server; ends one that is not. */
  async detach(): Promise<void> {
    const parts = this.#parts;
    await parts.refuseForGood(closing());
    await parts.prompts.settled();
    await parts.run?.cli.held?.running;
    if (this.outlivesServer) await this.#cli.detach();
    await this.close();
  }

  async close(): Promise<void> {
    const parts = this.#parts;
    await parts.refuseForGood(closing());
    await this.stop('shutdown');
    await parts.prompts.settled();
    await parts.pictures.settled();
    await parts.lazyLog.close();
    await parts.store.close();
    parts.hold.release();
  }

  /** Nothing works in it and no message is on its way. */
  get isAtRest(): boolean {
    return !this.#parts.status.isAtWork && this.#parts.prompts.isEmpty;
  }

  /** Resolves when the record is on disk. */
  save(): Promise<void> {
    return this.#parts.store.save();
  }
}

export const closing = () => new Failure('closing', 'The server is going down: send it again in a moment.');
