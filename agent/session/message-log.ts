/**
 * The messages of one agent: in memory in order, in the journal on disk; every change is published. Text that streams in is
 * published in pieces of a few milliseconds, with offsets.
 */
import type { Clock, Timer } from '../../core/clock.ts';
import { cut } from '../../core/api/cut.ts';
import type { LiveChange } from '../../core/api/live.ts';
import type { Message, MessageBase, MessagePage, RequestMessage } from '../../core/api/messages.ts';
import { Journal } from '../store/journal.ts';
import type { Steps } from '../store/steps.ts';
import {
  type MessageRecord,
  readingMessages,
  readMessages,
  type RemovedRecord,
  type StoredMessages,
} from './message-records.ts';

/** Deltas of this period are published together, ms: about 30 updates a second. */
export const COALESCE_MS = 30;
/** A message that is still streaming is saved this often, ms. */
const CHECKPOINT_MS = 2000;
/** Characters of one streamed field; the rest is dropped. */
export const MAX_STREAM = 2 * 1024 * 1024;
/** Messages of one agent; when there are a tenth more, the oldest are removed. */
export const MAX_MESSAGE = 20_000;
/** What one agent's messages weigh in the journal: their bytes, and more for many small values; the same. */
export const MAX_LOG = 12 * 1024 * 1024;
/** What is kept until the oldest are removed; more is not read from a journal either. */
const MAX_STORED = { count: MAX_MESSAGE * 1.1, weight: MAX_LOG * 1.1 };
/** Ids of removed messages that are remembered: a command that is repeated with one is not carried out again. */
export const MAX_REMOVED_IDS = 50_000;
export const PAGE_DEFAULT = 100;
export const MAX_PAGE = 1000;

export type StreamField = 'text' | 'inputText' | 'output';
type Streamed = Record<StreamField, string>;
/** How long the streamed fields of a message are. */
export type StreamLengths = Record<StreamField, number> & { id: string };
type WithoutBase<T> = T extends Message ? Omit<T, 'seq' | 'at'> : never;
export type NewMessage = WithoutBase<Message>;

export interface MessageLogOptions {
  agentId: string;
  path: string;
  clock: Clock;
  /** `json`: the JSON of the change, where it is known. */
  publish(change: LiveChange, json?: string): void;
  warn(text: string): void;
  /** Called with every added message. */
  onAdded?(message: Message): void;
}

interface Dirty {
  id: string;
  field: StreamField;
  /** Everything before this offset has been published. */
  from: number;
}

export class MessageLog {
  readonly #options: MessageLogOptions;
  readonly #journal: Journal;
  #list: Message[] = [];
  #byId = new Map<string, Message>();
  /** What each message's last record weighs, and all of them. */
  #weights = new Map<string, number>();
  #weight = 0;
  /** Messages that something still has to happen to. */
  readonly #open = new Set<string>();
  #removed = new Set<string>();
  #dirty = new Map<string, Dirty>();
  #flushTimer: Timer | null = null;
  #unsaved = new Set<string>();
  #saveTimer: Timer | null = null;

  /** What a log is made of, in steps: nothing may be written to the journal before the log is made of it. */
  static reading({ path, warn, clock }: MessageLogOptions): Steps<StoredMessages> {
    return readingMessages(path, warn, clock.now, MAX_STORED);
  }

  /** @param stored what was read of the journal; missing: it is read now, synchronously */
  constructor(options: MessageLogOptions, stored?: StoredMessages) {
    this.#options = options;
    this.#journal = new Journal({
      path: options.path,
      snapshot: () => this.#records(),
      onHealth: (error) => options.warn(error ? `${options.path} cannot be written: ${error.message}` : ''),
      clock: options.clock,
    });
    this.#load(stored ?? readMessages(options.path, options.warn, options.clock.now, MAX_STORED));
  }

  get lastSeq(): number {
    return this.#list.at(-1)?.seq ?? 0;
  }

  get(id: string): Message | undefined {
    return this.#byId.get(id);
  }

  /** The command with this id was carried out so long ago that its message is gone. */
  wasRemoved(id: string): boolean {
    return this.#removed.has(id);
  }

  /** Messages that are not settled, however many lie behind them, oldest first. */
  open(): Message[] {
    return [...this.#open].map((id) => this.#byId.get(id)!).sort((a, b) => a.seq - b.seq);
  }

  /** Requests that wait for a decision, at most `max`, the oldest first: nothing is sorted or copied, whatever else is open. */
  pendingRequests(max: number): RequestMessage[] {
    const found: RequestMessage[] = [];
    for (const id of this.#open) {
      if (found.length >= max) break;
      const message = this.#byId.get(id);
      if (message?.kind === 'request' && message.status === 'pending') found.push(message);
    }
    return found;
  }

  /** From the newest to the oldest. */
  *newest(): Generator<Message> {
    for (let i = this.#list.length - 1; i >= 0; i--) yield this.#list[i]!;
  }

  /** Oldest first; without a range the newest page. Flushes first, so that the page agrees with what was published. */
  page(range: { after?: number; before?: number; limit?: number }): MessagePage {
    this.flush();
    const limit = Math.min(Math.max(range.limit ?? PAGE_DEFAULT, 1), MAX_PAGE);
    const from = range.after === undefined ? 0 : this.#indexAfter(range.after);
    const to = range.before === undefined ? this.#list.length : this.#indexAfter(range.before - 1);
    const start = range.after === undefined ? Math.max(from, to - limit) : from;
    return { messages: this.#list.slice(start, Math.min(to, start + limit)), more: start > 0 };
  }

  add<T extends NewMessage>(message: T): T & MessageBase {
    this.flush();
    const added = { ...message, seq: this.lastSeq + 1, at: this.#options.clock.now() } as unknown as Message;
    this.#list.push(added);
    this.#byId.set(added.id, added);
    const json = this.#save(added);
    this.#options.publish(
      { type: 'message', agent: this.#options.agentId, message: { ...added } },
      `{"type":"message","agent":${JSON.stringify(this.#options.agentId)},"message":${json}}`,
    );
    this.#options.onAdded?.(added);
    this.#trim();
    return added as unknown as T & MessageBase;
  }

  /** Adds messages from before this agent was created; they keep their own times. */
  import(messages: readonly (NewMessage & { at: number })[]): void {
    for (const message of messages) {
      if (this.#byId.has(message.id)) continue;
      const added = { ...message, seq: this.lastSeq + 1 } as unknown as Message;
      this.#list.push(added);
      this.#byId.set(added.id, added);
      this.#save(added);
      this.#options.onAdded?.(added);
    }
    this.#options.publish({ type: 'messages.cleared', agent: this.#options.agentId });
  }

  /** Sets fields that differ. @returns false when there is no such message */
  patch(id: string, patch: Record<string, unknown>): boolean {
    const message = this.#byId.get(id);
    if (!message) return false;
    this.flush();
    const old = message as unknown as Record<string, unknown>;
    const changed = Object.fromEntries(Object.entries(patch).filter(([key, value]) => old[key] !== value));
    if (!Object.keys(changed).length) return true;
    Object.assign(message, changed);
    this.#save(message);
    this.#options.publish({ type: 'message.patch', agent: this.#options.agentId, id, patch: changed });
    return true;
  }

  /** Appends streamed text up to MAX_STREAM; the rest is dropped. */
  stream(id: string, field: StreamField, text: string): void {
    const message = this.#byId.get(id) as Record<StreamField, string> | undefined;
    if (!message || typeof message[field] !== 'string') return;
    const from = message[field].length;
    const remaining = MAX_STREAM - from;
    if (remaining <= 0 || !text) return;
    message[field] += cut(text, remaining);
    const key = `${field} ${id}`;
    if (!this.#dirty.has(key)) this.#dirty.set(key, { id, field, from });
    this.#flushTimer ??= this.#options.clock.setTimeout(() => this.flush(), COALESCE_MS);
    this.#unsaved.add(id);
    this.#saveTimer ??= this.#options.clock.setTimeout(() => this.#checkpoint(), CHECKPOINT_MS);
  }

  /** Publishes the text that has streamed in since the last flush. */
  flush(): void {
    if (this.#flushTimer !== null) this.#options.clock.clearTimeout(this.#flushTimer);
    this.#flushTimer = null;
    for (const { id, field, from } of this.#dirty.values()) {
      const text = (this.#byId.get(id) as Record<StreamField, string> | undefined)?.[field].slice(from);
      if (text) this.#options.publish({ type: 'delta', agent: this.#options.agentId, id, field, offset: from, text });
    }
    this.#dirty.clear();
  }

  /** How long the messages are that stream now. */
  streamLengths(): StreamLengths[] {
    return [...this.#open].flatMap((id): StreamLengths[] => {
      const { text = '', inputText = '', output = '', kind } = this.#byId.get(id) as Message & Partial<Streamed>;
      if (kind !== 'text' && kind !== 'thinking' && kind !== 'tool') return [];
      return [{ id, text: text.length, inputText: inputText.length, output: output.length }];
    });
  }

  /** Takes back what streamed in later: it comes again. */
  rewind(lengths: readonly StreamLengths[]): void {
    for (const { id, text, inputText, output } of lengths) {
      const message = this.#byId.get(id);
      if (message?.kind === 'text' || message?.kind === 'thinking') {
        this.patch(id, { text: message.text.slice(0, text), done: false });
      } else if (message?.kind === 'tool') {
        this.patch(id, { inputText: message.inputText.slice(0, inputText), output: message.output.slice(0, output) });
      }
    }
  }

  /** Resolves when all changes so far are on disk, those too of messages that stream. */
  checkpoint(): Promise<void> {
    this.#checkpoint();
    return this.commit();
  }

  /** Resolves when all changes so far are on disk. */
  commit(): Promise<void> {
    return this.#journal.commit();
  }

  /** Nothing is in memory alone: the log may be dropped. */
  get isSaved(): boolean {
    return !this.#unsaved.size && !this.#dirty.size && this.#journal.isWritten;
  }

  async close(): Promise<void> {
    this.flush();
    this.#checkpoint();
    await this.#journal.close();
  }

  /** @returns the message's JSON */
  #save(message: Message): string {
    this.#unsaved.delete(message.id);
    const json = JSON.stringify(message);
    // As JSON of a MessageRecord.
    this.#measure(message, this.#journal.appendJson(`{"m":${json}}`));
    return json;
  }

  #measure(message: Message, weight: number): void {
    this.#weight += weight - (this.#weights.get(message.id) ?? 0);
    this.#weights.set(message.id, weight);
    if (isOpen(message)) this.#open.add(message.id);
    else this.#open.delete(message.id);
  }

  #checkpoint(): void {
    if (this.#saveTimer !== null) this.#options.clock.clearTimeout(this.#saveTimer);
    this.#saveTimer = null;
    for (const id of this.#unsaved) this.#save(this.#byId.get(id)!);
  }

  /** Over copies: messages may be removed while it is read. */
  *#records(): Generator<MessageRecord | RemovedRecord> {
    const list = [...this.#list];
    for (const m of list) yield { m };
    // Behind the messages: a journal is read from its end.
    if (this.#removed.size) yield { removed: [...this.#removed] };
  }

  #indexAfter(seq: number): number {
    const first = this.#list[0]?.seq ?? 1;
    return Math.min(Math.max(seq - first + 1, 0), this.#list.length);
  }

  #trim(): void {
    if (this.#list.length <= MAX_STORED.count && this.#weight <= MAX_STORED.weight) return;
    this.#removeOldest();
    void this.#journal.rewrite().catch(() => {});
    this.#options.publish({ type: 'messages.cleared', agent: this.#options.agentId });
  }

  #removeOldest(): void {
    let count = Math.max(0, this.#list.length - MAX_MESSAGE);
    let weight = this.#weight;
    for (const message of this.#list.slice(0, count)) weight -= this.#weights.get(message.id) ?? 0;
    // The newest one stays, however long it is.
    while (weight > MAX_LOG && count < this.#list.length - 1) weight -= this.#weights.get(this.#list[count++]!.id) ?? 0;
    for (const old of this.#list.splice(0, count)) {
      this.#byId.delete(old.id);
      this.#unsaved.delete(old.id);
      this.#open.delete(old.id);
      this.#weights.delete(old.id);
      if (old.kind === 'user' || old.kind === 'request') this.#removed.add(old.id);
    }
    this.#weight = weight;
    for (const id of this.#removed) {
      if (this.#removed.size <= MAX_REMOVED_IDS) break;
      this.#removed.delete(id);
    }
  }

  #load({ list, weights, removed, badBytes, isOutdated }: StoredMessages): void {
    this.#removed = removed;
    this.#list = list;
    const isDamaged = this.#fillGaps() || badBytes > 0;
    if (isDamaged) this.#reportDamage(badBytes);
    this.#byId = new Map(this.#list.map((message) => [message.id, message]));
    for (const message of this.#list) this.#measure(message, weights.get(message.id) ?? 0);
    this.#removeOldest();
    if (isDamaged || isOutdated) void this.#journal.rewrite().catch(() => {});
  }

  /** Puts a notice in the place of each lost message: sequence numbers have no gaps. */
  #fillGaps(): boolean {
    const whole: Message[] = [];
    for (const message of this.#list) {
      const before = whole.at(-1);
      const expected = before ? before.seq + 1 : message.seq;
      for (let seq = expected; seq < message.seq && seq < expected + 1000; seq++) whole.push(lost(seq, message.at));
      // A seq that two messages claim can only come from damage.
      whole.push(
        message.seq < expected || message.seq > expected + 1000
          ? { ...message, seq: (whole.at(-1)?.seq ?? 0) + 1 }
          : message,
      );
    }
    const hadGaps = whole.length !== this.#list.length || whole.some((message, i) => message !== this.#list[i]);
    this.#list = whole;
    return hadGaps;
  }

  #reportDamage(badBytes: number): void {
    const aside = this.#journal.keepCopy();
    this.#options.warn(
      `${this.#options.path} was damaged: ${badBytes} bytes at its end or within could not be read.` +
        (aside ? ` The file as it was is kept as ${aside}.` : ''),
    );
  }
}

const lost = (seq: number, at: number): Message => ({
  id: `lost-${seq}`,
  seq,
  at,
  kind: 'notice',
  level: 'warning',
  code: 'lost',
  text: 'A message could not be read back from the disk.',
  passing: false,
});

/** Something is still to happen to it: the end of the process settles it. */
function isOpen(message: Message): boolean {
  if (message.kind === 'text' || message.kind === 'thinking') return !message.done;
  if (message.kind === 'tool') return message.status === 'running';
  if (message.kind === 'request') return message.status === 'pending' || message.status === 'decided';
  return message.kind === 'user' && (message.status === 'accepted' || message.status === 'queued');
}
