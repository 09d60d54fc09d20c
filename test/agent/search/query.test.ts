/** What a query means, and what is shown of a message. */
import { Buffer } from 'node:buffer';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { fold, isSearchable, MAX_SNIPPET, MAX_TERMS, parseSearch } from '../../../core/api/search.ts';
import { matchExpression } from '../../../agent/search/index-query.ts';
import { searchedMessage } from '../../../agent/search/message-text.ts';
import { createPrefilter } from '../../../agent/search/prefilter.ts';
import { createSnippet, isMatch } from '../../../agent/search/snippet.ts';
import { toolMessage } from '../../support/harness/search-journals.ts';

test('words and phrases, folded, each once', () => {
  assert.equal(parseSearch('  Fix  the fix "Two  Words" “其他 词” 词'), ['fix', 'the', 'two words', '其他 词', '词']);
  assert.equal(parseSearch('"not closed'), ['not closed']);
  assert.equal(parseSearch('a"b c"d'), ['a', 'b c', 'd']);
  assert.is(parseSearch(Array.from({ length: 40 }, (_, i) => `w${i}`).join(' ')).length, MAX_TERMS);
});

test('what is too short or too long is refused', () => {
  for (const q of ['', ' ', 'a', 'a b c', '""', '"', '“ ”']) assert.throws(() => parseSearch(q), /at least 2/, q);
  assert.throws(() => parseSearch('x'.repeat(201)), /at most 200/);
  for (const q of ['ab', '车', 'カ', '가', 'a 车', '😀😀']) assert.ok(isSearchable(q), q);
  assert.not(isSearchable('é'));
});

test('folding keeps every place', () => {
  for (const text of ['ABC', 'İstanbul ÄÖÜ', '😀É', 'ſK']) assert.is(fold(text).length, text.length, text);
  assert.is(fold('İÄ'), 'İä');
});

test('a snippet is bounded, marks what matched and cuts no character', () => {
  const marked = (text: string, terms: string[]) => {
    const { snippet, ranges } = createSnippet(text, terms);
    assert.ok(snippet.length <= MAX_SNIPPET, `${snippet.length}`);
    assert.not(/\p{Surrogate}/u.test(snippet));
    return ranges.map(([from, to]) => snippet.slice(from, to));
  };
  assert.equal(marked('Say Hello, hello world', ['hello', 'lo w']), ['Hello', 'hello w']);
  for (let i = 0; i < 70; i++) {
    assert.equal(
      marked(`${'😀'.repeat(40)}${'x'.repeat(i)} NEEDLE ${'😀'.repeat(90 + i)}`, ['needle']),
      ['NEEDLE'],
      `${i}`,
    );
  }
  const { snippet } = createSnippet(`${'word '.repeat(50)}needle${' word'.repeat(50)}`, ['needle']);
  assert.ok(snippet.startsWith('…word '), snippet);
  assert.ok(snippet.endsWith('…'), snippet);
  assert.equal(createSnippet('short', ['short']), { snippet: 'short', ranges: [[0, 5]] });
});

test('a tool call: its name, title and the texts of its input, bounded', () => {
  const text = (input: Record<string, unknown>) => searchedMessage(toolMessage(1, 'ls', input))!.text;
  assert.is(
    text({ command: 'ls', why: 'to look', n: 3, list: [{ deep: 'er' }], no: null }),
    'Bash · ls · to look · 3 · er',
  );
  assert.ok(text({ content: 'x'.repeat(1e6) }).length <= 64 * 1024);
});

test('the prefilter passes every line that matches', () => {
  const texts = [
    'Ändere "C:\\x"',
    'ein  Wort\nund noch',
    'straße Σ',
    '四舍五入',
    'a\tb',
    '50% *x* (y) [z]',
    'É\u2028x',
    '·',
  ];
  for (const text of texts) {
    const line = Buffer.from(JSON.stringify({ m: { text } })).toString('latin1');
    const whole = fold(text.replace(/\s+/g, ' '));
    for (let from = 0; from < whole.length; from++) {
      for (let to = from + 1; to <= whole.length; to++) {
        const term = whole.slice(from, to).trim();
        if (term) assert.ok(createPrefilter([term]).test(line), `${term} in ${text}`);
      }
    }
  }
});

test('trigrams of a query; what is shorter has none', () => {
  assert.is(matchExpression(['abcd', 'xy', 'bcd']), '"abc" AND "bcd"');
  assert.is(matchExpression(['"ab']), '"""ab"');
  assert.is(matchExpression(['错误']), '');
  assert.ok(isMatch('Abc 错误', ['错误', 'abc']));
});

test.run();
