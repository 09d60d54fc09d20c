import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { quietUntil } from '../../../agent/notify/quiet-hours.ts';

const at = (text: string) => Date.parse(text);
const BERLIN = { on: true, from: '22:00', to: '07:00', timeZone: 'Europe/Berlin' };

for (
  const [now, end] of [
    ['2026-01-10T20:59:59Z', null], // 21:59 in Berlin
    ['2026-01-10T21:00:00Z', '2026-01-11T06:00:00Z'],
    ['2026-01-11T02:30:20Z', '2026-01-11T06:00:00Z'],
    ['2026-01-11T05:59:59Z', '2026-01-11T06:00:00Z'],
    ['2026-01-11T06:00:00Z', null],
    ['2026-07-10T20:00:00Z', '2026-07-11T05:00:00Z'], // summer time
  ] as const
) {
  test(`from ten to seven in Berlin, at ${now}: ${end ? `quiet until ${end}` : 'not quiet'}`, () => {
    assert.is(quietUntil(BERLIN, at(now)), end && at(end));
  });
}

test('within one day, switched off, and for no time at all', () => {
  const noon = { on: true, from: '12:00', to: '13:30', timeZone: 'UTC' };
  assert.is(quietUntil(noon, at('2026-01-10T12:15:30Z')), at('2026-01-10T13:30:00Z'));
  assert.is(quietUntil(noon, at('2026-01-10T13:30:00Z')), null);
  assert.is(quietUntil({ ...noon, on: false }, at('2026-01-10T12:15:30Z')), null);
  assert.is(quietUntil({ ...noon, to: '12:00' }, at('2026-01-10T12:00:00Z')), null);
});

test('where the clocks are changed meanwhile, asking again at the end leads to the right hour', () => {
  // 2026-03-29, 02:00 becomes 03:00: the night is an hour shorter.
  let now = at('2026-03-28T22:00:00Z');
  for (let until = quietUntil(BERLIN, now); until !== null; until = quietUntil(BERLIN, now)) now = until;
  assert.ok(now >= at('2026-03-29T05:00:00Z') && now <= at('2026-03-29T06:00:00Z'));
  // 2026-10-25, 03:00 becomes 02:00: an hour longer.
  now = at('2026-10-24T21:00:00Z');
  for (let until = quietUntil(BERLIN, now); until !== null; until = quietUntil(BERLIN, now)) now = until;
  assert.is(now, at('2026-10-25T06:00:00Z'));
});

test.run();
