/**
 * The turns of one thread: a message starts a turn, or is steered into the one that runs, or waits until it is clear which of
 * the two it is.
 */
import type { Clock, Timer } from '../../../core/clock.ts';
import { commandOf } from './commands.ts';
import { inputOf } from './params.ts';
import type { AppConnection } from './app-connection.ts';
import { NoEffectError } from './server.ts';
import { type JsonObject, object, string } from '../untyped-json.ts';
import type { OutgoingMessage, ProviderEvent } from '../provider.ts';

/** After this long without an answer to turn/start the user is informed, ms: the turn may run all the same. */
const UNCONFIRMED_MS = 60_000;

/** A message that was handed to a running turn. */
interface SteeredMessage {
  message: OutgoingMessage;
  turnId: string;
  /** Until Codex has answered, the message may or may not become part of the turn, even when that has ended. */
  isAnswered: boolean;
}

/** Messages whose fate was open when a process ended, for the next one. */
export interface PendingMessages {
  /** May be part of a turn: only the thread knows. */
  unconfirmed: OutgoingMessage[];
  /** Were never begun. */
  waiting: OutgoingMessage[];
}

export interface TurnsOptions {
  server: AppConnection;
  clock: Clock;
  emit(event: ProviderEvent): void;
  /** Settings of turn/start. */
  settings(): JsonObject;
}

export class ThreadTurns {
  readonly #options: TurnsOptions;
  /** Empty until the thread is open. */
  #threadId = '';
  #turnId: string | null = null;
  /** turn/start was sent with it and neither answered nor seen to have begun. */
  #starting: { message: OutgoingMessage; timer: Timer } | null = null;
  #isInterruptWanted = false;
  /** The thread is being released: whatever turn begins is interrupted. */
  #isEnding = false;
  /** Messages that wait for the thread to open, or for the starting turn to have an id. */
  #waiting: OutgoingMessage[] = [];
  /** Messages that a running turn was handed and has not taken up. */
  readonly #steered = new Map<string, SteeredMessage>();
  #onTurnEnd: (() => void) | null = null;
  #isInputClosed = false;
  #isClosed = false;

  constructor(options: TurnsOptions) {
    this.#options = options;
  }

  get hasSteeredMessages(): boolean {
    return this.#steered.size > 0;
  }

  get isTurning(): boolean {
    return this.#turnId !== null;
  }

  /** The thread takes messages from now on. */
  open(threadId: string): void {
    this.#threadId = threadId;
  }

  /** No message is sent any more; what runs can still be interrupted. */
  closeInput(): void {
    this.#isInputClosed = true;
  }

  /** Nothing is sent any more. @returns the messages whose fate is open */
  close(): PendingMessages {
    const steered = [...this.#steered.values()];
    const messages = (isAnswered: boolean) =>
      steered.filter((entry) => entry.isAnswered === isAnswered).map(({ message }) => message);
    const starting = this.#starting ? [this.#starting.message] : [];
    const pending = {
      unconfirmed: [...starting, ...messages(false)],
      waiting: [...messages(true), ...this.#waiting],
    };
    this.#isInputClosed = this.#isClosed = true;
    this.#clearStarting();
    this.#waiting = [];
    this.#steered.clear();
    return pending;
  }

  /** The process has ended, and with it the turn: end() need not wait any more. */
  serverEnded(): void {
    this.#onTurnEnd?.();
  }

  // ---- events

  /** @param turnId the turn that runs now, or null */
  changed(turnId: string | null): void {
    this.#turnId = turnId;
    if (turnId && (this.#isInterruptWanted || this.#isEnding)) return this.#sendInterrupt();
    if (turnId) return;
    this.#isInterruptWanted = false;
    this.#onTurnEnd?.();
    this.#sendLate();
  }

  /** Codex has taken up a message. */
  taken(messageId: string): void {
    if (this.#starting?.message.id === messageId) this.#started(null);
    else if (this.#steered.delete(messageId)) this.#setStatus(messageId, 'sent');
  }

  /** A message that was handed to a turn too late becomes the next turn. */
  #sendLate(): void {
    const late = [...this.#steered.values()].filter((entry) => entry.isAnswered && entry.turnId !== this.#turnId);
    for (const { message } of late) this.#steered.delete(message.id);
    queueMicrotask(() => late.forEach(({ message }) => this.send(message)));
  }

  sendWaiting(): void {
    for (const message of this.#waiting.splice(0)) this.send(message);
  }

  // ---- commands

  send(message: OutgoingMessage): void {
    if (this.#isInputClosed) return;
    if (!this.#threadId) return void this.#waiting.push(message);
    if (this.#turnId) return this.#steer(message, this.#turnId);
    if (this.#starting) {
      this.#waiting.push(message);
      return this.#setStatus(message.id, 'queued');
    }
    this.#start(message);
  }

  /**
   * The answer may take as long as the process lives: a message that Codex does not confirm may be at work all the same, and
   * only the thread says so (by its item, or by a refusal).
   */
  #start(message: OutgoingMessage): void {
    const { server, clock, settings } = this.#options;
    const timer = clock.setTimeout(() => this.#informUnconfirmed(), UNCONFIRMED_MS);
    const starting = this.#starting = { message, timer };
    const command = commandOf(message);
    const params = command
      ? { threadId: this.#threadId, ...command.params }
      : { ...this.#input(message), ...settings() };
    server.request(command?.method ?? 'turn/start', params, {
      timeoutMs: null,
      onResult: (result) => this.#starting === starting && this.#started(string(object(result.turn).id) || null),
    }).catch((error: Error) => {
      // Any other failure is the end of the process: close() reports the message as unconfirmed then.
      if (this.#starting !== starting || !(error instanceof NoEffectError)) return;
      this.#clearStarting();
      this.#isInterruptWanted = false;
      this.#onTurnEnd?.(); // there is no turn
      this.#setStatus(message.id, 'failed', error.message);
      this.sendWaiting();
    });
  }

  #started(turnId: string | null): void {
    const { message } = this.#starting!;
    this.#clearStarting();
    this.#turnId ??= turnId;
    this.#setStatus(message.id, 'sent');
    if (this.#isInterruptWanted) this.interrupt();
    this.sendWaiting();
  }

  #clearStarting(): void {
    this.#options.clock.clearTimeout(this.#starting?.timer ?? null);
    this.#starting = null;
  }

  #informUnconfirmed(): void {
    const text = 'Codex has not confirmed the last message yet. It may be at work on it: do not send it again, ' +
      'or stop the agent first.';
    this.#options.emit({ type: 'notice', level: 'warning', code: 'unconfirmed', text, passing: true });
  }

  /** turn/start would do too, but begin a turn of its own when this one ends meanwhile: nobody would know which of the two it was. */
  #steer(message: OutgoingMessage, turnId: string): void {
    const steered = { message, turnId, isAnswered: false };
    this.#steered.set(message.id, steered);
    this.#setStatus(message.id, 'queued');
    // A command is a turn of its own: it is late from the beginning.
    if (commandOf(message)) return void (steered.isAnswered = true);
    // Refused when the turn has ended or cannot be steered: the message is then late, as one that was not taken up.
    const answered = () => {
      steered.isAnswered = true;
      this.#sendLate();
    };
    const params = { ...this.#input(message), expectedTurnId: turnId };
    const request = this.#options.server.request('turn/steer', params, { onResult: answered, timeoutMs: null });
    request.catch((error) => error instanceof NoEffectError && answered());
  }

  #input(message: OutgoingMessage): JsonObject {
    return { threadId: this.#threadId, clientUserMessageId: message.id, input: inputOf(message) };
  }

  /** Adds a text to the running turn that is no message of the user. */
  addText(text: string): void {
    if (!this.#turnId) return;
    const input = inputOf({ id: '', text, images: [] });
    this.#options.server.request('turn/start', { threadId: this.#threadId, input }).catch(() => {});
  }

  interrupt(): void {
    if (this.#isClosed) return;
    // While the thread opens there is no turn to interrupt: the messages that would begin one are taken back.
    if (!this.#threadId) return this.#waiting.forEach(({ id }) => this.cancelQueued(id));
    if (!this.#turnId) {
      this.#isInterruptWanted = this.#starting !== null;
      return;
    }
    this.#sendInterrupt();
  }

  #sendInterrupt(): void {
    this.#isInterruptWanted = false;
    const params = { threadId: this.#threadId, turnId: this.#turnId };
    // Refused when the turn has just ended by itself: then there is nothing to interrupt.
    this.#options.server.request('turn/interrupt', params).catch(() => {});
  }

  /** Interrupts the turn that runs or is being started. Resolves when none is left. */
  async end(): Promise<void> {
    if (!this.isTurning && !this.#starting) return;
    const ended = new Promise<void>((resolve) => this.#onTurnEnd = resolve);
    this.#isEnding = true;
    if (this.#turnId) {
      const params = { threadId: this.#threadId, turnId: this.#turnId };
      await this.#options.server.request('turn/interrupt', params).catch(() => this.#onTurnEnd?.());
    }
    await ended;
  }

  /** A message that was handed to a turn cannot be taken back from it; one that still waits here can. */
  cancelQueued(messageId: string): void {
    const before = this.#waiting.length;
    this.#waiting = this.#waiting.filter((message) => message.id !== messageId);
    if (this.#waiting.length < before) return this.#setStatus(messageId, 'cancelled');
    const text = 'It was too late to cancel: the agent already has this message.';
    this.#options.emit({ type: 'notice', level: 'info', code: 'cancel', text, passing: true });
  }

  #setStatus(id: string, status: 'queued' | 'sent' | 'cancelled' | 'failed', error?: string): void {
    this.#options.emit({ type: 'message.status', id, status, ...(error === undefined ? {} : { error }) });
  }
}
