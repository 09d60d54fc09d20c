import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { cleanPaste } from '../../../ui/terminal/paste.ts';
import { seeded } from '../../support/fakes/seeded.ts';

const hasControls = (text: string) =>
  [...text].some((character) => {
    const code = character.codePointAt(0)!;
    return (code < 0x20 && !'\t\n\r'.includes(character)) || (code >= 0x7f && code <= 0x9f);
  });

test('the end of a bracketed paste cannot be pasted', () => {
  assert.is(cleanPaste('echo a\x1b[201~\ntouch PWNED\n'), 'echo a\ufffd[201~\ntouch PWNED\n');
  assert.is(cleanPaste('a\x9b201~\nb'), 'a\ufffd201~\nb', 'CSI as one character');
  assert.is(cleanPaste('a\x1b\x1b[201~[201~\nb'), 'a\ufffd\ufffd[201~[201~\nb', 'one within the other');
  assert.is(
    cleanPaste('a\x03\x04\x1a\x00\x7f\nb'),
    'a\ufffd\ufffd\ufffd\ufffd\ufffd\nb',
    'keys that end a line or a program',
  );
});

test('what people paste stays as it is', () => {
  const text = 'first\tcolumn\r\nzweite Zeile: äöü, 你好, 👩‍💻, \u00a0, \u2028';
  assert.is(cleanPaste(text), text);
});

test('whatever is pasted, no control is left and nothing else is lost', () => {
  const random = seeded(7);
  const pieces = [
    '\x1b',
    '[201~',
    '[200~',
    '\x9b',
    '201~',
    'a',
    '\n',
    '\r',
    '\t',
    '\x00',
    '\x7f',
    '\x84',
    'é',
    '😀',
    '\ufffd',
  ];
  for (let i = 0; i < 2000; i++) {
    const text = Array.from({ length: 12 }, () => pieces[Math.floor(random() * pieces.length)]).join('');
    const clean = cleanPaste(text);
    assert.not.ok(hasControls(clean), JSON.stringify(text));
    assert.is(clean.length, text.length);
    assert.is(cleanPaste(clean), clean);
  }
});

test.run();
