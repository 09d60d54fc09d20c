/**
 * An append-only log of JSON records, one a line. Appends of one moment share a write and an fsync (group commit). The
 * owner holds the whole state in memory, so after any failure, and when the file has grown too long, it is rewritten whole
 * from there: the file is never left with half a record in its middle.
 */
import { Buffer } from 'node:buffer';
import type { FileHandle } from 'node:fs/promises';
import { type Clock, systemClock, type Timer } from '../../core/clock.ts';
import {
  linesBackward,
  openAppend,
  quarantine,
  quarantineCopy,
  removeTemporary,
  writeFully,
  writeWhole,
} from './atomic-file.ts';
import { allAtOnce, type Steps } from './steps.ts';

/**
 * Bytes of a journal that are read, from its end: opening one takes the same short time however long it has grown. Its owner's
 * state must be smaller than half of it, for a file is rewritten when as much again was appended.
 */
export const MAX_READ = 32 * 1024 * 1024;
/** A value of JSON, however short, weighs as much as this many bytes more: `{},` a million times is slow to parse and large. */
const VALUE_WEIGHT = 16;
/** What the records weigh that are parsed to open a journal: the event loop waits for them. */
export const MAX_PARSE = 20 * 1024 * 1024;
/** Appended bytes after which a rewrite may pay. */
const REWRITE_MIN = 4 * 1024 * 1024;
/** Records that a rewrite turns into text at once: the event loop is free between two pieces. */
const PIECE = 200;
/** After a failed write the next try is made by itself so long after, ms; who waits for the result of a write makes one at once. */
export const RETRY_MS = 5000;
/** Characters that may wait for the disk; beyond, the file is rewritten from memory instead. */
const MAX_PENDING = 32 * 1024 * 1024;

export interface JournalOptions {
  path: string;
  /** Every record that the file must hold to give back the present state. Read at intervals while it may change. */
  snapshot(): Iterable<unknown>;
  /** Writing fails since now, with the reason; null: it works again. */
  onHealth?(error: Error | null): void;
  clock?: Clock;
}

/** What its owner needs of a journal, which is read from its end: most of a file that has grown long is not looked at. */
export interface Wanted {
  /** A later record stands in the place of the one whose line begins so: it is not parsed. */
  isReplaced(beginning: string): boolean;
  /** Receives the records, the newest first, with what each weighs. @returns false when none before that one is needed */
  take(record: unknown, weight: number): boolean;
}

export interface Loaded {
  records: unknown[];
  /** Lines in whose place there are later ones. */
  replaced: number;
  /** Bytes within that were no records: a damaged disk. */
  badBytes: number;
  /** Bytes of a last line without its end: a write that was cut short and never confirmed to anybody. */
  tornBytes: number;
  /** Bytes at the beginning that were not read. */
  skippedBytes: number;
}

/** What waits for a write, all callers of one moment together. */
interface Waiter {
  promise: Promise<void>;
  resolve(): void;
  reject(error: Error): void;
}

const NOTHING: Loaded = { records: [], replaced: 0, badBytes: 0, tornBytes: 0, skippedBytes: 0 };
const EVERYTHING: Wanted = { isReplaced: () => false, take: () => true };
/** Bytes of a line by which its owner can tell that it is replaced. */
const BEGINNING = 160;

/**
 * Reads a journal, its records in the order in which they were written. Never throws; a file that cannot be read at all is
 * moved away. `warn` receives a sentence for people.
 */
export function loadJournal(
  path: string,
  warn: (text: string) => void,
  now = Date.now,
  wanted: Wanted = EVERYTHING,
): Loaded {
  return allAtOnce(loadingJournal(path, warn, now, wanted));
}

/** The same in steps. */
export function* loadingJournal(
  path: string,
  warn: (text: string) => void,
  now: () => number,
  wanted: Wanted,
): Steps<Loaded> {
  removeTemporary(path);
  try {
    const found = { ...NOTHING, records: [] as unknown[] };
    let parsed = 0;
    const read = yield* linesBackward(path, MAX_READ, (line) => {
      if (wanted.isReplaced(line.toString('latin1', 0, BEGINNING))) return ++found.replaced > 0;
      const text = line.toString();
      const weight = weightOf(text, line.length);
      parsed += weight;
      return parsed <= MAX_PARSE && takeLine(text, weight, found, wanted);
    });
    if (!read) return NOTHING;
    found.records.reverse();
    // A last line without its end is none, also when it happens to parse.
    return { ...found, tornBytes: read.rest, skippedBytes: read.skipped };
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    try {
      warn(`${path} could not be read (${why}). It was kept as ${quarantine(path, now())}.`);
    } catch {
      warn(`${path} could not be read (${why}), nor could it be moved away.`);
    }
    return NOTHING;
  }
}

function takeLine(text: string, weight: number, found: Loaded, wanted: Wanted): boolean {
  const record = parseLine(text);
  if (record === undefined) {
    found.badBytes += Buffer.byteLength(text);
    return true;
  }
  found.records.push(record);
  return wanted.take(record, weight);
}

/** Each begins a value, or a list of them. */
const VALUE_SIGNS = [',', '{', '['];

/** What it costs to read a record: its bytes, and VALUE_WEIGHT for each value. */
function weightOf(json: string, bytes: number): number {
  let weight = bytes;
  for (const sign of VALUE_SIGNS) {
    for (let at = json.indexOf(sign); at >= 0; at = json.indexOf(sign, at + 1)) weight += VALUE_WEIGHT;
  }
  return weight;
}

function parseLine(line: string): unknown {
  try {
    const value = JSON.parse(line);
    return typeof value === 'object' && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}

export class Journal {
  readonly #options: JournalOptions;
  #file: FileHandle | null = null;
  #lines: string[] = [];
  #pendingLength = 0;
  #waiter: Waiter | null = null;
  #running: Promise<void> | null = null;
  #hasFailed = false;
  #retryTimer: Timer | null = null;
  #mustRewrite = false;
  #appended = 0;
  #wholeSize = 0;

  constructor(options: JournalOptions) {
    this.#options = options;
  }

  /** Puts a record behind the others. It is on disk after a commit() that was called later. @returns what it weighs */
  append(record: unknown): number {
    return this.appendJson(JSON.stringify(record));
  }

  /** The same for a record whose JSON is known. */
  appendJson(json: string): number {
    const line = `${json}\n`;
    if (this.#pendingLength + line.length > MAX_PENDING) this.#mustRewrite = true;
    if (!this.#mustRewrite) {
      this.#lines.push(line);
      this.#pendingLength += line.length;
    }
    if (!this.#hasFailed) this.#start();
    return weightOf(json, Buffer.byteLength(json));
  }

  /** Resolves when everything appended before is fsynced; rejects when it could not be written. */
  commit(): Promise<void> {
    const { promise } = this.#waiter ??= createWaiter();
    this.#start();
    return promise;
  }

  /** Rewrites the file from the snapshot: after damage was found, or to drop outdated records. */
  rewrite(): Promise<void> {
    this.#mustRewrite = true;
    return this.commit();
  }

  /** Copies the file as it is beside itself, before a rewrite drops what is damaged. @returns its path, or '' */
  keepCopy(): string {
    return quarantineCopy(this.#options.path, this.#clock.now());
  }

  /** Everything that was appended is in the file, and no write is under way. */
  get isWritten(): boolean {
    return !this.#lines.length && !this.#mustRewrite && !this.#waiter && !this.#running;
  }

  /** Writes what is left and lets go of the file. A later append opens it again. */
  async close(): Promise<void> {
    if (this.#lines.length || this.#mustRewrite) await this.commit().catch(() => {});
    await this.#running;
    this.#clock.clearTimeout(this.#retryTimer);
    this.#retryTimer = null;
    await this.#file?.close().catch(() => {});
    this.#file = null;
  }

  get #clock(): Clock {
    return this.#options.clock ?? systemClock;
  }

  #start(): void {
    this.#running ??= this.#run().finally(() => {
      this.#running = null;
      if (this.#waiter) this.#start();
    });
  }

  async #run(): Promise<void> {
    await Promise.resolve(); // what is appended in this tick shares the write
    while (this.#lines.length || this.#waiter || this.#mustRewrite) {
      const waiter = this.#waiter;
      this.#waiter = null;
      try {
        await this.#write(waiter !== null);
        if (this.#hasFailed) this.#options.onHealth?.(null);
        this.#hasFailed = false;
        waiter?.resolve();
      } catch (error) {
        await this.#fail(error as Error, waiter);
        return;
      }
    }
  }

  async #write(durable: boolean): Promise<void> {
    const tooLong = this.#appended > Math.max(REWRITE_MIN, this.#wholeSize);
    if (this.#mustRewrite || tooLong) return await this.#rewriteWhole();
    const bytes = Buffer.from(this.#lines.join(''));
    this.#lines = [];
    this.#pendingLength = 0;
    if (!this.#file) {
      this.#file = await openAppend(this.#options.path);
      this.#wholeSize ||= (await this.#file.stat()).size;
    }
    await writeFully(this.#file, bytes);
    this.#appended += bytes.length;
    if (durable) await this.#file.datasync();
  }

  async #rewriteWhole(): Promise<void> {
    // What is appended from here on is written behind the new file's records; a record that is in both does no harm.
    this.#mustRewrite = false;
    this.#lines = [];
    this.#pendingLength = 0;
    await this.#file?.close().catch(() => {});
    this.#file = null;
    this.#wholeSize = await writeWhole(this.#options.path, pieces(this.#options.snapshot()));
    this.#appended = 0;
  }

  async #fail(error: Error, waiter: Waiter | null): Promise<void> {
    await this.#file?.close().catch(() => {});
    this.#file = null;
    this.#mustRewrite = true;
    if (!this.#hasFailed) this.#options.onHealth?.(error);
    this.#hasFailed = true;
    this.#retryLater();
    waiter?.reject(error);
  }

  /** Nobody may append anything more: what is in memory alone would stay so. */
  #retryLater(): void {
    this.#clock.clearTimeout(this.#retryTimer);
    this.#retryTimer = this.#clock.setTimeout(() => this.#start(), RETRY_MS);
  }
}

function createWaiter(): Waiter {
  let settle: Pick<Waiter, 'resolve' | 'reject'> | null = null;
  const promise = new Promise<void>((resolve, reject) => settle = { resolve, reject });
  return { promise, ...settle! };
}

function* pieces(records: Iterable<unknown>): Generator<string> {
  let lines: string[] = [];
  for (const record of records) {
    lines.push(`${JSON.stringify(record)}\n`);
    if (lines.length < PIECE) continue;
    yield lines.join('');
    lines = [];
  }
  yield lines.join('');
}
