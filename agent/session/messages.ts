/**
 * The messages of one agent: in memory in order, in the journal on disk, and every change told to the dashboards. Text that
 * streams in is told in pieces of a few milliseconds, with offsets.
 */
import type { Clock, Timer } from '../../core/clock.ts';
import type { LiveChange } from '../../core/wire/live.ts';
import type { Message, MessageBase, MessagePage } from '../../core/wire/types.ts';
import { Journal, loadJournal } from '../store/journal.ts';

/** Deltas of this long are told at once, ms: a picture at 30 Hz. */
export const COALESCE_MS = 30;
/** A message that is still streaming is put on disk this often, ms. */
const CHECKPOINT_MS = 2000;
/** Characters of one streamed field; the rest is left out. */
export const STREAM_LIMIT = 2 * 1024 * 1024;
/** Messages of one agent; when a tenth more are there, the oldest go. */
export const MESSAGE_LIMIT = 20_000;
export const PAGE_DEFAULT = 100;
export const PAGE_LIMIT = 1000;

export type StreamField = 'text' | 'inputText' | 'output';
type WithoutBase<T> = T extends Message ? Omit<T, 'seq' | 'at'> : never;
export type NewMessage = WithoutBase<Message>;

export interface MessageLogOptions {
  agentId: string;
  path: string;
  clock: Clock;
  publish(change: LiveChange): void;
  warn(text: string): void;
  /** Called with every added message. */
  onAdded?(message: Message): void;
}

interface Dirty {
  id: string;
  field: StreamField;
  /** Everything before this has been told. */
  from: number;
}

/** A journal record: the message as it is now. The last record of an id counts. */
interface MessageRecord {
  m: Message;
}

export class MessageLog {
  readonly #options: MessageLogOptions;
  readonly #journal: Journal;
  #list: Message[] = [];
  #byId = new Map<string, Message>();
  #dirty = new Map<string, Dirty>();
  #flushTimer: Timer | null = null;
  #unsaved = new Set<string>();
  #saveTimer: Timer | null = null;

  /** Reads the journal at once. */
  constructor(options: MessageLogOptions) {
    this.#options = options;
    this.#journal = new Journal({
      path: options.path,
      snapshot: () => this.#records(),
      onHealth: (error) => options.warn(error ? `${options.path} cannot be written: ${error.message}` : ''),
      now: options.clock.now,
    });
    this.#load();
  }

  get lastSeq(): number {
    return this.#list.at(-1)?.seq ?? 0;
  }

  get(id: string): Message | undefined {
    return this.#byId.get(id);
  }

  /** From the newest to the oldest. */
  *newest(): Generator<Message> {
    for (let i = this.#list.length - 1; i >= 0; i--) yield this.#list[i]!;
  }

  /** Oldest first. Without a range: the newest page. Flushes, so that what is given agrees with what was told. */
  page(range: { after?: number; before?: number; limit?: number }): MessagePage {
    this.flush();
    const limit = Math.min(Math.max(range.limit ?? PAGE_DEFAULT, 1), PAGE_LIMIT);
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
    this.#save(added);
    this.#options.publish({ type: 'message', agent: this.#options.agentId, message: { ...added } });
    this.#options.onAdded?.(added);
    this.#trim();
    return added as unknown as T & MessageBase;
  }

  /** Puts what was said before this agent was made at the beginning of its journal; their times are their own. */
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

  /** Sets fields that differ. Gives false when there is no such message. */
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

  /** Appends streamed text; what is over STREAM_LIMIT is left out. */
  stream(id: string, field: StreamField, text: string): void {
    const message = this.#byId.get(id) as Record<StreamField, string> | undefined;
    if (!message || typeof message[field] !== 'string') return;
    const from = message[field].length;
    const room = STREAM_LIMIT - from;
    if (room <= 0 || !text) return;
    message[field] += text.length > room ? text.slice(0, room) : text;
    const key = `${field} ${id}`;
    if (!this.#dirty.has(key)) this.#dirty.set(key, { id, field, from });
    this.#flushTimer ??= this.#options.clock.setTimeout(() => this.flush(), COALESCE_MS);
    this.#unsaved.add(id);
    this.#saveTimer ??= this.#options.clock.setTimeout(() => this.#checkpoint(), CHECKPOINT_MS);
  }

  /** Tells the text that has streamed in since the last time. */
  flush(): void {
    if (this.#flushTimer !== null) this.#options.clock.clearTimeout(this.#flushTimer);
    this.#flushTimer = null;
    for (const { id, field, from } of this.#dirty.values()) {
      const text = (this.#byId.get(id) as Record<StreamField, string> | undefined)?.[field].slice(from);
      if (text) this.#options.publish({ type: 'delta', agent: this.#options.agentId, id, field, offset: from, text });
    }
    this.#dirty.clear();
  }

  /** Resolves when all changes so far are on disk. */
  commit(): Promise<void> {
    return this.#journal.commit();
  }

  async close(): Promise<void> {
    this.flush();
    this.#checkpoint();
    await this.#journal.close();
  }

  #save(message: Message): void {
    this.#unsaved.delete(message.id);
    this.#journal.append({ m: message } satisfies MessageRecord);
  }

  #checkpoint(): void {
    if (this.#saveTimer !== null) this.#options.clock.clearTimeout(this.#saveTimer);
    this.#saveTimer = null;
    for (const id of this.#unsaved) this.#save(this.#byId.get(id)!);
  }

  *#records(): Generator<MessageRecord> {
    for (const m of this.#list) yield { m };
  }

  #indexAfter(seq: number): number {
    const first = this.#list[0]?.seq ?? 1;
    return Math.min(Math.max(seq - first + 1, 0), this.#list.length);
  }

  #trim(): void {
    if (this.#list.length <= MESSAGE_LIMIT * 1.1) return;
    for (const old of this.#list.splice(0, this.#list.length - MESSAGE_LIMIT)) {
      this.#byId.delete(old.id);
      this.#unsaved.delete(old.id);
    }
    void this.#journal.rewrite().catch(() => {});
    this.#options.publish({ type: 'messages.cleared', agent: this.#options.agentId });
  }

  #load(): void {
    const { records, badBytes } = loadJournal(this.#options.path, this.#options.warn, this.#options.clock.now);
    for (const record of records) {
      const message = (record as Partial<MessageRecord>).m;
      if (isMessage(message)) this.#byId.set(message.id, message);
    }
    this.#list = [...this.#byId.values()].sort((a, b) => a.seq - b.seq).slice(-MESSAGE_LIMIT);
    const isDamaged = this.#closeGaps() || badBytes > 0;
    if (isDamaged) this.#reportDamage(badBytes);
    this.#byId = new Map(this.#list.map((message) => [message.id, message]));
    if (isDamaged || records.length > 2 * this.#list.length + 1000) void this.#journal.rewrite().catch(() => {});
  }

  /** A lost message leaves a mark in its place: numbers have no gaps. */
  #closeGaps(): boolean {
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

function isMessage(value: unknown): value is Message {
  const message = value as Partial<Message> | null | undefined;
  return typeof message === 'object' && message !== null && typeof message.id === 'string' &&
    Number.isSafeInteger(message.seq) && typeof message.kind === 'string';
}
