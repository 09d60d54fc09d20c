import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { steadyClock } from '../../core/clock.ts';
import { fakeClock } from '../support/fakes/fake-clock.ts';

const MINUTE = 60_000;

test('the wall time goes on when the clock is set back, and is the clock again when that has caught up', () => {
  const clock = fakeClock();
  const steady = steadyClock(clock);
  const begun = clock.now();
  clock.advance(MINUTE);
  assert.is(steady.now(), begun + MINUTE);
  clock.setWall(begun - 60 * MINUTE);
  assert.is(steady.now(), begun + MINUTE);
  clock.advance(5 * MINUTE);
  assert.is(steady.now(), begun + 6 * MINUTE);
  clock.setWall(begun + 6 * MINUTE + 7);
  assert.is(steady.now(), begun + 6 * MINUTE + 7);
});

test('a clock that is set ahead is followed: a machine that slept has lost that time', () => {
  const clock = fakeClock();
  const steady = steadyClock(clock);
  clock.setWall(clock.now() + 60 * MINUTE);
  assert.is(steady.now(), clock.now());
});

test('set back again and again it still passes no faster and no slower than time', () => {
  const clock = fakeClock();
  const steady = steadyClock(clock);
  const begun = steady.now();
  for (let i = 1; i <= 100; i++) {
    clock.setWall(begun - i * MINUTE);
    clock.advance(1000);
    assert.is(steady.now(), begun + i * 1000);
  }
});

test.run();
