/**
 * Splits a byte stream into lines of bounded length. Bytes are decoded one line at a time: a character cut between two chunks
 * is decoded correctly, and an invalid byte becomes one U+FFFD and changes nothing else.
 */
import { Buffer } from 'node:buffer';

/**
 * Longest line, bytes. A CLI sends an image that it read (5 MB, more as base64) as one line; parsing a line of this
 * length blocks the event loop for less than 200 ms.
 */
export const MAX_LINE = 12 * 1024 * 1024;
/** A buffer that grew beyond this for a long line is freed after that line, bytes. */
const MAX_IDLE_CAPACITY = 64 * 1024;
/** Deepest nesting of a line: what is made of it is walked through by recursion. */
const MAX_DEPTH = 200;
const LF = 0x0a;
const CR = 0x0d;

export interface LineHandlers {
  /** Receives one line without its LF or CRLF; empty lines are skipped. */
  line(text: string): void;
  /** A line over the limit was dropped; `bytes` is its whole length. Later lines are not affected. */
  dropped?(bytes: number): void;
  /** Longest line, bytes; default MAX_LINE. */
  limit?: number;
}

export class LineSplitter {
  readonly #handlers: LineHandlers;
  readonly #limit: number;
  /** Beginning of the line that has no end yet: one growing buffer, so that a line sent byte by byte costs no object per byte. */
  #held = Buffer.alloc(0);
  #heldBytes = 0;
  #droppedBytes = 0;
  /** Bytes before the present chunk, and up to the end of the last line that was finished. */
  #pushed = 0;
  #consumed = 0;

  /** Bytes up to the end of the line that was handled last, or is being handled. */
  get consumed(): number {
    return this.#consumed;
  }

  /** Bytes of the line under way that is too long; 0: it is not. */
  get dropping(): number {
    return this.#droppedBytes;
  }

  /** Bytes of all chunks. */
  get pushed(): number {
    return this.#pushed;
  }

  /** What comes first is the rest of a line of which so many bytes were dropped elsewhere. */
  resume(dropping: number): void {
    this.#droppedBytes = dropping;
  }

  constructor(handlers: LineHandlers) {
    this.#handlers = handlers;
    this.#limit = handlers.limit ?? MAX_LINE;
  }

  push(chunk: Uint8Array): void {
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    let from = 0;
    for (let at = bytes.indexOf(LF); at >= 0; at = bytes.indexOf(LF, from)) {
      this.#consumed = this.#pushed + at + 1;
      this.#finish(bytes, from, at);
      from = at + 1;
    }
    if (from < bytes.length) this.#hold(bytes, from, bytes.length);
    this.#pushed += bytes.length;
  }

  /** The stream has ended: what followed the last LF is a line too. */
  end(): void {
    this.#finish(Buffer.alloc(0), 0, 0);
  }

  #finish(bytes: Buffer, from: number, to: number): void {
    const isWhole = this.#heldBytes === 0 && this.#droppedBytes === 0;
    if (isWhole && to - from <= this.#limit) return this.#emitLine(bytes, from, to);
    this.#hold(bytes, from, to);
    const length = this.#heldBytes;
    const dropped = this.#droppedBytes;
    const held = this.#held;
    this.#heldBytes = 0;
    this.#droppedBytes = 0;
    if (held.length > MAX_IDLE_CAPACITY) this.#held = Buffer.alloc(0);
    if (dropped) this.#handlers.dropped?.(dropped);
    else this.#emitLine(held, 0, length);
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

  #emitLine(bytes: Buffer, from: number, to: number): void {
    const end = to > from && bytes[to - 1] === CR ? to - 1 : to;
    if (end > from) this.#handlers.line(bytes.toString('utf8', from, end));
  }
}

export interface JsonLineHandlers {
  /** Receives one parsed object; its shape is not checked. */
  value(value: Record<string, unknown>): void;
  /** Receives a line that is not a JSON object. */
  garbage?(text: string): void;
  dropped?(bytes: number): void;
  limit?: number;
}

/** A LineSplitter whose lines are JSON objects. A line whose handler fails is garbage: those behind it are not lost with it. */
export function jsonLines(handlers: JsonLineHandlers): LineSplitter {
  return new LineSplitter({
    limit: handlers.limit,
    dropped: handlers.dropped,
    line(text) {
      const value = parseObject(text);
      if (!value || !isTaken(() => handlers.value(value))) handlers.garbage?.(text);
    },
  });
}

function isTaken(handle: () => void): boolean {
  try {
    handle();
    return true;
  } catch (error) {
    queueMicrotask(() => { // to whoever looks after unexpected errors
      throw error;
    });
    return false;
  }
}

/** @returns null for what is not a JSON object, or is nested deeper than MAX_DEPTH */
export function parseObject(text: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text);
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
    return isObject && !isTooDeep(value) ? value as Record<string, unknown> : null;
  } catch {
    return null;
  }
}

/** Level by level, since nothing may be walked through by recursion before its depth is known. */
function isTooDeep(value: object): boolean {
  let level: unknown[] = [value];
  for (let depth = 0; level.length; depth++) {
    if (depth > MAX_DEPTH) return true;
    level = level.flatMap((entry) => Object.values(entry as object).filter(isNested));
  }
  return false;
}

const isNested = (value: unknown): boolean => typeof value === 'object' && value !== null;
