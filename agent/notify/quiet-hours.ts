/** When nothing rings. Pure. */
import type { QuietHours } from '../../core/api/notify.ts';

const DAY_MIN = 24 * 60;

/**
 * When the quiet hours that hold at `now` end, ms since the Unix epoch; null: it is not quiet. On a day on which the clocks are
 * changed the end is an hour off: whoever waits for it asks again then.
 */
export function quietUntil({ on, from, to, timeZone }: QuietHours, now: number): number | null {
  if (!on || from === to) return null;
  const minute = minuteOfDay(now, timeZone);
  const length = (minutesOf(to) - minutesOf(from) + DAY_MIN) % DAY_MIN;
  const past = (minute - minutesOf(from) + DAY_MIN) % DAY_MIN;
  if (past >= length) return null;
  return now - (now % 60_000) + (length - past) * 60_000;
}

const minutesOf = (time: string): number => Number(time.slice(0, 2)) * 60 + Number(time.slice(3));

function minuteOfDay(now: number, timeZone: string): number {
  const format = new Intl.DateTimeFormat('en-GB', { timeZone, hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });
  return minutesOf(format.format(now));
}
