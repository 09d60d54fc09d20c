/**
 * Delivers notices: each once, not more than a person can read, again after a failure. In memory: what a crash loses is asked
 * again by the agent or seen on the dashboard.
 */
import type { Clock, Timer } from '../../core/clock.ts';
import type { Log } from '../../core/log.ts';
import { type ChannelStatus, NOTIFY_CHANNELS, type NotifyChannel } from '../../core/wire/workshop.ts';
import { type Notice, type Sender, SendError } from './sender.ts';

/** Pauses before the second, third … try, ms. */
export const RETRY_MS = [2_000, 10_000, 60_000, 300_000, 900_000];
/** Notices per recipient and window; the rest of the window is told in one notice at its end. */
export const RATE = { count: 12, windowMs: 600_000 };
/** Keys that are remembered: older ones may be told again. */
const KEY_COUNT = 2000;
/** Notices that wait for a retry, and recipients whose rate is known, at most. */
const WAITING_COUNT = 200;
const RECIPIENT_COUNT = 500;

export interface Recipient {
  channel: NotifyChannel;
  to: string;
}

interface Rate {
  startedAt: number;
  count: number;
  held: number;
  timer: Timer | null;
}

export class Outbox {
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #senders: ReadonlyMap<NotifyChannel, Sender>;
  readonly #onChange: () => void;
  readonly #keys = new Set<string>();
  readonly #rates = new Map<string, Rate>();
  readonly #status = new Map<NotifyChannel, ChannelStatus>();
  readonly #timers = new Set<Timer>();
  readonly #sending = new Set<Promise<void>>();
  #closed = false;

  /** @param onChange told when the status of a channel changed */
  constructor(options: { clock: Clock; log: Log; senders: Sender[]; onChange?: () => void }) {
    this.#clock = options.clock;
    this.#log = options.log;
    this.#senders = new Map(options.senders.map((sender) => [sender.channel, sender]));
    this.#onChange = options.onChange ?? (() => {});
    for (const { channel, configured, setup } of options.senders) {
      const text = configured ? '' : setup;
      this.#status.set(channel, { channel, configured, text, sentAt: null, failedAt: null, error: '', waiting: 0 });
    }
  }

  get status(): ChannelStatus[] {
    return NOTIFY_CHANNELS.flatMap((channel) => this.#status.get(channel) ?? []);
  }

  /**
   * Sends a notice to all recipients. `key`: what it is about; the same key is told a recipient once. A recipient whose channel
   * is not set up is a line in the log.
   */
  tell(key: string, notice: Notice, recipients: readonly Recipient[]): void {
    const able = recipients.filter(({ channel }) => this.#senders.get(channel)?.configured);
    if (!able.length && this.#isNew(`log ${key}`)) {
      this.#log.info(`${notice.title} (no channel is set up)`, { link: notice.link });
    }
    for (const recipient of able) {
      if (this.#isNew(`${recipient.channel} ${recipient.to} ${key}`) && this.#hasRoom(recipient)) {
        this.#begin(recipient, notice, 0);
      }
    }
  }

  /** Sends at once, whatever was sent before, and without a retry. Throws SendError. */
  async test(recipient: Recipient, notice: Notice): Promise<void> {
    await this.#deliver(recipient, notice);
  }

  #isNew(key: string): boolean {
    if (this.#keys.has(key)) return false;
    if (this.#keys.size >= KEY_COUNT) this.#keys.delete(this.#keys.values().next().value!);
    this.#keys.add(key);
    return true;
  }

  /** Counts the notice; false when it is held back. */
  #hasRoom(recipient: Recipient): boolean {
    const name = `${recipient.channel} ${recipient.to}`;
    const now = this.#clock.now();
    let rate = this.#rates.get(name);
    if (!rate || now - rate.startedAt >= RATE.windowMs || now < rate.startedAt) {
      if (!rate && this.#rates.size >= RECIPIENT_COUNT) this.#rates.delete(this.#rates.keys().next().value!);
      rate = { startedAt: now, count: 0, held: 0, timer: rate?.timer ?? null };
      this.#rates.set(name, rate);
    }
    if (rate.count++ < RATE.count) return true;
    rate.held++;
    rate.timer ??= this.#later(rate.startedAt + RATE.windowMs - now, () => {
      const { held } = rate;
      rate.timer = null;
      rate.held = 0;
      const text = 'Too many came at once. The dashboard shows all of them.';
      this.#begin(
        recipient,
        { title: `${held} more ${held === 1 ? 'notification' : 'notifications'}`, text, link: '' },
        0,
      );
    });
    return false;
  }

  #later(ms: number, action: () => void): Timer {
    const timer = this.#clock.setTimeout(() => {
      this.#timers.delete(timer);
      if (!this.#closed) action();
    }, ms);
    this.#timers.add(timer);
    return timer;
  }

  #begin(recipient: Recipient, notice: Notice, tries: number): void {
    const done = this.#deliver(recipient, notice).catch((error) => this.#retry(recipient, notice, tries, error))
      .finally(() => this.#sending.delete(done));
    this.#sending.add(done);
  }

  async #deliver({ channel, to }: Recipient, notice: Notice): Promise<void> {
    const sender = this.#senders.get(channel);
    if (!sender?.configured) throw new SendError(sender?.setup ?? 'There is no such channel.', { isFinal: true });
    try {
      await sender.send(to, notice);
      this.#note(channel, { sentAt: this.#clock.now(), error: '' });
    } catch (error) {
      const failure = error instanceof SendError
        ? error
        : new SendError('The message could not be sent.', { isFinal: false });
      if (failure !== error) {
        this.#log.error('A notification channel failed', { channel, error: (error as Error).name });
      }
      this.#note(channel, { failedAt: this.#clock.now(), error: failure.message });
      throw failure;
    }
  }

  #retry(recipient: Recipient, notice: Notice, tries: number, error: SendError): void {
    const { channel } = recipient;
    const isLast = error.isFinal || tries >= RETRY_MS.length || this.#status.get(channel)!.waiting >= WAITING_COUNT;
    this.#log.warn(error.message, { channel, again: !isLast });
    if (isLast || this.#closed) return;
    this.#waiting(channel, 1);
    this.#later(Math.max(RETRY_MS[tries]!, error.retryAfterMs ?? 0), () => {
      this.#waiting(channel, -1);
      this.#begin(recipient, notice, tries + 1);
    });
  }

  #waiting(channel: NotifyChannel, change: number): void {
    this.#note(channel, { waiting: this.#status.get(channel)!.waiting + change });
  }

  #note(channel: NotifyChannel, patch: Partial<ChannelStatus>): void {
    const before = this.#status.get(channel)!;
    this.#status.set(channel, { ...before, ...patch });
    this.#onChange();
  }

  /** Resolves when nothing is being sent; what waits for a retry is not waited for. */
  async settled(): Promise<void> {
    while (this.#sending.size) await Promise.all(this.#sending);
  }

  close(): void {
    this.#closed = true;
    for (const timer of this.#timers) this.#clock.clearTimeout(timer);
    this.#timers.clear();
  }
}
