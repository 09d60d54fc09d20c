/** Codex's rate limits as windows of a meter. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { limitEvents, limitWindows } from '../../../agent/provider/codex/limits.ts';

const limits = (primary: unknown, secondary: unknown = null, limitId: unknown = 'codex') => ({
  limitId,
  primary,
  secondary,
});
const window = (usedPercent: number) => ({ usedPercent, windowDurationMins: 300, resetsAt: 1795894202 });

test('both windows, with percent and reset', () => {
  assert.equal(limitWindows(limits(window(12.5), { usedPercent: 100, windowDurationMins: 10080, resetsAt: null })), [
    { id: 'primary', minutes: 300, percent: 12.5, resetsAt: 1795894202000, isReached: false },
    { id: 'secondary', minutes: 10080, percent: 100, resetsAt: null, isReached: true },
  ]);
});

test('a limit of its own has windows of its own; what is not told is no window', () => {
  assert.equal(limitWindows(limits(window(1), null, 'codex_other')).map(({ id }) => id), ['codex_other primary']);
  for (const input of [{}, limits(null), limits({}), limits('x'), limits({ usedPercent: 'much' })]) {
    assert.equal(limitWindows(input), []);
    assert.equal(limitEvents(input, 0), []);
  }
});

test('a notice is given only near the limit', () => {
  assert.equal(limitEvents(limits(window(12)), 0).map(({ type }) => type), ['limits']);
  assert.equal(limitEvents(limits(window(80)), 0).map(({ type }) => type), ['limits', 'notice']);
});

test.run();
