/** Windows of a text are cut between characters; what is edited is given back as it was. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { editable, hexRow, isBinary, TAIL, textWindow, WINDOW, windowBytes } from '../../ui/files/text-window.ts';

const bytes = (text: string) => new TextEncoder().encode(text);

test('a character on the edge of two windows is in one of them, whole', () => {
  for (const letter of ['a', 'é', '€', '😀']) {
    for (let before = 0; before < 5; before++) {
      const whole = bytes('x'.repeat(WINDOW - before) + letter.repeat(3) + 'end');
      const part = (at: number) =>
        windowBytes(whole.subarray(at * WINDOW, Math.min(whole.length, (at + 1) * WINDOW + TAIL)), at);
      const text = [part(0), part(1)].map((piece) => new TextDecoder('utf-8', { fatal: true }).decode(piece)).join('');
      assert.ok(text === new TextDecoder().decode(whole), `${letter} ${before}`);
    }
  }
});

test('lines, and the line breaks that the next window counts on', () => {
  assert.equal(textWindow(bytes('a\nb\n')), { lines: ['a', 'b'], breaks: 2 });
  assert.equal(textWindow(bytes('a\nb')), { lines: ['a', 'b'], breaks: 1 });
  assert.equal(textWindow(bytes('')), { lines: [''], breaks: 0 });
  assert.ok(isBinary(Uint8Array.of(65, 0)));
});

test('only what a text field gives back as it was is edited', () => {
  assert.equal(editable(bytes('a\nb')), { text: 'a\nb', eol: '\n' });
  assert.equal(editable(bytes('a\r\nb')), { text: 'a\nb', eol: '\r\n' });
  for (const text of ['a\r\nb\n', 'a\rb']) assert.is(editable(bytes(text)), null, JSON.stringify(text));
  assert.is(editable(Uint8Array.of(0xff)), null);
  assert.is(editable(bytes('\ufeffa'))!.text, '\ufeffa');
  assert.is(hexRow(bytes('AB\0'), 0, 32), `00000020  41 42 00${' '.repeat(39)}  AB.`);
});

test.run();
