/**
 * What goes out. The frames of one turn are joined in one buffer and written at once: behind a data event, or when the
 * turn ends. Large payloads that need no mask are written from where they are.
 */
import { Buffer } from 'node:buffer';
import { Socket } from 'node:net';
import process from 'node:process';
import type { Duplex } from 'node:stream';
import { release } from '../release.ts';
import { MAX_HEADER, writeHeader } from './frame.ts';
import { nextMaskKey, turnKey, xor } from './mask.ts';
import { giveSlab, SLAB, takeSlab } from './slab.ts';

/** Payloads from here on are not copied (unless they must be masked): the copy would cost more than a second write. */
const DIRECT = 16 << 10;
/** A buffer outside a data event begins so small, for one connection of a thousand that get the same news. */
const FIRST_CAPACITY = 256;
const NOTHING = Buffer.alloc(0);

export interface OutboxOwner {
  /** Bytes went to the stream. */
  flushed(): void;
}

export class Outbox {
  readonly #stream: Duplex;
  readonly #masked: boolean;
  readonly #recycle: boolean;
  readonly #owner: OutboxOwner;
  #buffer: Buffer | null = null;
  #used = 0;
  /** #buffer is a slab. */
  #pooled = false;
  /** Slabs that the stream has not written yet, in order. */
  #written: Buffer[] | null = null;
  /** Made once it is needed: idle connections have none. */
  #onWritten: ((error?: Error | null) => void) | null = null;
  #corked = false;
  #scheduled = false;
  #ended = false;
  /** The stream is corked: what it is given goes out in one gathering write. */
  #gathering = false;
  /** A socket has no use for a chunk that it has written; another stream may hand it on as it is. */
  readonly #mayPool: boolean;
  /** Mask of the frame being written. */
  #key = 0;

  /** @param recycle bytes given to `frame` are nobody else's: large ones are freed once they are written */
  constructor(stream: Duplex, masked: boolean, recycle: boolean, owner: OutboxOwner) {
    this.#stream = stream;
    this.#masked = masked;
    this.#recycle = recycle;
    this.#owner = owner;
    this.#mayPool = stream instanceof Socket;
  }

  static #flushLater(outbox: Outbox): void {
    outbox.#scheduled = false;
    if (!outbox.#corked) outbox.flush();
  }

  /** Bytes not yet handed to the operating system. */
  get size(): number {
    return this.#used + this.#stream.writableLength;
  }

  /** @param first FIN, RSV bits and opcode. The payload, and `tail` behind it, must not change before they are written. */
  frame(first: number, payload: Uint8Array, tail: Uint8Array = NOTHING): void {
    if (this.#ended) return;
    const length = payload.length + tail.length;
    if (length >= DIRECT && !this.#masked) return this.#frameDirect(first, payload, tail);
    const at = this.#header(first, length, length);
    this.#put(payload, at, this.#key);
    this.#put(tail, at + payload.length, turnKey(this.#key, payload.length));
    if (this.#recycle) release(payload);
    this.#finish(at + length);
  }

  /** A frame whose payload is a text. */
  text(first: number, text: string): void {
    if (this.#ended) return;
    const length = Buffer.byteLength(text);
    const at = this.#header(first, length, length);
    const buffer = this.#buffer!;
    buffer.write(text, at, length, 'utf8');
    if (this.#masked) xor(buffer, at, at + length, this.#key, buffer, at);
    this.#finish(at + length);
  }

  /** Until `uncork`, frames are only joined. */
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

  /** Writes what there is and ends the stream; later frames go nowhere. */
  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    if (this.#used > 0) this.#write();
    this.#endGathering();
    this.#stream.end();
  }

  /** The stream is gone. */
  discard(): void {
    this.#ended = true;
    this.#gathering = false; // a frame without its end must not go out
    this.#buffer = null;
    this.#pooled = false;
    this.#used = 0;
  }

  /** @returns where the payload goes, with room for `room` bytes */
  #header(first: number, length: number, room: number): number {
    this.#reserve(MAX_HEADER + room);
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

  /** What is sent until the end of this turn goes out in one write. */
  #flushSoon(): void {
    if (this.#corked || this.#scheduled) return;
    this.#scheduled = true;
    process.nextTick(Outbox.#flushLater, this);
  }

  #frameDirect(first: number, payload: Uint8Array, tail: Uint8Array): void {
    this.#used = this.#header(first, payload.length + tail.length, 0);
    this.#gather();
    this.#write();
    if (this.#recycle && this.#mayPool) this.#stream.write(payload, (error) => void (error || release(payload)));
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
    // What is large already is not moved once more.
    if (this.#pooled || needed > SLAB || this.#used >= DIRECT) {
      this.#gather();
      this.#write();
      return this.#take(count);
    }
    const larger = Buffer.allocUnsafe(Math.min(SLAB, Math.max(needed, buffer.length * 2)));
    buffer.copy(larger, 0, 0, this.#used);
    this.#buffer = larger;
  }

  #take(count: number): void {
    this.#pooled = this.#mayPool && count <= SLAB && (this.#corked || count >= DIRECT);
    this.#buffer = this.#pooled ? takeSlab() : Buffer.allocUnsafe(Math.max(FIRST_CAPACITY, count));
  }

  /** Hands the joined frames to the stream. */
  #write(): void {
    const buffer = this.#buffer!;
    const joined = buffer.subarray(0, this.#used);
    const pooled = this.#pooled;
    this.#buffer = null;
    this.#used = 0;
    this.#pooled = false;
    if (!pooled) return void this.#stream.write(joined);
    // Where much waits already, a few bytes would hold a whole slab.
    if (this.#stream.writableLength > 0 && joined.length < DIRECT) {
      this.#stream.write(Buffer.from(joined));
      return giveSlab(buffer);
    }
    (this.#written ??= []).push(buffer);
    this.#onWritten ??= (error) => {
      const written = this.#written!.shift()!;
      if (!error) giveSlab(written);
    };
    this.#stream.write(joined, this.#onWritten);
  }
}
