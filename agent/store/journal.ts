/**
 * An append-only log of JSON records, one a line. Appends of one moment share a write and an fsync (group commit). The
 * owner holds the whole state in memory, so after any failure, and when the file has grown too long, it is rewritten whole
 * from there: the file is never left with half a record in its middle.
 */
import { Buffer } from 'node:buffer';
import type { FileHandle } from 'node:fs/promises';
import { systemClock } from '../../core/clock.ts';
import { copyAside, keepAside, openAppend, readWhole, writeFully, writeWhole } from './files.ts';

/** Bytes of a journal that is read at all. */
export const JOURNAL_LIMIT = 512 * 1024 * 1024;
/** Appended bytes after which a rewrite may pay. */
const REWRITE_MIN = 4 * 1024 * 1024;
/** Records that a rewrite turns into text at once: the event loop is free between two pieces. */
const PIECE = 200;
/** After a failed write the next try waits this long, unless somebody waits for its result. */
const RETRY_MS = 5000;
/** Characters that may wait for the disk; beyond, the file is rewritten from memory instead. */
const PENDING_LIMIT = 32 * 1024 * 1024;

export interface JournalOptions {
  path: string;
  /** Every record that the file must hold to give back the present state. Read at intervals while it may change. */
  snapshot(): Iterable<unknown>;
  /** Writing fails since now, with the reason; null: it works again. */
  onHealth?(error: Error | null): void;
  now?: () => number;
}

export interface Loaded {
  records: unknown[];
  /** Bytes that were no records: a write cut short, a damaged disk. */
  badBytes: number;
}

interface Waiter {
  resolve(): void;
  reject(error: Error): void;
}

/** Reads a journal. Never throws; a file that cannot be read at all is kept aside. `warn` gets a sentence for people. */
export function loadJournal(path: string, warn: (text: string) => void, now = Date.now): Loaded {
  let bytes: Buffer | null;
  try {
    bytes = readWhole(path, JOURNAL_LIMIT);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    try {
      warn(`${path} could not be read (${why}). It was kept as ${keepAside(path, now())}.`);
    } catch {
      warn(`${path} could not be read (${why}), nor could it be moved away.`);
    }
    return { records: [], badBytes: 0 };
  }
  return parseRecords(bytes ?? Buffer.alloc(0));
}

function parseRecords(bytes: Buffer): Loaded {
  const records: unknown[] = [];
  let badBytes = 0;
  for (let from = 0; from < bytes.length;) {
    const end = bytes.indexOf(0x0a, from);
    const to = end < 0 ? bytes.length : end;
    // A last line without its newline was never confirmed to anybody, even if it happens to parse.
    const record = end < 0 ? undefined : parseLine(bytes.toString('utf8', from, to));
    if (record === undefined) badBytes += to - from;
    else records.push(record);
    from = to + 1;
  }
  return { records, badBytes };
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
  #waiters: Waiter[] = [];
  #running: Promise<void> | null = null;
  #failedAt: number | null = null;
  #mustRewrite = false;
  #appended = 0;
  #wholeSize = 0;

  constructor(options: JournalOptions) {
    this.#options = options;
  }

  /** Puts a record behind the others. It is on disk after a commit() that was called later. */
  append(record: unknown): void {
    const line = `${JSON.stringify(record)}\n`;
    if (this.#pendingLength + line.length > PENDING_LIMIT) this.#mustRewrite = true;
    if (!this.#mustRewrite) {
      this.#lines.push(line);
      this.#pendingLength += line.length;
    }
    if (this.#failedAt === null || this.#now() - this.#failedAt > RETRY_MS) this.#start();
  }

  /** Resolves when everything appended before is fsynced; rejects when it could not be written. */
  commit(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiters.push({ resolve, reject });
      this.#start();
    });
  }

  /** Writes the file anew from the snapshot: after damage was found, or to be rid of outdated records. */
  rewrite(): Promise<void> {
    this.#mustRewrite = true;
    return this.commit();
  }

  /** Copies the file as it is beside itself, before a rewrite drops what is damaged. @returns its path, or '' */
  keepCopy(): string {
    return copyAside(this.#options.path, this.#now());
  }

  /** Writes what is left and lets go of the file. A later append opens it again. */
  async close(): Promise<void> {
    if (this.#lines.length || this.#mustRewrite) await this.commit().catch(() => {});
    await this.#running;
    await this.#file?.close().catch(() => {});
    this.#file = null;
  }

  #now = (): number => (this.#options.now ?? systemClock.now)();

  #start(): void {
    this.#running ??= this.#run().finally(() => {
      this.#running = null;
      if (this.#waiters.length) this.#start();
    });
  }

  async #run(): Promise<void> {
    await Promise.resolve(); // what is appended in this tick shares the write
    while (this.#lines.length || this.#waiters.length || this.#mustRewrite) {
      const waiters = this.#waiters;
      this.#waiters = [];
      try {
        await this.#write(waiters.length > 0);
        if (this.#failedAt !== null) this.#options.onHealth?.(null);
        this.#failedAt = null;
        for (const waiter of waiters) waiter.resolve();
      } catch (error) {
        await this.#fail(error as Error, waiters);
        return;
      }
    }
  }

  async #write(durable: boolean): Promise<void> {
    const tooLong = this.#appended > Math.max(REWRITE_MIN, 2 * this.#wholeSize);
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

  async #fail(error: Error, waiters: Waiter[]): Promise<void> {
    await this.#file?.close().catch(() => {});
    this.#file = null;
    this.#mustRewrite = true;
    if (this.#failedAt === null) this.#options.onHealth?.(error);
    this.#failedAt = this.#now();
    for (const waiter of waiters) waiter.reject(error);
  }
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
