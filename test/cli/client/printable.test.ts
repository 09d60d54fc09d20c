import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { clipColumns, columns, printable, printableJson, printableLine, table } from '../../../cli/client/printable.ts';

const HOSTILE = [
  '\x1b[2J\x1b]0;title\x07', // ECMA-48 sequences
  '\x9b2J\x90q\x9c', // the same as C1 controls
  'a\rb\x08\x08\x7f',
  'safe\u202egpj.exe\u2066', // directions
  '\u2028\u2029',
];
const ACTS = /[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\u2028\u2029]/;

for (const text of HOSTILE) {
  test(`nothing acts upon a terminal: ${JSON.stringify(text)}`, () => {
    assert.not.match(printable(text), ACTS);
    assert.not.match(printableLine(text), ACTS);
    const json = printableJson({ text, [text]: [text] });
    assert.not.match(json, ACTS);
    assert.equal(JSON.parse(json), { text, [text]: [text] });
  });
}

test('text that is harmless stays as it is, in as many lines', () => {
  assert.is(printable('a\n\tb é 漢 🙂'), 'a\n\tb é 漢 🙂');
  assert.is(printable('a\r\nb'), 'a\nb');
  assert.is(printable('\x1b[1m'), '⟨U+001B⟩[1m');
  assert.is(printableLine(' a\n\t b '), 'a b');
});

test('columns of a table stand below each other, whatever is in them', () => {
  assert.is(columns('漢字é🙂'), 7);
  assert.is(clipColumns('漢字漢字', 5), '漢字…');
  assert.is(clipColumns('abcdef', 4), 'abc…');
  assert.is(table([['A', 'B', 'C'], ['漢', 'bb', 'c'], ['aaa', '', '']]), 'A    B   C\n漢   bb  c\naaa');
});

test.run();
