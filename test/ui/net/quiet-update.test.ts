/** A newer dashboard is taken when nobody looks, and never in the middle of something. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { QUIET_MS, updateWhenQuiet } from '../../../ui/net/quiet-update.ts';
import { signal } from '../../../ui/state/signal.ts';

function page() {
  const there = { isVisible: true, isBusy: false, updates: 0, timers: [] as { action: () => void; ms: number }[] };
  const hasUpdate = signal(false);
  let changed = () => {};
  updateWhenQuiet({
    worker: { hasUpdate, update: () => void there.updates++ },
    isVisible: () => there.isVisible,
    isBusy: () => there.isBusy,
    onVisibility: (listener) => void (changed = listener),
    setTimeout: (action, ms) => {
      const timer = { action, ms };
      there.timers.push(timer);
      return timer as unknown as ReturnType<typeof setTimeout>;
    },
    clearTimeout: (timer) => void (there.timers = there.timers.filter((entry) => entry !== timer as unknown)),
  });
  const show = (isVisible: boolean) => {
    there.isVisible = isVisible;
    changed();
  };
  const pass = () => {
    const [timer] = there.timers.splice(0, 1);
    assert.is(timer!.ms, QUIET_MS);
    timer!.action();
  };
  return { there, hasUpdate, show, pass };
}

test('out of sight for a while: it is taken', () => {
  const { there, hasUpdate, show, pass } = page();
  show(false);
  assert.equal(there.timers, []);
  hasUpdate.value = true;
  pass();
  assert.is(there.updates, 1);
});

test('looked at again before: it is not', () => {
  const { there, hasUpdate, show } = page();
  hasUpdate.value = true;
  assert.equal(there.timers, []);
  show(false);
  assert.is(there.timers.length, 1);
  show(true);
  assert.equal([there.timers.length, there.updates], [0, 0]);
});

test('something is under way: it waits for the end of it', () => {
  const { there, hasUpdate, show, pass } = page();
  hasUpdate.value = true;
  there.isBusy = true;
  show(false);
  pass();
  pass();
  assert.is(there.updates, 0);
  there.isBusy = false;
  pass();
  assert.is(there.updates, 1);
});

test.run();
