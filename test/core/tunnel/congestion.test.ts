import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { INITIAL_WINDOW, MIN_WINDOW, SMALL_WRITE } from '../../../core/tunnel/limits.ts';
import { Congestion } from '../../../core/tunnel/congestion.ts';

interface Line {
  bytesPerMs: number;
  baseMs: number;
  jitter?: () => number;
  /** Somebody types beside the bulk. */
  shared?: boolean;
}

/** A path with an endless queue, whose ends send whatever congestion control allows. `now` goes on from one transfer to the next. */
function connect(congestion: Congestion) {
  let now = 0;
  let busyUntil = 0;
  const answers: { at: number; stamp: number }[] = [];
  const probe = (line: Line) => {
    congestion.probe(now);
    const arrival = busyUntil + line.baseMs + (line.jitter?.() ?? 0);
    answers.push({ at: Math.max(arrival, answers.at(-1)?.at ?? 0), stamp: now });
  };
  const hear = (line: Line) => {
    while (answers.length && answers[0]!.at <= now) {
      const { stamp, at } = answers.shift()!;
      congestion.answer(stamp, at);
      if (congestion.probeDue) probe(line);
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
      if (line.shared) congestion.noteInteractive();
      const measured = now >= start + skip * 1000;
      if (!measured) before = sent;
      // What a keystroke sent now would wait for.
      if (measured) worst = Math.max(worst, busyUntil - now);
      while (now > start + 2 * line.baseMs && congestion.sendBudget >= SMALL_WRITE) {
        const size = Math.min(congestion.sendBudget, 16_384);
        if (!Number.isInteger(size)) throw new Error(`${size} is no number of bytes`);
        busyUntil = Math.max(busyUntil, now) + size / line.bytesPerMs;
        sent += size;
        congestion.sent(size);
        if (congestion.probeDue) probe(line);
      }
    }
    return { rate: (sent - before) / ((seconds - skip) * 1000), worst };
  };
}
const transfer = (congestion: Congestion, line: Line, seconds: number) => connect(congestion)(line, seconds);

test('a slow line carries nearly all it can, and no keystroke waits long', () => {
  for (const [mbit, baseMs] of [[1, 5], [1, 40], [8, 20], [50, 100]] as const) {
    const bytesPerMs = mbit * 125;
    const { rate, worst } = transfer(new Congestion(), { bytesPerMs, baseMs }, 20);
    assert.ok(rate > 0.7 * bytesPerMs, `${mbit} Mbit/s, ${baseMs} ms: ${rate} of ${bytesPerMs} bytes/ms`);
    assert.ok(worst < (mbit < 50 ? 50 : 75), `${mbit} Mbit/s, ${baseMs} ms: ${worst} ms of queue`);
  }
});

test('a fast line is not held back', () => {
  const bytesPerMs = 300_000; // 300 MB/s
  const { rate } = transfer(new Congestion(), { bytesPerMs, baseMs: 0.1 }, 2);
  assert.ok(rate > 0.8 * bytesPerMs, String(rate));
});

test('bulk yields a short path to interactive streams, and takes it back when they fall silent', () => {
  const fast = { bytesPerMs: 100_000, baseMs: 0.1 };
  const send = connect(new Congestion());
  const alone = send(fast, 3);
  const beside = send({ ...fast, shared: true }, 3);
  const again = send(fast, 3);
  assert.ok(beside.worst < 1.5, `${beside.worst} ms of queue, ${alone.worst} ms alone`);
  assert.ok(again.rate > 0.8 * fast.bytesPerMs, String(again.rate));
});

test('interactive writes alone do not limit bulk', () => {
  const congestion = new Congestion();
  transfer(congestion, { bytesPerMs: 100_000, baseMs: 0.1 }, 3);
  congestion.probe(4000);
  congestion.answer(4000, 4000.1); // All has arrived.
  const before = congestion.limit;
  congestion.noteInteractive();
  assert.is(congestion.limit, before);
  congestion.sent(before);
  congestion.noteInteractive();
  assert.is(congestion.limit, before, 'no answer is on its way that would let a smaller limit go on');
  congestion.probe(4001);
  congestion.noteInteractive();
  assert.ok(congestion.limit < before, `${congestion.limit} of ${before}`);
});

test('a long line stays full whoever else is there', () => {
  for (const [mbit, baseMs] of [[1, 40], [8, 20], [100, 20], [400, 100]] as const) {
    const line = { bytesPerMs: mbit * 125, baseMs, shared: true };
    const { rate } = transfer(new Congestion(), line, 30);
    assert.ok(rate > 0.7 * line.bytesPerMs, `${mbit} Mbit/s, ${baseMs} ms: ${rate} bytes/ms`);
  }
});

test('jitter is not taken for a queue, whoever else is there', () => {
  let i = 0;
  const jitter = () => [0, 80, 13, 130, 55, 190, 5, 100, 160, 30][i++ % 10]!;
  for (const shared of [false, true]) {
    const { rate } = transfer(new Congestion(), { bytesPerMs: 1250, baseMs: 100, jitter, shared }, 30);
    assert.ok(rate > 0.4 * 1250, String(rate));
    const near = transfer(new Congestion(), { bytesPerMs: 10_000, baseMs: 3, jitter: () => jitter() / 8, shared }, 10);
    assert.ok(near.rate > 0.4 * 10_000, String(near.rate));
  }
});

test('begins small, never stops, and asks for a probe before it is full', () => {
  const congestion = new Congestion();
  assert.is(congestion.sendBudget, INITIAL_WINDOW / 8);
  congestion.sent(INITIAL_WINDOW / 8 - 1);
  assert.not(congestion.probeDue);
  congestion.sent(1);
  assert.ok(congestion.probeDue);
  congestion.sent(INITIAL_WINDOW);
  assert.ok(congestion.sendBudget < SMALL_WRITE);
  for (let i = 0; i < 200; i++) {
    congestion.probe(i * 1000);
    assert.is(congestion.answer(i * 1000, i * 1000 + 10 + i * 20), 10 + i * 20);
    congestion.sent(congestion.sendBudget);
  }
  assert.ok(congestion.limit >= MIN_WINDOW);
});

test('an answer to no probe is recognised', () => {
  const congestion = new Congestion();
  assert.is(congestion.answer(1, 2), null);
  congestion.probe(1);
  congestion.probe(2);
  assert.is(congestion.answer(3, 5), null);
  assert.is(congestion.answer(2, 5), 3);
  assert.is(congestion.answer(1, 5), null, 'was answered with the one behind it');
  assert.is(congestion.answer(2, 5), null, 'twice');
});

test('a line that has become longer is learnt, not taken for a queue for ever', () => {
  const send = connect(new Congestion());
  send({ bytesPerMs: 1250, baseMs: 5 }, 5);
  const { rate } = send({ bytesPerMs: 1250, baseMs: 150 }, 30);
  assert.ok(rate > 0.6 * 1250, String(rate));
});

test('ten minutes of bulk do not make the queue creep up', () => {
  const { rate, worst } = connect(new Congestion())({ bytesPerMs: 1250, baseMs: 20 }, 600, 540);
  assert.ok(rate > 0.8 * 1250 && worst < 50, `${rate} bytes/ms, ${worst} ms`);
});

test.run();
