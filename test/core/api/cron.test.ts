/** Cron lines: which there are, and when they come, also when clocks are put forward and back. */
import process from 'node:process';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { MAX_CRON, nextTime, parseCron } from '../../../core/api/cron.ts';

/** @returns false where a runtime reads its time zone once */
function isIn(zone: string, winterOffset: number): boolean {
  process.env.TZ = zone;
  return new Date(2026, 0, 1).getTimezoneOffset() === winterOffset;
}

const BERLIN = isIn('Europe/Berlin', -60);

const times = (line: string, from: Date, count: number): string[] => {
  const cron = parseCron(line)!;
  const found: string[] = [];
  for (let at = from.getTime(); found.length < count;) {
    at = nextTime(cron, at)!;
    const date = new Date(at);
    const two = (n: number) => String(n).padStart(2, '0');
    const day = [date.getFullYear(), two(date.getMonth() + 1), two(date.getDate())].join('-');
    found.push(`${day} ${two(date.getHours())}:${two(date.getMinutes())}`);
  }
  return found;
};
/** A Monday. */
const MONDAY = new Date(2026, 10, 30, 8, 30, 20);

test('numbers, ranges, steps, lists and names', () => {
  assert.equal(times('0 9 * * *', MONDAY, 2), ['2026-11-30 09:00', '2026-12-01 09:00']);
  assert.equal(times('*/20 8-9 * * *', MONDAY, 4), [
    '2026-11-30 08:40',
    '2026-11-30 09:00',
    '2026-11-30 09:20',
    '2026-11-30 09:40',
  ]);
  assert.equal(times('30 8 * * mon-fri', MONDAY, 5).map((time) => time.slice(5, 10)), [
    '12-01',
    '12-02',
    '12-03',
    '12-04',
    '12-07',
  ]);
  assert.equal(times('0 0 1,15 jan,JUL *', MONDAY, 3), ['2027-01-01 00:00', '2027-01-15 00:00', '2027-07-01 00:00']);
  assert.equal(times('5/25 12 * * 7', MONDAY, 3), ['2026-12-06 12:05', '2026-12-06 12:30', '2026-12-06 12:55']);
  assert.equal(times('0 0 29 2 *', MONDAY, 2), ['2028-02-29 00:00', '2032-02-29 00:00']);
});

test('it comes after the time, never at it', () => {
  const at = new Date(2026, 10, 30, 9).getTime();
  assert.is(nextTime(parseCron('0 9 * * *')!, at), new Date(2026, 11, 1, 9).getTime());
  assert.is(nextTime(parseCron('0 9 * * *')!, at - 1), at);
});

test('where both days are limited one is enough; where one is not, both must fit', () => {
  assert.equal(times('0 0 13 * fri', MONDAY, 3), ['2026-12-04 00:00', '2026-12-11 00:00', '2026-12-13 00:00']);
  assert.equal(times('0 0 */2 * tue', MONDAY, 2), ['2026-12-01 00:00', '2026-12-15 00:00']);
});

test('what is no line, or never comes', () => {
  const lines = ['', '* * * *', '* * * * * *', '60 * * * *', '* 24 * * *', '* * 0 * *', '* * * 13 *', '* * * * 8'];
  const more = ['5-1 * * * *', '*/0 * * * *', '*-5 * * * *', 'a * * * *', '1,, * * * *', '-1 * * * *', '1.5 * * * *'];
  const never = ['0 0 30 feb *', '0 0 31 4,6,9,11 *'];
  const long = `${'1,'.repeat(MAX_CRON)}1 * * * *`;
  for (const line of [...lines, ...more, ...never, long, '* * * foo *', '@daily', '0 9 * * mon-foo']) {
    assert.is(parseCron(line), null, line);
  }
});

test('clocks go forward: a time that is left out comes as much later, once; the hours go on', () => {
  if (!BERLIN) return;
  const eve = new Date(2026, 2, 28, 12);
  assert.equal(times('30 2 * * *', eve, 2), ['2026-03-29 03:30', '2026-03-30 02:30']);
  assert.equal(times('30 2,3 * * *', eve, 2), ['2026-03-29 03:30', '2026-03-30 02:30']);
  assert.equal(times('0 * 29 3 *', eve, 4).map((time) => time.slice(11)), ['00:00', '01:00', '03:00', '04:00']);
});

test('clocks go back: a time that comes twice is its first; a line of every hour goes on through both', () => {
  if (!BERLIN) return;
  const eve = new Date(2026, 9, 24, 12);
  assert.equal(times('30 2 * * *', eve, 2), ['2026-10-25 02:30', '2026-10-26 02:30']);
  const first = nextTime(parseCron('30 2 * * *')!, eve.getTime())!;
  assert.is(first, Date.UTC(2026, 9, 25, 0, 30));
  const hours = times('0 * 25 10 *', eve, 5).map((time) => time.slice(11));
  assert.equal(hours, ['00:00', '01:00', '02:00', '02:00', '03:00']);
});

test.run();
