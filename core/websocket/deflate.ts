/**
 * permessage-deflate (RFC 7692 §7). Between two messages only the window is retained: the last bytes that were compressed,
 * which are put before the next message. So an idle connection costs at most two windows of 32 KiB and no zlib state
 * (256 KiB and more), and every call is synchronous and bounded.
 */
import { Buffer } from 'node:buffer';
import { constants, deflateRawSync, inflateRawSync, type ZlibOptions } from 'node:zlib';
import { WebSocketError } from './errors.ts';

/** The negotiated parameters (§7.1). */
export interface DeflateParams {
  serverNoContextTakeover: boolean;
  clientNoContextTakeover: boolean;
  /** log2 of the window, 8-15. */
  serverMaxWindowBits: number;
  clientMaxWindowBits: number;
}

export interface DeflateTuning {
  /** Messages shorter than this, bytes, are sent uncompressed. */
  threshold?: number;
  /** zlib's level, 1-9. */
  level?: number;
}

export const DEFAULT_THRESHOLD = 1024;
const DEFAULT_LEVEL = 6;
/** zlib has no raw stream of 8 bits; its window of 9 bits never reaches farther back than 250 bytes (deflate.h, MAX_DIST). */
const MIN_ZLIB_BITS = 9;
/** Bytes of output that zlib produces at a time. */
const OUTPUT_CHUNK = 64 << 10;
/** How often a message may end its deflate stream and begin another: each costs a new inflater. */
const MAX_FINAL_BLOCKS = 64;
/** §7.2.1: a sync flush ends with this empty block, which is not sent. */
const TAIL = Buffer.from([0x00, 0x00, 0xff, 0xff]);
/** An empty final block: a message that does not reach it was truncated. */
const LAST = Buffer.from([0x01, 0x00, 0x00, 0xff, 0xff]);
const STORED_HEADER = 5;
const NOTHING: Buffer = Buffer.alloc(0);
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
    const before = this.#window?.bytes();
    const options: ZlibOptions = {
      level: this.#level,
      windowBits: Math.max(this.#bits, MIN_ZLIB_BITS),
      finishFlush: constants.Z_SYNC_FLUSH,
      // Deno ignores the dictionary and compresses as if there were no context takeover, which is always allowed.
      ...(before && before.length > 0 && { dictionary: before }),
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
    let input = Buffer.concat([data, TAIL, LAST]);
    const parts: Buffer[] = [];
    let size = 0;
    while (input.length > 0) {
      if (parts.length > MAX_FINAL_BLOCKS) throw damaged();
      const before = this.#window?.bytes() ?? NOTHING;
      const { buffer, engine } = inflate(
        Buffer.concat([storedBlock(before.length), before, input]),
        before.length + limit - size,
      );
      const output = buffer.subarray(before.length);
      this.#window?.push(output);
      parts.push(output);
      size += output.length;
      // Part of the input is left when a block of the message is marked final (§7.2.3.4): the message continues behind it.
      input = input.subarray(engine.bytesWritten - STORED_HEADER - before.length);
    }
    return parts.length === 1 ? parts[0]! : Buffer.concat(parts);
  }
}

export type Role = 'server' | 'client';

/** The compressor of this side's messages. */
export function deflaterFor(role: Role, params: DeflateParams, tuning?: DeflateTuning): Deflater {
  return role === 'server'
    ? new Deflater(params.serverMaxWindowBits, params.serverNoContextTakeover, tuning)
    : new Deflater(params.clientMaxWindowBits, params.clientNoContextTakeover, tuning);
}

/** The decompressor of the other side's messages. */
export function inflaterFor(role: Role, params: DeflateParams): Inflater {
  return role === 'server'
    ? new Inflater(params.clientMaxWindowBits, params.clientNoContextTakeover)
    : new Inflater(params.serverMaxWindowBits, params.serverNoContextTakeover);
}

/** RFC 1951 §3.2.4: the header of a stored block, which carries the window before a message. */
function storedBlock(length: number): Buffer {
  const header = Buffer.alloc(STORED_HEADER);
  header.writeUInt16LE(length, 1);
  header.writeUInt16LE(~length & 0xffff, 3);
  return header;
}

/** Inflates up to the first final block. Stops at `limit` bytes of output. */
function inflate(input: Buffer, limit: number): Inflated {
  const chunkSize = Math.min(OUTPUT_CHUNK, Math.max(1024, input.length * 4));
  try {
    // With `info` the result is {buffer, engine}, which the types lack. zlib accepts no limit of 0.
    const result = inflateRawSync(input, { chunkSize, maxOutputLength: Math.max(1, limit), info: true });
    const inflated = result as unknown as Inflated;
    if (inflated.buffer.length <= limit) return inflated;
  } catch (error) {
    if ((error as { code?: string }).code !== 'ERR_BUFFER_TOO_LARGE') throw damaged(error);
  }
  throw new WebSocketError('WS_MESSAGE_TOO_BIG', 'the decompressed message is too big');
}

interface Inflated {
  buffer: Buffer;
  engine: { bytesWritten: number };
}

const damaged = (cause?: unknown) =>
  new WebSocketError('WS_INVALID_DEFLATE', 'the compressed message is damaged', { cause });

/** The last 2^bits bytes of the stream. Its buffer grows with its content. */
class Window {
  readonly #size: number;
  #bytes = Buffer.alloc(0);
  #used = 0;

  constructor(bits: number) {
    this.#size = 1 << bits;
  }

  bytes(): Buffer {
    return this.#bytes.subarray(0, this.#used);
  }

  push(data: Uint8Array): void {
    const added = data.length > this.#size ? data.subarray(data.length - this.#size) : data;
    const retained = Math.min(this.#used, this.#size - added.length);
    const used = retained + added.length;
    if (used > this.#bytes.length) {
      const next = Buffer.allocUnsafeSlow(Math.min(this.#size, Math.max(used, this.#bytes.length * 2)));
      this.#bytes.copy(next, 0, this.#used - retained, this.#used);
      this.#bytes = next;
    } else {
      this.#bytes.copyWithin(0, this.#used - retained, this.#used);
    }
    this.#bytes.set(added, retained);
    this.#used = used;
  }
}
