/**
 * One request or byte stream inside the tunnel: two halves that end apart from each other, with credit for each. Callbacks
 * instead of a Node stream: most requests are one frame each way and must cost nothing more. SPEC.md, "Streams", has the
 * table of what is allowed when; `#endHalf` and `#close` make all transitions.
 */
import type { Buffer } from 'node:buffer';
import { END, FRAME_HEADER, type FrameWriter, RESET, TYPE, unpackHead, WireError } from './frame.ts';
import type { Lease } from './lease.ts';
import { CREDIT_STEP, frameCost, MAX_DATA, WINDOW } from './limits.ts';
import { type Half, Outgoing } from './outgoing.ts';

/**
 * What the owner of a stream is told; an object with methods, so that a request makes no closures. Every member is optional;
 * nothing is called after onReset or once both halves ended.
 */
export interface StreamEvents {
  /** Final response head, or 101. The strings are name, value, name, value … */
  onHead?(status: number, fields: string[]): void;
  onInfo?(status: number, fields: string[]): void;
  /**
   * Body bytes, a view that stays valid. Say `accept()` when more may come. `last`: onEnd follows at once, so that an
   * owner can hand on both in one piece. Who calls `done`, once, does not look at the view any more: its memory is freed.
   */
  onData?(chunk: Buffer, last: boolean, done?: (error?: Error | null) => void): void;
  onTrailers?(fields: string[]): void;
  /** The peer's half has ended cleanly. */
  onEnd?(): void;
  /** The stream is over: by the peer, by a broken rule or with the tunnel. `code` is one of RESET. */
  onReset?(code: number): void;
  /** After write gave false: there is room again. */
  onDrain?(): void;
  /** This side's half has ended and all of it is in records. */
  onSent?(): void;
}

/** The mux, as a stream sees it. */
export interface StreamHost {
  /** The stream has something to send. */
  ready(stream: Stream): void;
  /** The stream is over and nothing is left to send. */
  forget(stream: Stream): void;
}

export class Stream {
  readonly id: number;
  readonly opener: boolean;
  events: StreamEvents = {};
  /** Kept by the mux: in the ring of streams that want a turn. */
  queued = false;
  /** Kept by the table: another stream of its slot. */
  sameSlot: Stream | null = null;

  readonly #host: StreamHost;
  readonly #out: Outgoing;
  #in: Half;
  #over = false;
  /** Code of a RESET that is to be sent; -1: none. */
  #reset = -1;
  /** Once this side has ended, the rest of the peer's half is not wanted. */
  #abandon = false;
  /** What the peer may still send; the cost of what came and was not given back yet; whether it is to be given back now. */
  #granted = WINDOW;
  #owed = 0;
  #giveBack = false;

  /** @param opener this side sent (or will send) the OPEN */
  constructor(id: number, opener: boolean, host: StreamHost) {
    this.id = id;
    this.opener = opener;
    this.#host = host;
    this.#out = new Outgoing(id, opener);
    this.#in = opener ? 'head' : 'body';
  }

  /** Nothing can be sent or received any more. */
  get over(): boolean {
    return this.#over;
  }

  // ---- sending

  /** OPEN's strings: method, target, peer, then fields. false: they cannot be a head, nothing was sent. */
  open(strings: readonly string[], upgrade: boolean): boolean {
    return !this.#over && this.#ready(this.#out.putHead(strings, 0, upgrade));
  }
  /** The response head (200-599, or 101). false: it cannot be a head, nothing was sent. */
  head(status: number, fields: readonly string[]): boolean {
    return !this.#over && this.#ready(this.#out.putHead(fields, status, false));
  }
  info(status: number, fields: readonly string[]): boolean {
    return !this.#over && this.#ready(this.#out.putInfo(status, fields));
  }
  /** From now on chunks that are written belong to the stream: nobody else has them, and their memory is freed soon. */
  give(): void {
    this.#out.gives = true;
  }
  /** false: wait for onDrain. The chunk must not be changed afterwards. */
  write(chunk: Uint8Array): boolean {
    if (this.#over || this.#out.finishing || chunk.length === 0) return true;
    this.#host.ready(this);
    return this.#out.putBody(chunk);
  }
  /** Ends this side's half, with trailers if there are any. */
  end(trailers?: readonly string[]): void {
    if (this.#over || this.#out.finishing) return;
    this.#out.putEnd(trailers);
    this.#host.ready(this);
  }
  /** Ends this side's half and wants nothing more of the peer's: an answer that does not need the rest of the request. */
  finish(trailers?: readonly string[]): void {
    this.#abandon = true;
    this.end(trailers);
  }
  /** Gives the stream up. The owner hears nothing more of it. */
  reset(code: number): void {
    if (this.#over) return;
    const unknownToPeer = this.opener && this.#out.half === 'head';
    this.#close();
    if (unknownToPeer) return this.#host.forget(this);
    this.#reset = code;
    this.#host.ready(this);
  }
  /** All data so far has been taken: the peer may send as much again. */
  accept(): void {
    if (this.#owed < CREDIT_STEP || this.#over || this.#in === 'ended') return;
    this.#giveBack = true;
    this.#host.ready(this);
  }

  #ready(put: boolean): boolean {
    if (put) this.#host.ready(this);
    return put;
  }

  // ---- turns, for the mux

  /** Its head is still to be sent. */
  get opening(): boolean {
    return this.#out.half === 'head';
  }
  /** Most bytes that the next turn writes. */
  get turnSize(): number {
    return this.#over ? 2 * FRAME_HEADER : this.#out.turnSize;
  }
  /** Its next turn says something short and whole; not the head, the rest or the credit of bulk. */
  get brief(): boolean {
    return !this.#over && this.#out.brief;
  }
  /** Writes what is due, at most one frame of this half with `budget` (MAX_DATA or less) of body. @returns whether there is more */
  turn(writer: FrameWriter, budget: number): boolean {
    if (this.#reset >= 0) return this.#writeReset(writer);
    if (this.#giveBack) this.#writeCredit(writer);
    if (this.#out.turn(writer, budget)) this.#endHalf('out');
    else if (this.#out.roomAgain()) this.events.onDrain?.();
    return this.#reset >= 0 || this.#out.wantsTurn;
  }
  #writeReset(writer: FrameWriter): false {
    writer.begin(TYPE.reset, 0, this.id);
    writer.u16(this.#reset);
    writer.finish();
    this.#host.forget(this);
    return false;
  }
  #writeCredit(writer: FrameWriter): void {
    this.#giveBack = false;
    if (this.#in === 'ended') return;
    writer.begin(TYPE.credit, 0, this.id);
    writer.u32(this.#owed);
    writer.finish();
    this.#granted += this.#owed;
    this.#owed = 0;
  }

  // ---- receiving, from the mux

  /**
   * One frame of the peer for this stream. A broken rule resets this stream alone.
   * @param lease of the record that the payload is a view of, if its memory is to be freed
   */
  receive(type: number, flags: number, payload: Buffer, lease?: Lease): void {
    if (this.#over) return;
    switch (type) {
      case TYPE.head:
        return this.#onHead(flags, payload, lease);
      case TYPE.info:
        return this.#onInfo(payload);
      case TYPE.data:
        if (payload.length === 0 && !(flags & END)) return this.#fail(RESET.protocol);
        return this.#onBody(flags, payload, lease);
      case TYPE.trailers:
        return this.#onTrailers(flags, payload);
      case TYPE.credit:
        return this.#onCredit(payload);
      case TYPE.reset:
        if (payload.length !== 2) return this.#fail(RESET.protocol);
        return this.#lose(payload.readUInt16BE(0));
      default:
        throw new WireError('unknown frame type');
    }
  }
  /** The body that came with the peer's OPEN. */
  receiveOpenBody(flags: number, body: Buffer, lease?: Lease): void {
    this.#onBody(flags, body, lease);
  }
  /** The tunnel is gone. */
  lose(): void {
    if (!this.#over) this.#lose(RESET.lost);
  }

  #onHead(flags: number, payload: Buffer, lease?: Lease): void {
    if (this.#in !== 'head' || payload.length < 2) return this.#fail(RESET.protocol);
    const head = unpackHead(payload, 2);
    if (!head || head.strings.length % 2) return this.#fail(RESET.protocol);
    this.#in = 'body';
    this.events.onHead?.(payload.readUInt16BE(0), head.strings);
    if (!this.#over) this.#onBody(flags, payload.subarray(head.end), lease);
  }
  #onInfo(payload: Buffer): void {
    const head = this.#in === 'head' && payload.length >= 2 ? unpackHead(payload, 2) : null;
    if (!head || head.strings.length % 2 || head.end !== payload.length) return this.#fail(RESET.protocol);
    this.events.onInfo?.(payload.readUInt16BE(0), head.strings);
  }
  #onTrailers(flags: number, payload: Buffer): void {
    const head = this.#in === 'body' && flags & END ? unpackHead(payload, 0) : null;
    if (!head || head.strings.length % 2 || head.end !== payload.length) return this.#fail(RESET.protocol);
    this.events.onTrailers?.(head.strings);
    if (!this.#over) this.#endHalf('in');
  }
  #onBody(flags: number, body: Buffer, lease?: Lease): void {
    if (this.#over) return;
    if (this.#in !== 'body' || body.length > MAX_DATA) return this.#fail(RESET.protocol);
    const price = frameCost(body.length);
    if (price > this.#granted) return this.#fail(RESET.flow);
    this.#granted -= price;
    this.#owed += price;
    if (body.length > 0) this.events.onData?.(body, (flags & END) !== 0, lease?.lend());
    if (flags & END && !this.#over) this.#endHalf('in');
  }
  #onCredit(payload: Buffer): void {
    const more = payload.length === 4 ? payload.readUInt32BE(0) : 0;
    if (!this.#out.addCredit(more)) return this.#fail(RESET.flow);
    if (this.#out.wantsTurn) this.#host.ready(this);
  }

  /** The peer broke a rule of this stream: tell it, and the owner. */
  #fail(code: number): void {
    this.reset(code);
    this.events.onReset?.(code);
  }
  #lose(code: number): void {
    this.#close();
    this.#host.forget(this);
    this.events.onReset?.(code);
  }

  // ---- transitions: only here

  #endHalf(half: 'in' | 'out'): void {
    if (half === 'in') this.#in = 'ended';
    if (this.#in === 'ended' && this.#out.half === 'ended') {
      this.#close();
      this.#host.forget(this);
    }
    if (half === 'in') return this.events.onEnd?.();
    if (this.#abandon) this.reset(RESET.done);
    this.events.onSent?.();
  }
  #close(): void {
    this.#over = true;
    this.#in = 'ended';
    this.#out.close();
  }
}
