/** Reports of use are cumulative, and come twice after a restart: each token is counted once. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { NO_USAGE } from '../../../core/api/agent-info.ts';
import { count, type Counted, NOTHING } from '../../../agent/usage/counted.ts';

const usage = (costUsd: number | null, inputTokens: number, turns = 0) => ({
  ...NO_USAGE,
  costUsd,
  inputTokens,
  turns,
});

/** @returns cost, tokens and turns that each report adds */
function added(reports: [ReturnType<typeof usage>, string | null][], start: Counted = NOTHING) {
  let counted = start;
  return reports.map(([report, session]) => {
    const result = count(counted, report, session);
    counted = result.counted;
    return [result.added.costUsd, result.added.inputTokens, result.added.turns];
  });
}

test('what a report adds is its difference to the one before', () => {
  assert.equal(added([[usage(1, 100, 1), 's'], [usage(1.5, 130, 2), 's'], [usage(1.5, 130, 2), 's']]), [
    [1, 100, 1],
    [0.5, 30, 1],
    [0, 0, 0],
  ]);
});

test('a report that is applied again after a restart adds nothing, and what follows it only what is new', () => {
  const reports: [ReturnType<typeof usage>, string][] = [[usage(2, 200), 's'], [usage(1, 100), 's'], [
    usage(2, 200),
    's',
  ], [usage(2.25, 210), 's']];
  assert.equal(added(reports), [[2, 200, 0], [0, 0, 0], [0, 0, 0], [0.25, 10, 0]]);
});

test('the counters of another session begin at nothing, unless they go on where the former ones were', () => {
  assert.equal(added([[usage(2, 200, 3), 'a'], [usage(0.5, 50, 4), 'b']]), [[2, 200, 3], [0.5, 50, 1]]);
  assert.equal(added([[usage(2, 200), 'a'], [usage(2.5, 250), 'b']]), [[2, 200, 0], [0.5, 50, 0]]);
});

test('a provider without a price has none', () => {
  assert.equal(added([[usage(null, 10), 't'], [usage(null, 25), 't']]), [[null, 10, 0], [null, 15, 0]]);
});

test('what was used in a session before the agent went on with it is not its own', () => {
  const foreign = { ...NOTHING, isForeign: true };
  assert.equal(added([[usage(null, 0), null], [usage(7, 700, 1), 's'], [usage(7.5, 720, 2), 's']], foreign), [
    [null, 0, 0],
    [null, 0, 1],
    [0.5, 20, 1],
  ]);
});

test.run();
