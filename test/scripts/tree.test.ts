/** The rules of the tree, on small trees that break one each: a rule that cannot fail keeps nothing. */
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { findCycles } from '../../scripts/check/cycles.ts';
import { importsOf } from '../../scripts/check/imports.ts';
import { withSources } from '../../scripts/check/sources.ts';
import { checkTree } from '../../scripts/check/tree.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

function withTree<T>(files: Record<string, string>, use: (root: string) => T): T {
  const root = mkdtempSync(join(tmpdir(), 'tree-rules-'));
  try {
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(dirname(join(root, name)), { recursive: true });
      writeFileSync(join(root, name), text);
    }
    const compilerOptions = { module: 'NodeNext', allowImportingTsExtensions: true, noEmit: true, types: [] };
    writeFileSync(join(root, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['*/**/*.ts'] }));
    symlinkSync(join(ROOT, 'node_modules'), join(root, 'node_modules'));
    return use(root);
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

const problems = (files: Record<string, string>) => withTree(files, checkTree);

test('importsOf finds static, type-only, re-exported and dynamic imports, and no comments', () => {
  const source = `
    import a from './a.ts';
    import type { B } from "../b.ts";
    import './side.ts';
    export { c } from './c.ts';
    export * from './d.ts';
    // import './commented.ts';
    /* import './also.ts'; */
    const text = "import './text.ts'";
    const e = await import('./e.ts');
  `;
  withTree({ 'core/x.ts': source }, (root) =>
    withSources(root, ([file]) => {
      assert.equal(importsOf(file!), ['./a.ts', '../b.ts', './side.ts', './c.ts', './d.ts', './e.ts']);
    }));
});

test('nothing but core/installation.ts looks beside its own file: in the package it is elsewhere', () => {
  const beside = "export const a = new URL('./x.ts', import.meta.url);";
  for (const name of ['agent/a.ts', 'core/http/a.ts', 'cli/a.ts']) {
    assert.match(problems({ [name]: beside })[0]!, `${name} looks beside its own file`);
  }
  assert.equal(problems({ 'core/installation.ts': beside, 'scripts/a.ts': beside }), []);
});

test('a test that any error would pass is found', () => {
  const calls = [
    "assert.throws(f, 'text');",
    'assert.throws(\n  () => f(),\n  `text`,\n);',
    'assert.throws(f, /text/);',
  ];
  const files = Object.fromEntries(calls.map((call, i) => [`test/a${i}.test.ts`, `${call}\ntest.run();`]));
  assert.equal(
    problems(files).map((text) => text.split(' ')[0]),
    ['test/a0.test.ts:1', 'test/a1.test.ts:1'],
  );
});

test('cycles are found whole, whatever leads into them', () => {
  const graph = new Map(
    Object.entries({ a: ['b'], b: ['c'], c: ['b', 'd'], d: ['e'], e: ['d'], f: ['a', 'f'] })
      .map(([name, targets]) => [name, new Set(targets)]),
  );
  assert.equal(findCycles(graph).sort(), [['b', 'c'], ['d', 'e']]);
  assert.equal(findCycles(new Map([['a', new Set(['gone'])]])), []);
});

test('a cycle of files, a cycle of directories', () => {
  const [files] = problems({ 'core/a.ts': "import './b.ts';", 'core/b.ts': "await import('./a.ts');" });
  assert.is(files, 'import cycle of files: core/a.ts, core/b.ts');
  const [directories] = problems({
    'core/http/a.ts': "import '../auth/b.ts';",
    'core/auth/b.ts': '',
    'core/auth/c.ts': "import '../http/d.ts';",
    'core/http/d.ts': '',
  });
  assert.is(directories, 'import cycle of directories: core/auth, core/http');
});

for (
  const [what, files, expected] of [
    ['the wrong direction', { 'core/a.ts': "import '../agent/b.ts';", 'agent/b.ts': '' }, /core may only import core/],
    ['the API from below', { 'agent/store/a.ts': "import '../api/b.ts';", 'agent/api/b.ts': '' }, /the API is on top/],
    ['core/api out of itself', { 'core/api/a.ts': "import '../b.ts';", 'core/b.ts': '' }, /must run in a browser/],
    ['node: in a browser', { 'ui/a.ts': "import 'node:fs';" }, /this runs in a browser/],
    ['a package in core', { 'core/a.ts': "import 'ws';" }, /not in the list of packages/],
    [
      'an upper layer of the page',
      { 'ui/components/a.ts': "import '../pages/b.ts';", 'ui/pages/b.ts': '' },
      /lies above/,
    ],
    ['a test that never runs', { 'test/a.test.ts': '' }, /never calls \.run\(\)/],
    ['code in mod.ts', { 'core/x/mod.ts': 'export const a = 1;' }, /has code/],
    ['a word that is gone', { 'core/a.ts': 'export const theHouse = 1;' }, /"theHouse": say context/],
    ['a bound without MAX_', { 'core/a.ts': 'export const NAME_LIMIT = 1;' }, /"NAME_LIMIT": say MAX_/],
    ['a CLI outside its driver', { 'agent/session/a.ts': '// of Claude' }, /names one CLI/],
    ['a file name that is gone', { 'agent/strays.ts': '' }, /this file name was given up/],
    [
      'a long function',
      { 'core/a.ts': `export function f() {\n${'f();\n'.repeat(40)}}` },
      /f has 42 lines; at most 40/,
    ],
  ] as [string, Record<string, string>, RegExp][]
) {
  test(`a broken rule is named: ${what}`, () => {
    const found = problems(files);
    assert.is(found.length, 1, found.join('\n'));
    assert.match(found[0]!, expected);
  });
}

test('a table of cases may be long', () => {
  const cases = Array.from({ length: 60 }, (_, i) => `case ${i}: return ${i};`).join('\n');
  assert.equal(problems({ 'core/a.ts': `export function f(x: number) {\nswitch (x) {\n${cases}\n}\n}` }), []);
});

test.run();
