import { Buffer } from 'node:buffer';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { FrameWriter, readFrames, TYPE } from '../../../core/tunnel/frame.ts';
import { MAX_DATA, MAX_PLAIN, WINDOW } from '../../../core/tunnel/limits.ts';
import { Outgoing } from '../../../core/tunnel/outgoing.ts';

const writer = new FrameWriter(Buffer.alloc(MAX_PLAIN));
/** On Deno memory is left to the collector. */
const FREES = !('Deno' in globalThis);
const turn = (out: Outgoing) => {
  out.turn(writer, MAX_DATA);
  writer.take();
};

test('brief is what is short and whole: not the head, the rest or the wait of bulk', () => {
  const out = new Outgoing(1, false);
  assert.not(out.brief);
  out.putHead(['content-type', 'text/plain'], 200, false);
  assert.not(out.brief, 'the head of an answer that goes on');
  turn(out);
  out.putBody(Buffer.alloc(100));
  assert.ok(out.brief, 'a message');
  turn(out);
  assert.not(out.brief, 'nothing');
  out.putBody(Buffer.alloc(MAX_DATA + 100));
  assert.not(out.brief, 'bulk');
  turn(out);
  assert.not(out.brief, 'its rest');
  turn(out);
});

test('who has no credit says nothing, briefly or not', () => {
  const out = new Outgoing(1, false);
  out.putHead([], 200, false);
  turn(out);
  out.putBody(Buffer.alloc(WINDOW));
  while (out.wantsTurn) turn(out);
  out.putBody(Buffer.alloc(10));
  assert.not(out.brief);
  out.addCredit(1000);
  assert.ok(out.brief);
});

test('a short answer that is whole is brief', () => {
  const out = new Outgoing(1, false);
  out.putHead(['content-type', 'text/plain'], 200, false);
  out.putBody(Buffer.alloc(200));
  out.putEnd();
  assert.ok(out.brief);
  turn(out);
  assert.not(out.brief);
  assert.is(out.half, 'ended');
});

test('chunks of any size are written in order; given ones are freed, others never', () => {
  for (const given of [false, true]) {
    const out = new Outgoing(1, false);
    out.gives = given;
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
      out.turn(writer, MAX_DATA);
      readFrames(writer.take(), (type, _flags, _id, payload) => {
        if (type === TYPE.data) bodies.push(Buffer.from(payload));
        else bodies.push(Buffer.from(payload.subarray(4)));
      });
    }
    assert.ok(Buffer.concat(bodies).equals(Buffer.concat(sent)), `given: ${given}`);
    const left = (size: number) => given && FREES && size >= 16_384 ? 0 : size;
    assert.equal(chunks.map(({ length }) => length), sizes.map(left));
  }
});

test.run();
