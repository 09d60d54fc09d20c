/**
 * Many streams in one tunnel: the table of ids, and the turns in which streams write into the record under construction.
 * Knows nothing of sealing, sockets or time: it is given a way to send a record and a way to be called in the next tick.
 */
import { Buffer } from 'node:buffer';
import { MIN_RELEASE } from '../release.ts';
import { FRAME_HEADER, FrameWriter, readFrames, RESET, TYPE, unpackHead, UPGRADE, WireError } from './frame.ts';
import { Lease } from './lease.ts';
import { MAX_DATA, MAX_PLAIN, MAX_STREAMS, SMALL_TURN } from './limits.ts';
import { Stream, type StreamHost } from './stream.ts';
import { StreamTable } from './table.ts';

export interface OpenHead {
  method: string;
  /** Path and query, as in the request line. */
  target: string;
  /** Who asks, as the relay tells it. */
  peer: string;
  /** name, value, name, value … */
  fields: string[];
  upgrade: boolean;
}

export interface MuxOptions {
  /** The relay opens streams, the machine is asked. */
  opener: boolean;
  /** Seals and sends one record (only valid during the call). false: call `unblock` when there is room again. */
  send: (record: Buffer) => boolean;
  /** Bytes that the line can take now in one piece; call `roomAgain` when there are more. Not given: any number. */
  room?: () => number;
  /** A stream says something brief: a keystroke, an event, a short answer. */
  share?: () => void;
  /** Told of each record of so many bytes before it is sent. @returns the payload of a PING to put behind it, or null */
  probe?: (bytes: number) => Uint8Array | null;
  /** Calls `flush` once, soon; frames that come up until then share a record. `crowded`: more are likely to come in this tick. */
  schedule: (flush: () => void, crowded: boolean) => void;
  /** The peer opened a stream. Answer on it, or reset it. */
  onOpen?: (stream: Stream, head: OpenHead) => void;
  /** A frame of the session itself (stream 0). The payload is valid during the call. */
  onControl: (type: number, payload: Buffer) => void;
  /** The number of streams has gone to 0. */
  onIdle?: () => void;
}

const MAX_ID = 0xffff_ffff;
/** Kept free in each record for the PING that may go behind it. */
const PROBE_ROOM = FRAME_HEADER + 8;
/** Streams over the limit whose refusal may wait to be sent. */
const MAX_REFUSED = 64;

export class Mux implements StreamHost {
  readonly #options: MuxOptions;
  readonly #streams = new StreamTable();
  readonly #writer = new FrameWriter(Buffer.allocUnsafeSlow(MAX_PLAIN));
  #ring: Stream[] = [];
  #control: { type: number; payload: Uint8Array }[] = [];
  #lastId = 0;
  /** Turns of the latest flush. */
  #turns = 0;
  #scheduled = false;
  #blocked = false;
  /** Bulk waits for the line. */
  #held = false;
  #closed = false;
  readonly #flush = () => {
    this.#scheduled = false;
    this.flush();
  };

  constructor(options: MuxOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#streams.size;
  }

  /** Opens a stream; the caller sends its head at once. null: at the limit, or the tunnel is closed. */
  open(): Stream | null {
    if (this.#closed || this.#streams.size >= MAX_STREAMS || this.#lastId >= MAX_ID) return null;
    const stream = new Stream(++this.#lastId, true, this);
    this.#streams.add(stream);
    return stream;
  }

  /** A frame of the session itself; goes before everything that waits. With `latest` it takes the place of one that waits. */
  control(type: number, payload: Uint8Array, latest = false): void {
    if (this.#closed) return;
    const before = latest ? this.#control.find((frame) => frame.type === type) : undefined;
    if (before) before.payload = payload;
    else this.#control.push({ type, payload });
    this.#wake();
  }

  /** One opened record of the peer, which belongs to the mux. Throws WireError when the tunnel cannot go on. */
  receive(record: Buffer): void {
    const lease = record.length >= MIN_RELEASE ? new Lease(record) : undefined;
    readFrames(record, (type, flags, id, payload) => {
      if (this.#closed) return;
      if (id === 0) return this.#options.onControl(type, payload);
      if (type === TYPE.open) return this.#onOpen(flags, id, payload, lease);
      const stream = this.#streams.get(id);
      if (stream) return stream.receive(type, flags, payload, lease);
      // Frames that were on their way when this side gave the stream up are dropped; others can only be a mistake.
      if (id > this.#lastId || type > TYPE.trailers) throw new WireError('frame of a stream that was never opened');
    });
    lease?.back();
  }

  /** The last frame of all, behind what waits of the session itself: goes out even if the socket has no room. */
  farewell(type: number, payload: Uint8Array): void {
    if (this.#closed) return;
    this.#control.push({ type, payload });
    for (const frame of this.#control.splice(0)) this.#writeOwn(frame);
    this.#sendRecord();
  }

  /** The socket has room again. */
  unblock(): void {
    this.#blocked = false;
    this.flush();
  }

  /** Every stream is lost. */
  destroy(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#ring = [];
    this.#control = [];
    for (const stream of this.#streams.clear()) stream.lose();
  }

  /** The line can take more. What waits for the end of the tick is left to share its record. */
  roomAgain(): void {
    if (this.#held) this.flush();
  }

  /** Writes what is due now, until the socket has no room. */
  flush(): void {
    const writer = this.#writer;
    this.#turns = 0;
    this.#held = false;
    while (!this.#blocked && !this.#closed) {
      const control = this.#control.shift();
      if (control) {
        this.#writeOwn(control);
        continue;
      }
      if (this.#ring.length === 0) break;
      const room = this.#options.room?.() ?? Infinity;
      const piece = room - writer.length;
      const bulk = piece >= SMALL_TURN;
      const at = bulk ? 0 : this.#ring.findIndex((stream) => stream.opening || stream.turnSize <= SMALL_TURN);
      if (at < 0) {
        this.#held = room < SMALL_TURN;
        if (this.#held) break; // The line is full.
        this.#sendRecord(); // This piece is.
        continue;
      }
      const stream = this.#ring[at]!;
      if (writer.room < stream.turnSize + PROBE_ROOM) {
        this.#sendRecord();
        continue;
      }
      this.#ring.splice(at, 1);
      stream.queued = false;
      this.#turns++;
      if (stream.brief) this.#options.share?.();
      if (stream.turn(writer, bulk ? Math.min(MAX_DATA, piece) : SMALL_TURN)) this.ready(stream);
    }
    if (!this.#closed) this.#sendRecord();
  }

  // ---- StreamHost

  ready(stream: Stream): void {
    if (stream.queued || this.#closed) return;
    stream.queued = true;
    this.#ring.push(stream);
    this.#wake();
  }
  forget(stream: Stream): void {
    if (!this.#streams.remove(stream)) return;
    if (this.#streams.size === 0) this.#options.onIdle?.();
  }

  #wake(): void {
    if (this.#scheduled || this.#blocked) return;
    this.#scheduled = true;
    this.#options.schedule(this.#flush, this.#streams.size > 1 || this.#turns > 1);
  }
  #sendRecord(): void {
    const writer = this.#writer;
    if (writer.length === 0) return;
    const stamp = this.#options.probe?.(writer.length);
    if (stamp) this.#writeControl(TYPE.ping, stamp);
    if (!this.#options.send(writer.take())) this.#blocked = true;
  }
  #writeOwn({ type, payload }: { type: number; payload: Uint8Array }): void {
    if (this.#writer.room < FRAME_HEADER + payload.length + PROBE_ROOM) this.#sendRecord();
    this.#writeControl(type, payload);
  }
  #writeControl(type: number, payload: Uint8Array): void {
    this.#writer.begin(type, 0, 0);
    this.#writer.bytes(payload);
    this.#writer.finish();
  }

  #onOpen(flags: number, id: number, payload: Buffer, lease?: Lease): void {
    if (this.#options.opener) throw new WireError('only the relay opens streams');
    if (id <= this.#lastId) throw new WireError('stream id used again');
    this.#lastId = id;
    const head = unpackHead(payload, 0);
    const stream = new Stream(id, false, this);
    this.#streams.add(stream);
    if (this.#streams.size > MAX_STREAMS + MAX_REFUSED) throw new WireError('opens without end');
    if (this.#streams.size > MAX_STREAMS) return stream.reset(RESET.refused);
    if (!head || head.strings.length < 3 || head.strings.length % 2 === 0) return stream.reset(RESET.protocol);
    const [method, target, peer] = head.strings as [string, string, string];
    this.#options.onOpen?.(stream, {
      method,
      target,
      peer,
      fields: head.strings.slice(3),
      upgrade: (flags & UPGRADE) !== 0,
    });
    stream.receiveOpenBody(flags, payload.subarray(head.end), lease);
  }
}
