/** What agents have used, for pages that show it. */
import type { UsageReport, UsageRow } from '../../../core/api/usage.ts';

const row = (day: number, name: string, costUsd: number | null, tokens: number, model: string): UsageRow => ({
  day: `2026-11-${String(day).padStart(2, '0')}`,
  ...{
    agent: name,
    name,
    directory: `/home/me/projects/${costUsd ? 'site' : 'shop'}`,
    provider: 'claude',
    model,
  },
  ...{ costUsd, inputTokens: tokens, outputTokens: 0, cacheReadTokens: 0, cacheWriteTokens: 0, turns: 2 },
});

const at = Date.UTC(2026, 10, 30, 12);
export const USAGE: UsageReport = {
  today: '2026-11-30',
  days: 30,
  meters: [
    {
      ...{ provider: 'claude', account: 'me@example.com', at },
      windows: [
        { id: 'five_hour', minutes: 300, percent: 91, resetsAt: at + 3_600_000, isReached: false },
        { id: 'seven_day', minutes: 10_080, percent: 30, resetsAt: at + 86_400_000, isReached: false },
      ],
    },
    {
      ...{ provider: 'codex', account: '', at },
      windows: [{ id: 'primary', minutes: 300, percent: 100, resetsAt: at, isReached: true }],
    },
  ],
  rows: [
    ...Array.from({ length: 20 }, (_, i) => row(i + 8, 'Fix the rounding bug', 0.3 + (i % 5), 9000 * i, 'opus')),
    row(30, 'Write the tests for everything that has none', 12.5, 1_250_000, 'sonnet'),
    row(29, 'Look at logs', null, 640_000, ''),
  ],
};
