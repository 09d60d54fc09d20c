import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Buffer } from 'node:buffer';
import { Scrollback } from '../../../agent/terminal/scrollback.ts';

/** Byte n of the stream. */
const at = (offset: number) => (offset * 7 + (offset >> 8)) & 0xff;
const bytes = (from: number, length: number) => Buffer.from(Array.from({ length }, (_, i) => at(from + i)));

test('every byte is where it was written, however it was cut', () => {
  const scrollback = new Scrollback(300_000);
  for (let end = 0, i = 1; end < 250_000; i = (i * 31) % 70_001) {
    scrollback.append(bytes(end, i));
    end += i;
  }
  for (let offset = 0; offset < scrollback.end;) {
    const part = scrollback.read(offset, 10_000);
    assert.ok(part.length > 0);
    assert.ok(part.equals(bytes(offset, part.length)));
    offset += part.length;
  }
});

test('the oldest bytes go; offsets stay', () => {
  const scrollback = new Scrollback(100_000);
  for (let i = 0; i < 50; i++) scrollback.append(bytes(i * 10_000, 10_000));
  assert.is(scrollback.end, 500_000);
  assert.is(scrollback.start, 400_000);
  assert.ok(scrollback.read(400_000, 100).equals(bytes(400_000, 100)));
  assert.throws(() => scrollback.read(399_999, 1), /no byte 399999/);
});

test('at the end there is nothing yet, and beyond it is an error', () => {
  const scrollback = new Scrollback();
  assert.is(scrollback.read(0, 10).length, 0);
  scrollback.append(bytes(0, 64 * 1024)); // one whole block
  assert.is(scrollback.read(64 * 1024, 10).length, 0);
  assert.throws(() => scrollback.read(64 * 1024 + 1, 1), RangeError);
});

test('what was read stays as it was', () => {
  const scrollback = new Scrollback(64 * 1024);
  scrollback.append(bytes(0, 1000));
  const view = scrollback.read(0, 1000);
  for (let i = 1; i < 400; i++) scrollback.append(bytes(i * 1000, 1000));
  assert.ok(view.equals(bytes(0, 1000)));
});

test.run();
