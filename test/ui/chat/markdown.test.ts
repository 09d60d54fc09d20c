import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { headingLevels, Markdown, MAX_BLOCK } from '../../../ui/chat/markdown.ts';
import { safeHref } from '../../../ui/chat/markdown-view.ts';
import { plain } from '../../../ui/format.ts';
import { cpuMs } from '../../support/harness/cpu-time.ts';

const SAMPLE =
  '# Title\n\nFirst *paragraph* with `code`.\n\n- one\n- two\n  - nested\n\n```ts\nconst x = 1;\n\nconst y = 2;\n```\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n> quote\n\nLast one.\n';
const kinds = (text: string) => new Markdown().parse(text).map(({ token }) => token.type);

test('text comes as blocks', () => {
  assert.equal(kinds(SAMPLE), ['heading', 'paragraph', 'list', 'code', 'table', 'blockquote', 'paragraph']);
});

test('growing character by character ends in the same blocks as the whole at once', () => {
  const grown = new Markdown();
  for (let i = 1; i <= SAMPLE.length; i++) grown.parse(SAMPLE.slice(0, i));
  const strip = (blocks: readonly { token: { raw: string; type: string } }[]) =>
    blocks.map(({ token }) => [token.type, token.raw.trim()]);
  assert.equal(strip(grown.parse(SAMPLE)), strip(new Markdown().parse(SAMPLE)));
});

test('finished blocks stay the same objects while the text grows', () => {
  const parser = new Markdown();
  const text = Array.from({ length: 50 }, (_, i) => `Paragraph ${i}.`).join('\n\n');
  const before = parser.parse(text);
  const after = parser.parse(`${text}\n\nOne more.`);
  assert.is(after.length, 51);
  for (let i = 0; i < 45; i++) assert.is(after[i]!.token, before[i]!.token);
});

test('another text in its place begins anew', () => {
  const parser = new Markdown();
  parser.parse('One.\n\nTwo.\n\nThree.\n\nFour.');
  assert.equal(parser.parse('Other.').map(({ token }) => token.raw), ['Other.']);
});

test('a streaming answer of 20 KB costs little: 1,000 steps in less than a second', () => {
  const paragraph = 'Some **bold** text with `code` and a [link](https://example.org) to read.\n\n';
  const text = paragraph.repeat(Math.ceil(20_000 / paragraph.length));
  const parser = new Markdown();
  const started = cpuMs();
  for (let i = 1; i <= 1000; i++) parser.parse(text.slice(0, Math.floor((i / 1000) * text.length)));
  assert.ok(cpuMs() - started < 1000, `${cpuMs() - started} ms`);
});

const HOSTILE: Record<string, string> = {
  'quotes 10k deep': '>'.repeat(10_000) + ' x',
  'spaced quotes 10k deep': '> '.repeat(10_000) + 'x',
  'quotes on 10k lines': Array.from({ length: 500 }, (_, i) => `${'>'.repeat(i)} x`).join('\n'),
  'list in list': '- '.repeat(10_000) + 'x',
  'numbered lists': '1. '.repeat(10_000) + 'x',
  'list by indent': Array.from({ length: 2000 }, (_, i) => `${' '.repeat(i * 2)}- x`).join('\n'),
  'open brackets': '['.repeat(10_000),
  'links in links': '[a'.repeat(10_000) + '](b)'.repeat(10_000),
  'stars': '*a'.repeat(10_000),
  'star runs': '*'.repeat(10_000) + 'a' + '*'.repeat(10_000),
  'underscores': '_a_'.repeat(10_000),
  'spaced emphasis': '*a **b '.repeat(5_000),
  'backticks': '`'.repeat(10_000) + 'a',
  'backtick ladder': Array.from({ length: 150 }, (_, i) => '`'.repeat(i)).join('a'),
  'tildes': '~~a'.repeat(10_000),
  'angle brackets': '<'.repeat(10_000),
  'html': '<div>'.repeat(10_000),
  'comments': '<!--'.repeat(10_000),
  'tables': '|'.repeat(10_000) + '\n' + '|-'.repeat(5_000) + '\n' + '|'.repeat(10_000),
  'autolinks': 'www.'.repeat(10_000),
  'mails': 'a@'.repeat(10_000),
  'mail dots': 'a.'.repeat(10_000) + '@',
  'entities': '&a'.repeat(10_000),
  'images': '!['.repeat(10_000),
  'backslashes': '\\'.repeat(10_000),
  'spaces': `a${' '.repeat(20_000)}b`,
  'newlines': '\n'.repeat(20_000) + 'x',
  'one long line': 'word '.repeat(MAX_BLOCK / 4),
  'definitions': '[a]: b\n'.repeat(5_000),
  'headings': '#'.repeat(10_000),
  'fences': '```\n'.repeat(5_000),
  'rules': '- - - '.repeat(2_000),
};

for (const [name, text] of Object.entries(HOSTILE)) {
  test(`hostile text is parsed soon and whole: ${name}`, () => {
    const started = cpuMs();
    const blocks = new Markdown().parse(text);
    const time = cpuMs() - started;
    assert.ok(time < 500, `${Math.round(time)} ms`);
    assert.ok(blocks.length > 0 || text.trim() === '' || name === 'definitions');
  });
}

test('a hostile paragraph does not spoil the others', () => {
  assert.equal(kinds(`# Title\n\n${'>'.repeat(10_000)} x\n\n**bold**`), ['heading', 'plain', 'paragraph']);
});

test('only addresses of the web and of mail are links', () => {
  for (const good of ['https://example.org/a?b=c#d', 'http://localhost:3000', 'mailto:a@b.example']) {
    assert.is(safeHref(good), good);
  }
  for (
    const bad of [
      'javascript:alert(1)',
      'JaVaScRiPt:alert(1)',
      ' javascript:alert(1)',
      'java\nscript:alert(1)',
      'data:text/html,<script>',
      'vbscript:x',
      'file:///etc/passwd',
      '//evil.example',
      '/api/auth/logout',
      './relative',
      'https://a b',
      '',
    ]
  ) assert.is(safeHref(bad), null, bad);
});

test('what drives a terminal is taken out of text', () => {
  const cases: [string, string][] = [
    ['\x1b[31mred\x1b[0m', 'red'],
    ['\x1b]0;title\x07text', 'text'],
    ['\x1b]52;c;ZXZpbA==\x07copied?', 'copied?'],
    ['\x1b]8;;https://evil.example\x1b\\link\x1b]8;;\x1b\\', 'link'],
    ['a\x1b[2J\x1b[Hb', 'ab'],
    ['10 %\r50 %\r100 %\n', '100 %\n'],
    ['a\r\nb', 'a\nb'],
    ['bell\x07 nul\x00 \x9b31m', 'bell nul 31m'],
    ['tab\tstays, é中😀 too', 'tab\tstays, é中😀 too'],
    ['\x1bPq#0;2;0;0;0\x1b\\sixel', 'sixel'],
    ['unfinished \x1b]0;title', 'unfinished '],
  ];
  for (const [from, to] of cases) assert.is(plain(from), to, JSON.stringify(from));
});

test('a megabyte of anything in one line costs no more than its length', () => {
  const pieces = ['x', ' ', '\r', '\n', '\u2028', '\x1b', '\x1b]', '\x1b[', '\x1b[0', '\x1bP', 'a\x1b \r', '😀'];
  for (const piece of pieces) {
    const text = piece.repeat(1_000_000 / piece.length);
    const began = cpuMs();
    plain(text);
    const ms = cpuMs() - began;
    assert.ok(ms < 500, `${JSON.stringify(piece)}: ${ms.toFixed(0)} ms`);
  }
});

test('the levels of headings skip none, whatever the text begins with', () => {
  const levels = (text: string) => [...headingLevels(new Markdown().parse(text)).values()];
  assert.equal(levels('# a\n\n## b\n\n# c'), [2, 3, 2]);
  assert.equal(levels('### a\n\n##### b\n\n#### c\n\n# d\n\n### e'), [2, 3, 3, 2, 3]);
  assert.equal(levels('# 1\n\n## 2\n\n### 3\n\n#### 4\n\n##### 5\n\n###### 6'), [2, 3, 4, 5, 6, 6]);
  assert.equal(levels('> # in a quote\n\ntext'), []);
});

/** The types of all tokens, of those within others too. */
const types = (text: string): string[] => {
  const found: string[] = [];
  JSON.stringify(new Markdown().parse(text), (key, value) => (key === 'type' && found.push(value), value));
  return found;
};

for (const text of ['It takes ~3~5 minutes', 'from ~/a to ~/b', 'H~2~O', '- ~1 h~2 h', '| ~1~ |\n|---|\n| ~a b~ |']) {
  test(`one tilde is text: ${JSON.stringify(text)}`, () => {
    assert.not(types(text).includes('del'));
    assert.is(new Markdown().parse(text).map(({ token }) => token.raw).join(''), text);
  });
}

test('two tildes strike out, also around one', () => {
  assert.ok(types('It takes ~~3 minutes~~ 5').includes('del'));
  assert.ok(types('~~about ~3 minutes~~').includes('del'));
});

test.run();
