import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { FrameBoundary } from '../../relay/frame-boundary.ts';

/** Frames as a server sends them (RFC 6455 section 5.2), with every kind of length. */
const FRAMES = [0, 1, 125, 126, 127, 300, 65_535, 65_536].map((length) => {
  const head = length < 126
    ? Buffer.from([0x82, length])
    : length < 65_536
    ? Buffer.from([0x82, 126, length >> 8, length & 0xff])
    : Buffer.from([0x82, 127, 0, 0, 0, 0, 0, length >> 16, (length >> 8) & 0xff, length & 0xff]);
  return Buffer.concat([head, Buffer.alloc(length, 0x88)]);
});

test('every split of a short run of frames is between frames exactly at their ends', () => {
  const bytes = Buffer.concat(FRAMES.slice(0, 6));
  const ends = new Set([0]);
  let at = 0;
  for (const frame of FRAMES.slice(0, 6)) ends.add(at += frame.length);
  for (let split = 0; split <= bytes.length; split++) {
    const boundary = new FrameBoundary();
    boundary.feed(bytes.subarray(0, split));
    assert.is(boundary.between, ends.has(split), String(split));
    boundary.feed(bytes.subarray(split));
    assert.ok(boundary.between);
  }
});

test('byte by byte, long lengths too', () => {
  const boundary = new FrameBoundary();
  for (const frame of FRAMES) {
    for (let i = 0; i < frame.length; i++) {
      boundary.feed(frame.subarray(i, i + 1));
      assert.is(boundary.between, i === frame.length - 1);
    }
  }
});

test('feedToEnd stops where the frame ends', () => {
  for (const frame of FRAMES.slice(1)) {
    const boundary = new FrameBoundary();
    boundary.feed(frame.subarray(0, 1));
    const rest = Buffer.concat([frame.subarray(1), FRAMES[3]!]);
    assert.is(boundary.feedToEnd(rest), frame.length - 1);
    assert.ok(boundary.between);
  }
});

test.run();
