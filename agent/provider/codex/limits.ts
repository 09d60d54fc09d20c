/** How much of an account's limits is used, as Codex says it. */
import type { LimitWindow } from '../../../core/api/usage.ts';
import type { ProviderEvent } from '../provider.ts';
import { type JsonObject, number, object, string } from '../untyped-json.ts';
import { rateLimitNotice } from './text.ts';

/** @param limits `rateLimits` of account/rateLimits/updated and read: percents, and seconds */
export function limitWindows(limits: JsonObject): LimitWindow[] {
  const name = string(limits.limitId);
  const prefix = name && name !== 'codex' ? `${name.slice(0, 50)} ` : '';
  return (['primary', 'secondary'] as const).flatMap((id) => {
    const window = object(limits[id]);
    const percent = number(window.usedPercent);
    if (percent === null) return [];
    const resets = number(window.resetsAt);
    return [{
      id: `${prefix}${id}`,
      minutes: number(window.windowDurationMins),
      percent: Math.max(0, percent),
      resetsAt: resets === null ? null : resets * 1000,
      isReached: percent >= 100,
    }];
  });
}

/** What account/rateLimits/updated means for an agent. */
export function limitEvents(limits: JsonObject, now: number): ProviderEvent[] {
  const windows = limitWindows(limits);
  const notice = rateLimitNotice(limits, now);
  return [
    ...(windows.length ? [{ type: 'limits', windows } as const] : []),
    ...(notice ? [{ type: 'notice', ...notice, code: 'rate_limit', passing: true } as const] : []),
  ];
}
