/** The terminal that shows another one: a line over it while the way is broken, and as before at the end. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { BAR_MS, TtyScreen } from '../../../cli/client/tty-screen.ts';
import { fakeClock } from '../../support/fakes/fake-clock.ts';

function make(columns = 80) {
  const clock = fakeClock();
  const written: string[] = [];
  const write = (text: string | Uint8Array, done?: () => void) => {
    written.push(String(text));
    done?.();
    return true;
  };
  const stdout = { rows: 24, columns, writable: true, write } as unknown as NodeJS.WriteStream;
  const screen = new TtyScreen(stdout, 'Leave it: Ctrl-]', clock);
  const taken = () => written.splice(0).join('');
  return { clock, screen, taken };
}
const bytes = (text: string) => new TextEncoder().encode(text);

test('a short cut leaves no trace; a longer one is said in the last row, once, and the screen is then covered', () => {
  const { clock, screen, taken } = make();
  screen.reset();
  taken();
  screen.setAway(true);
  clock.advance(BAR_MS - 1);
  screen.setAway(true); // each failed try says it again
  screen.setAway(false);
  clock.advance(BAR_MS);
  assert.equal([taken(), screen.isCovered], ['', false]);
  screen.setAway(true);
  clock.advance(2_001);
  assert.ok(screen.isAwayLong);
  clock.advance(BAR_MS);
  const bar = taken();
  assert.match(bar, /^\x1b7.*\x1b\[24;1H\x1b\[0;7m Connection lost: trying again\..*Ctrl-\] .*\x1b8$/);
  clock.advance(10 * BAR_MS);
  assert.is(taken(), '');
  assert.ok(screen.isCovered);
  screen.reset();
  screen.setAway(false);
  assert.not(screen.isCovered || screen.isAwayLong);
});

test('a sequence that was cut off is ended first; the line is no longer than the screen', () => {
  const { clock, screen, taken } = make(20);
  screen.reset();
  screen.write(bytes('a\x1b[3'), () => {});
  taken();
  screen.setAway(true);
  clock.advance(BAR_MS);
  const bar = taken();
  assert.ok(bar.startsWith('\x18'));
  assert.is(/\x1b\[0;7m(.*)\x1b\[0m/.exec(bar)![1]!.length, 20);
});

test('at the end the line and what the program switched on are gone, once', async () => {
  const { clock, screen, taken } = make();
  screen.reset();
  screen.write(bytes('\x1b[?1049h\x1b[?25l'), () => {});
  screen.setAway(true);
  clock.advance(BAR_MS);
  taken();
  await screen.restore();
  const text = taken();
  for (const part of ['\x1b[24;1H\x1b[2K', '\x1b[?1049l', '\x1b[?25h']) assert.ok(text.includes(part), part);
  await screen.restore();
  assert.is(taken(), '');
  clock.advance(10 * BAR_MS);
  assert.is(taken(), '');
});

test('before the first screen the line is a line of its own', () => {
  const { clock, screen, taken } = make();
  screen.setAway(true);
  clock.advance(BAR_MS);
  assert.match(taken(), /^Connection lost.*\r\n$/);
  assert.not(screen.isCovered);
});

test.run();
