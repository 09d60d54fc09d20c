import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Clock } from '../../../core/clock.ts';
import { Heartbeat } from '../../../core/websocket/heartbeat.ts';
import { fakeClock } from '../../support/fakes/fake-clock.ts';

function beat(clock: Clock) {
  const events: string[] = [];
  const actions = { silent: () => void events.push('ping'), dead: () => void events.push('dead') };
  return { events, heart: new Heartbeat({ pingMs: 10_000, deadMs: 25_000 }, actions, clock) };
}

test('silence is asked once and dead at its time', () => {
  const clock = fakeClock();
  const { events } = beat(clock);
  clock.advance(9_999);
  assert.equal(events, []);
  clock.advance(1);
  assert.equal(events, ['ping']);
  clock.advance(14_999);
  assert.equal(events, ['ping']);
  clock.advance(1);
  assert.equal(events, ['ping', 'dead']);
  assert.is(clock.pending, 0);
});

test('who talks is not asked, who answers lives on', () => {
  const clock = fakeClock();
  const { events, heart } = beat(clock);
  for (let i = 0; i < 20; i++) {
    clock.advance(9_000);
    heart.seen();
  }
  assert.equal(events, []);
  clock.advance(10_000);
  heart.seen();
  clock.advance(24_999);
  assert.equal(events, ['ping', 'ping']);
});

test('while this side does not read nobody dies; afterwards the silence counts from there', () => {
  const clock = fakeClock();
  const { events, heart } = beat(clock);
  heart.hold(true);
  clock.advance(600_000);
  assert.not(events.includes('dead'));
  heart.hold(false);
  clock.advance(24_000);
  assert.not(events.includes('dead'));
  clock.advance(1_000);
  assert.is(events.at(-1), 'dead');
});

test('a process that slept gives the peer one more round', () => {
  let now = 0;
  let due: (() => void) | null = null;
  const clock: Clock = {
    now: () => now,
    monotonic: () => now,
    setTimeout: (action) => ((due = action), {}),
    clearTimeout: () => (due = null),
  };
  const { events } = beat(clock);
  now = 300_000;
  due!();
  assert.equal(events, ['ping']);
  now += 15_000;
  due!();
  assert.equal(events, ['ping', 'dead']);
});

test('stop leaves no timer', () => {
  const clock = fakeClock();
  const { events, heart } = beat(clock);
  heart.stop();
  assert.is(clock.pending, 0);
  clock.advance(100_000);
  assert.equal(events, []);
});

test('times that make no sense', () => {
  const actions = { silent() {}, dead() {} };
  for (const [pingMs, deadMs] of [[0, 1], [10, 10], [10, 5], [NaN, 1]] as const) {
    assert.throws(() => new Heartbeat({ pingMs, deadMs }, actions, fakeClock()), RangeError);
  }
});

test.run();
