import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { ERROR_STATUS } from '../../../core/api/errors.ts';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const CODES = ERROR_STATUS as Record<string, number>;

const filesOf = (directory: string): string[] =>
  readdirSync(join(ROOT, directory), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => join(entry.parentPath, entry.name));

const sources = (directory: string): string[] => filesOf(directory).map((file) => readFileSync(file, 'utf8'));

/** Everything that may answer with an error, but the table itself. */
const SOURCES = ['agent', 'core', 'relay'].flatMap(sources).filter((source) =>
  !source.includes('export const ERROR_STATUS')
);

const matches = (pattern: RegExp): RegExpMatchArray[] => SOURCES.flatMap((source) => [...source.matchAll(pattern)]);

test('the table of SPEC.md has every code with its status and its own meaning, in the order of the code', () => {
  const spec = readFileSync(join(ROOT, 'core/api/SPEC.md'), 'utf8');
  const section = spec.slice(spec.indexOf('## Errors'), spec.indexOf('## Agents'));
  const rows = [...section.matchAll(/^\| (\d{3}) \| `(\w+)` \| (.+) \|$/gm)].map(([, status, code, meaning]) => ({
    status: Number(status),
    code: code!,
    meaning: meaning!,
  }));
  assert.equal(rows.map(({ code, status }) => [code, status]), Object.entries(ERROR_STATUS));
  assert.is(new Set(rows.map(({ meaning }) => meaning)).size, rows.length, 'two codes of one meaning are one code');
  const sorted = [...rows].sort((a, b) => a.status - b.status || (a.code < b.code ? -1 : 1));
  assert.equal(rows, sorted, 'by status, then alphabetically');
});

test('every code that the sources throw is in the table', () => {
  const thrown = matches(/new Failure\(\s*'(\w+)'/g).map((match) => match[1]!);
  assert.ok(thrown.length > 60, `${thrown.length} found`);
  assert.equal(thrown.filter((code) => !Object.hasOwn(CODES, code)), []);
});

test('a code that is sent with a status has the one of the table', () => {
  const sent = matches(/\b([45]\d\d),\s*'([a-z][a-z_]+)'/g).map((match) => ({
    status: Number(match[1]),
    code: match[2]!,
  }));
  assert.ok(sent.length > 20, `${sent.length} found`);
  assert.equal(sent.filter(({ status, code }) => CODES[code] !== status), []);
});

test('every code of the table is used', () => {
  const quoted = new Set(matches(/'([a-z][a-z_]+)'/g).map((match) => match[1]!));
  assert.equal(Object.keys(CODES).filter((code) => !quoted.has(code)), []);
});

test('only what speaks HTTP knows HttpError', () => {
  const named = ['agent', 'core', 'relay', 'ui'].flatMap(filesOf).filter((file) =>
    readFileSync(file, 'utf8').includes('HttpError')
  );
  const others = named.map((file) => relative(ROOT, file)).filter((file) =>
    !/^(core\/http|agent\/api|agent\/access|relay)\//.test(file)
  );
  assert.equal(others, []);
});

test.run();
