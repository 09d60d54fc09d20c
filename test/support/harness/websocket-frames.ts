/** Frames built by hand for the WebSocket tests: nothing here is shared with the implementation. */
import { Buffer } from 'node:buffer';

export interface FrameParts {
  fin?: boolean;
  /** RSV1, RSV2, RSV3 as the bits 4, 2, 1. */
  rsv?: number;
  opcode?: number;
  payload?: Uint8Array | string;
  /** Four bytes; no mask when left out. */
  mask?: Uint8Array;
  /** Writes the length in that many bytes (0, 2 or 8) in place of the shortest. */
  lengthBytes?: 0 | 2 | 8;
  /** The length that the header tells, whatever the payload has. */
  announce?: bigint;
}

export const KEY = Uint8Array.of(0x37, 0xfa, 0x21, 0x3d);

export function frame(parts: FrameParts): Buffer {
  const { fin = true, rsv = 0, opcode = 1, mask } = parts;
  const payload = Buffer.from(parts.payload ?? '');
  const length = parts.announce ?? BigInt(payload.length);
  const lengthBytes = parts.lengthBytes ?? (length < 126n ? 0 : length < 65536n ? 2 : 8);
  const head = Buffer.alloc(2 + lengthBytes);
  head[0] = (fin ? 0x80 : 0) | rsv << 4 | opcode;
  head[1] = (mask ? 0x80 : 0) | (lengthBytes === 0 ? Number(length) : lengthBytes === 2 ? 126 : 127);
  if (lengthBytes === 2) head.writeUInt16BE(Number(length), 2);
  if (lengthBytes === 8) head.writeBigUInt64BE(BigInt.asUintN(64, length), 2);
  if (!mask) return Buffer.concat([head, payload]);
  const masked = payload.map((byte, i) => byte ^ mask[i % 4]!);
  return Buffer.concat([head, mask, masked]);
}

/** The same with a mask, as a client sends it. */
export const fromClient = (parts: FrameParts): Buffer => frame({ mask: KEY, ...parts });

export function closePayload(code: number, reason: Uint8Array | string = ''): Buffer {
  const head = Buffer.alloc(2);
  head.writeUInt16BE(code);
  return Buffer.concat([head, Buffer.from(reason)]);
}

export interface SeenFrame {
  fin: boolean;
  rsv: number;
  opcode: number;
  masked: boolean;
  payload: Buffer;
}

/** Splits complete frames; a rest that is no whole frame is left out. */
export function readFrames(bytes: Uint8Array): SeenFrame[] {
  const all: SeenFrame[] = [];
  let rest = Buffer.from(bytes);
  while (rest.length >= 2) {
    const masked = rest[1]! >= 0x80;
    let length = rest[1]! & 0x7f;
    let at = 2;
    if (length === 126) {
      length = rest.readUInt16BE(2);
      at = 4;
    } else if (length === 127) {
      length = Number(rest.readBigUInt64BE(2));
      at = 10;
    }
    const mask = rest.subarray(at, at + 4);
    if (masked) at += 4;
    if (rest.length < at + length) break;
    const payload = Buffer.from(rest.subarray(at, at + length));
    if (masked) { for (let i = 0; i < length; i++) payload[i]! ^= mask[i % 4]!; }
    all.push({ fin: rest[0]! >= 0x80, rsv: rest[0]! >> 4 & 7, opcode: rest[0]! & 15, masked, payload });
    rest = rest.subarray(at + length);
  }
  return all;
}

/** A small generator with a seed (mulberry32): 0 ≤ x < 1. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ state >>> 15, state | 1);
    t = (t + Math.imul(t ^ t >>> 7, t | 61)) ^ t;
    return ((t ^ t >>> 14) >>> 0) / 4294967296;
  };
}

export function randomBytes(random: () => number, length: number): Buffer {
  const bytes = Buffer.allocUnsafe(length);
  for (let i = 0; i < length; i++) bytes[i] = random() * 256;
  return bytes;
}
