/** What a CLI has written and no server has made its own yet, by offset. Nothing is dropped: its owner stops reading when it is full. */
import { Buffer } from 'node:buffer';

/** Bytes; beyond it the CLI is not read, and blocks when the pipe is full too. */
export const MAX_SPOOL = 16 * 1024 * 1024;
/** Bytes are copied into blocks of this size: a CLI that writes a few at a time costs no object for each write, and no search. */
const BLOCK = 64 * 1024;

export class Spool {
  /** All full but the last one. */
  readonly #blocks: Buffer[] = [];
  /** Offset at which the first block begins: a multiple of BLOCK. */
  #first = 0;
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
    for (let from = 0; from < bytes.length;) {
      const at = this.#end % BLOCK;
      if (this.#end - this.#first === this.#blocks.length * BLOCK) this.#blocks.push(Buffer.allocUnsafeSlow(BLOCK));
      const copied = bytes.copy(this.#blocks.at(-1)!, at, from);
      from += copied;
      this.#end += copied;
    }
  }

  /** Up to `limit` bytes from `offset` on, as a view; empty at the end. */
  read(offset: number, limit: number): Buffer {
    const block = this.#blocks[Math.floor((offset - this.#first) / BLOCK)];
    const from = offset % BLOCK;
    return block?.subarray(from, from + Math.min(limit, this.#end - offset)) ?? Buffer.alloc(0);
  }

  /** Forgets what lies before `offset`. */
  release(offset: number): void {
    this.#start = Math.max(this.#start, Math.min(offset, this.#end));
    for (; this.#first + BLOCK <= this.#start; this.#first += BLOCK) this.#blocks.shift();
  }
}
