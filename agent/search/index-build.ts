/**
 * Keeps the index up with the journals, piece by piece: from where each was read to, or from its beginning when it was written
 * again. A crash loses what was not committed: it is read once more.
 */
import { Buffer } from 'node:buffer';
import { type IndexFile, type JournalRow } from './index-file.ts';
import { linesOf, listJournals, OpenJournal, parseMessage, statJournal, wholeLines } from './journals.ts';
import { type SearchedMessage, searchedMessage } from './message-text.ts';

/** Bytes of a journal that are read at once; twice as many while a line has no end. */
const PIECE = 128 * 1024;
/** A line that is longer is left out. */
const MAX_LINE = 32 * 1024 * 1024;
/** Bytes of journals that go into one transaction: many small ones would each leave a part to merge. */
const MAX_TRANSACTION = 16 * 1024 * 1024;
/** Bytes by which a file is recognised. */
const TAIL = 64;
/** Messages that are removed at once. */
const MAX_REMOVED = 200;

/** A journal that is being read. */
interface Progress {
  row: JournalRow;
  journal: OpenJournal;
  piece: number;
  /** Messages of the index that were not met yet in a file that was written again; they are removed at its end. */
  unmet: Set<string> | null;
}

export class IndexBuilder {
  readonly #index: IndexFile;
  readonly #root: string;
  /** What is to be read, the first one next. */
  readonly #waiting = new Set<string>();
  readonly #removed = new Set<number>();
  #current: Progress | null = null;
  #uncommitted = 0;

  /** @param root DATA_DIR/agents */
  constructor(index: IndexFile, root: string) {
    this.#index = index;
    this.#root = root;
    const files = listJournals(root);
    const isThere = new Set(files.map(({ agent }) => agent));
    for (const { agent } of files) this.#waiting.add(agent);
    for (const { n, agent } of index.journals()) if (!isThere.has(agent)) this.#removed.add(n);
  }

  get isDone(): boolean {
    return !this.#waiting.size && !this.#removed.size && !this.#current;
  }

  /** Conversations that are in the index, and all. */
  get searched(): { agents: number; of: number } {
    const of = listJournals(this.#root).length;
    const left = this.#waiting.size + (this.#current ? 1 : 0);
    return { agents: Math.max(0, of - left), of };
  }

  changed(agent: string): void {
    this.#waiting.add(agent);
  }

  removed(agent: string): void {
    this.#waiting.delete(agent);
    if (this.#current?.row.agent === agent) this.#end();
    this.#removed.add(this.#index.journal(agent).n);
  }

  /** Does a few milliseconds of work. Throws what the database throws. @returns whether something is left to do */
  step(): boolean {
    if (this.#current) this.#read(this.#current);
    else if (this.#removed.size) this.#remove();
    else this.#next();
    const isDone = this.isDone;
    if (isDone || this.#uncommitted > MAX_TRANSACTION) this.#commit();
    return !isDone;
  }

  close(): void {
    this.#current?.journal.close();
    this.#current = null;
  }

  #commit(): void {
    this.#index.commit();
    this.#uncommitted = 0;
  }

  #remove(): void {
    const [n] = this.#removed;
    if (this.#index.removeJournal(n!, MAX_REMOVED)) this.#removed.delete(n!);
  }

  #next(): void {
    const [agent] = this.#waiting;
    if (agent === undefined) return;
    this.#waiting.delete(agent);
    if (!statJournal(this.#root, agent)) return;
    try {
      const journal = new OpenJournal(statJournal(this.#root, agent)!.path);
      this.#current = this.#begin(agent, journal);
    } catch (error) {
      // Gone meanwhile, or not to be read. What the database says is for the caller.
      if (typeof (error as { syscall?: unknown }).syscall !== 'string') throw error;
    }
  }

  #begin(agent: string, journal: OpenJournal): Progress {
    const row = this.#index.journal(agent);
    const isSame = row.offset <= journal.size && tailOf(journal, row.offset) === row.tail;
    if (isSame) return { row, journal, piece: PIECE, unmet: null };
    return { row: { ...row, offset: 0, tail: '' }, journal, piece: PIECE, unmet: new Set(this.#index.idsOf(row.n)) };
  }

  #read(progress: Progress): void {
    const { row, journal } = progress;
    const length = Math.max(0, Math.min(progress.piece, journal.size - row.offset));
    const bytes = journal.read(Buffer.allocUnsafe(length), row.offset);
    const lines = wholeLines(bytes);
    if (!lines.length) return this.#endless(progress, bytes.length);
    for (const message of newestOf(linesOf(lines))) {
      this.#index.put(row.n, message);
      progress.unmet?.delete(message.id);
    }
    row.offset += lines.length;
    progress.piece = PIECE;
    this.#uncommitted += lines.length;
    // Of a file that is read again, nothing counts as read before its end: what is not in it any more must go.
    if (!progress.unmet) this.#save(progress);
  }

  /** No line end within the piece: the file's end, or a long line. */
  #endless(progress: Progress, length: number): void {
    if (length < progress.piece) return this.#finish(progress);
    if (progress.piece < MAX_LINE) progress.piece *= 2;
    else progress.row.offset += length;
  }

  #finish(progress: Progress): void {
    for (const id of progress.unmet ?? []) this.#index.remove(progress.row.n, id);
    this.#save(progress);
    this.#end();
  }

  #save({ row, journal }: Progress): void {
    row.tail = tailOf(journal, row.offset);
    this.#index.saveJournal(row);
  }

  #end(): void {
    this.#current?.journal.close();
    this.#current = null;
  }
}

/** The bytes before an offset. */
function tailOf(journal: OpenJournal, offset: number): string {
  const from = Math.max(0, offset - TAIL);
  return journal.read(Buffer.alloc(offset - from), from).toString('base64');
}

/** Records of these are not parsed: nothing of them is searched. */
const NOT_SEARCHED = /^\{"m":\{"kind":"(?:thinking|request|todos|turn)"/;

/** Of each message the last record, in the order of their times. */
function newestOf(lines: string[]): SearchedMessage[] {
  const newest = new Map<string, SearchedMessage>();
  for (const line of lines) {
    const message = NOT_SEARCHED.test(line) ? null : parseMessage(line);
    const searched = message && searchedMessage(message);
    if (searched) newest.set(searched.id, searched);
  }
  return [...newest.values()].sort((a, b) => a.at - b.at);
}
