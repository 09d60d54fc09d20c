import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Backoff } from '../../core/backoff.ts';

const HOUR = 3_600_000;

test('after a healthy connection: at once, spread over one second', () => {
  assert.is(new Backoff(() => 0).next(HOUR), 0);
  assert.is(new Backoff(() => 0.999).next(HOUR), 999);
});

test('after an announced restart: spread over four seconds', () => {
  assert.is(new Backoff(() => 0.5).next(HOUR, true), 2000);
});

test('then 5 s doubling to 60 s and no more', () => {
  const backoff = new Backoff(() => 1 - 1e-9);
  const waits = [backoff.next(HOUR), ...Array.from({ length: 8 }, () => backoff.next(0))].map((ms) =>
    Math.round(ms / 100) / 10
  );
  assert.equal(waits, [1, 5, 10, 20, 40, 60, 60, 60, 60]);
});

test('a relay that was never reached is tried after 5 s at first', () => {
  const backoff = new Backoff(() => 1 - 1e-9);
  assert.is(Math.round(backoff.next(0)), 5000);
  assert.is(Math.round(backoff.next(0)), 10_000);
});

test('jitter takes up to half', () => {
  const backoff = new Backoff(() => 0);
  assert.is(backoff.next(0), 2500);
  assert.is(backoff.next(0), 5000);
});

test('a connection that breaks again and again before a minute is over is not tried at once again', () => {
  const backoff = new Backoff(() => 1 - 1e-9);
  assert.ok(backoff.next(59_999) <= 1000);
  assert.is(Math.round(backoff.next(59_999)), 5000);
  assert.is(Math.round(backoff.next(59_999)), 10_000);
  assert.ok(backoff.next(60_000) <= 1000, 'reset after a minute of health');
});

test('tries that never left this machine are 2.5 to 5 s apart and lengthen nothing', () => {
  const backoff = new Backoff(() => 1 - 1e-9);
  for (let i = 0; i < 20; i++) assert.is(Math.round(backoff.offline()), 5000);
  assert.is(Math.round(backoff.next(0)), 5000);
  assert.is(new Backoff(() => 0).offline(), 2500);
});

test('fifty clients whose relays restart together do not come back together', () => {
  let seed = 7;
  const random = () => (seed = (seed * 1103515245 + 12345) & 0x7fffffff) / 0x80000000;
  for (const outage of [0, 30_000]) {
    const tries: number[] = [];
    for (let client = 0; client < 50; client++) {
      const backoff = new Backoff(random);
      let at = backoff.next(HOUR, true);
      tries.push(at);
      while (at < outage) tries.push(at += backoff.next(0));
    }
    const most = Math.max(...tries.map((from) => tries.filter((at) => at >= from && at < from + 1000).length));
    assert.ok(most <= 0.4 * tries.length, `${most} of ${tries.length} within one second`);
  }
});

test('every wait is drawn from a range at least as wide as the peer asks for', () => {
  const waits = (x: number) => {
    const backoff = new Backoff(() => x);
    backoff.spreadMs = 30_000;
    return [backoff.next(HOUR, true), backoff.next(0), backoff.next(0), backoff.offline()];
  };
  const [low, high] = [waits(0), waits(1 - 1e-9)];
  assert.equal(low, [0, 2500, 5000, 2500]);
  assert.equal(high.map(Math.round), [30_000, 32_500, 35_000, 32_500]);
  const narrow = new Backoff(() => 1 - 1e-9);
  narrow.spreadMs = 15;
  assert.equal([narrow.next(HOUR), narrow.next(0), narrow.next(0)].map(Math.round), [1000, 5000, 10_000]);
});

test.run();
