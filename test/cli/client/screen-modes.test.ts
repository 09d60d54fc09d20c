import { Buffer } from 'node:buffer';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { ScreenModes } from '../../../cli/client/screen-modes.ts';

const REST = '\x0f\x1b(B\x1b>\x1b[0m';

/** The restoring sequences after output that comes in one piece, and byte by byte: they must be the same. */
function restored(output: string): string {
  const whole = new ScreenModes();
  whole.push(Buffer.from(output));
  const bytewise = new ScreenModes();
  for (const byte of Buffer.from(output)) bytewise.push(Uint8Array.of(byte));
  const text = whole.restore();
  assert.is(bytewise.restore(), text);
  return text;
}

test('plain output needs nothing but the attributes', () => {
  assert.is(restored('hello\r\n\x1b[31mred\x1b[2;3H'), REST);
});

test('what is on is switched off, what is off is switched on, the other screen last', () => {
  assert.is(
    restored('\x1b[?1049h\x1b[?25l\x1b[?1000;1006h\x1b[?2004h'),
    `${REST}\x1b[?25h\x1b[?1000l\x1b[?1006l\x1b[?2004l\x1b[?1049l`,
  );
  assert.is(restored('\x1b[?1049h\x1b[?2004h\x1b[?2004l\x1b[?1049l\x1b[?25l\x1b[?25h'), REST);
  assert.is(restored('\x1b[?7l'), `${REST}\x1b[?7h`);
});

test('keyboard protocols and a scroll region are reset', () => {
  assert.is(restored('\x1b[>1u'), `\x1b[=0u\x1b[>4;0m${REST}`);
  assert.is(restored('\x1b[>4;2m'), `\x1b[=0u\x1b[>4;0m${REST}`);
  assert.is(restored('\x1b[3;20r'), `\x1b7\x1b[r\x1b8${REST}`);
  assert.is(restored('\x1b[3;20r\x1b[r'), REST);
  assert.is(restored('\x1b[?1h\x1b[>1u\x1b[3;20r\x1bc'), REST, 'a full reset');
});

test('a sequence that was cut off is ended; text in a string is no sequence', () => {
  for (const cut of ['\x1b', '\x1b[', '\x1b[?10', '\x1b]0;title', '\x1bPq']) {
    assert.is(restored(cut), `\x18\x1b\\${REST}`, JSON.stringify(cut));
  }
  assert.is(restored('\x1b]0;[?1000h\x07'), REST);
  assert.is(restored('\x1b]0;[?1000h\x1b\\'), REST);
});

test('something may be written between sequences only', () => {
  const modes = new ScreenModes();
  modes.push(Buffer.from('a\x1b[3'));
  assert.not(modes.isAtRest);
  modes.push(Buffer.from('1m'));
  assert.ok(modes.isAtRest);
});

test.run();
