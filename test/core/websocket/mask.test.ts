import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Buffer } from 'node:buffer';
import { loadSimd, nextMaskKey, turnKey, xor, xorBytes, xorWords } from '../../../core/websocket/mask.ts';
import { randomBytes, seeded } from '../../support/harness/websocket-frames.ts';

const KEY = 0x04c302a1 | 0;
const KEY_BYTES = [0xa1, 0x02, 0xc3, 0x04];
const simd = loadSimd();
const WAYS = { xor, xorBytes, xorWords, ...(simd && { simd }) };

test('SIMD is there on this runtime', () => assert.ok(simd));

for (const [name, way] of Object.entries(WAYS)) {
  test(`${name}: every short length at every alignment touches its bytes and no others`, () => {
    const random = seeded(1);
    for (let length = 0; length < 80; length++) {
      for (let start = 0; start < 8; start++) {
        const bytes = randomBytes(random, length + 20);
        const expected = bytes.map((byte, i) =>
          i >= start && i < start + length ? byte ^ KEY_BYTES[(i - start) % 4]! : byte
        );
        way(bytes, start, start + length, KEY, bytes, start);
        assert.equal(Buffer.from(bytes), Buffer.from(expected), `${start}+${length}`);
      }
    }
  });

  test(`${name}: to another place`, () => {
    for (const length of [0, 1, 3, 4, 7, 100, 300, 70_000]) {
      const bytes = Buffer.alloc(length + 1, 9), out = Buffer.alloc(length + 5, 1);
      way(bytes, 1, 1 + length, KEY, out, 3);
      assert.ok(bytes.every((byte) => byte === 9));
      const expected = out.map((_, i) => i >= 3 && i < 3 + length ? 9 ^ KEY_BYTES[(i - 3) % 4]! : 1);
      assert.ok(Buffer.from(expected).equals(out), `${length}`);
    }
  });

  test(`${name}: long lengths around the blocks`, () => {
    for (const length of [255, 256, 257, 65535, 65536, 65537, 131_077]) {
      const bytes = Buffer.alloc(length + 6, 1);
      way(bytes, 3, 3 + length, KEY, bytes, 3);
      for (let i = 0; i < bytes.length; i++) {
        const inside = i >= 3 && i < 3 + length;
        if (bytes[i] !== (inside ? 1 ^ KEY_BYTES[(i - 3) % 4]! : 1)) assert.unreachable(`${length}: byte ${i}`);
      }
    }
  });
}

test('a rotated key continues where the previous one stopped', () => {
  for (let cut = 0; cut < 9; cut++) {
    const whole = Buffer.alloc(9, 5), parts = Buffer.alloc(9, 5);
    xor(whole, 0, 9, KEY, whole, 0);
    xor(parts, 0, cut, KEY, parts, 0);
    xor(parts, cut, 9, turnKey(KEY, cut), parts, cut);
    assert.equal(parts, whole, `at ${cut}`);
  }
});

test('every key is fresh', () => {
  const keys = new Set(Array.from({ length: 5000 }, nextMaskKey));
  assert.ok(keys.size > 4980);
});

test.run();
