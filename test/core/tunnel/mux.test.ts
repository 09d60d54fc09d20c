import { Buffer } from 'node:buffer';
import process from 'node:process';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { readFrames, TYPE } from '../../../core/tunnel/frame.ts';
import { Mux } from '../../../core/tunnel/mux.ts';

/** A mux whose frames are listed as they are sent; `sendBudget` limits its bulk. */
function opener(sendBudget: () => number, takes = () => true) {
  const frames: { type: number; id: number; length: number }[] = [];
  let flush = () => {};
  const mux = new Mux({
    opener: true,
    sendBudget,
    schedule: (later) => void (flush = later),
    send: (record) => {
      readFrames(record, (type, _flags, id, payload) => frames.push({ type, id, length: payload.length }));
      return takes();
    },
    onControl: () => {},
  });
  return { mux, frames, flush: () => flush() };
}

test('without budget a request with a large body is still opened before the small one behind it', () => {
  const { mux, frames, flush } = opener(() => 0);
  const upload = mux.open()!;
  upload.open(['POST', '/upload', 'peer'], false);
  upload.write(Buffer.alloc(40_000));
  const small = mux.open()!;
  small.open(['GET', '/small', 'peer'], false);
  small.end();
  flush();
  assert.equal(frames.filter(({ type }) => type === TYPE.open).map(({ id }) => id), [upload.id, small.id]);
  assert.ok(frames.reduce((sum, { length }) => sum + length, 0) < 4096, 'the bulk itself waits');
});

test('without budget small frames pass bulk, and bulk continues once there is budget', () => {
  let budget = 0;
  const { mux, frames, flush } = opener(() => budget);
  const upload = mux.open()!;
  upload.open(['POST', '/upload', 'peer'], false);
  flush();
  upload.write(Buffer.alloc(10_000));
  const keystroke = mux.open()!;
  keystroke.open(['GET', '/key', 'peer'], true);
  keystroke.write(Buffer.from('x'));
  flush();
  assert.equal(frames.map(({ type, id }) => [type, id]), [[TYPE.open, upload.id], [TYPE.open, keystroke.id]]);
  budget = 1_000_000;
  mux.flush();
  assert.equal(frames.at(-1), { type: TYPE.data, id: upload.id, length: 10_000 });
});

test('the goodbye is sent although the socket is full', () => {
  const { mux, frames, flush } = opener(() => 1_000_000, () => false);
  mux.open()!.open(['GET', '/', 'peer'], true);
  flush(); // From here on the socket is full.
  mux.control(TYPE.pong, Buffer.alloc(8));
  flush();
  assert.is(frames.length, 1);
  mux.sendGoodbye(TYPE.bye, Buffer.from('1234'));
  assert.equal(frames.slice(1).map(({ type }) => type), [TYPE.pong, TYPE.bye]);
});

test('tunnels at rest hold no memory for records, and those that write at once do not share any', () => {
  const texts: string[][] = [[], []];
  const before = process.memoryUsage().arrayBuffers;
  const idle = Array.from({ length: 500 }, () => opener(() => 1_000_000));
  for (const { mux, flush } of idle) {
    mux.control(TYPE.ping, Buffer.alloc(8));
    flush();
  }
  const held = process.memoryUsage().arrayBuffers - before;
  assert.ok(held < 4 << 20, `${held} bytes for ${idle.length} tunnels`);

  // The second writes while the first's record is being sent.
  const muxes: Mux[] = texts.map((mine, i) =>
    new Mux({
      opener: true,
      schedule: () => {},
      send: (record) => {
        if (i === 0) muxes[1]!.flush();
        readFrames(record, (_type, _flags, _id, payload) => mine.push(payload.toString()));
        return true;
      },
      onControl: () => {},
    })
  );
  muxes.forEach((mux, i) => mux.control(TYPE.pong, Buffer.from(`of ${i}`)));
  muxes[0]!.flush();
  assert.equal(texts, [['of 0'], ['of 1']]);
});

test.run();
