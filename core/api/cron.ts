/**
 * Cron lines of five fields, in the time zone of whoever asks (on the machine: the machine's). Pure and browser-safe.
 *
 *   minute (0-59)  hour (0-23)  day of month (1-31)  month (1-12, jan-dec)  day of week (0-7, sun-sat; 0 and 7 are Sunday)
 *
 * A field is `*`, a number, a range `a-b`, each with a step `/n`, or several of them with commas. Where both days are limited, a day
 * fits that fits one of them, as everywhere.
 *
 * When clocks go forward, a time that is left out comes as much later as the clocks leap (02:30 at 03:30). When they go back, a time
 * that comes twice is its first; a line of every hour (`*` as its hour) goes on through both.
 */

export interface Cron {
  minutes: readonly number[];
  hours: readonly number[];
  days: ReadonlySet<number>;
  months: ReadonlySet<number>;
  weekdays: ReadonlySet<number>;
  /** Both days are limited: one of them is enough. */
  isEitherDay: boolean;
}

/** Characters of a line. */
export const MAX_CRON = 200;
/** February 29 may be eight years away, and longer on a certain day of the week is asked of nobody. */
const MAX_SEARCH_DAYS = 366 * 9;
const MINUTE_MS = 60_000;

const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
const WEEKDAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];

/** null: it is no such line, or none of its times ever comes. */
export function parseCron(line: string): Cron | null {
  if (line.length > MAX_CRON) return null;
  const fields = line.trim().toLowerCase().split(/\s+/);
  if (fields.length !== 5) return null;
  const [minute, hour, day, month, weekday] = fields as [string, string, string, string, string];
  const minutes = parseField(minute, 0, 59);
  const hours = parseField(hour, 0, 23);
  const days = parseField(day, 1, 31);
  const months = parseField(month, 1, 12, MONTHS, 1);
  const weekdays = parseField(weekday, 0, 7, WEEKDAYS, 0);
  if (!minutes || !hours || !days || !months || !weekdays) return null;
  const cron: Cron = {
    minutes,
    hours,
    days: new Set(days),
    months: new Set(months),
    weekdays: new Set(weekdays.map((n) => n % 7)),
    isEitherDay: !day.startsWith('*') && !weekday.startsWith('*'),
  };
  return nextTime(cron, Date.UTC(2024, 0, 1)) === null ? null : cron;
}

/** @returns the numbers in order; null when it is no field */
function parseField(field: string, min: number, max: number, names: string[] = [], firstName = 0): number[] | null {
  const found = new Set<number>();
  for (const part of field.split(',')) {
    const match = /^(\*|[a-z]{3}|\d{1,2})(?:-([a-z]{3}|\d{1,2}))?(?:\/(\d{1,2}))?$/.exec(part);
    if (!match || (match[1] === '*' && match[2])) return null;
    const [, from, to, every] = match;
    const step = every === undefined ? 1 : Number(every);
    const first = from === '*' ? min : numberOf(from!, names, firstName);
    // `5/15` goes on to the end, as `*/15` does.
    const last = to !== undefined ? numberOf(to, names, firstName) : from === '*' || every ? max : first;
    if (step < 1 || !(first >= min) || !(last <= max) || first > last) return null;
    for (let n = first; n <= last; n += step) found.add(n);
  }
  return [...found].sort((a, b) => a - b);
}

const numberOf = (text: string, names: string[], first: number): number =>
  /^\d/.test(text) ? Number(text) : names.includes(text) ? names.indexOf(text) + first : NaN;

/** The first time of the line after this one, ms since the epoch; null: there is none. */
export function nextTime(cron: Cron, after: number): number | null {
  const start = new Date(after);
  for (let i = 0; i <= MAX_SEARCH_DAYS; i++) {
    const day = new Date(start.getFullYear(), start.getMonth(), start.getDate() + i, 12);
    if (!fitsDay(cron, day)) continue;
    const times = cron.hours.length === 24 ? everyHour(cron, day) : timesOf(cron, day);
    const next = times.find((time) => time > after);
    if (next !== undefined) return next;
  }
  return null;
}

function fitsDay({ days, months, weekdays, isEitherDay }: Cron, date: Date): boolean {
  if (!months.has(date.getMonth() + 1)) return false;
  const isDay = days.has(date.getDate());
  const isWeekday = weekdays.has(date.getDay());
  return isEitherDay ? isDay || isWeekday : isDay && isWeekday;
}

/** A Date that is left out is moved on by itself, and one that is there twice is its first. */
function timesOf({ hours, minutes }: Cron, day: Date): number[] {
  const at = (hour: number, minute: number) =>
    new Date(day.getFullYear(), day.getMonth(), day.getDate(), hour, minute).getTime();
  return hours.flatMap((hour) => minutes.map((minute) => at(hour, minute))).sort((a, b) => a - b);
}

/** Minute by minute as they pass: 23, 24 or 25 hours. */
function everyHour({ minutes }: Cron, day: Date): number[] {
  const wanted = new Set(minutes);
  const times: number[] = [];
  const begin = new Date(day.getFullYear(), day.getMonth(), day.getDate()).getTime();
  const end = new Date(day.getFullYear(), day.getMonth(), day.getDate() + 1).getTime();
  for (let time = begin; time < end; time += MINUTE_MS) if (wanted.has(new Date(time).getMinutes())) times.push(time);
  return times;
}
