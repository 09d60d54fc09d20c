/** The last bytes that a PTY has written, by their absolute offsets: a returning viewer is sent what it missed from here. */
import { Buffer } from 'node:buffer';

/** Default capacity, bytes. */
export const SCROLLBACK_BYTES = 4 * 1024 * 1024;
/** Bytes are stored in blocks, so that a program that writes single characters costs no more than one that writes lines. */
const BLOCK = 64 * 1024;

export class Scrollback {
  readonly #capacity: number;
  readonly #blocks: Buffer[] = [];
  /** Offset of the first byte of the first block. */
  #first = 0;
  #end = 0;

  /** @param capacity bytes retained at least; at most one block more is held */
  constructor(capacity = SCROLLBACK_BYTES) {
    this.#capacity = capacity;
  }

  /** Offset of the oldest byte that can be read. */
  get start(): number {
    return Math.max(this.#first, this.#end - this.#capacity);
  }

  /** Offset of the next byte: the number of bytes ever written. */
  get end(): number {
    return this.#end;
  }

  /** Counts from `offset` on: for an empty one, which takes over from another. */
  begin(offset: number): void {
    this.#first = this.#end = offset;
  }

  /** Copies the bytes. */
  append(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length;) {
      const used = (this.#end - this.#first) % BLOCK;
      if (used === 0) this.#addBlock();
      const part = bytes.subarray(at, at + BLOCK - used);
      this.#blocks.at(-1)!.set(part, used);
      at += part.length;
      this.#end += part.length;
    }
  }

  #addBlock(): void {
    this.#blocks.push(Buffer.allocUnsafe(BLOCK));
    while (this.#end - this.#first - BLOCK >= this.#capacity) {
      this.#blocks.shift();
      this.#first += BLOCK;
    }
  }

  /**
   * Up to `limit` bytes from `offset` on, as a view that stays valid; empty at the end. Throws RangeError when `offset` is
   * before `start` or after `end`.
   */
  read(offset: number, limit: number): Buffer {
    if (offset < this.start || offset > this.#end) {
      throw new RangeError(`no byte ${offset} in ${this.start}-${this.#end}`);
    }
    const at = (offset - this.#first) % BLOCK;
    const block = this.#blocks[Math.floor((offset - this.#first) / BLOCK)];
    if (!block) return Buffer.alloc(0);
    return block.subarray(at, Math.min(BLOCK, at + limit, at + this.#end - offset));
  }
}
