/** Which test files reach a source through imports, the nearest first: the one named after it, then those of its folder. */
import { existsSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { importsOf } from '../check/imports.ts';
import type { Source } from '../check/sources.ts';

/** Test files that run what they test in their own process. */
const TESTS = /^test\/(?:(?:core|agent|relay|ui|cli|scripts)\/.*|e2e\/.*\.shared)\.test\.ts$/;

export interface Reach {
  test: string;
  /** Imports between the two. */
  distance: number;
}

/** @returns source → tests that reach it: its own, then those with the fewest imports between, of its folder first */
export function reach(root: string, sources: readonly Source[]): Map<string, Reach[]> {
  const importers = new Map<string, Set<string>>();
  for (const source of sources) {
    for (const specifier of importsOf(source)) {
      if (!specifier.startsWith('.')) continue;
      const target = join(dirname(source.name), specifier);
      if (!existsSync(join(root, target))) continue;
      importers.set(target, (importers.get(target) ?? new Set()).add(source.name));
    }
  }
  return new Map(sources.map(({ name }) => [name, testsOf(name, importers)]));
}

function testsOf(source: string, importers: ReadonlyMap<string, ReadonlySet<string>>): Reach[] {
  const distances = new Map([[source, 0]]);
  for (const [name, distance] of distances) {
    for (const importer of importers.get(name) ?? []) {
      if (!distances.has(importer)) distances.set(importer, distance + 1);
    }
  }
  return [...distances].filter(([name]) => TESTS.test(name)).map(([test, distance]) => ({ test, distance }))
    .sort((a, b) => rank(source, a) - rank(source, b));
}

/** Its own test is first however many imports are between; the folder decides among equal distances. */
function rank(source: string, { test, distance }: Reach): number {
  const isOwn = basename(test).split('.')[0] === basename(source, '.ts');
  const isNear = dirname(test) === `test/${dirname(source)}`;
  return (isOwn ? -1000 : 0) + 2 * distance - (isNear ? 1 : 0);
}
