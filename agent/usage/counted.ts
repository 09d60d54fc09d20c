/** What a report of an agent's use adds to what was counted of it before: reports are cumulative, and may come twice. Pure. */
import { type Check, need, pick, string, time } from '../../core/api/schema.ts';
import type { Usage } from '../../core/api/agents.ts';
import type { UsageAmounts } from '../../core/api/usage.ts';

/** What has been counted of an agent, in total. */
export interface Counted extends UsageAmounts {
  /** The session that it was said of; empty: none yet. */
  session: string;
  /** The session began before this agent: its first report is of earlier work, and says only where to count from. */
  isForeign: boolean;
}

const FIELDS = ['inputTokens', 'outputTokens', 'cacheReadTokens', 'cacheWriteTokens'] as const;

export const NOTHING: Counted = {
  session: '',
  costUsd: null,
  inputTokens: 0,
  outputTokens: 0,
  cacheReadTokens: 0,
  cacheWriteTokens: 0,
  turns: 0,
  isForeign: false,
};

/**
 * A report below what is counted is a repetition (output that is applied again after a restart), unless the session is another
 * one, whose counters begin at nothing.
 */
export function count(
  before: Counted,
  usage: Usage,
  sessionId: string | null,
): { counted: Counted; added: UsageAmounts } {
  const session = sessionId ?? before.session;
  const isOther = before.session !== '' && session !== before.session;
  const isLess = sumOf(usage) < sumOf(before) || (usage.costUsd ?? 0) < (before.costUsd ?? 0);
  const base = isOther && isLess ? { ...NOTHING, turns: before.turns } : before;
  const counted = { ...highest(base, usage), session, isForeign: before.isForeign && sumOf(usage) === 0 };
  return { counted, added: before.isForeign ? { ...NOTHING, turns: counted.turns - base.turns } : less(counted, base) };
}

const sumOf = (usage: Pick<Usage, typeof FIELDS[number]>): number =>
  FIELDS.reduce((sum, field) => sum + usage[field], 0);

const highest = (base: Counted, usage: Usage): Counted => ({
  ...base,
  costUsd: usage.costUsd === null ? base.costUsd : Math.max(usage.costUsd, base.costUsd ?? 0),
  inputTokens: Math.max(base.inputTokens, usage.inputTokens),
  outputTokens: Math.max(base.outputTokens, usage.outputTokens),
  cacheReadTokens: Math.max(base.cacheReadTokens, usage.cacheReadTokens),
  cacheWriteTokens: Math.max(base.cacheWriteTokens, usage.cacheWriteTokens),
  turns: Math.max(base.turns, usage.turns),
});

const less = (now: Counted, base: Counted): UsageAmounts => ({
  costUsd: now.costUsd === null ? null : now.costUsd - (base.costUsd ?? 0),
  inputTokens: now.inputTokens - base.inputTokens,
  outputTokens: now.outputTokens - base.outputTokens,
  cacheReadTokens: now.cacheReadTokens - base.cacheReadTokens,
  cacheWriteTokens: now.cacheWriteTokens - base.cacheWriteTokens,
  turns: now.turns - base.turns,
});

export const isNothing = (added: UsageAmounts): boolean => !added.costUsd && !added.turns && sumOf(added) === 0;

/** As this server stored it. */
export const parseCounted: Check<Counted> = (value, name) => ({
  ...NOTHING,
  ...need(
    pick<Counted>(value, {
      session: string,
      costUsd: time,
      inputTokens: time,
      outputTokens: time,
      cacheReadTokens: time,
      cacheWriteTokens: time,
      turns: time,
      isForeign: (input) => input === true,
    }, name),
    'session',
  ),
});
