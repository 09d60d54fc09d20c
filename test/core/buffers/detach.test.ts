import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Buffer } from 'node:buffer';
import process from 'node:process';
import { detach } from '../../../core/buffers/detach.ts';

/** On Deno memory is left to the collector. */
const FREES = !('Deno' in globalThis);
const MIB = 1024 * 1024;

test('a large buffer of its own is freed', () => {
  const bytes = Buffer.allocUnsafeSlow(64 * 1024);
  detach(bytes);
  assert.is(bytes.length, FREES ? 0 : 64 * 1024);
  detach(bytes); // again, which does nothing
});

test('what is small, or a part of something, is not touched', () => {
  const small = Buffer.allocUnsafeSlow(1024);
  detach(small);
  assert.is(small.length, 1024);
  const whole = Buffer.alloc(128 * 1024, 'x');
  detach(whole.subarray(0, 64 * 1024));
  detach(whole.subarray(64 * 1024));
  assert.is(whole.toString('latin1'), 'x'.repeat(128 * 1024));
  const pooled = Buffer.from('a pool is shared');
  detach(pooled);
  assert.is(pooled.toString(), 'a pool is shared');
});

test('freed memory does not pile up until a collection', () => {
  const before = process.memoryUsage().arrayBuffers;
  let most = 0;
  for (let i = 0; i < 2000; i++) {
    detach(Buffer.alloc(256 * 1024));
    most = Math.max(most, process.memoryUsage().arrayBuffers - before);
  }
  assert.ok(!FREES || most < 2 * MIB, `${most} bytes`);
});

test.run();
