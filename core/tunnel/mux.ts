/**
 * Multiplexes many streams over one tunnel: the table of ids, and the round-robin in which streams write frames into the
 * record under construction. Independent of encryption, sockets and time: the options send a record and schedule a flush.
 */
import type { Buffer } from 'node:buffer';
import { MIN_DETACH } from '../buffers/detach.ts';
import { acquireBlock, releaseBlock } from '../buffers/pool.ts';
import {
  FRAME_HEADER,
  FrameEncoder,
  readFrames,
  type RecordMemory,
  RESET,
  TunnelProtocolError,
  TYPE,
  unpackHead,
  UPGRADE,
} from './frame.ts';
import { RefCounted } from '../buffers/refcount.ts';
import { MAX_DATA, MAX_STREAMS, SMALL_WRITE } from './limits.ts';
import { Stream, type StreamHost } from './stream.ts';
import { StreamTable } from './stream-table.ts';

export interface OpenHead {
  method: string;
  /** Path and query, as in the request line. */
  target: string;
  /** The client's address as the relay reports it. */
  peer: string;
  /** name, value, name, value … */
  fields: string[];
  upgrade: boolean;
}

export interface MuxOptions {
  /** Only the relay opens streams. */
  opener: boolean;
  /** Seals and sends one record (valid only during the call). Returns false when the socket is full: call `unblock` once it has drained. */
  send: (record: Buffer) => boolean;
  /** Bytes of bulk that may be sent now in one piece; call `resumeBulk` when this grows. Default: no limit. */
  sendBudget?: () => number;
  /** Called when a stream writes something interactive: a keystroke, an event, a short answer. */
  onInteractive?: () => void;
  /** Called with the size of each record before it is sent. @returns the payload of a PING to append, or null */
  probe?: (bytes: number) => Uint8Array | null;
  /** Calls `flush` once, soon; frames written until then share a record. `crowded`: more are likely in this tick. */
  schedule: (flush: () => void, crowded: boolean) => void;
  /** The peer opened a stream. Answer on it or reset it. */
  onOpen?: (stream: Stream, head: OpenHead) => void;
  /** A frame of the session itself (stream 0). The payload is valid during the call. */
  onControl: (type: number, payload: Buffer) => void;
  /** The last stream is over. */
  onIdle?: () => void;
}

const MAX_ID = 0xffff_ffff;
/** Reserved in each record for the PING that may be appended, bytes. */
const PROBE_ROOM = FRAME_HEADER + 8;
/** Streams over the limit whose refusals may wait to be sent. */
const MAX_REFUSED = 64;
/** Shared by all tunnels: a relay with a thousand idle machines would hold a record's memory for each. */
const RECORD_MEMORY: RecordMemory = { acquire: acquireBlock, release: releaseBlock };

export class Mux implements StreamHost {
  readonly #options: MuxOptions;
  readonly #streams = new StreamTable();
  readonly #writer = new FrameEncoder(RECORD_MEMORY);
  #readyQueue: Stream[] = [];
  #control: { type: number; payload: Uint8Array }[] = [];
  #lastId = 0;
  /** Frames written by the latest flush. */
  #framesWritten = 0;
  #scheduled = false;
  #blocked = false;
  /** Bulk waits for its budget. */
  #bulkWaiting = false;
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

  /** Opens a stream; the caller sends its head at once. Returns null at the limit and when the tunnel is closed. */
  open(): Stream | null {
    if (this.#closed || this.#streams.size >= MAX_STREAMS || this.#lastId >= MAX_ID) return null;
    const stream = new Stream(++this.#lastId, true, this);
    this.#streams.add(stream);
    return stream;
  }

  /** Sends a frame of the session itself, before all waiting streams. With `latest` it replaces a waiting one of its type. */
  control(type: number, payload: Uint8Array, latest = false): void {
    if (this.#closed) return;
    const before = latest ? this.#control.find((frame) => frame.type === type) : undefined;
    if (before) before.payload = payload;
    else this.#control.push({ type, payload });
    this.#wake();
  }

  /** Reads one decrypted record of the peer, which belongs to the mux. Throws TunnelProtocolError when the tunnel must end. */
  receive(record: Buffer): void {
    const memory = record.length >= MIN_DETACH ? new RefCounted(record) : undefined;
    readFrames(record, (type, flags, id, payload) => {
      if (this.#closed) return;
      if (id === 0) return this.#options.onControl(type, payload);
      if (type === TYPE.open) return this.#onOpen(flags, id, payload, memory);
      const stream = this.#streams.get(id);
      if (stream) return stream.receive(type, flags, payload, memory);
      // Frames that were in flight when this side closed the stream are dropped; others are protocol violations.
      if (id > this.#lastId || type > TYPE.trailers) {
        throw new TunnelProtocolError('frame of a stream that was never opened');
      }
    });
    memory?.release();
  }

  /** Sends the last frame of all, behind the session's waiting frames, even if the socket is full. */
  sendGoodbye(type: number, payload: Uint8Array): void {
    if (this.#closed) return;
    this.#control.push({ type, payload });
    for (const frame of this.#control.splice(0)) this.#writeOwn(frame);
    this.#sendRecord();
  }

  /** The socket has drained. */
  unblock(): void {
    this.#blocked = false;
    this.flush();
  }

  /** Every stream is lost. */
  destroy(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#readyQueue = [];
    this.#control = [];
    for (const stream of this.#streams.clear()) stream.lose();
  }

  /** The budget has grown. Frames that wait for the end of the tick stay there, to share a record. */
  resumeBulk(): void {
    if (this.#bulkWaiting) this.flush();
  }

  /** Writes what is due, until the socket is full. */
  flush(): void {
    const writer = this.#writer;
    this.#framesWritten = 0;
    this.#bulkWaiting = false;
    while (!this.#blocked && !this.#closed) {
      const control = this.#control.shift();
      if (control) {
        this.#writeOwn(control);
        continue;
      }
      if (this.#readyQueue.length === 0) break;
      const budget = this.#options.sendBudget?.() ?? Infinity;
      const piece = budget - writer.length;
      const bulk = piece >= SMALL_WRITE;
      const at = bulk ? 0 : this.#readyQueue.findIndex((stream) => stream.opening || stream.frameSize <= SMALL_WRITE);
      if (at < 0) {
        this.#bulkWaiting = budget < SMALL_WRITE;
        if (this.#bulkWaiting) break; // The budget is used up.
        this.#sendRecord(); // This piece is complete.
        continue;
      }
      const stream = this.#readyQueue[at]!;
      if (writer.remaining < stream.frameSize + PROBE_ROOM) {
        this.#sendRecord();
        continue;
      }
      if (at === 0) this.#readyQueue.shift();
      else this.#readyQueue.splice(at, 1);
      stream.queued = false;
      this.#framesWritten++;
      if (stream.interactive) this.#options.onInteractive?.();
      if (stream.writeFrame(writer, bulk ? Math.min(MAX_DATA, piece) : SMALL_WRITE)) this.ready(stream);
    }
    if (this.#closed) writer.free();
    else this.#sendRecord();
  }

  // ---- StreamHost

  ready(stream: Stream): void {
    if (stream.queued || this.#closed) return;
    stream.queued = true;
    this.#readyQueue.push(stream);
    this.#wake();
  }
  forget(stream: Stream): void {
    if (!this.#streams.remove(stream)) return;
    if (this.#streams.size === 0) this.#options.onIdle?.();
  }

  #wake(): void {
    if (this.#scheduled || this.#blocked) return;
    this.#scheduled = true;
    this.#options.schedule(this.#flush, this.#streams.size > 1 || this.#framesWritten > 1);
  }
  #sendRecord(): void {
    const writer = this.#writer;
    if (writer.length === 0) return;
    const stamp = this.#options.probe?.(writer.length);
    if (stamp) this.#writeControl(TYPE.ping, stamp);
    if (!this.#options.send(writer.take())) this.#blocked = true;
    writer.free();
  }
  #writeOwn({ type, payload }: { type: number; payload: Uint8Array }): void {
    if (this.#writer.remaining < FRAME_HEADER + payload.length + PROBE_ROOM) this.#sendRecord();
    this.#writeControl(type, payload);
  }
  #writeControl(type: number, payload: Uint8Array): void {
    this.#writer.begin(type, 0, 0);
    this.#writer.bytes(payload);
    this.#writer.finish();
  }

  #onOpen(flags: number, id: number, payload: Buffer, memory?: RefCounted): void {
    if (this.#options.opener) throw new TunnelProtocolError('only the relay opens streams');
    if (id <= this.#lastId) throw new TunnelProtocolError('stream id used again');
    this.#lastId = id;
    const head = unpackHead(payload, 0);
    const stream = new Stream(id, false, this);
    this.#streams.add(stream);
    if (this.#streams.size > MAX_STREAMS + MAX_REFUSED) throw new TunnelProtocolError('opens without end');
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
    stream.receiveOpenBody(flags, payload.subarray(head.end), memory);
  }
}
