/**
 * What goes out. The frames of one turn are joined in one buffer and written at once: behind a data event, or when the
 * turn ends. Large payloads that need no mask are written from where they are.
 */
import { Buffer } from 'node:buffer';
import { Socket } from 'node:net';
import process from 'node:process';
import type { Duplex } from 'node:stream';
import { TLSSocket } from 'node:tls';
import { MAX_HEADER, writeHeader } from './frame.ts';
import { nextMaskKey, turnKey, xor } from './mask.ts';

/** Payloads from here on are not copied (unless they must be masked): the copy would cost more than a second write. */
const DIRECT = 16 << 10;
/** Longest buffer that frames are joined in: what 64 KiB of input is answered with, and some more. */
const SLAB = 128 << 10;
/** A buffer outside a data event begins so small, for one connection of a thousand that get the same news. */
const FIRST_CAPACITY = 256;

/** What a stream that does not write at once would have copied out of the slab again. */
const SMALL = 4 << 10;
const NOTHING = Buffer.alloc(0);

/** The one slab, lent to the connection whose data event is being handled; null meanwhile. */
let slab: Buffer | null = Buffer.allocUnsafeSlow(SLAB);

export interface OutboxOwner {
  /** Bytes went to the stream. */
  flushed(): void;
}

export class Outbox {
  readonly #stream: Duplex;
  readonly #masked: boolean;
  readonly #owner: OutboxOwner;
  #buffer: Buffer | null = null;
  #used = 0;
  /** #buffer is the slab. */
  #borrowed = false;
  #corked = false;
  #scheduled = false;
  #ended = false;
  /** The stream is corked: what it is given goes out in one gathering write. */
  #gathering = false;
  /** A plain socket gives a write to the kernel before it returns, unless that is full: the slab is free again at once. */
  #immediate: boolean;
  /** Mask of the frame being written. */
  #key = 0;

  constructor(stream: Duplex, masked: boolean, owner: OutboxOwner) {
    this.#stream = stream;
    this.#masked = masked;
    this.#owner = owner;
    this.#immediate = stream instanceof Socket && !(stream instanceof TLSSocket);
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
    if (this.#used > 0) this.#write(null);
    this.#endGathering();
    this.#owner.flushed();
  }

  /** Writes what there is and ends the stream; later frames go nowhere. */
  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    if (this.#used > 0) this.#write(null);
    this.#endGathering();
    this.#stream.end();
  }

  /** The stream is gone. */
  discard(): void {
    this.#ended = true;
    if (this.#borrowed) slab = this.#buffer;
    this.#buffer = null;
    this.#borrowed = false;
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
    if (this.#corked || this.#scheduled) return;
    this.#scheduled = true;
    process.nextTick(Outbox.#flushLater, this);
  }

  #frameDirect(first: number, payload: Uint8Array, tail: Uint8Array): void {
    this.#used = this.#header(first, payload.length + tail.length, 0);
    if (!this.#gathering) this.#stream.cork();
    this.#gathering = true;
    this.#write(payload);
    if (tail.length > 0) {
      this.#reserve(tail.length);
      this.#buffer!.set(tail, this.#used);
      this.#used += tail.length;
    }
    if (!this.#corked) this.flush();
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
    if (this.#borrowed || needed > SLAB) {
      this.#write(null);
      return this.#take(count);
    }
    const larger = Buffer.allocUnsafe(Math.min(SLAB, Math.max(needed, buffer.length * 2)));
    buffer.copy(larger, 0, 0, this.#used);
    this.#buffer = larger;
  }

  #take(count: number): void {
    this.#borrowed = this.#corked && slab !== null && count <= (this.#immediate ? SLAB : SMALL);
    if (this.#borrowed) {
      this.#buffer = slab;
      slab = null;
    } else {
      this.#buffer = Buffer.allocUnsafe(Math.max(FIRST_CAPACITY, count));
    }
  }

  /** Hands the joined frames, then `payload`, to the stream. */
  #write(payload: Uint8Array | null): void {
    const buffer = this.#buffer!;
    const joined = buffer.subarray(0, this.#used);
    const stream = this.#stream;
    // Only if nothing waits can the write be done when it returns. Otherwise the slab would be held for a few bytes.
    const lend = this.#borrowed && this.#immediate && !this.#gathering && stream.writableLength === 0;
    this.#buffer = null;
    this.#used = 0;
    stream.write(this.#borrowed && !lend ? Buffer.from(joined) : joined);
    if (payload) stream.write(payload);
    if (!this.#borrowed) return;
    this.#borrowed = false;
    if (lend && stream.writableLength > 0) {
      slab = Buffer.allocUnsafeSlow(SLAB);
      this.#immediate = false;
    } else {
      slab = buffer;
    }
  }
}
