/**
 * Delivers notices: each once, no more than a person can read, and again after a failure. The queue is on disk. A delivery is
 * marked there before the service is asked; one that a crash left so marked is not sent again (it may have arrived) but counted
 * as unknown, and the settings page says so.
 */
import { randomUUID } from 'node:crypto';
import type { Clock, Timer } from '../../core/clock.ts';
import type { Log } from '../../core/log.ts';
import { type ChannelStatus, NOTIFY_CHANNELS, type NotifyChannel } from '../../core/api/notify.ts';
import type { Document } from '../store/document.ts';
import { type ChannelRecord, type Delivery, type DeliveryState, MAX_DELIVERY, MAX_KEY } from './delivery-state.ts';
import type { Recipient } from './delivery-state.ts';
import { RecipientRates } from './recipient-rates.ts';
import { type Notice, type Sender, SendError } from './sender.ts';

/** Delays before the second, third … try, ms. */
export const RETRY_MS = [2_000, 10_000, 60_000, 300_000, 900_000];
/** How long `close` waits for what is under way, ms. */
const CLOSE_MS = 3_000;
const NEW_CHANNEL: ChannelRecord = { sentAt: null, failedAt: null, error: '', unknown: 0 };

export interface DeliveryQueueOptions {
  clock: Clock;
  log: Log;
  senders: Sender[];
  document: Document<DeliveryState>;
  /** Called when the status of a channel has changed. */
  onChange?: () => void;
}

export class DeliveryQueue {
  readonly #options: DeliveryQueueOptions;
  readonly #senders: ReadonlyMap<NotifyChannel, Sender>;
  readonly #rates = new RecipientRates();
  readonly #keys: Set<string>;
  readonly #deliveries = new Map<string, Delivery>();
  readonly #channels = new Map<NotifyChannel, ChannelRecord>();
  readonly #timers = new Map<string, Timer>();
  readonly #sending = new Set<Promise<void>>();
  #isClosed = false;

  constructor(options: DeliveryQueueOptions) {
    this.#options = options;
    this.#senders = new Map(options.senders.map((sender) => [sender.channel, sender]));
    const { deliveries, keys, channels } = options.document.value;
    this.#keys = new Set(keys);
    for (const { channel } of options.senders) this.#channels.set(channel, channels[channel] ?? NEW_CHANNEL);
    for (const delivery of deliveries) this.#deliveries.set(delivery.id, delivery);
  }

  /** Goes on with what the process before this one left. */
  start(): void {
    this.#recover([...this.#deliveries.values()]);
  }

  /** Requests of which something waits to be sent. */
  requests(): { agent: string; request: string }[] {
    return [...this.#deliveries.values()].flatMap(({ state, notice: { agent, request } }) =>
      state === 'waiting' && agent && request ? [{ agent, request }] : []
    );
  }

  #recover(deliveries: readonly Delivery[]): void {
    const cut = deliveries.filter(({ state }) => state === 'sending');
    for (const { id, channel } of cut) {
      this.#deliveries.delete(id);
      const { unknown } = this.#channel(channel);
      this.#note(channel, { unknown: unknown + 1 });
      this.#options.log.warn('whether a notification was sent is not known: the machine ended meanwhile', { channel });
    }
    for (const delivery of deliveries) {
      if (delivery.state === 'waiting') this.#schedule(delivery);
    }
    if (cut.length) void this.#save();
  }

  get status(): ChannelStatus[] {
    return NOTIFY_CHANNELS.flatMap((channel) => {
      const sender = this.#senders.get(channel);
      if (!sender) return [];
      const waiting = [...this.#deliveries.values()].filter((entry) =>
        entry.channel === channel && entry.state === 'waiting'
      ).length;
      const { configured, setup } = sender;
      return { channel, configured, text: configured ? '' : setup, waiting, ...this.#channel(channel) };
    });
  }

  /**
   * Sends a notice to all recipients. `key` names what it is about: a recipient receives the same key once. When no recipient's
   * channel is set up, the notice is logged.
   * @param notBefore ms since the Unix epoch: it waits until then
   */
  deliver(key: string, notice: Notice, recipients: readonly Recipient[], notBefore = 0): void {
    const able = recipients.filter(({ channel }) => this.#senders.get(channel)?.configured);
    if (!able.length && this.#isNew(`log ${key}`)) {
      this.#options.log.info(`${notice.title} (no channel is set up)`, { link: notice.link });
    }
    for (const recipient of able) {
      if (this.#isNew(`${recipient.channel} ${recipient.to} ${key}`)) this.#add(key, recipient, notice, notBefore);
    }
  }

  /** It needs not be told any more: what still waits of it is not sent. */
  withdraw(key: string): void {
    const waiting = [...this.#deliveries.values()].filter((entry) => entry.key === key && entry.state === 'waiting');
    for (const { id } of waiting) {
      this.#options.clock.clearTimeout(this.#timers.get(id) ?? null);
      this.#timers.delete(id);
      this.#deliveries.delete(id);
    }
    if (!waiting.length) return;
    void this.#save();
    this.#options.onChange?.();
  }

  /** Sends at once, whatever was sent before, without a retry. Throws SendError. */
  async test({ channel, to }: Recipient, notice: Notice): Promise<void> {
    await this.#send({ channel, to, notice, id: randomUUID() });
    this.#note(channel, { unknown: 0 });
    await this.#save();
  }

  #isNew(key: string): boolean {
    if (this.#keys.has(key)) return false;
    if (this.#keys.size >= MAX_KEY) this.#keys.delete(this.#keys.values().next().value!);
    this.#keys.add(key);
    return true;
  }

  #add(key: string, recipient: Recipient, notice: Notice, notBefore: number): void {
    const now = this.#options.clock.now();
    const mayAt = this.#rates.count(recipient, now);
    if (mayAt > now) return this.#hold(recipient, mayAt);
    if (this.#deliveries.size >= MAX_DELIVERY) return this.#drop(recipient.channel);
    const { channel, to } = recipient;
    this.#schedule({ id: randomUUID(), key, channel, to, notice, state: 'waiting', tries: 0, dueAt: notBefore });
  }

  #drop(channel: NotifyChannel): void {
    this.#options.log.warn('a notification is not sent: too many wait', { channel });
  }

  /** Too many came at once: one notice at the end of the window counts them. */
  #hold({ channel, to }: Recipient, dueAt: number): void {
    const known = [...this.#deliveries.values()].find((entry) =>
      entry.channel === channel && entry.to === to && entry.held && entry.state === 'waiting' && entry.tries === 0
    );
    if (!known && this.#deliveries.size >= MAX_DELIVERY) return this.#drop(channel);
    const held = (known?.held ?? 0) + 1;
    const text = 'Too many came at once. The dashboard shows all of them.';
    const title = `${held} more ${held === 1 ? 'notification' : 'notifications'}`;
    const notice: Notice = { event: 'needs_input', title, text, link: '' };
    this.#schedule({
      id: known?.id ?? randomUUID(),
      key: 'held',
      channel,
      to,
      notice,
      state: 'waiting',
      tries: 0,
      dueAt,
      held,
    });
  }

  /** Puts it on disk; it is sent when it is due. */
  #schedule(delivery: Delivery): void {
    const { clock, onChange } = this.#options;
    const wait = delivery.dueAt - clock.now();
    clock.clearTimeout(this.#timers.get(delivery.id) ?? null);
    this.#timers.delete(delivery.id);
    if (wait <= 0) return this.#begin(delivery);
    this.#deliveries.set(delivery.id, delivery);
    this.#timers.set(delivery.id, clock.setTimeout(() => this.#onDue(delivery.id), wait));
    void this.#save();
    onChange?.();
  }

  #onDue(id: string): void {
    this.#timers.delete(id);
    const delivery = this.#deliveries.get(id);
    if (delivery && !this.#isClosed) this.#begin(delivery);
  }

  #begin(delivery: Delivery): void {
    if (this.#isClosed) return;
    const done = this.#run(delivery).finally(() => this.#sending.delete(done));
    this.#sending.add(done);
  }

  async #run(before: Delivery): Promise<void> {
    const delivery: Delivery = { ...before, state: 'sending', tries: before.tries + 1 };
    this.#deliveries.set(delivery.id, delivery);
    await this.#save();
    try {
      await this.#send(delivery);
      this.#deliveries.delete(delivery.id);
    } catch (error) {
      this.#afterFailure(delivery, error as SendError);
    }
    await this.#save();
  }

  #afterFailure(delivery: Delivery, error: SendError): void {
    const { log, clock } = this.#options;
    const { channel, tries } = delivery;
    const isLast = error.isFinal || tries > RETRY_MS.length;
    log.warn(error.message, { channel, again: !isLast });
    this.#deliveries.delete(delivery.id);
    if (isLast) return;
    const pause = Math.max(RETRY_MS[tries - 1]!, error.retryAfterMs ?? 0);
    const waiting: Delivery = { ...delivery, state: 'waiting', dueAt: clock.now() + pause };
    // After the end it is only kept: the next start sends it.
    if (this.#isClosed) this.#deliveries.set(delivery.id, waiting);
    else this.#schedule(waiting);
  }

  async #send({ channel, to, notice, id }: Pick<Delivery, 'channel' | 'to' | 'notice' | 'id'>): Promise<void> {
    const sender = this.#senders.get(channel);
    if (!sender?.configured) throw new SendError(sender?.setup ?? 'There is no such channel.', { isFinal: true });
    const { clock, log } = this.#options;
    try {
      await sender.send(to, notice, id);
      this.#note(channel, { sentAt: clock.now(), error: '' });
    } catch (error) {
      const failure = error instanceof SendError
        ? error
        : new SendError('The message could not be sent.', { isFinal: false });
      if (failure !== error) log.error('A notification channel failed', { channel, error: (error as Error).name });
      this.#note(channel, { failedAt: clock.now(), error: failure.message });
      throw failure;
    }
  }

  #channel(channel: NotifyChannel): ChannelRecord {
    return this.#channels.get(channel) ?? NEW_CHANNEL;
  }

  #note(channel: NotifyChannel, patch: Partial<ChannelRecord>): void {
    this.#channels.set(channel, { ...this.#channel(channel), ...patch });
    this.#options.onChange?.();
  }

  /** Never rejects: a notice is sent also when the disk is full. */
  async #save(): Promise<void> {
    try {
      await this.#options.document.update(() => ({
        deliveries: [...this.#deliveries.values()],
        keys: [...this.#keys],
        channels: Object.fromEntries(this.#channels),
      }));
    } catch (error) {
      this.#options.log.warn('what is to be sent could not be saved', { error: (error as Error).message });
    }
  }

  /** Resolves when nothing is being sent; a notice that waits for its retry does not count. */
  async settled(): Promise<void> {
    while (this.#sending.size) await Promise.all(this.#sending);
  }

  /** Begins nothing more, and waits a moment for what is under way. What waits is sent after the next start. */
  async close(): Promise<void> {
    const { clock } = this.#options;
    this.#isClosed = true;
    for (const timer of this.#timers.values()) clock.clearTimeout(timer);
    this.#timers.clear();
    let timer: Timer | null = null;
    const late = new Promise<void>((resolve) => timer = clock.setTimeout(resolve, CLOSE_MS));
    await Promise.race([this.settled(), late]);
    clock.clearTimeout(timer);
    await this.#save();
  }
}
