/**
 * permessage-deflate (RFC 7692 §7). Between two messages nothing is kept but the window: the last bytes of what was
 * compressed, handed to zlib as the dictionary of the next message. So an idle connection costs at most two windows of
 * 32 KiB and no zlib state (256 KiB and more), and every call is synchronous and ends at its bound.
 */
import { Buffer } from 'node:buffer';
import { constants, deflateRawSync, inflateRawSync, type ZlibOptions } from 'node:zlib';
import { WebSocketError } from './errors.ts';

/** What was agreed upon (§7.1). */
export interface DeflateParams {
  serverNoContextTakeover: boolean;
  clientNoContextTakeover: boolean;
  /** log2 of the window, 8-15. */
  serverMaxWindowBits: number;
  clientMaxWindowBits: number;
}

export interface DeflateTuning {
  /** Messages shorter than this are sent as they are. */
  threshold?: number;
  /** zlib's level, 1-9. */
  level?: number;
}

export const DEFAULT_THRESHOLD = 1024;
const DEFAULT_LEVEL = 6;
const MAX_BITS = 15;
/** zlib has no raw stream of 8 bits; its window of 9 bits never reaches farther back than 250 bytes (deflate.h, MAX_DIST). */
const MIN_ZLIB_BITS = 9;
/** Bytes of output that zlib gives at a time. */
const OUTPUT_CHUNK = 64 << 10;
/** Times that a message may end its deflate stream and begin another: each costs a fresh inflater. */
const MAX_FINAL_BLOCKS = 64;
/** §7.2.1: a sync flush ends with this empty block, which is not sent. */
const TAIL = Buffer.from([0x00, 0x00, 0xff, 0xff]);
/** One empty block, for a message of no bytes (§7.2.3.6). */
const EMPTY = Buffer.from([0x00]);

/** Compresses one side's messages. */
export class Deflater {
  readonly #bits: number;
  readonly #level: number;
  readonly #window: Window | null;
  readonly threshold: number;

  constructor(bits: number, noContextTakeover: boolean, tuning: DeflateTuning = {}) {
    this.#bits = bits;
    this.#level = tuning.level ?? DEFAULT_LEVEL;
    this.threshold = tuning.threshold ?? DEFAULT_THRESHOLD;
    this.#window = noContextTakeover ? null : new Window(bits);
  }

  compress(data: Uint8Array): Buffer {
    if (data.length === 0) return EMPTY;
    const options: ZlibOptions = {
      level: this.#level,
      windowBits: Math.max(this.#bits, MIN_ZLIB_BITS),
      finishFlush: constants.Z_SYNC_FLUSH,
      ...this.#window?.asDictionary(),
    };
    const out = deflateRawSync(data, options);
    this.#window?.push(data);
    return out.subarray(0, out.length - TAIL.length);
  }
}

/** Decompresses the other side's messages. */
export class Inflater {
  readonly #window: Window | null;

  constructor(bits: number, noContextTakeover: boolean) {
    this.#window = noContextTakeover ? null : new Window(bits);
  }

  /** @param limit bytes of output after which inflating stops and the message is refused */
  decompress(data: Buffer, limit: number): Buffer {
    let input = Buffer.concat([data, TAIL]);
    const parts: Buffer[] = [];
    let size = 0;
    while (input.length > 0) {
      if (parts.length > MAX_FINAL_BLOCKS) throw damaged();
      const { output, used } = this.#inflate(input, limit - size);
      size += output.length;
      parts.push(output);
      this.#window?.push(output);
      // Less than all is used where a block says that it is the last (§7.2.3.4): the message goes on behind it.
      input = input.subarray(used);
      if (used === 0) break;
    }
    return parts.length === 1 ? parts[0]! : Buffer.concat(parts);
  }

  #inflate(input: Buffer, limit: number): { output: Buffer; used: number } {
    const options = {
      windowBits: MAX_BITS,
      finishFlush: constants.Z_SYNC_FLUSH,
      chunkSize: Math.min(OUTPUT_CHUNK, Math.max(1024, input.length * 4)),
      // zlib cuts above this; it knows no 0.
      maxOutputLength: Math.max(1, limit),
      info: true as const,
      ...this.#window?.asDictionary(),
    };
    try {
      // With `info` the result is the buffer and the engine, which the types do not say.
      const { buffer, engine } = inflateRawSync(input, options) as unknown as Inflated;
      if (buffer.length > limit) throw tooBig();
      return { output: buffer, used: engine.bytesWritten };
    } catch (error) {
      if (error instanceof WebSocketError) throw error;
      if ((error as { code?: string }).code === 'ERR_BUFFER_TOO_LARGE') throw tooBig();
      throw damaged(error);
    }
  }
}

interface Inflated {
  buffer: Buffer;
  engine: { bytesWritten: number };
}

const damaged = (cause?: unknown) =>
  new WebSocketError('WS_INVALID_DEFLATE', 'the compressed message is damaged', { cause });
const tooBig = () => new WebSocketError('WS_MESSAGE_TOO_BIG', 'the decompressed message is too big');

/** The last 2^bits bytes that went through. Grows with what there is to remember. */
class Window {
  readonly #size: number;
  #bytes = Buffer.alloc(0);
  #used = 0;

  constructor(bits: number) {
    this.#size = 1 << bits;
  }

  /** Options for zlib. An empty dictionary would be refused. */
  asDictionary(): { dictionary?: Buffer } {
    return this.#used === 0 ? {} : { dictionary: this.#bytes.subarray(0, this.#used) };
  }

  push(data: Uint8Array): void {
    const added = data.length > this.#size ? data.subarray(data.length - this.#size) : data;
    const kept = Math.min(this.#used, this.#size - added.length);
    const used = kept + added.length;
    if (used > this.#bytes.length) {
      const next = Buffer.allocUnsafeSlow(Math.min(this.#size, Math.max(used, this.#bytes.length * 2)));
      this.#bytes.copy(next, 0, this.#used - kept, this.#used);
      this.#bytes = next;
    } else {
      this.#bytes.copyWithin(0, this.#used - kept, this.#used);
    }
    this.#bytes.set(added, kept);
    this.#used = used;
  }
}
