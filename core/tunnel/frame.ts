/** Frames inside a record, and packed heads inside frames (SPEC.md, "Frames"). Pure. */
import type { Buffer } from 'node:buffer';
import { MAX_HEAD, MAX_HEAD_STRINGS, MAX_PLAIN } from './limits.ts';

export const TYPE = {
  open: 1,
  head: 2,
  data: 3,
  reset: 4,
  credit: 5,
  info: 6,
  trailers: 7,
  ping: 8,
  pong: 9,
  goaway: 10,
  bye: 11,
  hello: 12,
  rekey: 13,
} as const;

/** The sender's half of the stream ends with this frame. */
export const END = 1;
/** On OPEN: the request asks for a protocol upgrade. */
export const UPGRADE = 2;

/** type u8 · flags u8 · length u16 · stream u32, big endian. */
export const FRAME_HEADER = 8;
const MAX_STRING = 0xffff;

/** Why a stream was reset. */
export const RESET = {
  /** The answer is complete; the rest of the request is not needed. */
  done: 0,
  /** The sender aborted the stream: the browser disconnected, or the handler aborted. */
  cancel: 1,
  /** The peer violated the protocol on this stream. */
  protocol: 2,
  /** The peer sent more than its credit allowed. */
  flow: 3,
  /** Too many streams, or draining. */
  refused: 4,
  /** The handler failed. */
  internal: 5,
  /** Never on the wire: the tunnel was lost. */
  lost: 0xffff,
} as const;

/** The peer violated the protocol in a way that ends the tunnel. */
export class TunnelProtocolError extends Error {}

export interface Frame {
  type: number;
  flags: number;
  id: number;
  /** A view of the record. */
  payload: Buffer;
}

export type OnFrame = (type: number, flags: number, id: number, payload: Buffer) => void;

/** Calls `onFrame` for each frame of a record. Throws TunnelProtocolError unless the record consists of whole frames. */
export function readFrames(record: Buffer, onFrame: OnFrame): void {
  let at = 0;
  while (at < record.length) {
    if (record.length - at < FRAME_HEADER) throw new TunnelProtocolError('frame header cut short');
    const length = (record[at + 2]! << 8) | record[at + 3]!;
    const start = at + FRAME_HEADER;
    const end = start + length;
    if (end > record.length) throw new TunnelProtocolError('frame longer than its record');
    onFrame(record[at]!, record[at + 1]!, record.readUInt32BE(at + 4), record.subarray(start, end));
    at = end;
  }
}

/** Memory for records; most tunnels have none under construction. */
export interface RecordMemory {
  /** MAX_PLAIN bytes or more. */
  acquire(): Buffer;
  /** @param buffer of `acquire`, no longer read or written */
  release(buffer: Buffer): void;
}

/** Writes frames, one after the other, into the plaintext of one record. */
export class FrameEncoder {
  readonly #memory: RecordMemory;
  /** Null between `free` and the next frame. */
  #held: Buffer | null = null;
  #at = 0;
  #start = 0;

  constructor(memory: RecordMemory) {
    this.#memory = memory;
  }

  get length(): number {
    return this.#at;
  }
  get remaining(): number {
    return MAX_PLAIN - this.#at;
  }

  begin(type: number, flags: number, id: number): void {
    const buffer = this.#buffer;
    this.#start = this.#at;
    buffer[this.#at] = type;
    buffer[this.#at + 1] = flags;
    buffer.writeUInt32BE(id, this.#at + 4);
    this.#at += FRAME_HEADER;
  }
  bytes(chunk: Uint8Array): void {
    this.#buffer.set(chunk, this.#at);
    this.#at += chunk.length;
  }
  u16(value: number): void {
    this.#at = this.#buffer.writeUInt16BE(value, this.#at);
  }
  u32(value: number): void {
    this.#at = this.#buffer.writeUInt32BE(value, this.#at);
  }
  strings(head: PackedHead): void {
    const { strings, blob } = head;
    this.u16(strings.length);
    for (let i = 0; i < strings.length; i++) this.u16(strings[i]!.length);
    this.#at += this.#buffer.write(blob, this.#at, 'latin1');
  }
  /** Ends the frame that `begin` started. */
  finish(): void {
    const length = this.#at - this.#start - FRAME_HEADER;
    this.#buffer[this.#start + 2] = length >> 8;
    this.#buffer[this.#start + 3] = length & 0xff;
  }

  /** Returns the record so far, which is valid until `free` or the next `begin`, and empties the encoder. */
  take(): Buffer {
    const record = this.#buffer.subarray(0, this.#at);
    this.#at = 0;
    return record;
  }
  /** Gives the memory back, between frames; what is written is dropped. */
  free(): void {
    if (this.#held) this.#memory.release(this.#held);
    this.#held = null;
    this.#at = 0;
  }

  get #buffer(): Buffer {
    return this.#held ??= this.#memory.acquire();
  }
}

/** Strings of a head, validated and ready to be written. */
export interface PackedHead {
  readonly strings: readonly string[];
  readonly blob: string;
  /** Size on the wire, bytes. */
  readonly size: number;
}

// A character above 0xff would be truncated to its low byte on the wire (U+010A becomes a line feed), so it is refused here.
// NUL, CR and LF are not allowed in any part of a head.
const BAD_TEXT = /[^\u0001-\u0009\u000b\u000c\u000e-\u00ff]/;

/** @returns null when the strings cannot form a head: too many, too long, or with characters that HTTP forbids */
export function packHead(strings: readonly string[]): PackedHead | null {
  if (strings.length > MAX_HEAD_STRINGS) return null;
  for (let i = 0; i < strings.length; i++) if (strings[i]!.length > MAX_STRING) return null;
  const blob = strings.join('');
  const size = 2 + 2 * strings.length + blob.length;
  if (size > MAX_HEAD || BAD_TEXT.test(blob)) return null;
  return { strings, blob, size };
}

/** Reads packed strings at `at`. Returns them and the offset of their end, or null unless packHead could have produced them. */
export function unpackHead(payload: Buffer, at: number): { strings: string[]; end: number } | null {
  if (payload.length < at + 2) return null;
  const count = payload.readUInt16BE(at);
  const blobAt = at + 2 + 2 * count;
  if (count > MAX_HEAD_STRINGS || payload.length < blobAt) return null;
  let size = 0;
  for (let i = 0; i < count; i++) size += payload.readUInt16BE(at + 2 + 2 * i);
  if (blobAt + size > payload.length || blobAt - at + size > MAX_HEAD) return null;
  const blob = payload.toString('latin1', blobAt, blobAt + size);
  if (BAD_TEXT.test(blob)) return null;
  const strings = new Array<string>(count);
  let from = 0;
  for (let i = 0; i < count; i++) {
    const to = from + payload.readUInt16BE(at + 2 + 2 * i);
    strings[i] = blob.slice(from, to);
    from = to;
  }
  return { strings, end: blobAt + size };
}
