/**
 * The search without an index: reads the journals from their ends, the conversation that changed last first. A page ends when it is
 * full or its time is up; its cursor says where the next one goes on, so that nothing is held between two.
 */
import { Buffer } from 'node:buffer';
import { type JournalFile, listJournals, OpenJournal, parseMessage, statJournal } from './journals.ts';
import { searchedMessage } from './message-text.ts';
import { byTime, createHit, type Found, type SearchPage, type SearchQuery } from './page.ts';
import { createPrefilter } from './prefilter.ts';
import { isMatch } from './snippet.ts';

/** A page that has found something ends after this long, ms: first hits are shown at once. */
export const FIRST_MS = 400;
/** Every page ends after this long, ms. */
export const MAX_SCAN_MS = 2500;
/** Bytes of one journal that are looked through, from its end: no more of it is read by its owner either. */
const MAX_JOURNAL = 32 * 1024 * 1024;
/** Bytes that are looked through at once. */
const WINDOW = 512 * 1024;
const LF = 0x0a;

interface Position {
  changedAt: number;
  agent: string;
  /** What lies before this byte is still to be looked through; Infinity: all of it. */
  before: number;
}

/** @param now injected clock, ms */
export function scanJournals(root: string, query: SearchQuery, now: () => number = Date.now): SearchPage {
  const files = listJournals(root);
  const from = parseCursor(query.cursor);
  const rest = from ? remaining(root, files, from) : files;
  const scan = new Scan(query, now);
  let done = 0;
  let stopped: number | null = null;
  for (const file of rest) {
    const resumed = done === 0 && from?.agent === file.agent ? from.before : Infinity;
    stopped = scan.file(file, resumed);
    if (stopped !== null) break;
    done++;
    if (scan.isOver && done < rest.length) {
      stopped = Infinity;
      break;
    }
  }
  const next = stopped === null ? null : rest[done]!;
  return {
    hits: scan.hits.sort(byTime),
    complete: next === null,
    cursor: next && formatCursor({ changedAt: next.changedAt, agent: next.agent, before: stopped! }),
    searched: { agents: files.length - (rest.length - done), of: files.length },
    method: 'scan',
  };
}

/** A conversation that has changed meanwhile has moved to the front: the rest of it is looked through all the same. */
function remaining(root: string, files: JournalFile[], from: Position): JournalFile[] {
  const behind = files.filter(({ changedAt, agent }) =>
    changedAt < from.changedAt || (changedAt === from.changedAt && agent > from.agent)
  );
  const current = statJournal(root, from.agent);
  return current
    ? [{ ...current, changedAt: from.changedAt }, ...behind.filter((f) => f.agent !== from.agent)]
    : behind;
}

const CURSOR = /^s\.(\d{1,15})\.(\d{0,12})\.([\w-]{1,100})$/;

function parseCursor(text: string | null): Position | null {
  const parts = CURSOR.exec(text ?? '');
  if (!parts) return null;
  return { changedAt: Number(parts[1]), before: parts[2] ? Number(parts[2]) : Infinity, agent: parts[3]! };
}

const formatCursor = ({ changedAt, agent, before }: Position): string =>
  `s.${changedAt}.${Number.isFinite(before) ? before : ''}.${agent}`;

class Scan {
  readonly hits: Found[] = [];
  readonly #query: SearchQuery;
  readonly #now: () => number;
  readonly #startedAt: number;
  readonly #prefilter: RegExp;
  #buffer = Buffer.alloc(0);

  constructor(query: SearchQuery, now: () => number) {
    this.#query = query;
    this.#now = now;
    this.#startedAt = now();
    this.#prefilter = createPrefilter(query.terms);
  }

  get isOver(): boolean {
    const passed = this.#now() - this.#startedAt;
    return passed >= (this.hits.length ? FIRST_MS : MAX_SCAN_MS) || this.hits.length >= this.#query.limit;
  }

  /** @returns null when all of it was looked through, else before which byte the next page goes on */
  file(file: JournalFile, before: number): number | null {
    const bytes = this.#read(file);
    const resumed = Math.min(before, bytes.length);
    const seen = new Set<string>();
    for (let end = resumed; end > 0;) {
      const start = windowStart(bytes, end);
      const lines = this.#candidates(bytes, start, end);
      for (const [from, to] of lines.reverse()) {
        this.#take(file.agent, bytes, { from, to, resumed, seen });
        if (this.hits.length >= this.#query.limit) return from > 0 ? from : null;
      }
      if (start > 0 && this.isOver) return start;
      end = start;
    }
    return null;
  }

  /** What cannot be read is as good as empty: its agent was deleted just now, or its disk is away. */
  #read({ path }: JournalFile): Buffer {
    try {
      const journal = new OpenJournal(path);
      try {
        const length = Math.min(journal.size, MAX_JOURNAL);
        if (this.#buffer.length < length) this.#buffer = Buffer.allocUnsafe(length);
        return journal.read(this.#buffer.subarray(0, length), journal.size - length);
      } finally {
        journal.close();
      }
    } catch {
      return Buffer.alloc(0);
    }
  }

  /** Places of the lines that may match, in order. */
  #candidates(bytes: Buffer, start: number, end: number): [number, number][] {
    const text = bytes.toString('latin1', start, end);
    const found: [number, number][] = [];
    this.#prefilter.lastIndex = 0;
    for (let match = this.#prefilter.exec(text); match; match = this.#prefilter.exec(text)) {
      const from = text.lastIndexOf('\n', match.index) + 1;
      const lineEnd = text.indexOf('\n', match.index);
      const to = lineEnd < 0 ? text.length : lineEnd;
      found.push([start + from, start + to]);
      this.#prefilter.lastIndex = to + 1;
    }
    return found;
  }

  #take(agent: string, bytes: Buffer, line: { from: number; to: number; resumed: number; seen: Set<string> }): void {
    const { from, to, resumed, seen } = line;
    const message = parseMessage(bytes.toString('utf8', from, to));
    if (!message || seen.has(message.id)) return;
    const searched = searchedMessage(message);
    if (!searched || !isMatch(searched.text, this.#query.terms)) return;
    seen.add(message.id);
    // A notice's text is replaced by a later record; of others, a later record has matched too: on this page, or on one before.
    const later = message.kind === 'notice' ? to : resumed;
    if (later < bytes.length && bytes.indexOf(`,"id":${JSON.stringify(message.id)}`, later) >= 0) return;
    this.hits.push(createHit(agent, searched, this.#query.terms));
  }
}

/** The beginning of a line, about WINDOW before `end`. */
function windowStart(bytes: Buffer, end: number): number {
  if (end <= WINDOW) return 0;
  return bytes.lastIndexOf(LF, end - WINDOW) + 1;
}
