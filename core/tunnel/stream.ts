/**
 * One request or byte stream inside the tunnel: two halves that end apart from each other, credit for each, and a queue
 * that the mux empties in turns. Callbacks instead of a Node stream: most requests are one frame each way and must cost
 * nothing more. SPEC.md, "Streams", has the table that `#may` keeps.
 */
import type { Buffer } from 'node:buffer';
import {
  END,
  FRAME_HEADER,
  type FrameWriter,
  type PackedHead,
  packHead,
  RESET,
  TYPE,
  unpackHead,
  UPGRADE,
  WireError,
} from './frame.ts';
import { CREDIT_STEP, MAX_DATA, MIN_FRAME_COST, WINDOW } from './limits.ts';

/** What the owner of a stream is told; an object with methods, so that a request makes no closures. Every member is optional; nothing is called after onReset or once both halves ended. */
export interface StreamEvents {
  /** Final response head, or 101. The strings are name, value, name, value … */
  onHead?(status: number, fields: string[]): void;
  onInfo?(status: number, fields: string[]): void;
  /**
   * Body bytes, a view that stays valid. Say `accept()` when more may come. `last`: onEnd follows at once, so that an
   * owner can hand on both in one piece.
   */
  onData?(chunk: Buffer, last: boolean): void;
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

/** What a stream keeps before write() says false, bytes. */
const QUEUE_MARK = 128 * 1024;
const MAX_CREDIT = 2 ** 31 - 1;
/** 1xx answers that may wait to be sent. */
const MAX_INFOS = 8;
/** CREDIT, RESET and the fixed parts of what else one turn writes, bytes. */
const SMALL_FRAMES = 6 * FRAME_HEADER;

type Half = 'head' | 'body' | 'ended';

export class Stream {
  readonly id: number;
  readonly opener: boolean;
  events: StreamEvents = {};
  /** Kept by the mux: in the ring of streams that want a turn. */
  queued = false;

  readonly #host: StreamHost;
  /** What this side may still send, and what the peer may: the two halves. */
  #out: Half = 'head';
  #in: Half;
  #over = false;

  #infos: { status: number; head: PackedHead }[] = [];
  #head: PackedHead | null = null;
  #status = 0;
  #upgrade = false;
  #chunks: Uint8Array[] = [];
  #pending = 0;
  #finishing = false;
  #trailers: PackedHead | null = null;
  #abandon = false;
  #budget = MAX_DATA;
  #reset = -1;
  #full = false;

  #credit = WINDOW;
  #granted = WINDOW;
  /** Cost received and not given back. */
  #owed = 0;
  #giveBack = false;

  /** @param opener this side sent (or will send) the OPEN */
  constructor(id: number, opener: boolean, host: StreamHost) {
    this.id = id;
    this.opener = opener;
    this.#host = host;
    this.#in = opener ? 'head' : 'body';
  }

  /** Nothing can be sent or received any more. */
  get over(): boolean {
    return this.#over;
  }
  get ended(): boolean {
    return this.#out === 'ended' || this.#finishing;
  }
  get received(): Half {
    return this.#in;
  }

  // ---- sending

  /** OPEN's strings: method, target, peer, then fields. false: they cannot be a head, nothing was sent. */
  open(strings: readonly string[], upgrade: boolean): boolean {
    this.#upgrade = upgrade;
    return this.#putHead(0, strings);
  }
  /** The response head (200-599, or 101). false: it cannot be a head, nothing was sent. */
  head(status: number, fields: readonly string[]): boolean {
    return this.#putHead(status, fields);
  }
  info(status: number, fields: readonly string[]): boolean {
    const head = packHead(fields);
    if (!head || this.#over || this.#out !== 'head' || this.#head || this.#infos.length >= MAX_INFOS) return false;
    this.#infos.push({ status, head });
    this.#host.ready(this);
    return true;
  }
  /** false: wait for onDrain. The chunk must not be changed afterwards. */
  write(chunk: Uint8Array): boolean {
    if (this.#over || this.ended || chunk.length === 0) return true;
    this.#chunks.push(chunk);
    this.#pending += chunk.length;
    this.#host.ready(this);
    return !(this.#full = this.#pending >= QUEUE_MARK);
  }
  /** Ends this side's half, with trailers if there are any. */
  end(trailers?: readonly string[]): void {
    if (this.#over || this.ended) return;
    this.#trailers = trailers?.length ? packHead(trailers) : null;
    this.#finishing = true;
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
    const unknownToPeer = this.opener && this.#out === 'head';
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

  #putHead(status: number, strings: readonly string[]): boolean {
    const head = packHead(strings);
    if (!head || this.#over || this.#out !== 'head' || this.#head) return false;
    this.#head = head;
    this.#status = status;
    this.#host.ready(this);
    return true;
  }

  /** Most bytes that the next turn writes. */
  get turnSize(): number {
    const head = this.#infos[0]?.head ?? this.#head ?? this.#trailers;
    return (head?.size ?? 0) + Math.min(this.#pending, MAX_DATA) + SMALL_FRAMES;
  }

  /** One turn: writes what is due, at most `budget` (MAX_DATA or less) of body. Returns whether it wants another. */
  turn(writer: FrameWriter, budget: number): boolean {
    this.#budget = budget;
    if (this.#reset >= 0) {
      writer.begin(TYPE.reset, 0, this.id);
      writer.u16(this.#reset);
      writer.finish();
      this.#host.forget(this);
      return false;
    }
    if (this.#giveBack) this.#writeCredit(writer);
    if (this.#infos.length > 0) return this.#writeInfo(writer);
    if (this.#out === 'head') this.#writeHead(writer);
    else if (this.#pending > 0 && this.#credit >= MIN_FRAME_COST) this.#writeData(writer);
    if (this.#finishing && this.#pending === 0) this.#writeEnd(writer);
    if (this.#full && this.#pending < QUEUE_MARK) {
      this.#full = false;
      this.events.onDrain?.();
    }
    return this.#wantsTurn();
  }

  #wantsTurn(): boolean {
    if (this.#over) return this.#reset >= 0;
    if (this.#out === 'head') return this.#head !== null;
    return this.#pending > 0 && this.#credit >= MIN_FRAME_COST;
  }

  /** Bytes of body that a frame may take now; what it costs is never less than MIN_FRAME_COST. */
  #allowance(): number {
    return Math.min(this.#pending, this.#budget, this.#credit);
  }
  /** Always a turn of its own: a head behind it might not fit in the record. Returns whether there is more. */
  #writeInfo(writer: FrameWriter): boolean {
    const { status, head } = this.#infos.shift()!;
    writer.begin(TYPE.info, 0, this.id);
    writer.u16(status);
    writer.strings(head);
    writer.finish();
    return this.#infos.length > 0 || this.#wantsTurn();
  }
  #writeHead(writer: FrameWriter): void {
    const head = this.#head;
    if (!head) return;
    const size = this.#allowance();
    const last = this.#finishing && size === this.#pending && !this.#trailers;
    const flags = (last ? END : 0) | (this.#upgrade ? UPGRADE : 0);
    writer.begin(this.opener ? TYPE.open : TYPE.head, flags, this.id);
    if (!this.opener) writer.u16(this.#status);
    writer.strings(head);
    this.#takeBody(writer, size);
    writer.finish();
    this.#head = null;
    this.#out = 'body';
    if (last) this.#endHalf('out');
  }
  #writeData(writer: FrameWriter): void {
    const size = this.#allowance();
    const last = this.#finishing && size === this.#pending && !this.#trailers;
    writer.begin(TYPE.data, last ? END : 0, this.id);
    this.#takeBody(writer, size);
    writer.finish();
    if (last) this.#endHalf('out');
  }
  /** An end for which no frame with body was left to carry the flag. */
  #writeEnd(writer: FrameWriter): void {
    if (this.#out !== 'body') return;
    writer.begin(this.#trailers ? TYPE.trailers : TYPE.data, END, this.id);
    if (this.#trailers) writer.strings(this.#trailers);
    writer.finish();
    this.#endHalf('out');
  }
  #takeBody(writer: FrameWriter, size: number): void {
    if (size === 0) return;
    this.#credit -= cost(size);
    this.#pending -= size;
    let left = size;
    let taken = 0;
    while (left > 0) {
      const chunk = this.#chunks[taken]!;
      if (chunk.length > left) {
        writer.bytes(chunk.subarray(0, left));
        this.#chunks[taken] = chunk.subarray(left);
        break;
      }
      writer.bytes(chunk);
      left -= chunk.length;
      taken++;
    }
    if (taken === this.#chunks.length) this.#chunks = [];
    else this.#chunks.splice(0, taken);
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

  // ---- receiving

  /** One frame of the peer for this stream. A broken rule resets this stream alone. */
  receive(type: number, flags: number, payload: Buffer): void {
    if (this.#over) return;
    switch (type) {
      case TYPE.head:
        return this.#onHead(flags, payload);
      case TYPE.info:
        return this.#onInfo(payload);
      case TYPE.data:
        if (payload.length === 0 && !(flags & END)) return this.#fail(RESET.protocol);
        return this.#onBody(flags, payload);
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
  receiveOpenBody(flags: number, body: Buffer): void {
    this.#onBody(flags, body);
  }

  /** The tunnel is gone. */
  lose(): void {
    if (!this.#over) this.#lose(RESET.lost);
  }

  #onHead(flags: number, payload: Buffer): void {
    if (this.#in !== 'head' || payload.length < 2) return this.#fail(RESET.protocol);
    const status = payload.readUInt16BE(0);
    const head = unpackHead(payload, 2);
    if (!head || head.strings.length % 2) return this.#fail(RESET.protocol);
    this.#in = 'body';
    this.events.onHead?.(status, head.strings);
    if (!this.#over) this.#onBody(flags, payload.subarray(head.end));
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
  #onBody(flags: number, body: Buffer): void {
    if (this.#in !== 'body' || body.length > MAX_DATA) return this.#fail(RESET.protocol);
    if (body.length > 0) {
      const price = cost(body.length);
      if (price > this.#granted) return this.#fail(RESET.flow);
      this.#granted -= price;
      this.#owed += price;
      this.events.onData?.(body, (flags & END) !== 0);
    }
    if (flags & END && !this.#over) this.#endHalf('in');
  }
  #onCredit(payload: Buffer): void {
    const more = payload.length === 4 ? payload.readUInt32BE(0) : 0;
    if (more === 0 || this.#credit + more > MAX_CREDIT) return this.#fail(RESET.flow);
    this.#credit += more;
    if (this.#pending > 0) this.#host.ready(this);
  }

  /** The peer broke a rule of this stream: tell it, and the owner. */
  #fail(code: number): void {
    this.#reset = code;
    this.#close();
    this.#host.ready(this);
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
    else this.#out = 'ended';
    if (this.#in === 'ended' && this.#out === 'ended') {
      this.#close();
      this.#host.forget(this);
    }
    if (half === 'in') return this.events.onEnd?.();
    if (this.#abandon) this.reset(RESET.done);
    this.events.onSent?.();
  }
  #close(): void {
    this.#over = true;
    this.#in = this.#out = 'ended';
    this.#chunks = [];
    this.#pending = 0;
    this.#head = this.#trailers = null;
  }
}

const cost = (size: number) => Math.max(size, MIN_FRAME_COST);
