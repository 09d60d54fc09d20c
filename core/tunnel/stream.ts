/**
 * One request or byte stream inside the tunnel: two halves that end independently, with credit for each. Callbacks instead
 * of a Node stream: most requests are one frame each way and must cost nothing more. SPEC.md, "Streams", has the table of
 * allowed frames; `#endHalf` and `#close` make all transitions.
 */
import type { Buffer } from 'node:buffer';
import { END, FRAME_HEADER, type FrameEncoder, RESET, TunnelProtocolError, TYPE, unpackHead } from './frame.ts';
import type { RefCounted } from '../buffers/refcount.ts';
import { CREDIT_STEP, frameCost, MAX_DATA, WINDOW } from './limits.ts';
import { type Half, SendHalf } from './send-half.ts';

/**
 * The events of a stream; an object with methods, so that a request creates no closures. Every member is optional; nothing
 * is called after onReset or after both halves have ended.
 */
export interface StreamEvents {
  /** The final response head, or 101. The strings are name, value, name, value … */
  onHead?(status: number, fields: string[]): void;
  onInfo?(status: number, fields: string[]): void;
  /**
   * Body bytes, a view that stays valid. Call `accept()` when more may arrive. `last`: onEnd follows at once, so that the
   * owner can pass on both together. Call `done` exactly once when finished with the view; its memory is then freed.
   */
  onData?(chunk: Buffer, last: boolean, done?: (error?: Error | null) => void): void;
  onTrailers?(fields: string[]): void;
  /** The peer's half has ended cleanly. */
  onEnd?(): void;
  /** The stream is over: reset by the peer, by a protocol violation or with the tunnel. `code` is one of RESET. */
  onReset?(code: number): void;
  /** The queue has drained after write returned false. */
  onDrain?(): void;
  /** This side's half has ended and all of it has been sent. */
  onSent?(): void;
}

/** The mux, as a stream sees it. */
export interface StreamHost {
  /** The stream has a frame to send. */
  ready(stream: Stream): void;
  /** The stream is over and has nothing left to send. */
  forget(stream: Stream): void;
}

export class Stream {
  readonly id: number;
  readonly opener: boolean;
  events: StreamEvents = {};
  /** Set by the mux: the stream is in the ready queue. */
  queued = false;
  /** Set by the table: the next stream in the same slot. */
  sameSlot: Stream | null = null;

  readonly #host: StreamHost;
  readonly #out: SendHalf;
  #in: Half;
  #over = false;
  /** Code of a RESET that waits to be sent; -1: none. */
  #reset = -1;
  /** Once this side has ended, the rest of the peer's half is refused. */
  #abandon = false;
  /** Credit that the peer has left. With the next two it is always WINDOW. */
  #receiveWindow = WINDOW;
  /** Credit of received data that the owner has not accepted yet. */
  #unaccepted = 0;
  /** Credit of accepted data that was not returned to the peer yet. */
  #returnable = 0;

  /** @param opener whether this side sends the OPEN */
  constructor(id: number, opener: boolean, host: StreamHost) {
    this.id = id;
    this.opener = opener;
    this.#host = host;
    this.#out = new SendHalf(id, opener);
    this.#in = opener ? 'head' : 'body';
  }

  /** Nothing more can be sent or received. */
  get over(): boolean {
    return this.#over;
  }

  // ---- sending

  /** Sends OPEN: method, target, peer, then fields. Returns false, and sends nothing, if they cannot form a head. */
  open(strings: readonly string[], upgrade: boolean): boolean {
    return !this.#over && this.#ready(this.#out.putHead(strings, 0, upgrade));
  }
  /** Sends the response head (200-599, or 101). Returns false, and sends nothing, if it cannot form a head. */
  head(status: number, fields: readonly string[]): boolean {
    return !this.#over && this.#ready(this.#out.putHead(fields, status, false));
  }
  info(status: number, fields: readonly string[]): boolean {
    return !this.#over && this.#ready(this.#out.putInfo(status, fields));
  }
  /** From now on written chunks belong to the stream, which frees their memory once they are sent. */
  transferOwnership(): void {
    this.#out.ownsChunks = true;
  }
  /** Queues body bytes, which must not be changed afterwards. Returns false when the queue is full: wait for onDrain. */
  write(chunk: Uint8Array): boolean {
    if (this.#over || this.#out.finishing || chunk.length === 0) return true;
    this.#host.ready(this);
    return this.#out.putBody(chunk);
  }
  /** Ends this side's half, with trailers if given. */
  end(trailers?: readonly string[]): void {
    if (this.#over || this.#out.finishing) return;
    this.#out.putEnd(trailers);
    this.#host.ready(this);
  }
  /** Ends this side's half and refuses the rest of the peer's: an answer that does not need the rest of the request. */
  finish(trailers?: readonly string[]): void {
    this.#abandon = true;
    this.end(trailers);
  }
  /** Resets the stream. Its owner gets no further event. */
  reset(code: number): void {
    if (this.#over) return;
    const unknownToPeer = this.opener && this.#out.half === 'head';
    this.#close();
    if (unknownToPeer) return this.#host.forget(this);
    this.#reset = code;
    this.#host.ready(this);
  }
  /** All data so far has been consumed: the peer may send as much again. */
  accept(): void {
    // Counted now: what arrives until CREDIT is written has not been accepted.
    this.#returnable += this.#unaccepted;
    this.#unaccepted = 0;
    if (this.#creditDue) this.#host.ready(this);
  }

  #ready(put: boolean): boolean {
    if (put) this.#host.ready(this);
    return put;
  }

  // ---- writing frames, for the mux

  /** Its head is not sent yet. */
  get opening(): boolean {
    return this.#out.half === 'head';
  }
  /** Most bytes that the next call of writeFrame writes. */
  get frameSize(): number {
    return this.#over ? 2 * FRAME_HEADER : this.#out.frameSize;
  }
  /** Its next frame is short and complete; not the head, the rest or the credit of bulk. */
  get interactive(): boolean {
    return !this.#over && this.#out.interactive;
  }
  /** Writes what is due: at most one frame of this half with `budget` (MAX_DATA or less) bytes of body. @returns whether there is more */
  writeFrame(writer: FrameEncoder, budget: number): boolean {
    // No event follows the end of a stream, which may come while it waits for its turn.
    if (this.#over) return this.#reset >= 0 && this.#writeReset(writer);
    if (this.#creditDue) this.#writeCredit(writer);
    if (this.#out.writeFrame(writer, budget)) this.#endHalf('out');
    else if (this.#out.takeDrained()) this.events.onDrain?.();
    return this.#reset >= 0 || this.#out.readyToSend;
  }
  #writeReset(writer: FrameEncoder): false {
    writer.begin(TYPE.reset, 0, this.id);
    writer.u16(this.#reset);
    writer.finish();
    this.#host.forget(this);
    return false;
  }
  get #creditDue(): boolean {
    return this.#returnable >= CREDIT_STEP && this.#in !== 'ended';
  }
  #writeCredit(writer: FrameEncoder): void {
    writer.begin(TYPE.credit, 0, this.id);
    writer.u32(this.#returnable);
    writer.finish();
    this.#receiveWindow += this.#returnable;
    this.#returnable = 0;
  }

  // ---- receiving, from the mux

  /**
   * Receives one frame of the peer. A protocol violation resets this stream alone.
   * @param memory of the record that the payload is a view of, if that memory is to be freed
   */
  receive(type: number, flags: number, payload: Buffer, memory?: RefCounted): void {
    if (this.#over) return;
    switch (type) {
      case TYPE.head:
        return this.#onHead(flags, payload, memory);
      case TYPE.info:
        return this.#onInfo(payload);
      case TYPE.data:
        if (payload.length === 0 && !(flags & END)) return this.#fail(RESET.protocol);
        return this.#onBody(flags, payload, memory);
      case TYPE.trailers:
        return this.#onTrailers(flags, payload);
      case TYPE.credit:
        return this.#onCredit(payload);
      case TYPE.reset:
        if (payload.length !== 2) return this.#fail(RESET.protocol);
        return this.#lose(payload.readUInt16BE(0));
      default:
        throw new TunnelProtocolError('unknown frame type');
    }
  }
  /** Receives the body that came with the peer's OPEN. */
  receiveOpenBody(flags: number, body: Buffer, memory?: RefCounted): void {
    this.#onBody(flags, body, memory);
  }
  /** The tunnel is lost. */
  lose(): void {
    if (!this.#over) this.#lose(RESET.lost);
  }

  #onHead(flags: number, payload: Buffer, memory?: RefCounted): void {
    if (this.#in !== 'head' || payload.length < 2) return this.#fail(RESET.protocol);
    const head = unpackHead(payload, 2);
    if (!head || head.strings.length % 2) return this.#fail(RESET.protocol);
    this.#in = 'body';
    this.events.onHead?.(payload.readUInt16BE(0), head.strings);
    if (!this.#over) this.#onBody(flags, payload.subarray(head.end), memory);
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
  #onBody(flags: number, body: Buffer, memory?: RefCounted): void {
    if (this.#over) return;
    if (this.#in !== 'body' || body.length > MAX_DATA) return this.#fail(RESET.protocol);
    const price = frameCost(body.length);
    if (price > this.#receiveWindow) return this.#fail(RESET.flow);
    this.#receiveWindow -= price;
    this.#unaccepted += price;
    if (body.length > 0) this.events.onData?.(body, (flags & END) !== 0, memory?.retain());
    if (flags & END && !this.#over) this.#endHalf('in');
  }
  #onCredit(payload: Buffer): void {
    const more = payload.length === 4 ? payload.readUInt32BE(0) : 0;
    if (!this.#out.addCredit(more)) return this.#fail(RESET.flow);
    if (this.#out.readyToSend) this.#host.ready(this);
  }

  /** The peer violated the protocol on this stream: resets it and notifies the owner. */
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
