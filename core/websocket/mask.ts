/**
 * Masking (RFC 6455 §5.3). A key is a little-endian 32-bit word, rotated so that its low byte belongs to the next byte of
 * payload. Short payloads are masked byte by byte, longer ones by a WebAssembly SIMD loop in blocks that fit its memory, or
 * by 32-bit words where there is no SIMD.
 */
import { Buffer } from 'node:buffer';
import { randomFillSync } from 'node:crypto';

/** Below this many bytes the copy into WebAssembly's memory costs more than it saves (measured on Node and Deno). */
const BLOCK_MIN = 256;
/** Bytes handled in one call: half of a first-level cache. The memory is larger, because the loop works in steps of 64. */
const BLOCK = 16 << 10;

/** Writes bytes[from..to] XOR the key to out[at..]; `out` may be `bytes` with `at` = `from`. `key` belongs to `from`. */
export type Xor = (bytes: Uint8Array, from: number, to: number, key: number, out: Uint8Array, at: number) => void;

export const xor: Xor = (bytes, from, to, key, out, at) => {
  if (to - from < BLOCK_MIN) xorBytes(bytes, from, to, key, out, at);
  else xorBlocks(bytes, from, to, key, out, at);
};

/** The key for the byte `count` bytes later. */
export function turnKey(key: number, count: number): number {
  const bits = (count & 3) << 3;
  return bits === 0 ? key : (key >>> bits) | (key << (32 - bits));
}

export const xorBytes: Xor = (bytes, from, to, key, out, at) => {
  const k0 = key & 255, k1 = (key >>> 8) & 255, k2 = (key >>> 16) & 255, k3 = key >>> 24;
  let i = from;
  for (; i + 3 < to; i += 4, at += 4) {
    out[at] = bytes[i]! ^ k0;
    out[at + 1] = bytes[i + 1]! ^ k1;
    out[at + 2] = bytes[i + 2]! ^ k2;
    out[at + 3] = bytes[i + 3]! ^ k3;
  }
  if (i < to) out[at++] = bytes[i++]! ^ k0;
  if (i < to) out[at++] = bytes[i++]! ^ k1;
  if (i < to) out[at] = bytes[i]! ^ k2;
};

export const xorWords: Xor = (bytes, from, to, key, out, at) => {
  if (to - from < 4) return xorBytes(bytes, from, to, key, out, at);
  if (out !== bytes) out.set(bytes.subarray(from, to), at);
  const end = at + to - from;
  const aligned = at + (-(out.byteOffset + at) & 3);
  xorBytes(out, at, aligned, key, out, at);
  const turned = turnKey(key, aligned - at);
  const words = new Int32Array(out.buffer, out.byteOffset + aligned, (end - aligned) >> 2);
  for (let i = 0; i < words.length; i++) words[i]! ^= turned;
  const done = aligned + words.length * 4;
  xorBytes(out, done, end, turned, out, done);
};

/**
 * The module, by hand:
 *   (func (export "x") (param $at i32) (param $end i32) (param $key i32) (local $k v128)
 *     (local.set $k (i32x4.splat (local.get $key)))
 *     (loop ;; four times v128.store(v128.xor(v128.load, $k)) at offsets 0, 16, 32, 48
 *       (br_if 0 (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 64))) (local.get $end)))))
 * with a memory "m" of two pages.
 */
const SIMD_MODULE = '0061736d0100000001070160037f7f7f00030201000503010002070902016d0200017800000a5c015a01017b' +
  '2002fd112103034020002000fd0004002003fd51fd0b040020002000fd0004102003fd51fd0b0410' +
  '20002000fd0004202003fd51fd0b042020002000fd0004302003fd51fd0b0430200041c0006a22002001490d000b0b';

/** @returns null where WebAssembly or its SIMD is missing or switched off */
export function loadSimd(): Xor | null {
  try {
    const module = new WebAssembly.Module(Buffer.from(SIMD_MODULE, 'hex'));
    const { m, x } = new WebAssembly.Instance(module).exports as {
      m: WebAssembly.Memory;
      x: (at: number, end: number, key: number) => void;
    };
    const memory = new Uint8Array(m.buffer);
    return (bytes, from, to, key, out, at) => {
      for (let done = from; done < to; done += BLOCK) {
        const length = Math.min(BLOCK, to - done);
        memory.set(new Uint8Array(bytes.buffer, bytes.byteOffset + done, length));
        x(0, length, key);
        out.set(new Uint8Array(m.buffer, 0, length), at + done - from);
      }
    };
  } catch {
    return null;
  }
}

const xorBlocks: Xor = loadSimd() ?? xorWords;

/** Keys drawn at once: one call of the random source costs as much as masking 2 KiB. */
const POOL_KEYS = 2048;
const pool = new Int32Array(POOL_KEYS);
let drawn = POOL_KEYS;

/** §5.3: a fresh unpredictable key for every frame. */
export function nextMaskKey(): number {
  if (drawn === POOL_KEYS) {
    randomFillSync(pool);
    drawn = 0;
  }
  const key = pool[drawn]!;
  pool[drawn++] = 0;
  return key;
}
