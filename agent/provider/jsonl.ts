/**
 * Splits a byte stream into lines with a bound. Bytes are decoded a whole line at a time, so that a character cut between
 * two chunks comes out whole and a bad byte costs one U+FFFD and nothing beside it.
 */
import { Buffer } from 'node:buffer';

/**
 * Longest line, bytes. A CLI sends an image that it read (5 MB, more as base64) as one line; parsing a line of this
 * length keeps the event loop for less than 200 ms.
 */
export const LINE_LIMIT = 12 * 1024 * 1024;
/** What is kept of the space that long lines needed, once they are through. */
const IDLE_CAPACITY = 64 * 1024;
const LF = 0x0a;
const CR = 0x0d;

export interface LineHandlers {
  /** One line without its LF or CRLF. Empty lines are not told. */
  line(text: string): void;
  /** A line over the limit was thrown away; `bytes` is its whole length. Later lines come as usual. */
  dropped?(bytes: number): void;
  /** Bytes; LINE_LIMIT when left out. */
  limit?: number;
}

export class LineSplitter {
  readonly #handlers: LineHandlers;
  readonly #limit: number;
  /** Start of the line that has no end yet: one growing buffer, so that a line sent byte by byte costs no object a byte. */
  #held = Buffer.alloc(0);
  #heldBytes = 0;
  #droppedBytes = 0;

  constructor(handlers: LineHandlers) {
    this.#handlers = handlers;
    this.#limit = handlers.limit ?? LINE_LIMIT;
  }

  push(chunk: Uint8Array): void {
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    let from = 0;
    for (let at = bytes.indexOf(LF); at >= 0; at = bytes.indexOf(LF, from)) {
      this.#finish(bytes, from, at);
      from = at + 1;
    }
    if (from < bytes.length) this.#hold(bytes, from, bytes.length);
  }

  /** The stream has ended: what came after the last LF is a line too. */
  end(): void {
    this.#finish(Buffer.alloc(0), 0, 0);
  }

  #finish(bytes: Buffer, from: number, to: number): void {
    const isWhole = this.#heldBytes === 0 && this.#droppedBytes === 0;
    if (isWhole && to - from <= this.#limit) return this.#tell(bytes, from, to);
    this.#hold(bytes, from, to);
    const length = this.#heldBytes;
    const dropped = this.#droppedBytes;
    const held = this.#held;
    this.#heldBytes = 0;
    this.#droppedBytes = 0;
    if (held.length > IDLE_CAPACITY) this.#held = Buffer.alloc(0);
    if (dropped) this.#handlers.dropped?.(dropped);
    else this.#tell(held, 0, length);
  }

  #hold(bytes: Buffer, from: number, to: number): void {
    const total = this.#heldBytes + to - from;
    if (this.#droppedBytes || total > this.#limit) {
      this.#droppedBytes += total;
      this.#heldBytes = 0;
      this.#held = Buffer.alloc(0);
      return;
    }
    if (total > this.#held.length) {
      const grown = Buffer.allocUnsafe(Math.min(this.#limit, Math.max(total, this.#held.length * 2, 1024)));
      this.#held.copy(grown, 0, 0, this.#heldBytes);
      this.#held = grown;
    }
    bytes.copy(this.#held, this.#heldBytes, from, to);
    this.#heldBytes = total;
  }

  #tell(bytes: Buffer, from: number, to: number): void {
    const end = to > from && bytes[to - 1] === CR ? to - 1 : to;
    if (end > from) this.#handlers.line(bytes.toString('utf8', from, end));
  }
}

export interface JsonLineHandlers {
  /** One parsed object. Its shape is the CLI's: unchecked. */
  value(value: Record<string, unknown>): void;
  /** A line that is not a JSON object. */
  garbage?(text: string): void;
  dropped?(bytes: number): void;
  limit?: number;
}

/** A LineSplitter whose lines are JSON objects. */
export function jsonLines(handlers: JsonLineHandlers): LineSplitter {
  return new LineSplitter({
    limit: handlers.limit,
    dropped: handlers.dropped,
    line(text) {
      const value = parseObject(text);
      if (value) handlers.value(value);
      else handlers.garbage?.(text);
    },
  });
}

/** Gives null for what is not a JSON object. */
export function parseObject(text: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? value as Record<string, unknown>
      : null;
  } catch {
    return null;
  }
}
