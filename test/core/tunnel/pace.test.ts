import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { PACE_FLOOR, PACE_START, SMALL_TURN } from '../../../core/tunnel/limits.ts';
import { Pace } from '../../../core/tunnel/pace.ts';

interface Line {
  bytesPerMs: number;
  baseMs: number;
  jitter?: () => number;
  /** Somebody types beside the bulk. */
  shared?: boolean;
}

/** A line with an endless queue, whose ends send whatever the pace allows. `now` goes on from one transfer to the next. */
function connect(pace: Pace) {
  let now = 0;
  let busyUntil = 0;
  const answers: { at: number; stamp: number }[] = [];
  const probe = (line: Line) => {
    pace.probe(now);
    const arrival = busyUntil + line.baseMs + (line.jitter?.() ?? 0);
    answers.push({ at: Math.max(arrival, answers.at(-1)?.at ?? 0), stamp: now });
  };
  const hear = (line: Line) => {
    while (answers.length && answers[0]!.at <= now) {
      const { stamp, at } = answers.shift()!;
      pace.answer(stamp, at);
      if (pace.due) probe(line);
    }
  };
  return (line: Line, seconds: number, skip = seconds / 2) => {
    const start = now;
    busyUntil = now;
    probe(line); // the heartbeat at the start
    let sent = 0;
    let worst = 0;
    let before = 0;
    for (; now < start + seconds * 1000; now += 0.25) {
      hear(line);
      if (line.shared) pace.share();
      const measured = now >= start + skip * 1000;
      if (!measured) before = sent;
      // What a keystroke sent now would wait for.
      if (measured) worst = Math.max(worst, busyUntil - now);
      while (now > start + 2 * line.baseMs && pace.room >= SMALL_TURN) {
        const size = Math.min(pace.room, 16_384);
        if (!Number.isInteger(size)) throw new Error(`${size} is no number of bytes`);
        busyUntil = Math.max(busyUntil, now) + size / line.bytesPerMs;
        sent += size;
        pace.sent(size);
        if (pace.due) probe(line);
      }
    }
    return { rate: (sent - before) / ((seconds - skip) * 1000), worst };
  };
}
const transfer = (pace: Pace, line: Line, seconds: number) => connect(pace)(line, seconds);

test('a slow line carries nearly all it can, and no keystroke waits long', () => {
  for (const [mbit, baseMs] of [[1, 5], [1, 40], [8, 20], [50, 100]] as const) {
    const bytesPerMs = mbit * 125;
    const { rate, worst } = transfer(new Pace(), { bytesPerMs, baseMs }, 20);
    assert.ok(rate > 0.7 * bytesPerMs, `${mbit} Mbit/s, ${baseMs} ms: ${rate} of ${bytesPerMs} bytes/ms`);
    assert.ok(worst < (mbit < 50 ? 50 : 75), `${mbit} Mbit/s, ${baseMs} ms: ${worst} ms of queue`);
  }
});

test('a fast line is not held back', () => {
  const bytesPerMs = 300_000; // 300 MB/s
  const { rate } = transfer(new Pace(), { bytesPerMs, baseMs: 0.1 }, 2);
  assert.ok(rate > 0.8 * bytesPerMs, String(rate));
});

test('bulk leaves a fast line to others as soon as they say something, and takes it back when they fall silent', () => {
  const fast = { bytesPerMs: 100_000, baseMs: 0.1 };
  const send = connect(new Pace());
  const alone = send(fast, 3);
  const beside = send({ ...fast, shared: true }, 3);
  const again = send(fast, 3);
  assert.ok(beside.worst < 1.5, `${beside.worst} ms of queue, ${alone.worst} ms alone`);
  assert.ok(again.rate > 0.8 * fast.bytesPerMs, String(again.rate));
});

test('brief words alone do not make a line short', () => {
  const pace = new Pace();
  transfer(pace, { bytesPerMs: 100_000, baseMs: 0.1 }, 3);
  pace.probe(4000);
  pace.answer(4000, 4000.1); // All has arrived.
  const before = pace.limit;
  pace.share();
  assert.is(pace.limit, before);
  pace.sent(before);
  pace.share();
  assert.is(pace.limit, before, 'no answer is on its way that would let a smaller limit go on');
  pace.probe(4001);
  pace.share();
  assert.ok(pace.limit < before, `${pace.limit} of ${before}`);
});

test('a long line stays full whoever else is there', () => {
  for (const [mbit, baseMs] of [[1, 40], [8, 20], [100, 20], [400, 100]] as const) {
    const line = { bytesPerMs: mbit * 125, baseMs, shared: true };
    const { rate } = transfer(new Pace(), line, 30);
    assert.ok(rate > 0.7 * line.bytesPerMs, `${mbit} Mbit/s, ${baseMs} ms: ${rate} bytes/ms`);
  }
});

test('jitter is not taken for a queue, whoever else is there', () => {
  let i = 0;
  const jitter = () => [0, 80, 13, 130, 55, 190, 5, 100, 160, 30][i++ % 10]!;
  for (const shared of [false, true]) {
    const { rate } = transfer(new Pace(), { bytesPerMs: 1250, baseMs: 100, jitter, shared }, 30);
    assert.ok(rate > 0.4 * 1250, String(rate));
    const near = transfer(new Pace(), { bytesPerMs: 10_000, baseMs: 3, jitter: () => jitter() / 8, shared }, 10);
    assert.ok(near.rate > 0.4 * 10_000, String(near.rate));
  }
});

test('begins small, never stops, and asks for a probe before it is full', () => {
  const pace = new Pace();
  assert.is(pace.room, PACE_START / 8);
  pace.sent(PACE_START / 8 - 1);
  assert.not(pace.due);
  pace.sent(1);
  assert.ok(pace.due);
  pace.sent(PACE_START);
  assert.ok(pace.room < SMALL_TURN);
  for (let i = 0; i < 200; i++) {
    pace.probe(i * 1000);
    assert.is(pace.answer(i * 1000, i * 1000 + 10 + i * 20), 10 + i * 20);
    pace.sent(pace.room);
  }
  assert.ok(pace.limit >= PACE_FLOOR);
});

test('an answer to no probe is told apart', () => {
  const pace = new Pace();
  assert.is(pace.answer(1, 2), null);
  pace.probe(1);
  pace.probe(2);
  assert.is(pace.answer(3, 5), null);
  assert.is(pace.answer(2, 5), 3);
  assert.is(pace.answer(1, 5), null, 'was answered with the one behind it');
  assert.is(pace.answer(2, 5), null, 'twice');
});

test('a line that has become longer is learnt, not taken for a queue for ever', () => {
  const send = connect(new Pace());
  send({ bytesPerMs: 1250, baseMs: 5 }, 5);
  const { rate } = send({ bytesPerMs: 1250, baseMs: 150 }, 30);
  assert.ok(rate > 0.6 * 1250, String(rate));
});

test('ten minutes of bulk do not make the queue creep up', () => {
  const { rate, worst } = connect(new Pace())({ bytesPerMs: 1250, baseMs: 20 }, 600, 540);
  assert.ok(rate > 0.8 * 1250 && worst < 50, `${rate} bytes/ms, ${worst} ms`);
});

test.run();
