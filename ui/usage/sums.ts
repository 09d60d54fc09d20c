/** What a report of usage adds up to. Pure. */
import { tokensOf, type UsageReport, type UsageRow } from '../../core/api/usage.ts';

export interface Sum {
  /** The day, agent, folder or model. */
  key: string;
  label: string;
  /** null: nobody told a price. */
  costUsd: number | null;
  tokens: number;
  turns: number;
}

export type Grouping = 'agent' | 'directory' | 'model';

export const isEmptySum = ({ costUsd, tokens, turns }: Sum): boolean => !costUsd && !tokens && !turns;

/** One sum a day, oldest first, also for days without any use. */
export function byDay({ today, days, rows }: UsageReport): Sum[] {
  const sums = summed(rows, ({ day }) => day, ({ day }) => day);
  return lastDays(today, days).map((day) =>
    sums.get(day) ?? { key: day, label: day, costUsd: null, tokens: 0, turns: 0 }
  );
}

/** Dearest first, then by tokens. */
export function grouped({ rows }: UsageReport, grouping: Grouping): Sum[] {
  const label = (row: UsageRow) => (grouping === 'agent' ? row.name : row[grouping]);
  return [...summed(rows, (row) => row[grouping], label).values()]
    .sort((a, b) => (b.costUsd ?? 0) - (a.costUsd ?? 0) || b.tokens - a.tokens);
}

export const total = ({ rows }: UsageReport): Sum | undefined => summed(rows, () => '', () => '').get('');

function summed(
  rows: readonly UsageRow[],
  keyOf: (row: UsageRow) => string,
  labelOf: (row: UsageRow) => string,
): Map<string, Sum> {
  const sums = new Map<string, Sum>();
  for (const row of rows) {
    const key = keyOf(row);
    const { costUsd = null, tokens = 0, turns = 0 } = sums.get(key) ?? {};
    sums.set(key, {
      key,
      // An agent may have been renamed: the newest name is the last.
      label: labelOf(row),
      costUsd: row.costUsd === null ? costUsd : (costUsd ?? 0) + row.costUsd,
      tokens: tokens + tokensOf(row),
      turns: turns + row.turns,
    });
  }
  return sums;
}

/** At noon of UTC no zone's change of summer time is near: only the dates matter. */
function lastDays(today: string, days: number): string[] {
  const end = Date.parse(`${today}T12:00:00Z`);
  return Array.from(
    { length: days },
    (_, i) => new Date(end - (days - 1 - i) * 86_400_000).toISOString().slice(0, 10),
  );
}
