/** Days of the machine's time zone, as text that sorts: `2026-11-30`. */

/** @param shift days later; also over a change of summer time, when a day has 23 or 25 hours */
export function dayOf(at: number, shift = 0): string {
  const date = new Date(at);
  date.setHours(12, 0, 0, 0);
  date.setDate(date.getDate() + shift);
  const two = (n: number) => String(n).padStart(2, '0');
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
}

/** Milliseconds until the machine's next day begins. */
export function untilTomorrow(at: number): number {
  const date = new Date(at);
  date.setHours(24, 0, 0, 0);
  return date.getTime() - at;
}
