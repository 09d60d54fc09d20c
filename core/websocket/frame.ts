/** The frame header (RFC 6455 §5.2) and the close code ranges (§7.4), without IO. */
import { Buffer } from 'node:buffer';

export const CONTINUATION = 0x0;
export const TEXT = 0x1;
export const BINARY = 0x2;
export const CLOSE = 0x8;
export const PING = 0x9;
export const PONG = 0xa;

export const FIN = 0x80;
export const RSV1 = 0x40;
/** First byte: RSV2 and RSV3, which no supported extension uses. */
export const RSV23 = 0x30;
/** Second byte: the payload is masked. */
export const MASK = 0x80;

/** §5.5: longest payload of a control frame. */
export const MAX_CONTROL = 125;
/** §5.5.1: longest reason; two bytes hold the code. */
export const MAX_REASON = MAX_CONTROL - 2;
/** 2 bytes, 8 of length, 4 of mask. */
export const MAX_HEADER = 14;
const LENGTH_16 = 126;
const LENGTH_64 = 127;

/** Size in bytes of the header of a frame with that payload length. */
export function headerSize(length: number, masked: boolean): number {
  return (length < LENGTH_16 ? 2 : length < 0x10000 ? 4 : 10) + (masked ? 4 : 0);
}

/**
 * Writes a header at `at`.
 * @param first FIN, RSV bits and opcode
 * @param key the mask as a little-endian word, or null for an unmasked frame
 * @returns the offset behind the header
 */
export function writeHeader(out: Buffer, at: number, first: number, length: number, key: number | null): number {
  const mask = key === null ? 0 : MASK;
  out[at++] = first;
  if (length < LENGTH_16) out[at++] = mask | length;
  else if (length < 0x10000) {
    out[at++] = mask | LENGTH_16;
    out[at++] = length >>> 8;
    out[at++] = length;
  } else {
    out[at++] = mask | LENGTH_64;
    out.writeUInt32BE(Math.floor(length / 0x100000000), at);
    out.writeUInt32BE(length >>> 0, at + 4);
    at += 8;
  }
  if (key === null) return at;
  out[at++] = key;
  out[at++] = key >>> 8;
  out[at++] = key >>> 16;
  out[at++] = key >>> 24;
  return at;
}

/** §7.4: codes that a Close frame may carry. 1004-1006 and 1015 are reserved; the rest below 3000 is unassigned. */
export function isCloseCode(code: number): boolean {
  return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) || (code >= 3000 && code <= 4999);
}

/**
 * §5.5.1: the payload of a Close frame.
 * @throws RangeError, TypeError for a code or reason that must not be sent
 */
export function closePayload(code: number, reason: string): Buffer {
  if (!isCloseCode(code)) throw new RangeError(`${code} is not a close code that can be sent`);
  if (typeof reason !== 'string') throw new TypeError('A close reason is a string');
  const length = Buffer.byteLength(reason);
  if (length > MAX_REASON) throw new RangeError(`A close reason has at most ${MAX_REASON} bytes`);
  const payload = Buffer.alloc(2 + length);
  payload.writeUInt16BE(code, 0);
  payload.write(reason, 2);
  return payload;
}
