import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { UsageReport, UsageRow } from '../../../core/api/usage.ts';
import { byDay, grouped, total } from '../../../ui/usage/sums.ts';
import { windowName } from '../../../ui/usage/meters.ts';

const row = (day: string, agent: string, costUsd: number | null, inputTokens: number): UsageRow => ({
  ...{ day, agent, name: agent.toUpperCase(), directory: '/p', provider: 'claude', model: 'm', costUsd, inputTokens },
  ...{ outputTokens: 1, cacheReadTokens: 1000, cacheWriteTokens: 1000, turns: 1 },
});
const report: UsageReport = {
  today: '2026-03-30',
  days: 3,
  meters: [],
  rows: [row('2026-03-28', 'a', 1, 10), row('2026-03-30', 'a', 0.5, 5), row('2026-03-30', 'b', null, 500)],
};

test('each day has a bar, also one without use and one of 23 hours', () => {
  assert.equal(byDay(report).map(({ key, costUsd, tokens }) => [key, costUsd, tokens]), [
    ['2026-03-28', 1, 11],
    ['2026-03-29', null, 0],
    ['2026-03-30', 0.5, 507],
  ]);
});

test('groups: the dearest first; a price that nobody told is none', () => {
  assert.equal(grouped(report, 'agent').map(({ label, costUsd, turns }) => [label, costUsd, turns]), [
    ['A', 1.5, 2],
    ['B', null, 1],
  ]);
  assert.equal(grouped(report, 'directory').map(({ key, tokens }) => [key, tokens]), [['/p', 518]]);
  assert.is(total(report)!.costUsd, 1.5);
  assert.is(total({ ...report, rows: [] }), undefined);
});

test('windows are called by their length', () => {
  assert.is(windowName({ id: 'five_hour', minutes: 300 }), '5 hours');
  assert.is(windowName({ id: 'seven_day', minutes: 10080 }), 'Week');
  assert.is(windowName({ id: 'seven_day_opus', minutes: 10080 }), 'Week (opus)');
  assert.is(windowName({ id: 'secondary', minutes: 10080 }), 'Week');
  assert.is(windowName({ id: 'overage_window', minutes: null }), 'overage window');
});

test.run();
