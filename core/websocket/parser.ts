/**
 * Bytes → frames (RFC 6455 §5.2). The parser walks through a chunk by offset; only a header that spans chunks is copied.
 * Payload is passed on as it arrives, whole or in parts, still masked.
 *
 *   START ─▶ LENGTH ─▶ KEY ─▶ PAYLOAD ─▶ START …      (LENGTH and KEY are left out when a frame has none)
 */
import { Buffer } from 'node:buffer';
import { WebSocketError } from './errors.ts';
import { BINARY, CLOSE, FIN, MASK, MAX_CONTROL, PONG, RSV1, RSV23 } from './frame.ts';
import { turnKey } from './mask.ts';

/** Receives the parts of each frame. Each method may throw a WebSocketError to refuse the frame. */
export interface FrameSink {
  /** A header is complete and valid by itself. */
  start(opcode: number, fin: boolean, rsv1: boolean, length: number): void;
  /** Payload: bytes[from..to], never empty, to be unmasked with `key` (0: not masked); it may be changed in place. */
  part(bytes: Buffer, from: number, to: number, key: number): void;
  /** The frame is complete. */
  end(): void;
}

const NOTHING: Buffer = Buffer.alloc(0);

const START = 0;
const LENGTH = 1;
const KEY = 2;
const PAYLOAD = 3;

export class FrameParser {
  readonly #sink: FrameSink;
  readonly #expectMask: boolean;
  readonly #allowRsv1: boolean;
  #state = START;
  #running = false;

  #chunk = NOTHING;
  #at = 0;
  /** Gathers a header field that spans chunks. */
  #scratch: Buffer | null = null;
  #gathered = 0;
  /** Where #read found the field: in the chunk or in the scratch. */
  #field = NOTHING;
  #fieldAt = 0;

  #first = 0;
  #lengthBytes = 0;
  #remaining = 0;
  #key = 0;

  /** @param role of this side: a server's peer must mask, a client's must not (§5.1) */
  constructor(role: 'server' | 'client', sink: FrameSink, options: { rsv1?: boolean } = {}) {
    this.#sink = sink;
    this.#expectMask = role === 'server';
    this.#allowRsv1 = options.rsv1 ?? false;
  }

  /**
   * Parses chunk[from..] until its end or until `stop`. Must not be called from within the sink.
   * @returns the offset of the first byte not consumed
   * @throws WebSocketError; the parser must not be used afterwards
   */
  push(chunk: Buffer, from = 0): number {
    this.#chunk = chunk;
    this.#at = from;
    this.#running = true;
    let more = true;
    while (more && this.#running) {
      switch (this.#state) {
        case START:
          more = this.#start();
          break;
        case LENGTH:
          more = this.#length();
          break;
        case KEY:
          more = this.#maskKey();
          break;
        default:
          more = this.#payload();
      }
    }
    this.#chunk = this.#field = NOTHING; // An idle connection holds no memory.
    return this.#at;
  }

  /** Called from within the sink: `push` returns after this frame. */
  stop(): void {
    this.#running = false;
  }

  #start(): boolean {
    if (!this.#read(2)) return false;
    const first = this.#first = this.#field[this.#fieldAt]!;
    const second = this.#field[this.#fieldAt + 1]!;
    const length = second & 0x7f;
    this.#checkStart(first, second, length);
    this.#remaining = length;
    this.#lengthBytes = length === 126 ? 2 : length === 127 ? 8 : 0;
    if (this.#lengthBytes > 0) this.#state = LENGTH;
    else this.#headerDone();
    return true;
  }

  #checkStart(first: number, second: number, length: number): void {
    const opcode = first & 0x0f;
    if (first & RSV23 || (first & RSV1 && !this.#allowRsv1)) refuse('WS_RESERVED_BIT', 'a reserved bit is set');
    if ((opcode > BINARY && opcode < CLOSE) || opcode > PONG) {
      refuse('WS_RESERVED_OPCODE', `opcode ${opcode} is reserved`);
    }
    if (this.#expectMask !== second >= MASK) {
      if (this.#expectMask) refuse('WS_NOT_MASKED', 'a client must mask its frames');
      refuse('WS_MASKED', 'a server must not mask its frames');
    }
    if (opcode < CLOSE) return;
    if (!(first & FIN)) refuse('WS_CONTROL_FRAGMENTED', 'a control frame must not be fragmented');
    if (first & RSV1) refuse('WS_RESERVED_BIT', 'a control frame must not be compressed');
    if (length > MAX_CONTROL) refuse('WS_CONTROL_TOO_LONG', 'a control frame carries at most 125 bytes');
  }

  #length(): boolean {
    if (!this.#read(this.#lengthBytes)) return false;
    const field = this.#field, at = this.#fieldAt;
    if (this.#lengthBytes === 2) {
      this.#remaining = field[at]! << 8 | field[at + 1]!;
      if (this.#remaining < 126) refuse('WS_LENGTH_ENCODING', 'the length is not in its shortest form');
    } else {
      if (field[at]! & 0x80) refuse('WS_LENGTH_ENCODING', 'the top bit of the length is set');
      this.#remaining = field.readUInt32BE(at) * 0x100000000 + field.readUInt32BE(at + 4);
      if (this.#remaining < 0x10000) refuse('WS_LENGTH_ENCODING', 'the length is not in its shortest form');
    }
    this.#headerDone();
    return true;
  }

  /** The header is complete but for the mask key: the sink may refuse a length before the next byte arrives. */
  #headerDone(): void {
    const first = this.#first;
    this.#sink.start(first & 0x0f, (first & FIN) !== 0, (first & RSV1) !== 0, this.#remaining);
    this.#state = this.#expectMask ? KEY : PAYLOAD;
  }

  #maskKey(): boolean {
    if (!this.#read(4)) return false;
    const field = this.#field, at = this.#fieldAt;
    this.#key = field[at]! | field[at + 1]! << 8 | field[at + 2]! << 16 | field[at + 3]! << 24;
    this.#state = PAYLOAD;
    return true;
  }

  #payload(): boolean {
    const from = this.#at;
    const count = Math.min(this.#remaining, this.#chunk.length - from);
    if (count > 0) {
      const to = this.#at = from + count;
      this.#remaining -= count;
      this.#sink.part(this.#chunk, from, to, this.#key);
      this.#key = turnKey(this.#key, count);
    }
    if (this.#remaining > 0) return false;
    this.#state = START;
    this.#sink.end();
    return true;
  }

  /** Makes the next `count` bytes readable at #field[#fieldAt]; returns false, and stores the bytes so far, if there are fewer. */
  #read(count: number): boolean {
    const left = this.#chunk.length - this.#at;
    if (this.#gathered === 0 && left >= count) {
      this.#field = this.#chunk;
      this.#fieldAt = this.#at;
      this.#at += count;
      return true;
    }
    if (left === 0) return false;
    const part = Math.min(count - this.#gathered, left);
    this.#scratch ??= Buffer.alloc(8);
    this.#scratch.set(this.#chunk.subarray(this.#at, this.#at + part), this.#gathered);
    this.#at += part;
    this.#gathered += part;
    if (this.#gathered < count) return false;
    this.#gathered = 0;
    this.#field = this.#scratch;
    this.#fieldAt = 0;
    return true;
  }
}

function refuse(code: WebSocketError['code'], message: string): never {
  throw new WebSocketError(code, message);
}
