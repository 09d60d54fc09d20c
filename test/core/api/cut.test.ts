import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { cut, cutStart } from '../../../core/api/cut.ts';

const CHARACTERS = ['a', 'é', 'e\u0301', '中', '😀', '👍🏽', '👨‍👩‍👧‍👦', '🇪🇺', '가', '\r\n'];

test('every text at every length is cut between characters, and as late as possible', () => {
  for (const first of CHARACTERS) {
    for (const second of CHARACTERS) {
      const text = `${first}${second}x${second}`;
      const ends = [...new Intl.Segmenter('en').segment(text)].map(({ index, segment }) => index + segment.length);
      for (let max = 0; max <= text.length; max++) {
        const end = Math.max(0, ...ends.filter((at) => at <= max));
        assert.is(cut(text, max), text.slice(0, end), `${JSON.stringify(text)} at ${max}`);
      }
    }
  }
});

test('the mark is within the length, and only where something was cut off', () => {
  assert.equal([cut('abc', 3, '…'), cut('abcd', 3, '…'), cut('a😀b', 3, '…'), cut('', 0, '…')], [
    'abc',
    'ab…',
    'a…',
    '',
  ]);
});

test('a heap of accents without an end is cut all the same, and no pair is halved', () => {
  assert.is(cut(`a${'\u0301'.repeat(1000)}`, 500).length, 500);
  for (let max = 900; max < 910; max++) assert.not.match(cut('\u{1d15e}\u{e0100}'.repeat(500), max), /\p{Surrogate}/u);
});

test('a long text is cut in no time', () => {
  const text = '👨‍👩‍👧‍👦'.repeat(200_000);
  const began = performance.now();
  for (let i = 0; i < 100; i++) cut(text, 1_000_000 + i);
  assert.ok(performance.now() - began < 1000);
});

test('the end of a text begins with a whole character', () => {
  assert.equal([cutStart('a😀b', 2), cutStart('a😀b', 3), cutStart('ab', 9)], ['b', '😀b', 'ab']);
});

test.run();
