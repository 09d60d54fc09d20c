/** What a CLI has written and no server has made its own yet, by offset. Nothing is dropped: its owner stops reading when it is full. */
import { Buffer } from 'node:buffer';

/** Bytes; beyond it the CLI is not read, and blocks when the pipe is full too. */
export const MAX_SPOOL = 16 * 1024 * 1024;

export class Spool {
  #chunks: Buffer[] = [];
  #start = 0;
  #end = 0;

  get start(): number {
    return this.#start;
  }

  get end(): number {
    return this.#end;
  }

  get isFull(): boolean {
    return this.#end - this.#start >= MAX_SPOOL;
  }

  append(bytes: Buffer): void {
    this.#chunks.push(bytes);
    this.#end += bytes.length;
  }

  /** Up to `limit` bytes from `offset` on, as a view; empty at the end. */
  read(offset: number, limit: number): Buffer {
    let at = this.#start;
    for (const chunk of this.#chunks) {
      if (offset < at + chunk.length) return chunk.subarray(offset - at, offset - at + limit);
      at += chunk.length;
    }
    return Buffer.alloc(0);
  }

  /** Forgets what lies before `offset`. */
  release(offset: number): void {
    const until = Math.min(offset, this.#end);
    while (this.#chunks.length && this.#start + this.#chunks[0]!.length <= until) {
      this.#start += this.#chunks.shift()!.length;
    }
    if (until <= this.#start) return;
    // A small rest must not retain the whole chunk that it came in.
    this.#chunks[0] = Buffer.from(this.#chunks[0]!.subarray(until - this.#start));
    this.#start = until;
  }
}
