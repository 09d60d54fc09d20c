import { Buffer } from 'node:buffer';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { FrameEncoder, readFrames, TYPE } from '../../../core/tunnel/frame.ts';
import { MAX_DATA, MAX_PLAIN, WINDOW } from '../../../core/tunnel/limits.ts';
import { SendHalf } from '../../../core/tunnel/send-half.ts';

const writer = new FrameEncoder({ acquire: () => Buffer.alloc(MAX_PLAIN), release: () => {} });
/** On Deno memory is left to the collector. */
const FREES = !('Deno' in globalThis);
const writeFrame = (out: SendHalf) => {
  out.writeFrame(writer, MAX_DATA);
  writer.take();
};

test('a frame is interactive when it is short and complete: not the head or the rest of bulk', () => {
  const out = new SendHalf(1, false);
  assert.not(out.interactive);
  out.putHead(['content-type', 'text/plain'], 200, false);
  assert.not(out.interactive, 'the head of an answer that goes on');
  writeFrame(out);
  out.putBody(Buffer.alloc(100));
  assert.ok(out.interactive, 'a message');
  writeFrame(out);
  assert.not(out.interactive, 'nothing');
  out.putBody(Buffer.alloc(MAX_DATA + 100));
  assert.not(out.interactive, 'bulk');
  writeFrame(out);
  assert.not(out.interactive, 'its rest');
  writeFrame(out);
});

test('without credit nothing is interactive', () => {
  const out = new SendHalf(1, false);
  out.putHead([], 200, false);
  writeFrame(out);
  out.putBody(Buffer.alloc(WINDOW));
  while (out.readyToSend) writeFrame(out);
  out.putBody(Buffer.alloc(10));
  assert.not(out.interactive);
  out.addCredit(1000);
  assert.ok(out.interactive);
});

test('a short complete answer is interactive', () => {
  const out = new SendHalf(1, false);
  out.putHead(['content-type', 'text/plain'], 200, false);
  out.putBody(Buffer.alloc(200));
  out.putEnd();
  assert.ok(out.interactive);
  writeFrame(out);
  assert.not(out.interactive);
  assert.is(out.half, 'ended');
});

test('chunks of any size are written in order; owned ones are freed, others never', () => {
  for (const owned of [false, true]) {
    const out = new SendHalf(1, false);
    out.ownsChunks = owned;
    out.putHead([], 200, false);
    const sizes = [1, 40_000, MAX_DATA, 17, 65_536, 16_384, 3 * MAX_DATA];
    const sent = sizes.map((size, i) => Buffer.alloc(size, 65 + i));
    const chunks = sent.map((bytes) => {
      const copy = Buffer.allocUnsafeSlow(bytes.length);
      copy.set(bytes);
      return copy;
    });
    for (const chunk of chunks) out.putBody(chunk);
    out.putEnd();
    const bodies: Buffer[] = [];
    while (out.half !== 'ended') {
      out.writeFrame(writer, MAX_DATA);
      readFrames(writer.take(), (type, _flags, _id, payload) => {
        if (type === TYPE.data) bodies.push(Buffer.from(payload));
        else bodies.push(Buffer.from(payload.subarray(4)));
      });
    }
    assert.ok(Buffer.concat(bodies).equals(Buffer.concat(sent)), `owned: ${owned}`);
    const left = (size: number) => owned && FREES && size >= 16_384 ? 0 : size;
    assert.equal(chunks.map(({ length }) => length), sizes.map(left));
  }
});

test.run();
