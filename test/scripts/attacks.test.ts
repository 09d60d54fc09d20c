/** docs/attacks.md: each attack and fault has a test that is there, or says why it has none. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';

const TEST = fileURLToPath(new URL('..', import.meta.url));
const ENDINGS = ['.test.ts', '.shared.test.ts', '.alone.test.ts'];

interface Row {
  attack: string;
  holds: string;
  test: string;
}

/** The rows of the page's tables, without their heads. */
function rowsOf(text: string): Row[] {
  return text.split('\n').filter((line) => line.startsWith('| ')).map((line) => line.slice(2, -2).split(' | '))
    .filter(([attack]) => attack !== '---' && attack !== 'what is sent or breaks')
    .map(([attack = '', holds = '', test = '']) => ({ attack, holds, test }));
}

/** The tests that a row names: a file, and the beginnings of names in it. */
const namedIn = (cell: string): { file: string; names: string[] }[] =>
  cell.split('; ').map((part) => ({
    file: /^`([^`]+)`/.exec(part)?.[1] ?? '',
    names: [...part.matchAll(/"((?:\\.|[^"\\])*)"/g)].map((match) => match[1]!.replace(/\\(.)/g, '$1')),
  }));

function sourceOf(file: string): string | null {
  const path = ENDINGS.map((ending) => join(TEST, file + ending)).find((name) => existsSync(name));
  return path === undefined ? null : readFileSync(path, 'utf8');
}

/** Whether a text of the source begins so. */
const hasText = (source: string, beginning: string): boolean =>
  ["'", '"', '`'].some((quote) => source.includes(quote + beginning));

/** @returns one sentence for each row that names no test which is there, and gives no reason */
function missing(rows: readonly Row[]): string[] {
  return rows.flatMap(({ attack, test: cell }) => {
    if (/^No test: .{20}/.test(cell)) return [];
    const named = namedIn(cell);
    return named.flatMap(({ file, names }) => {
      const source = sourceOf(file);
      if (source === null) return [`${attack}: there is no test/${file}`];
      if (!names.length) return [`${attack}: no test of ${file} is named`];
      return names.filter((name) => !hasText(source, name)).map((name) => `${attack}: ${file} has no "${name}"`);
    });
  });
}

const rows = rowsOf(readFileSync(join(TEST, '../docs/attacks.md'), 'utf8'));

test('each attack and fault names tests that are there, or why there is none', () => {
  assert.ok(rows.length > 150, `${rows.length} rows`);
  assert.equal(missing(rows), []);
});

test('a row says what is sent, and what must hold', () => {
  assert.equal(rows.filter(({ attack, holds, test: cell }) => !attack || (!holds && !cell.startsWith('No test'))), []);
});

test('a file or a name that is not there is found, and so is an empty reason', () => {
  const row = (cell: string): Row => ({ attack: 'a', holds: 'b', test: cell });
  assert.equal(missing([row('`core/nothing` "x"')]), ['a: there is no test/core/nothing']);
  assert.equal(missing([row('`core/clock` "the wall time", "nothing like it"')]), [
    'a: core/clock has no "nothing like it"',
  ]);
  assert.equal(missing([row('`core/clock`')]), ['a: no test of core/clock is named']);
  assert.is(missing([row('No test: no')]).length, 1);
  assert.is(missing([row('')]).length, 1);
});

test.run();
