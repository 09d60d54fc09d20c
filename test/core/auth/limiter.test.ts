import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Limiter, limiterKey } from '../../../core/auth/limiter.ts';
import { fakeClock } from '../../support/fakes/fake-clock.ts';

const MINUTE = 60_000;

test('the limit is reached and one past it waits for the oldest try', () => {
  const clock = fakeClock();
  const limiter = new Limiter({ limit: 3, windowMs: 15 * MINUTE, clock });
  for (let i = 0; i < 3; i++) {
    assert.is(limiter.take('a'), 0);
    clock.advance(MINUTE);
  }
  assert.is(limiter.take('a'), 12 * MINUTE);
  clock.advance(12 * MINUTE);
  assert.is(limiter.take('a'), 0);
  assert.is(limiter.take('a'), MINUTE);
});

test('a refused try does not prolong the wait', () => {
  const clock = fakeClock();
  const limiter = new Limiter({ limit: 1, windowMs: MINUTE, clock });
  limiter.take('a');
  clock.advance(MINUTE - 1);
  assert.is(limiter.take('a'), 1);
  clock.advance(1);
  assert.is(limiter.take('a'), 0);
});

test('keys do not know of each other', () => {
  const limiter = new Limiter({ limit: 1, windowMs: MINUTE, clock: fakeClock() });
  limiter.take('a');
  assert.is(limiter.take('b'), 0);
});

test('a refunded try can be made again', () => {
  const limiter = new Limiter({ limit: 1, windowMs: MINUTE, clock: fakeClock() });
  limiter.take('a');
  limiter.refund('a');
  assert.is(limiter.take('a'), 0);
});

test('keys are bounded: the least recently used one is dropped', () => {
  const limiter = new Limiter({ limit: 1, windowMs: MINUTE, clock: fakeClock(), maxKeys: 2 });
  limiter.take('a');
  limiter.take('b');
  limiter.take('a');
  limiter.take('c');
  assert.ok(limiter.take('a') > 0);
  assert.is(limiter.take('b'), 0);
});

test('the wall clock plays no part', () => {
  const clock = fakeClock();
  const limiter = new Limiter({ limit: 1, windowMs: MINUTE, clock });
  limiter.take('a');
  clock.setWall(clock.now() + 24 * 3_600_000);
  assert.is(limiter.take('a'), MINUTE);
});

test('IPv6 addresses count by their /64', () => {
  const same = ['2001:db8:0:1::1', '2001:DB8::1:ffff:0:0:1', '2001:db8:0:1:2:3:4:5', '2001:0db8:0000:0001::'];
  assert.equal(new Set(same.map(limiterKey)), new Set(['2001:db8:0:1::/64']));
  assert.is(limiterKey('::1'), '0:0:0:0::/64');
  assert.is(limiterKey('203.0.113.7'), '203.0.113.7');
});

test.run();
