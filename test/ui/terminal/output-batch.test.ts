/** Output that comes closely together is written together, in order, and never later than its pause. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { FLOOD, FLOOD_PAUSE_MS, OutputBatch, PAUSE_MS } from '../../../ui/terminal/output-batch.ts';
import { Timers } from '../../support/fakes/ui-clock.ts';

function setup() {
  const timers = new Timers();
  const written: [string, number | null][] = [];
  const batch = new OutputBatch({
    write: (bytes, offset) => written.push([new TextDecoder().decode(bytes).slice(0, 8), offset]),
    now: timers.now,
    setTimeout: timers.setTimeout,
    clearTimeout: timers.clearTimeout,
  });
  const add = (text: string, offset: number | null) => batch.add(new TextEncoder().encode(text), offset);
  return { timers, written, batch, add };
}

test('what comes alone is written at once', () => {
  const { timers, written, add } = setup();
  add('a', 1);
  timers.pass(PAUSE_MS);
  add('b', 2);
  assert.equal(written, [['a', 1], ['b', 2]]);
});

test('what follows within the pause is written at its end, as one, with the offset of the last', () => {
  const { timers, written, add } = setup();
  add('a', 1);
  add('b', 2);
  timers.pass(PAUSE_MS - 1);
  add('cd', 4);
  assert.equal(written, [['a', 1]]);
  timers.pass(1);
  assert.equal(written, [['a', 1], ['bcd', 4]]);
  timers.pass(1_000);
  assert.is(written.length, 2);
});

test('a flood is written less often, and small output behind it waits no longer', () => {
  const { timers, written, add } = setup();
  add('x'.repeat(FLOOD), FLOOD);
  add('y', FLOOD + 1);
  timers.pass(FLOOD_PAUSE_MS - 1);
  assert.is(written.length, 1);
  timers.pass(1);
  assert.equal(written[1], ['y', FLOOD + 1]);
  timers.pass(PAUSE_MS);
  add('z', FLOOD + 2);
  assert.is(written.length, 3);
});

test('what must come after it flushes it; what was stopped writes nothing', () => {
  const { timers, written, batch, add } = setup();
  add('a', null);
  add('b', 1);
  batch.flush();
  assert.equal(written, [['a', null], ['b', 1]]);
  batch.flush();
  add('c', 2);
  batch.stop();
  timers.pass(1_000);
  assert.is(written.length, 2);
});

test.run();
