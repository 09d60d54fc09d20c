/** A stream alone, between a mux that calls it and an owner: what it returns of its credit, and which events follow its end. */
import { Buffer } from 'node:buffer';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { END, FrameEncoder, packHead, readFrames, RESET, TYPE } from '../../../core/tunnel/frame.ts';
import { CREDIT_STEP, MAX_DATA, MAX_PLAIN, WINDOW } from '../../../core/tunnel/limits.ts';
import { Stream, type StreamEvents } from '../../../core/tunnel/stream.ts';
import { seeded } from '../../support/fakes/seeded.ts';

const DATA = Buffer.alloc(MAX_DATA);

/** A stream whose frames are written when the test calls `write`. */
function alone(opener: boolean, events: StreamEvents = {}) {
  const stream = new Stream(1, opener, { ready() {}, forget() {} });
  stream.events = events;
  const encoder = new FrameEncoder({ acquire: () => Buffer.alloc(MAX_PLAIN), release: () => {} });
  /** Writes what is due. @returns the credit in it */
  const write = (): number => {
    let credit = 0;
    for (let more = true; more;) {
      more = stream.writeFrame(encoder, MAX_DATA);
      readFrames(encoder.take(), (type, _flags, _id, payload) => {
        if (type === TYPE.credit) credit += payload.readUInt32BE();
      });
    }
    return credit;
  };
  return { stream, write };
}

test('credit that is written late is that of the data accepted before, not of what came since', () => {
  for (const later of [1, 7, Math.floor((WINDOW - CREDIT_STEP) / MAX_DATA) - 1]) {
    const { stream, write } = alone(false);
    let accepted = 0;
    while (accepted < CREDIT_STEP) stream.receive(TYPE.data, 0, DATA), accepted += MAX_DATA;
    stream.accept();
    for (let i = 0; i < later; i++) stream.receive(TYPE.data, 0, DATA);
    assert.is(write(), accepted, `${later} frames while the credit waited`);
    assert.is(write(), 0);
  }
});

test('a peer that uses all its credit never has more than a window that was not accepted', () => {
  for (const seed of [1, 2, 3, 4, 5]) {
    const random = seeded(seed);
    let reset = -1;
    const { stream, write } = alone(false, { onReset: (code) => reset = code });
    let credit = WINDOW;
    let unaccepted = 0;
    let worst = 0;
    let total = 0;
    for (let step = 0; step < 20_000; step++) {
      const choice = random();
      if (choice < 0.75 && credit >= MAX_DATA) {
        const size = 256 + Math.floor(random() * (MAX_DATA - 256));
        stream.receive(TYPE.data, 0, DATA.subarray(0, size));
        credit -= size;
        unaccepted += size;
        total += size;
      } else if (choice < 0.85) {
        stream.accept();
        unaccepted = 0;
      } else {
        credit += write();
      }
      worst = Math.max(worst, unaccepted);
      assert.is(reset, -1, 'the peer kept to its credit');
    }
    assert.ok(worst <= WINDOW, `seed ${seed}: ${worst} bytes not accepted`);
    assert.ok(worst > WINDOW / 2 && total > 10 * WINDOW, `seed ${seed}: ${worst} of ${total}`);
  }
});

const ENDS: [string, (stream: Stream) => void][] = [
  ['the peer resets it', (stream) => stream.receive(TYPE.reset, 0, Buffer.from([0, RESET.cancel]))],
  ['the tunnel is lost', (stream) => stream.lose()],
  ['the peer breaks a rule', (stream) => stream.receive(TYPE.data, 0, Buffer.alloc(0))],
  ['its owner resets it', (stream) => stream.reset(RESET.cancel)],
  ['both halves end', (stream) => {
    stream.end();
    stream.receive(TYPE.data, END, Buffer.alloc(0));
  }],
];
for (const [what, end] of ENDS) {
  test(`no event follows the end of a stream that waits for its turn: ${what}`, () => {
    const seen: string[] = [];
    const note = (name: string) => () => void seen.push(name);
    const { stream, write } = alone(false, { onDrain: note('drain'), onSent: note('sent'), onReset: note('reset') });
    stream.head(200, []);
    write();
    assert.not(stream.write(Buffer.alloc(WINDOW)), 'the queue is full');
    if (what === 'both halves end') { while (!stream.over) end(stream), write(); }
    else end(stream);
    const atEnd = seen.length;
    write();
    assert.equal(seen.slice(atEnd), [], `after ${seen}`);
    if (what.startsWith('its owner')) assert.equal(seen, []);
  });
}

test('the queue of a living stream still reports that it has drained', () => {
  let drained = 0;
  const { stream, write } = alone(true, { onDrain: () => drained++ });
  const head = ['GET', '/', 'peer'];
  assert.ok(packHead(head) && stream.open(head, false));
  assert.not(stream.write(Buffer.alloc(WINDOW - 1)));
  write();
  assert.is(drained, 1);
});

test.run();
