/**
 * Do the tests notice? Changes the sources at random places, one at a time, and runs the tests that reach the place.
 *
 *   npm run test:mutants -- [--seed N] [--count M] [--seconds S] [path …]
 *
 * Places are drawn by the seed from the files below the paths (core, relay, agent and ui without any). Nothing in the working
 * tree is touched: the change is made to the compiled copy that the tests are run from. A change counts as noticed when one of
 * the nearest test files fails or hangs, of those that together take S seconds without a change (30). What was not noticed is
 * printed; whether it matters is for a person to judge.
 * Programs that a test starts, and the suites browser, faults and clis, run what is unchanged: they are not asked.
 */
import { transform } from 'esbuild';
import { spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { withSources } from './check/sources.ts';
import { applied, type Mutant, mutantsOf } from './mutants/operators.ts';
import { type Reach, reach } from './mutants/reach.ts';
import { compileTests } from './test/compile.ts';
import { prepare } from './test-needs.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const LOADER = fileURLToPath(new URL('./test/loader.mjs', import.meta.url));
const DEFAULT_PATHS = ['core', 'relay', 'agent', 'ui'];
/** A test file hangs when it takes longer than this many times its time without a change, and at least MIN_MS. */
const HANGS_AFTER = 4;
const MIN_MS = 15_000;
/** Milliseconds that a file may take without a change: a slower one is not asked. */
const SLOWEST_MS = 60_000;

interface Options {
  seed: number;
  count: number;
  seconds: number;
  paths: string[];
}

function readOptions(args: string[]): Options {
  const options: Options = { seed: 1, count: 100, seconds: 30, paths: [] };
  while (args.length) {
    const arg = args.shift()!;
    if (arg === '--seed' || arg === '--count' || arg === '--seconds') {
      options[arg.slice(2) as 'seed' | 'count' | 'seconds'] = Number(args.shift());
    } else options.paths.push(arg.replace(/\/$/, ''));
  }
  if (!options.paths.length) options.paths = DEFAULT_PATHS;
  return options;
}

/** Mulberry32. */
function generator(seed: number): (below: number) => number {
  return (below) => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 2 ** 32) * below);
  };
}

interface Draw {
  mutants: Mutant[];
  tests: Map<string, Reach[]>;
}

/** `count` places, each in a file that is drawn first: a long file is not drawn more often than a short one. */
function draw({ seed, count, paths }: Options): Draw {
  return withSources(ROOT, (sources) => {
    const isChosen = (name: string) =>
      !name.endsWith('.d.ts') && paths.some((path) => name === path || name.startsWith(`${path}/`));
    const files = sources.filter(({ name }) => isChosen(name)).map(mutantsOf).filter((found) => found.length);
    if (!files.length) throw new Error(`nothing can be changed below ${paths.join(', ')}`);
    const below = generator(seed);
    const mutants = new Set<Mutant>();
    for (let tries = 0; mutants.size < count && tries < 20 * count; tries++) {
      const found = files[below(files.length)]!;
      mutants.add(found[below(found.length)]!);
    }
    return { mutants: [...mutants], tests: reach(ROOT, sources) };
  });
}

/** Runs a test file. @returns how it ended; 'late' when it had to be ended */
function run(test: string, compiled: string, limitMs: number): Promise<'passed' | 'failed' | 'late'> {
  return new Promise((resolve) => {
    const env = { ...process.env, COMPILED_TESTS: compiled, TEST_LIMIT_MS: String(limitMs) };
    const child = spawn(process.execPath, ['--import', LOADER, test], {
      cwd: ROOT,
      env,
      detached: true,
      stdio: 'ignore',
    });
    let isLate = false;
    const end = () => {
      try {
        process.kill(-child.pid!, 'SIGKILL');
      } catch { /* nothing of it is left */ }
    };
    const timer = setTimeout(() => {
      isLate = true;
      end();
    }, limitMs);
    child.on('exit', (code) => {
      clearTimeout(timer);
      end();
      resolve(isLate ? 'late' : code === 0 ? 'passed' : 'failed');
    });
  });
}

/** Milliseconds that each test file takes without a change; null: it fails then, or is too slow. */
const usual = new Map<string, number | null>();

async function usualMs(test: string, compiled: string): Promise<number | null> {
  const known = usual.get(test);
  if (known !== undefined) return known;
  const begun = performance.now();
  const outcome = await run(test, compiled, SLOWEST_MS);
  const ms = outcome === 'passed' ? performance.now() - begun : null;
  if (ms === null) console.log(`(${test} is not asked: ${outcome} without a change)`);
  usual.set(test, ms);
  return ms;
}

async function compiledText(path: string, text: string): Promise<string> {
  return (await transform(text, { loader: 'ts', format: 'esm', target: 'node20', sourcefile: path })).code;
}

/** The nearest that together take no longer than `seconds`, at least one, each with its usual time in milliseconds. */
async function nearest(tests: readonly Reach[], compiled: string, seconds: number): Promise<[string, number][]> {
  const usable: [string, number][] = [];
  let left = 1000 * seconds;
  for (const { test } of tests) {
    const ms = await usualMs(test, compiled);
    if (ms === null) continue;
    if (usable.length && ms > left) break;
    usable.push([test, ms]);
    left -= ms;
  }
  return usable;
}

/** @returns the test that noticed, null when none did, undefined when none could be asked */
async function notice(
  mutant: Mutant,
  tests: readonly Reach[],
  compiled: string,
  seconds: number,
): Promise<string | null | undefined> {
  const usable = await nearest(tests, compiled, seconds);
  if (!usable.length) return undefined;
  const target = join(compiled, mutant.file.replace(/ts$/, 'js'));
  const before = readFileSync(target, 'utf8');
  try {
    writeFileSync(
      target,
      await compiledText(mutant.file, applied(readFileSync(join(ROOT, mutant.file), 'utf8'), mutant)),
    );
    for (const [test, ms] of usable) {
      if (await run(test, compiled, Math.max(MIN_MS, HANGS_AFTER * ms)) !== 'passed') return test;
    }
    return null;
  } finally {
    writeFileSync(target, before);
  }
}

async function main(args: string[]): Promise<void> {
  const options = readOptions(args);
  await prepare(new Set(['agent', 'relay', 'ui']));
  const compiled = await compileTests(ROOT);
  const { mutants, tests } = draw(options);
  const counts = { noticed: 0, unnoticed: 0, unreached: 0 };
  for (const mutant of mutants) {
    const by = await notice(mutant, tests.get(mutant.file) ?? [], compiled, options.seconds);
    const place = `${mutant.file}:${mutant.line}  ${mutant.what}`;
    if (by) counts.noticed++;
    else if (by === null) counts.unnoticed++;
    else counts.unreached++;
    if (by) console.log(`noticed      ${place}  by ${by}`);
    else {
      const line = readFileSync(join(ROOT, mutant.file), 'utf8').split('\n')[mutant.line - 1]!.trim();
      console.log(`${by === null ? 'NOT NOTICED ' : 'not reached '} ${place}  ${line}`);
    }
  }
  const asked = counts.noticed + counts.unnoticed;
  console.log(
    `seed ${options.seed}: ${counts.noticed} of ${asked} noticed (${
      (100 * counts.noticed / (asked || 1)).toFixed(0)
    } %), ` +
      `${counts.unreached} in files that only the browser or a started program reaches`,
  );
}

main(process.argv.slice(2)).then(() => process.exit(0), (error) => {
  console.error(error);
  process.exit(1);
});
