/**
 * One agent's session: turns commands into what the provider does, and the provider's events into messages, usage and
 * status. What a user sent is on disk before it is answered; what the CLI asked stays on record until it has the answer.
 */
import { randomUUID } from 'node:crypto';
import type { Timer } from '../../core/clock.ts';
import { HttpError } from '../../core/http/reply.ts';
import type { LiveChange } from '../../core/wire/live.ts';
import type {
  AgentInfo,
  Capabilities,
  DecisionBody,
  DecisionRecord,
  PermissionMode,
  RequestMessage,
  SendMessageBody,
  UserMessage,
} from '../../core/wire/types.ts';
import type { OutgoingMessage, Provider, ProviderEvent, ProviderSession } from '../provider/provider.ts';
import type { Document, House } from '../rooms.ts';
import { notSaved } from '../store/document.ts';
import { applyEvent, closeOpenMessages, type Scene } from './events.ts';
import type { HistoryMessage } from './history-message.ts';
import { InfoKeeper } from './info.ts';
import { MessageLog } from './messages.ts';
import type { AgentRecord } from './record.ts';
import { checkDecision, DecidedError, settledError } from './requests.ts';
import { type StateEvent, transition } from './state.ts';

export interface SessionOptions {
  house: House;
  provider: Provider;
  document: Document<AgentRecord>;
  journalPath: string;
  publish(change: LiveChange): void;
}

/** An idle CLI that was asked to end may take this long, ms. A hook or an MCP server that hangs keeps it; messages wait. */
const REAP_MS = 5000;
const RESUME_HINT = 'Send a message to go on where it was.';

export class Session {
  readonly id: string;
  readonly #options: SessionOptions;
  readonly #keeper: InfoKeeper;
  #log: MessageLog | null = null;
  #cli: ProviderSession | null = null;
  /** Who asked the present CLI to end. */
  #asked: 'stop' | 'reap' | 'shutdown' | null = null;
  #capabilities: Capabilities | null = null;
  #outbox: OutgoingMessage[] = [];
  /** Messages that the CLI was given and has not begun. */
  #undelivered = new Map<string, OutgoingMessage>();
  #deciding = new Map<string, Promise<unknown>>();
  #sending = new Map<string, Promise<unknown>>();
  /** The CLI that is being ended: what it left running may still be swept when the next one works. */
  #stopping: { cli: ProviderSession; promise: Promise<void> } | null = null;
  #barred: HttpError | null = null;
  #reapTimer: Timer | null = null;
  /** When it was asked to end. */
  #wasAtWork = false;
  #usedAt: number;
  /** Between turn.start and turn.end. */
  #isTurning = false;

  constructor(options: SessionOptions) {
    this.#options = options;
    this.id = options.document.value.info.id;
    this.#keeper = new InfoKeeper(options.document, options.house, options.publish);
    this.#usedAt = options.house.clock.now();
  }

  get info(): AgentInfo {
    return this.#keeper.info;
  }
  get record(): AgentRecord {
    return this.#keeper.record;
  }
  get capabilities(): Capabilities | null {
    return this.#capabilities;
  }
  get isOpen(): boolean {
    return this.#cli !== null;
  }

  /** Read from disk when first needed. */
  get log(): MessageLog {
    const { house, publish, journalPath } = this.#options;
    this.#usedAt = house.clock.now();
    return this.#log ??= new MessageLog({
      agentId: this.id,
      path: journalPath,
      clock: house.clock,
      publish,
      warn: (text) => house.warn(`journal ${this.id}`, text),
      onAdded: (message) => this.#keeper.patch({ lastSeq: message.seq }),
    });
  }

  /** Accepts a message: on disk first, then to the CLI, which is started if need be. The same id again changes nothing. */
  async send(body: SendMessageBody, by: string): Promise<{ message: UserMessage; duplicate: boolean }> {
    const id = body.clientId ?? randomUUID();
    await this.#sending.get(id);
    if (this.#barred) throw this.#barred;
    const known = this.log.get(id);
    if (known && known.kind !== 'user') throw new HttpError(400, 'bad_request', '"clientId" is already used.');
    if (known && known.error !== NOT_SAVED && known.error !== TOO_LATE) return { message: known, duplicate: true };
    const saving = this.#accept(id, body, by);
    this.#sending.set(id, saving.catch(() => {}));
    try {
      await saving;
    } finally {
      this.#sending.delete(id);
    }
    this.#outbox.push({ id, text: body.text, images: body.images ?? [] });
    this.#pump();
    return { message: this.log.get(id) as UserMessage, duplicate: false };
  }

  async #accept(id: string, body: SendMessageBody, by: string): Promise<void> {
    const images = (body.images ?? []).map(({ mediaType, data }) => ({
      mediaType,
      size: Math.floor(data.length * 3 / 4),
    }));
    if (this.log.get(id)) this.log.patch(id, { status: 'accepted', error: undefined });
    else this.log.add({ kind: 'user', id, text: body.text, images, status: 'accepted', by });
    try {
      await this.log.commit();
    } catch (error) {
      this.log.patch(id, { status: 'failed', error: NOT_SAVED });
      throw notSaved(error);
    }
    if (!this.#barred) return;
    this.log.patch(id, { status: 'failed', error: TOO_LATE });
    throw this.#barred;
  }

  /** Hands accepted messages to the CLI, in order. While it is being ended they wait for its exit. */
  #pump(): void {
    if (!this.#outbox.length || (this.#cli && this.#asked) || this.#barred) return;
    if (!this.#cli) this.open();
    for (const message of this.#outbox.splice(0)) {
      this.#undelivered.set(message.id, message);
      this.#cli?.send(message);
    }
    this.#keeper.touch();
  }

  /** Starts the CLI, resuming the session it had. */
  open(): void {
    if (this.#barred) throw this.#barred;
    if (this.#cli) return;
    const { info, record } = this;
    const { resume = null, forkSession = false } = record.isResumeLost ? {} : info.flags;
    this.#asked = null;
    this.#isTurning = false;
    this.#apply({ type: 'open' });
    this.#undelivered.clear();
    this.#cli = this.#options.provider.open({
      agentId: this.id,
      cwd: record.cwd,
      resume: info.sessionId ?? resume,
      fork: info.sessionId === null && forkSession,
      flags: info.flags,
      model: info.model,
      mode: info.mode,
      effort: info.effort,
    }, (event) => this.#onEvent(event));
    this.#keeper.update({ process: this.#cli.identity ?? null });
    this.#keeper.patch({ cli: { ...info.cli, running: true, pid: this.#cli.pid } });
  }

  async cancelQueued(messageId: string): Promise<void> {
    const message = this.log.get(messageId);
    if (message?.kind !== 'user') throw new HttpError(404, 'not_found', 'There is no such message.');
    if (message.status !== 'queued' && message.status !== 'accepted') {
      throw new HttpError(409, 'already_sent', 'This message is already with the agent: interrupt it instead.');
    }
    this.#cli?.cancelQueued(messageId);
    await Promise.resolve();
  }

  /** The first decision wins and is on disk before it is answered and before the CLI gets it. */
  async decide(requestId: string, body: DecisionBody, by: string) {
    await this.#deciding.get(requestId);
    const message = this.log.get(requestId);
    if (message?.kind !== 'request') throw new HttpError(404, 'not_found', 'There is no such request.');
    if (message.status !== 'pending') {
      const error = settledError(message);
      const isSame = error instanceof DecidedError && error.decision.clientId === body.clientId;
      if (isSame) return { decision: error.decision, duplicate: true };
      throw error;
    }
    checkDecision(message, body);
    const decision: DecisionRecord = { ...body, by, at: this.#options.house.clock.now() };
    const deciding = this.#decideNow(message, decision);
    this.#deciding.set(requestId, deciding.catch(() => {}));
    try {
      await deciding;
    } finally {
      this.#deciding.delete(requestId);
    }
    return { decision, duplicate: false };
  }

  async #decideNow(message: RequestMessage, decision: DecisionRecord): Promise<void> {
    this.log.patch(message.id, { status: 'decided', decision });
    try {
      await this.log.commit();
    } catch (error) {
      this.log.patch(message.id, { status: 'pending', decision: null });
      throw notSaved(error);
    }
    const status = () => (this.log.get(message.id) as RequestMessage).status;
    const taken = status() === 'decided' && this.#cli?.decide(message.id, decision);
    if (!taken) {
      if (status() === 'decided') this.log.patch(message.id, { status: 'cancelled' });
      this.#refreshPending();
      throw settledError(this.log.get(message.id) as RequestMessage);
    }
    this.#refreshPending();
  }

  interrupt(): void {
    if (!this.#cli) throw new HttpError(409, 'not_running', 'The agent is not running.');
    this.#cli.interrupt();
  }

  /** Ends the CLI and everything it started. */
  stop(reason: 'stop' | 'shutdown' = 'stop'): Promise<void> {
    if (!this.#cli) return Promise.resolve();
    this.#asked = reason;
    this.#wasAtWork = this.#isAtWork();
    return this.#end(this.#cli);
  }

  #end(cli: ProviderSession): Promise<void> {
    if (this.#stopping?.cli === cli) return this.#stopping.promise;
    const promise = cli.stop().finally(() => {
      if (this.#stopping?.cli === cli) this.#stopping = null;
      // Every provider tells its exit; should one not, the record must still be right.
      if (this.#cli === cli) this.#onEvent({ type: 'exit', expected: true, code: null, signal: null, text: '' });
    });
    this.#stopping = { cli, promise };
    return promise;
  }

  /** Ends an idle CLI to save memory. @returns whether it was old enough */
  reapIfIdle(idleMs: number): boolean {
    const { info } = this;
    const isIdle = info.state === 'idle' || info.state === 'error';
    const isQuiet = this.#options.house.clock.now() - Math.max(info.activeAt, info.stateSince) >= idleMs;
    if (!this.#cli || this.#asked || !isIdle || !isQuiet || info.queue.length || this.#undelivered.size) return false;
    if (this.#cli.hasBackgroundWork || info.sessionId === null) return false;
    const cli = this.#cli;
    this.#asked = 'reap';
    this.#reapTimer = this.#options.house.clock.setTimeout(() => void this.#end(cli), REAP_MS);
    cli.reap();
    return true;
  }

  /** Lets go of the messages of a session that nobody has used for a while. */
  unloadIfUnused(idleMs: number): void {
    if (!this.#log || this.#cli || this.#options.house.clock.now() - this.#usedAt < idleMs) return;
    const log = this.#log;
    this.#log = null;
    void log.close();
  }

  rename(name: string): void {
    this.#keeper.update({ isAutoNamed: false });
    this.#keeper.patch({ name });
  }
  setMode(mode: PermissionMode): void {
    if (this.#cli) this.#cli.setMode(mode);
    else this.#keeper.patch({ mode });
  }
  setModel(model: string): void {
    this.#cli?.setModel(model);
    this.#keeper.patch({ model });
  }
  setEffort(effort: string): void {
    this.#cli?.setEffort(effort);
    this.#keeper.patch({ effort });
  }
  setInstructions(instructions: string): void {
    this.#keeper.update({ instructions });
  }

  /** A line from the server itself, e.g. about the folder it works in. */
  notice(level: 'info' | 'warning' | 'error', code: string, text: string): void {
    this.log.add({ kind: 'notice', id: randomUUID(), level, code, text, passing: false });
  }

  /** Shows what was said in the session before it was continued here. */
  import(history: readonly HistoryMessage[]): void {
    if (history.length) this.log.import(history);
  }

  /** After a crash of this server: what was open then is closed on the record. */
  recover(): void {
    closeOpenMessages(this.#scene(), {
      requests: 'expired',
      untaken: 'The agent server ended before the agent took this message. Send it again.',
      waiting: new Set(),
    });
    this.notice('warning', 'interrupted', `The agent server ended while this session was open. ${RESUME_HINT}`);
    this.#keeper.update({ process: null });
    this.#keeper.patch({ cli: { ...this.info.cli, running: false, pid: null }, lastSeq: this.log.lastSeq });
    this.#apply({ type: 'lost' });
    this.#refreshBackground();
  }

  /**
   * From now on it takes no messages and starts no CLI, which nobody would end: it is about to be closed. `why` is the answer
   * to who tries; null: it was not closed after all.
   */
  bar(why: HttpError | null): void {
    this.#barred = why;
  }

  async close(): Promise<void> {
    this.#barred ??= closing();
    await this.stop('shutdown');
    await Promise.all(this.#sending.values());
    await this.#log?.close();
    await this.#keeper.close();
  }

  /** On disk now. */
  save(): Promise<void> {
    return this.#keeper.save();
  }

  #onEvent(event: ProviderEvent): void {
    this.#keeper.touch();
    if (event.type === 'exit') return this.#onExit(event);
    if (event.type === 'ready' && event.capabilities) this.#capabilities = event.capabilities;
    if (event.type === 'message.status') this.#undelivered.delete(event.id);
    if (event.type === 'turn.start') this.#isTurning = true;
    applyEvent(this.#scene(), event);
    if (event.type === 'turn.end') this.#isTurning = false;
    if (event.type === 'message.status') this.#afterMessage(event);
    this.#refreshBackground();
  }

  /** The session counts as running from when a message is under way: one that is not taken must not leave it so. */
  #afterMessage({ status, error = '' }: Extract<ProviderEvent, { type: 'message.status' }>): void {
    const isOff = status === 'failed' || status === 'cancelled';
    if (isOff && !this.#isTurning && !this.#undelivered.size) this.#apply({ type: 'turn.off', text: error });
  }

  /** During a turn everything is part of it: told is only what goes on after it. */
  #refreshBackground(): void {
    const background = this.info.state === 'idle' && this.#cli?.hasBackgroundWork === true;
    if (background !== (this.info.background ?? false)) this.#keeper.patch({ background });
  }

  #onExit(event: Extract<ProviderEvent, { type: 'exit' }>): void {
    if (!this.#cli) return;
    this.#cli = null;
    this.#options.house.clock.clearTimeout(this.#reapTimer);
    const asked = this.#asked ?? (event.expected ? 'reap' : null);
    this.#asked = null;
    if (event.sessionLost && asked === null && this.info.sessionId !== null) return this.#beginAnew();
    const isCut = this.#isAtWork();
    if (this.#barred) this.#outbox = [];
    closeOpenMessages(this.#scene(), {
      requests: asked === 'shutdown' ? 'expired' : 'cancelled',
      untaken: asked === 'stop' ? '' : event.text || 'The agent ended before it took this message. Send it again.',
      waiting: new Set(this.#outbox.map(({ id }) => id)),
    });
    const failed = asked === null && (isCut || event.code !== 0);
    if (asked === null) this.notice(failed ? 'error' : 'info', 'exit', event.text || 'The agent has ended by itself.');
    if (asked === 'shutdown' && this.#wasAtWork) {
      this.notice(
        'warning',
        'interrupted',
        `The agent server was stopped while this session was at work. ${RESUME_HINT}`,
      );
    }
    this.#keeper.update({ process: null });
    this.#keeper.patch({ cli: { ...this.info.cli, running: false, pid: null } });
    this.#apply({ type: 'exit', asked, failed, text: event.text });
    this.#refreshBackground();
    this.#options.house.log.info('agent process ended', { agent: this.id, asked: asked ?? 'nobody', code: event.code });
    this.#pump();
  }

  #isAtWork(): boolean {
    return ['starting', 'running', 'waiting_input'].includes(this.info.state);
  }

  /**
   * The CLI does not know its own session any more (it was killed before it wrote it down, or the files are gone): the
   * messages that it did not take go to a new one, and the user is told.
   */
  #beginAnew(): void {
    const waiting = [...this.#undelivered.values()];
    this.notice(
      'warning',
      'session_lost',
      'The CLI no longer has the earlier conversation on its disk. A new one begins: the agent does not remember what is above.',
    );
    this.#keeper.update({ isResumeLost: true });
    this.#keeper.patch({ sessionId: null });
    this.#outbox.unshift(...waiting);
    this.open();
    this.#pump();
  }

  #apply(event: StateEvent): void {
    const { info } = this;
    const next = transition({ state: info.state, reason: info.stateReason, text: info.stateText }, event);
    const isSame = next.state === info.state && next.reason === info.stateReason && next.text === info.stateText;
    if (isSame) return;
    this.#keeper.patch({
      state: next.state,
      stateReason: next.reason,
      stateText: next.text,
      stateSince: this.#options.house.clock.now(),
    });
  }

  /** Pending requests and queue follow from the messages; kept in the info so that a card can show them. */
  #refreshPending(): void {
    const pending = this.info.pending.filter((id) => {
      const message = this.log.get(id);
      return message?.kind === 'request' && message.status === 'pending';
    });
    if (pending.length !== this.info.pending.length) this.#keeper.patch({ pending });
    const first = this.log.get(pending[0] ?? '') as RequestMessage | undefined;
    this.#apply({ type: 'waiting', request: first?.request ?? null, isTurning: this.#isTurning });
  }

  #scene(): Scene {
    return {
      log: this.log,
      keeper: this.#keeper,
      now: this.#options.house.clock.now,
      apply: (event) => this.#apply(event),
      refreshPending: () => this.#refreshPending(),
      isBusy: () => this.#undelivered.size > 0,
    };
  }
}

export const closing = () => new HttpError(503, 'closing', 'The server is going down: send it again in a moment.');

/** Marks a message that never got on the disk: sending it again is no duplicate. */
const NOT_SAVED = 'It could not be saved. Send it again.';
/** Marks one that was on the disk only when the session was about to be closed: the same holds for it. */
const TOO_LATE = 'The agent was being closed. Send it again.';
