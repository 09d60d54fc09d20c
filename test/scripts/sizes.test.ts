/** The size budget: what it lets pass, and what it refuses. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { readBudget, sizeProblems } from '../../scripts/check/sizes.ts';

const BUDGET = { page: 1000, worker: 100 };

test('what is as large as its line, smaller or 3 % larger is right', () => {
  assert.equal(sizeProblems({ page: 1000, worker: 100 }, BUDGET), []);
  assert.equal(sizeProblems({ page: 10, worker: 1 }, BUDGET), []);
  assert.equal(sizeProblems({ page: 1030, worker: 103 }, BUDGET), []);
});

test('what has grown more is named with its size, its growth and its line', () => {
  assert.equal(sizeProblems({ page: 1031, worker: 100 }, BUDGET), [
    'page has 1031 bytes, 3.1 % more than its line in size-budget.json (1000)',
  ]);
  assert.is(sizeProblems({ page: 5000, worker: 104 }, BUDGET).length, 2);
});

test('a part without a line, and a line without a part, are wrong', () => {
  assert.match(sizeProblems({ page: 1, worker: 1, other: 7 }, BUDGET).join(), 'other has no line');
  assert.match(sizeProblems({ page: 1 }, BUDGET).join(), 'worker is not measured any more');
});

test('the budget has a line for each part that users load or install', () => {
  assert.equal(Object.keys(readBudget()), ['first load', 'agent page', 'service worker', 'relay file', 'package']);
});

test.run();
