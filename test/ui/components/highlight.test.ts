/** Colours of code: the tokens are the line again, whatever it is; strings and comments over lines; nothing for what is not known. */
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type Language, languageOf, tokenize } from '../../../ui/components/highlight.ts';

const language = (name: string): Language => languageOf(name)!;
/** Each line's tokens that have a kind. */
function kinds(name: string, text: string): string[][] {
  let state = '';
  return text.split('\n').map((line) => {
    const read = tokenize(line, state, language(name));
    state = read.state;
    assert.is(read.tokens.map((token) => token.text).join(''), line);
    return read.tokens.filter(({ kind }) => kind).map((token) => `${token.kind} ${token.text}`);
  });
}

test('a line of code: keywords, strings with escapes, numbers, comments; words that only contain one are none', () => {
  assert.equal(kinds('a.ts', String.raw`const format = "a \" // b" + 0x1F + 1.5e3; // if`), [
    ['keyword const', String.raw`string "a \" // b"`, 'number 0x1F', 'number 1.5e3', 'comment // if'],
  ]);
  assert.equal(kinds('a.ts', 'constant returned $if été1'), [[]]);
});

test('comments and strings go over lines, and end in one', () => {
  assert.equal(kinds('a.ts', 'x /* a\nif\nb */ if `c\n"d"\n${e}` else'), [
    ['comment /* a'],
    ['comment if'],
    ['comment b */', 'keyword if', 'string `c'],
    ['string "d"'],
    ['string ${e}`', 'keyword else'],
  ]);
  assert.equal(kinds('a.py', '"""doc\nif """ if # not\n\'x'), [['string """doc'], [
    'string if """',
    'keyword if',
    'comment # not',
  ], ["string 'x"]]);
  assert.equal(kinds('a.html', '<!-- a\nb --> <p class="c">'), [['comment <!-- a'], ['comment b -->', 'string "c"']]);
  assert.equal(kinds('a.c', '/*/ still */ int'), [['comment /*/ still */', 'keyword int']]);
});

test('other languages: # in a word is no comment, SQL in any case, lifetimes are no strings', () => {
  assert.equal(kinds('a.sh', 'echo a#b # c'), [['comment # c']]);
  assert.equal(kinds('a.sql', "SELECT 'it' -- x"), [['keyword SELECT', "string 'it'", 'comment -- x']]);
  assert.equal(kinds('a.rs', "fn a<'b>(x: &'b str)"), [['keyword fn']]);
  assert.equal(kinds('Dockerfile', '# base'), [['comment # base']]);
  assert.equal(['a.txt', 'README', 'a.', 'constructor', 'a.toString', 'a.__proto__'].map(languageOf), [
    null,
    null,
    null,
    null,
    null,
    null,
  ]);
});

test('whatever a line is, its tokens are that line: hostile text, every file here, a very long line', () => {
  const odd = ['', '"', '\\', '"\\', '`', '/*', '*/', '\u202e"x', '\ud800', '😀 = "😀"', '\0', "'''", '"""', '${`${`'];
  for (const name of ['a.ts', 'a.py', 'a.html', 'a.sql', 'a.lua', 'a.rs']) kinds(name, odd.join('\n'));
  for (const name of readdirSync('ui/components')) kinds(name, readFileSync(`ui/components/${name}`, 'utf8'));
  const long = `"${'x'.repeat(5000)}`;
  assert.equal(tokenize(long, '`', language('a.ts')), { tokens: [{ text: long, kind: null }], state: '`' });
});

test('it takes no more than its share: 2,000 characters of quotes and marks, 1,000 lines', () => {
  const worst = ['"\\'.repeat(1000), '/*'.repeat(1000), '`\\'.repeat(1000), '${'.repeat(1000), "'".repeat(2000)];
  const startedAt = performance.now();
  for (let i = 0; i < 200; i++) for (const line of worst) tokenize(line, '', language('a.ts'));
  assert.ok(performance.now() - startedAt < 10_000);
});

test.run();
