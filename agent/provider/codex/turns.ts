/**
 * The turns of one thread: a message starts a turn, or is steered into the one that runs, or waits until it is clear which of
 * the two it is.
 */
import type { Clock, Timer } from '../../../core/clock.ts';
import { commandOf } from './commands.ts';
import { inputOf } from './params.ts';
import type { AppConnection } from './app-connection.ts';
import { type Answer, NoEffectError } from './server.ts';
import { type JsonObject, object, string } from '../untyped-json.ts';
import type { OutgoingMessage, ProviderEvent } from '../provider.ts';

/** After this long without an answer to turn/start the user is informed, ms: the turn may run all the same. */
const UNCONFIRMED_MS = 60_000;

/** Messages whose fate is remembered: no more can be sent again. */
const MAX_CONFIRMED = 1000;

/** A message that was handed to a running turn; or to an earlier server, and Codex has not confirmed it yet. */
interface SteeredMessage {
  /** null: what it says comes with the messages that are sent again. */
  message: OutgoingMessage | null;
  /** Empty: not known. */
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

/** As JSON: what a later server goes on with. */
export interface TurnsSnapshot {
  turnId: string | null;
  handed: { id: string; turnId: string; isAnswered: boolean }[];
  attempts: [string, number][];
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
  /** The turn that runs, or is about to, was begun here. */
  #isOwn = false;
  /** The thread is being released: whatever turn begins is interrupted. */
  #isEnding = false;
  /** Messages that wait for the thread to open, or for the starting turn to have an id. */
  #waiting: OutgoingMessage[] = [];
  /** Messages that a running turn was handed and has not taken up. */
  readonly #steered = new Map<string, SteeredMessage>();
  /** How often messages were given to a turn that did not take them. */
  readonly #attempts = new Map<string, number>();
  /** In a holder: messages that Codex has begun with, or refused. */
  readonly #confirmed = new Set<string>();
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

  /** The turn that runs, or is about to, was begun here: a thread may be shared. */
  get isOwn(): boolean {
    return this.#isOwn;
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
      steered.filter((entry) => entry.isAnswered === isAnswered).flatMap(({ message }) => message ?? []);
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

  snapshot(): TurnsSnapshot {
    const handed = [...this.#steered].map(([id, { turnId, isAnswered }]) => ({ id, turnId, isAnswered }));
    if (this.#starting) handed.push({ id: this.#starting.message.id, turnId: '', isAnswered: false });
    return { turnId: this.#turnId, handed, attempts: [...this.#attempts] };
  }

  restore({ turnId, handed, attempts }: TurnsSnapshot): void {
    this.#turnId = turnId;
    for (const { id, ...entry } of handed) this.#steered.set(id, { message: null, ...entry });
    for (const [id, count] of attempts) this.#attempts.set(id, count);
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
    this.#isOwn = this.#starting !== null;
    this.#onTurnEnd?.();
    this.#sendLate();
  }

  /** Codex has taken up a message. */
  taken(messageId: string): void {
    if (this.#starting?.message.id === messageId) this.#started(null);
    else if (this.#steered.delete(messageId) || (messageId && this.#options.server.held)) {
      this.#confirm(messageId, 'sent');
    }
  }

  /** An answer to a request that an earlier server has sent for a message. */
  answered(name: string, answer: Answer): void {
    const [, kind, id] = /^(start|steer) (\S+) \d+$/.exec(name) ?? [];
    if (!kind || !id) return;
    if (kind === 'start') {
      this.#steered.delete(id);
      return 'error' in answer ? this.#confirm(id, 'failed', answer.error.message) : this.#confirm(id, 'sent');
    }
    if (this.#confirmed.has(id)) return;
    const before = this.#steered.get(id)?.message ?? null;
    // Refused: whatever turn runs does not have it.
    const turnId = 'error' in answer ? '' : string(answer.result.turnId);
    this.#steered.set(id, { message: before, turnId, isAnswered: true });
    this.#sendLate();
  }

  /** Codex has begun with a message, or refused it: sent again by a later server it is not given once more. */
  #confirm(id: string, status: 'sent' | 'failed', error?: string): void {
    this.#attempts.delete(id);
    if (this.#options.server.held) this.#confirmed.add(id);
    if (this.#confirmed.size > MAX_CONFIRMED) this.#confirmed.delete(this.#confirmed.values().next().value!);
    this.#setStatus(id, status, error);
  }

  /** A message that was handed to a turn too late becomes the next turn. */
  #sendLate(): void {
    const late = [...this.#steered].filter(([, entry]) => entry.isAnswered && entry.turnId !== this.#turnId);
    for (const [id] of late) {
      this.#steered.delete(id);
      this.#attempts.set(id, (this.#attempts.get(id) ?? 0) + 1);
    }
    queueMicrotask(() => late.forEach(([, { message }]) => message && this.send(message)));
  }

  sendWaiting(): void {
    for (const message of this.#waiting.splice(0)) this.send(message);
  }

  // ---- commands

  send(message: OutgoingMessage): void {
    if (this.#isInputClosed) return;
    if (!this.#threadId) return void this.#waiting.push(message);
    if (this.#confirmed.has(message.id)) return this.#setStatus(message.id, 'sent');
    if (this.#isGiven(message)) return;
    if (this.#turnId) return this.#steer(message, this.#turnId);
    if (this.#starting) {
      this.#waiting.push(message);
      return this.#setStatus(message.id, 'queued');
    }
    this.#start(message);
  }

  /** An earlier server has given it to Codex: what becomes of it will be known by its id. */
  #isGiven(message: OutgoingMessage): boolean {
    const known = this.#steered.get(message.id);
    if (!this.#options.server.held?.hasTaken(this.#keyOf(message.id))) {
      this.#steered.delete(message.id); // the holder never had all of it
      return false;
    }
    this.#steered.set(message.id, { turnId: '', isAnswered: false, ...known, message });
    this.#setStatus(message.id, 'queued');
    this.#sendLate();
    return true;
  }

  /** The same for the start of a turn and for a running one: it is given to one of them. */
  #keyOf(id: string): string {
    const attempt = this.#attempts.get(id) ?? 0;
    return attempt ? `message ${id} ${attempt}` : `message ${id}`;
  }
  #naming(kind: 'start' | 'steer', id: string): { name: string; key: string } {
    return { name: `${kind} ${id} ${this.#attempts.get(id) ?? 0}`, key: this.#keyOf(id) };
  }

  /**
   * The answer may take as long as the process lives: a message that Codex does not confirm may be at work all the same, and
   * only the thread says so (by its item, or by a refusal).
   */
  #start(message: OutgoingMessage): void {
    const { server, clock, settings } = this.#options;
    const timer = clock.setTimeout(() => this.#informUnconfirmed(), UNCONFIRMED_MS);
    const starting = this.#starting = { message, timer };
    this.#isOwn = true;
    const command = commandOf(message);
    const params = command
      ? { threadId: this.#threadId, ...command.params }
      : { ...this.#input(message), ...settings() };
    server.request(command?.method ?? 'turn/start', params, {
      ...this.#naming('start', message.id),
      timeoutMs: null,
      onResult: (result) => this.#starting === starting && this.#started(string(object(result.turn).id) || null),
    }).catch((error: Error) => {
      // Any other failure is the end of the process: close() reports the message as unconfirmed then.
      if (this.#starting !== starting || !(error instanceof NoEffectError)) return;
      this.#clearStarting();
      this.#isInterruptWanted = this.#isOwn = false;
      this.#onTurnEnd?.(); // there is no turn
      this.#confirm(message.id, 'failed', error.message);
      this.sendWaiting();
    });
  }

  #started(turnId: string | null): void {
    const { message } = this.#starting!;
    this.#clearStarting();
    this.#turnId ??= turnId;
    this.#confirm(message.id, 'sent');
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
    const steered: SteeredMessage = { message, turnId, isAnswered: false };
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
    const options = { ...this.#naming('steer', message.id), onResult: answered, timeoutMs: null };
    const request = this.#options.server.request('turn/steer', params, options);
    request.catch((error) => error instanceof NoEffectError && answered());
  }

  #input(message: OutgoingMessage): JsonObject {
    return { threadId: this.#threadId, clientUserMessageId: message.id, input: inputOf(message) };
  }

  /** Adds a text to the running turn that is no message of the user. */
  addText(text: string, name: string): void {
    if (!this.#turnId) return;
    const input = inputOf({ id: '', text, images: [] });
    this.#options.server.request('turn/start', { threadId: this.#threadId, input }, { name }).catch(() => {});
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
