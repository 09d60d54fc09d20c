/** What the server says in another language: its sentences are found again, and its words are those of its sources. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { ERROR_STATUS } from '../../core/api/errors.ts';
import { error } from '../../ui/i18n/zh/errors.ts';
import { PHRASES } from '../../ui/i18n/zh/phrases.ts';
import { device, sentence } from '../../ui/i18n/zh/sentences.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const sources = ['agent', 'core', 'relay'].flatMap((directory) =>
  readdirSync(join(ROOT, directory), { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.ts'))
    .map((path) => readFileSync(join(ROOT, directory, path), 'utf8'))
)
  .join('\n')
  // Long sentences are written in parts.
  .replace(/['`] \+\s+['`]/g, '')
  .replace(/\\'/g, "'")
  .replace("${isDeny ? 'refuse' : 'allow'}", 'refuse');

test('each phrase is one that the server says', () => {
  const unknown = PHRASES.map(([english]) => english).filter((english) => {
    // Words side by side: between them the source may choose by number or person, or name something.
    const pairs = english.split('{}').flatMap((part) => {
      const words = part.split(' ').filter(Boolean);
      return words.slice(1).map((word, i) => `${words[i]} ${word}`);
    });
    return pairs.filter((pair) => sources.includes(pair)).length < 0.6 * pairs.length;
  });
  assert.equal(unknown, []);
});

test('a sentence keeps what it names', () => {
  assert.is(
    sentence('Claude Code ended with exit code 3. It said: no (such) $1 thing'),
    'Claude Code 已结束，退出码 3。输出：no (such) $1 thing',
  );
  assert.is(sentence('2 commits on agent/x are not in main.'), 'agent/x 上有 2 个提交不在 main 中。');
  assert.is(sentence('In the background: a, {b}'), '后台：a, {b}');
});

test('sentences one behind the other', () => {
  const text = 'The agent server ended while this session was open. Send a message to go on where it was.';
  assert.not.match(sentence(text), /[A-Za-z]/);
});

test('what a program says stays as it is', () => {
  for (const text of ['API Error: 529 Overloaded', '', 'error: Denied', 'Safari on iPhone says hello']) {
    assert.is(sentence(text), text);
  }
});

test('browsers', () => {
  assert.is(device('Safari on iPhone'), 'iPhone 上的 Safari');
  assert.is(device('Unknown browser on Linux'), 'Linux 上的 未知浏览器');
  assert.is(device('Tablet on the wall'), 'Tablet on the wall');
});

test('every code has words, with and without what it names', () => {
  const params = {
    path: '/a',
    files: 'b.ts',
    reason: 'c',
    limit: 3,
    base: 'main',
    branch: 'x',
    name: 'y',
    by: 'Safari on iPhone',
    work: 'w',
    field: 'f',
  };
  for (const code of Object.keys(ERROR_STATUS)) {
    for (const words of [error(code, {})!, error(code, params)!]) {
      assert.match(words, /[\u4e00-\u9fff]/, code);
      assert.not.match(words, /undefined|\[object/, code);
    }
  }
  assert.is(error('of_tomorrow', {}), undefined);
  assert.is(error('toString', {}), undefined);
});

test.run();
