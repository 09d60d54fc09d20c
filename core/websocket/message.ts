/**
 * Frames → messages (RFC 6455 §5.4, §5.5, §8.1). A message that lies in one chunk is delivered as a view of it; one that
 * spans chunks or frames is gathered in one buffer. Text is checked as it arrives, so that an invalid byte is refused at once.
 */
import { Buffer, isUtf8 } from 'node:buffer';
import type { Clock } from '../clock.ts';
import { WebSocketError } from './errors.ts';
import { CLOSE, CONTINUATION, isCloseCode, MAX_CONTROL, PING, TEXT } from './frame.ts';
import type { Limits } from './limits.ts';
import { xor } from './mask.ts';
import type { FrameSink } from './parser.ts';
import { acquireBlock, BLOCK_SIZE, releaseBlock } from '../buffers/pool.ts';
import { decodeText, Utf8Checker } from './utf8.ts';

/** §7.1.5: the peer's Close frame carried no code. */
export const NO_CODE = 1005;
/** Largest first capacity of a buffer, bytes; it doubles from there, whatever length a header announces. */
const FIRST_CAPACITY = 1 << 20;

export interface MessageSink {
  /** The receiver may keep the bytes (nothing changes them afterwards), unless the reader is zero-copy. */
  message(data: Buffer | string): void;
  /** Valid during the call. */
  ping(data: Buffer): void;
  /** Valid during the call. */
  pong(data: Buffer): void;
  close(code: number, reason: string): void;
}

export interface Decompressor {
  /** @throws WebSocketError if the bytes are damaged or too many */
  decompress(bytes: Buffer, limit: number): Buffer;
}

export class MessageReader implements FrameSink {
  readonly #sink: MessageSink;
  readonly #limits: Readonly<Limits>;
  readonly #inflater: Decompressor | null;
  readonly #clock: Clock;
  readonly #zeroCopy: boolean;
  /** Bytes of one message; applies to frames whose header arrives from now on. */
  maxMessage: number;
  #controls: RateLimit | null = null;

  // The current frame.
  #opcode = 0;
  #fin = false;
  #length = 0;
  /** Payload of the frame, in place when it is a whole control frame or message, else in a Gatherer. */
  #bytes = NOTHING;
  #from = 0;
  #to = 0;
  #control: Gatherer | null = null;

  // The current message.
  #kind = 0;
  #compressed = false;
  #frames = 0;
  #size = 0;
  #body: Gatherer | null = null;
  #utf8: Utf8Checker | null = null;

  /** @param zeroCopy bytes of messages are valid only during the call */
  constructor(
    sink: MessageSink,
    limits: Readonly<Limits>,
    clock: Clock,
    inflater: Decompressor | null = null,
    zeroCopy = false,
  ) {
    this.#zeroCopy = zeroCopy;
    this.#sink = sink;
    this.#limits = limits;
    this.maxMessage = limits.message;
    this.#inflater = inflater;
    this.#clock = clock;
  }

  start(opcode: number, fin: boolean, rsv1: boolean, length: number): void {
    this.#opcode = opcode;
    this.#fin = fin;
    this.#length = length;
    if (opcode >= CLOSE) {
      this.#controls ??= new RateLimit(this.#limits.controlPerSecond, this.#clock);
      if (!this.#controls.take()) refuse('WS_CONTROL_FLOOD', 'too many control frames');
      return;
    }
    if (opcode === CONTINUATION) {
      if (this.#kind === 0) refuse('WS_UNEXPECTED_CONTINUATION', 'there is no message to continue');
      if (rsv1) refuse('WS_RESERVED_BIT', 'only the first frame of a message says that it is compressed');
    } else {
      if (this.#kind !== 0) refuse('WS_EXPECTED_CONTINUATION', 'the message before is not finished');
      this.#kind = opcode;
      this.#compressed = rsv1;
      this.#frames = this.#size = 0;
    }
    if (++this.#frames > this.#limits.fragments) refuse('WS_TOO_MANY_FRAGMENTS', 'too many fragments');
    this.#size += length;
    const limit = this.maxMessage;
    if (this.#size > (this.#compressed ? deflateBound(limit) : limit)) {
      refuse('WS_MESSAGE_TOO_BIG', 'the message is too big');
    }
  }

  part(bytes: Buffer, from: number, to: number, key: number): void {
    const control = this.#opcode >= CLOSE;
    if (to - from === this.#length && (control || (this.#fin && this.#frames === 1))) {
      if (key !== 0) xor(bytes, from, to, key, bytes, from);
      this.#setBytes(bytes, from, to);
    } else if (control) {
      (this.#control ??= new Gatherer()).append(bytes, from, to, key, MAX_CONTROL);
    } else {
      const body = this.#body ??= new Gatherer(this.#zeroCopy);
      body.append(bytes, from, to, key, this.#fin ? this.#size : 0);
      this.#checkText(body.buffer, body.used - (to - from), body.used);
    }
  }

  end(): void {
    if (this.#opcode >= CLOSE) {
      this.#endControl();
    } else if (this.#fin) {
      const gathered = this.#body?.take();
      if (gathered) this.#setBytes(gathered, 0, gathered.length);
      try {
        this.#endMessage(gathered !== undefined && gathered !== null);
      } finally {
        this.#body?.release();
      }
    }
  }

  #setBytes(bytes: Buffer, from: number, to: number): void {
    this.#bytes = bytes;
    this.#from = from;
    this.#to = to;
  }

  /** Returns the bytes that `#setBytes` set, and clears them. */
  #takeBytes(): Buffer {
    if (this.#bytes === NOTHING) return NOTHING;
    const view = this.#bytes.subarray(this.#from, this.#to);
    this.#setBytes(NOTHING, 0, 0);
    return view;
  }

  #checkText(bytes: Buffer, from: number, to: number): void {
    if (this.#kind !== TEXT || this.#compressed) return;
    this.#utf8 ??= new Utf8Checker();
    if (!this.#utf8.push(bytes, from, to)) badText();
  }

  /** @param checked gathered text has been checked up to its last character */
  #endMessage(checked: boolean): void {
    const text = this.#kind === TEXT;
    this.#kind = 0;
    if (this.#compressed) {
      const bytes = this.#inflater!.decompress(this.#takeBytes(), this.maxMessage);
      return this.#sink.message(text ? decodeText(bytes, 0, bytes.length) ?? badText() : bytes);
    }
    if (!text) return this.#sink.message(this.#takeBytes());
    if (checked && !this.#utf8!.end()) badText();
    const bytes = this.#bytes, from = this.#from, to = this.#to;
    this.#setBytes(NOTHING, 0, 0);
    this.#sink.message(checked ? bytes.toString('utf8', from, to) : decodeText(bytes, from, to) ?? badText());
  }

  #endControl(): void {
    const gathered = this.#control?.take();
    if (gathered) this.#setBytes(gathered, 0, gathered.length);
    const data = this.#takeBytes();
    if (this.#opcode === PING) this.#sink.ping(data);
    else if (this.#opcode === CLOSE) this.#endClose(data);
    else this.#sink.pong(data);
  }

  /** §5.5.1: the payload is empty, or a code and a reason in UTF-8. */
  #endClose(data: Buffer): void {
    if (data.length === 0) return this.#sink.close(NO_CODE, '');
    if (data.length === 1) refuse('WS_BAD_CLOSE', 'half a close code');
    const code = data.readUInt16BE(0);
    if (!isCloseCode(code)) refuse('WS_BAD_CLOSE', `close code ${code} must not be sent`);
    const reason = data.subarray(2);
    if (!isUtf8(reason)) refuse('WS_INVALID_UTF8', 'the close reason is not UTF-8');
    this.#sink.close(code, reason.toString());
  }
}

const NOTHING: Buffer = Buffer.alloc(0);

/** Largest compressed size of an incompressible message, with the smallest window (zlib, deflateBound). */
const deflateBound = (length: number): number => length + (length >>> 3) + (length >>> 6) + 64;

/** Joins parts into one buffer that is never larger than twice what has arrived, or FIRST_CAPACITY. */
class Gatherer {
  buffer: Buffer = NOTHING;
  used = 0;
  readonly #zeroCopy: boolean;
  #block: Buffer | null = null;

  /** @param zeroCopy the gathered bytes are read until `release`; their memory is reused after that */
  constructor(zeroCopy = false) {
    this.#zeroCopy = zeroCopy;
  }

  /**
   * Adds bytes[from..to], unmasked with `key`.
   * @param expected size of the whole, bytes; 0 if it is unknown
   */
  append(bytes: Buffer, from: number, to: number, key: number, expected: number): void {
    const needed = this.used + to - from;
    if (needed > this.buffer.length) this.#grow(needed, expected);
    if (key === 0) bytes.copy(this.buffer, this.used, from, to);
    else xor(bytes, from, to, key, this.buffer, this.used);
    this.used = needed;
  }

  #grow(needed: number, expected: number): void {
    if (this.#zeroCopy && this.used === 0 && expected > 0 && expected <= BLOCK_SIZE) {
      this.buffer = this.#block = acquireBlock();
      return;
    }
    const doubled = Math.max(needed, this.used * 2, Math.min(expected, FIRST_CAPACITY));
    const next = Buffer.allocUnsafe(expected > needed ? Math.min(doubled, expected) : doubled);
    this.buffer.copy(next, 0, 0, this.used);
    this.buffer = next;
  }

  /** The gathered bytes, or null if there are none. */
  take(): Buffer | null {
    if (this.used === 0) return null;
    const all = this.buffer.subarray(0, this.used);
    this.buffer = NOTHING;
    this.used = 0;
    return all;
  }

  release(): void {
    if (this.#block) releaseBlock(this.#block);
    this.#block = null;
  }
}

/** A token bucket: `perSecond` events per second, and as many at once after a quiet second. */
class RateLimit {
  readonly #perSecond: number;
  readonly #clock: Clock;
  #tokens: number;
  #at = 0;

  constructor(perSecond: number, clock: Clock) {
    this.#perSecond = this.#tokens = perSecond;
    this.#clock = clock;
  }

  take(): boolean {
    const now = this.#clock.monotonic();
    this.#tokens = Math.min(this.#perSecond, this.#tokens + (now - this.#at) / 1000 * this.#perSecond);
    this.#at = now;
    if (this.#tokens < 1) return false;
    this.#tokens--;
    return true;
  }
}

function refuse(code: WebSocketError['code'], message: string): never {
  throw new WebSocketError(code, message);
}

function badText(): never {
  refuse('WS_INVALID_UTF8', 'the text is not UTF-8');
}
