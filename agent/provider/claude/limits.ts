/** How much of an account's limits is used, as Claude Code says it. */
import type { LimitWindow } from '../../../core/api/usage.ts';
import { type JsonObject, number, object, string } from '../untyped-json.ts';

const HOUR = 60;
const MINUTES: Record<string, number> = { five_hour: 5 * HOUR, seven_day: 7 * 24 * HOUR };
/** Windows of one account: more is no CLI's. */
const MAX_WINDOW = 10;

/** `seven_day_opus` lasts as long as `seven_day`. */
const minutesOf = (id: string): number | null =>
  Object.entries(MINUTES).find(([name]) => id === name || id.startsWith(`${name}_`))?.[1] ?? null;

/** @param info `rate_limit_info` of a rate_limit_event: parts of 1, and seconds */
export function windowsOfEvent(info: JsonObject): LimitWindow[] {
  const named = Object.entries(object(info.unifiedWindows)).map(([id, entry]) => windowOf(id, object(entry)));
  const type = string(info.rateLimitType);
  // The window that the event is about knows best whether it is reached.
  const own = type ? [windowOf(type, { ...object(object(info.unifiedWindows)[type]), ...info })] : [];
  return [...own, ...named.filter(({ id }) => id !== type)].slice(0, MAX_WINDOW);
}

function windowOf(id: string, entry: JsonObject): LimitWindow {
  const used = number(entry.utilization);
  const resets = number(entry.resetsAt);
  const isReached = entry.status === 'rejected';
  return {
    id,
    minutes: minutesOf(id),
    percent: used === null ? (isReached ? 100 : null) : Math.max(0, used * 100),
    resetsAt: resets === null ? null : resets * 1000,
    isReached,
  };
}
