/**
 * The sending side. The frames of one turn of the event loop are joined in one buffer and written at once: after a data
 * event, or at the end of the turn. Large payloads that need no mask are written without a copy.
 */
import { Buffer } from 'node:buffer';
import { Socket } from 'node:net';
import process from 'node:process';
import type { Duplex } from 'node:stream';
import { detach } from '../buffers/detach.ts';
import { MAX_HEADER, writeHeader } from './frame.ts';
import { nextMaskKey, turnKey, xor } from './mask.ts';
import { acquireBlock, BLOCK_SIZE, releaseBlock } from '../buffers/pool.ts';

/** Payloads of this size and more, bytes, are not copied (unless they must be masked): a copy costs more than a second write. */
const DIRECT = 16 << 10;
/** First size of a buffer outside a data event, bytes: small, for a broadcast to a thousand connections. */
const FIRST_CAPACITY = 256;
const NOTHING = Buffer.alloc(0);

export interface FrameWriterOwner {
  /** Bytes were written to the stream. */
  flushed(): void;
}

export class FrameWriter {
  readonly #stream: Duplex;
  readonly #masked: boolean;
  readonly #zeroCopy: boolean;
  readonly #owner: FrameWriterOwner;
  #buffer: Buffer | null = null;
  #used = 0;
  /** #buffer is a slab of the pool. */
  #pooled = false;
  /** Slabs that the stream has not flushed yet, in order. */
  #written: Buffer[] | null = null;
  /** Created on first use: idle connections have none. */
  #onWritten: ((error?: Error | null) => void) | null = null;
  #corked = false;
  #scheduled = false;
  #ended = false;
  /** The stream is corked: several chunks leave in one gathering write. */
  #gathering = false;
  /** A socket does not keep a chunk that it has written; another stream may pass on the very buffer. */
  readonly #mayPool: boolean;
  /** Mask of the frame being written. */
  #key = 0;

  /** @param zeroCopy bytes passed to `frame` belong to the writer: large ones are freed once they are written */
  constructor(stream: Duplex, masked: boolean, zeroCopy: boolean, owner: FrameWriterOwner) {
    this.#stream = stream;
    this.#masked = masked;
    this.#zeroCopy = zeroCopy;
    this.#owner = owner;
    this.#mayPool = stream instanceof Socket;
  }

  static #flushLater(writer: FrameWriter): void {
    writer.#scheduled = false;
    if (!writer.#corked) writer.flush();
  }

  /** Bytes not yet handed to the operating system. */
  get size(): number {
    return this.#used + this.#stream.writableLength;
  }

  /** @param first FIN, RSV bits and opcode. The payload, and `tail` behind it, must not change until they are written. */
  frame(first: number, payload: Uint8Array, tail: Uint8Array = NOTHING): void {
    if (this.#ended) return;
    const length = payload.length + tail.length;
    if (length >= DIRECT && !this.#masked) return this.#frameDirect(first, payload, tail);
    const at = this.#header(first, length, length);
    this.#put(payload, at, this.#key);
    this.#put(tail, at + payload.length, turnKey(this.#key, payload.length));
    if (this.#zeroCopy) detach(payload);
    this.#finish(at + length);
  }

  /** Writes a frame whose payload is a text. */
  text(first: number, text: string): void {
    if (this.#ended) return;
    const length = Buffer.byteLength(text);
    const at = this.#header(first, length, length);
    const buffer = this.#buffer!;
    buffer.write(text, at, length, 'utf8');
    if (this.#masked) xor(buffer, at, at + length, this.#key, buffer, at);
    this.#finish(at + length);
  }

  /** Until `uncork`, frames are only joined, not written. */
  cork(): void {
    this.#corked = true;
  }

  uncork(): void {
    this.#corked = false;
    this.flush();
  }

  flush(): void {
    if (this.#used === 0 && !this.#gathering) return;
    if (this.#used > 0) this.#write();
    this.#endGathering();
    this.#owner.flushed();
  }

  /** Writes what is buffered and ends the stream; later frames are dropped. */
  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    if (this.#used > 0) this.#write();
    this.#endGathering();
    this.#stream.end();
  }

  /** The stream is destroyed: drops what is buffered. */
  discard(): void {
    this.#ended = true;
    this.#gathering = false; // A frame without its end must not be written.
    this.#buffer = null;
    this.#pooled = false;
    this.#used = 0;
  }

  /** Writes a header and reserves `capacity` bytes behind it. @returns the offset of the payload */
  #header(first: number, length: number, capacity: number): number {
    this.#reserve(MAX_HEADER + capacity);
    if (!this.#masked) return writeHeader(this.#buffer!, this.#used, first, length, null);
    this.#key = nextMaskKey();
    return writeHeader(this.#buffer!, this.#used, first, length, this.#key);
  }

  #put(bytes: Uint8Array, at: number, key: number): void {
    if (bytes.length === 0) return;
    if (this.#masked) xor(bytes, 0, bytes.length, key, this.#buffer!, at);
    else this.#buffer!.set(bytes, at);
  }

  #finish(end: number): void {
    this.#used = end;
    this.#flushSoon();
  }

  /** Frames sent until the end of this turn leave in one write. */
  #flushSoon(): void {
    if (this.#corked || this.#scheduled) return;
    this.#scheduled = true;
    process.nextTick(FrameWriter.#flushLater, this);
  }

  #frameDirect(first: number, payload: Uint8Array, tail: Uint8Array): void {
    this.#used = this.#header(first, payload.length + tail.length, 0);
    this.#gather();
    this.#write();
    if (this.#zeroCopy && this.#mayPool) this.#stream.write(payload, (error) => void (error || detach(payload)));
    else this.#stream.write(payload);
    if (tail.length > 0) {
      this.#reserve(tail.length);
      this.#buffer!.set(tail, this.#used);
      this.#used += tail.length;
    }
    this.#flushSoon();
  }

  #gather(): void {
    if (!this.#gathering) this.#stream.cork();
    this.#gathering = true;
  }

  #endGathering(): void {
    if (this.#gathering) this.#stream.uncork();
    this.#gathering = false;
  }

  #reserve(count: number): void {
    const buffer = this.#buffer;
    const needed = this.#used + count;
    if (!buffer) return this.#take(count);
    if (needed <= buffer.length) return;
    // A large buffer is written instead of being copied again.
    if (this.#pooled || needed > BLOCK_SIZE || this.#used >= DIRECT) {
      this.#gather();
      this.#write();
      return this.#take(count);
    }
    const larger = Buffer.allocUnsafe(Math.min(BLOCK_SIZE, Math.max(needed, buffer.length * 2)));
    buffer.copy(larger, 0, 0, this.#used);
    this.#buffer = larger;
  }

  #take(count: number): void {
    this.#pooled = this.#mayPool && count <= BLOCK_SIZE && (this.#corked || count >= DIRECT);
    this.#buffer = this.#pooled ? acquireBlock() : Buffer.allocUnsafe(Math.max(FIRST_CAPACITY, count));
  }

  /** Passes the joined frames to the stream. */
  #write(): void {
    const buffer = this.#buffer!;
    const joined = buffer.subarray(0, this.#used);
    const pooled = this.#pooled;
    this.#buffer = null;
    this.#used = 0;
    this.#pooled = false;
    if (!pooled) return void this.#stream.write(joined);
    // While the stream is behind, a few bytes must not hold a whole slab.
    if (this.#stream.writableLength > 0 && joined.length < DIRECT) {
      this.#stream.write(Buffer.from(joined));
      return releaseBlock(buffer);
    }
    (this.#written ??= []).push(buffer);
    this.#onWritten ??= (error) => {
      const written = this.#written!.shift()!;
      if (!error) releaseBlock(written);
    };
    this.#stream.write(joined, this.#onWritten);
  }
}
