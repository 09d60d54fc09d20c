/** The rules of the tree that no compiler keeps, all of them: imports, cycles, names, lengths, and that tests really run. */
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { directoryGraph, findCycles } from './cycles.ts';
import { importGraph, importProblems } from './imports.ts';
import { lengthProblems } from './lengths.ts';
import { type Source, withSources } from './sources.ts';
import { testProblems } from './test-rules.ts';
import { wordProblems } from './words.ts';

/** @returns one sentence a broken rule */
export const checkTree = (root: string): string[] => withSources(root, treeProblems);

const treeProblems = (sources: Source[]): string[] => [
  ...importProblems(sources),
  ...cycleProblems(sources),
  ...lengthProblems(sources),
  ...wordProblems(sources),
  ...sources.flatMap(moduleProblems),
  ...sources.flatMap(testProblems),
  ...sources.flatMap(locationProblems),
  ...sources.flatMap(providerProblems),
];

function cycleProblems(sources: readonly Source[]): string[] {
  const files = importGraph(sources);
  const programs = new Map([...files].filter(([name]) => !/^(test|scripts)\//.test(name)));
  return [
    ...findCycles(files).map((cycle) => `import cycle of files: ${cycle.join(', ')}`),
    ...findCycles(directoryGraph(programs)).map((cycle) => `import cycle of directories: ${cycle.join(', ')}`),
  ];
}

/** `mod.ts` lists what a directory offers; code in it has no name of its own. */
function moduleProblems({ name, file }: Source): string[] {
  const hasCode = name.endsWith('/mod.ts') &&
    !/^(\s*\/\*\*[\s\S]*?\*\/)?(\s*export [^;]* from '[^']+';)*\s*$/.test(file.text);
  return hasCode ? [`${name} has code: give it a file with a name`] : [];
}

/** In the package code is in a bundle's chunk: only core/installation.ts knows where files are. */
function locationProblems({ name, file }: Source): string[] {
  const looksBeside = /^(core|agent|cli)\//.test(name) && name !== 'core/installation.ts' &&
    /new URL\([^)]*import\.meta\.(url|dirname)/.test(file.text);
  return looksBeside ? [`${name} looks beside its own file: use core/installation.ts, or the package lacks it`] : [];
}

/** Where a CLI may be named: its driver, its data and the texts. Everything else asks for capabilities. */
const NAMES_CLIS = [
  /^agent\/provider\/(claude|codex|acp)\//,
  /^agent\/process\/(starters\/|programs\.ts$)/,
  /^agent\/providers\.ts$/,
  /^core\/api\/(providers|instructions)\.ts$/,
  /^ui\/i18n\//,
];
function providerProblems({ name, file }: Source): string[] {
  const isOutside = /^(ui|core|agent)\//.test(name) && !NAMES_CLIS.some((pattern) => pattern.test(name)) &&
    /claude|codex/i.test(file.text);
  return isOutside ? [`${name} names one CLI: ask what the provider can do, or put the name where its data is`] : [];
}

/** `tsx scripts/check/tree.ts [part of a path]`: the broken rules, of all files or of those. */
if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const wanted = process.argv[2] ?? '';
  const problems = checkTree(fileURLToPath(new URL('../..', import.meta.url))).filter((text) => text.includes(wanted));
  for (const problem of problems) console.log(problem);
  console.log(`${problems.length} broken rules`);
}
