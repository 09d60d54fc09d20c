/**
 * Runs test files, each in a process of its own, and counts what uvu reports.
 *
 *   tsx scripts/test.ts [--runtime node|deno] [--jobs N] [--again] [directory or file below test/ …]
 *
 * Without arguments: what needs no root, no browser and no package of the system but git and openssl. The other suites
 * (e2e, browser, faults, clis) have npm scripts of their own. A file that times out, crashes or reports no count is a
 * failure: uvu itself would call a file without `.run()` passed. `--again`: a file that failed is run once more at the end, by
 * itself; what then passes is named as unsteady and counts as passed. A test that cannot run here is counted as skipped. Behind
 * the counts of each file stand the slowest files; the last line is `N passed, N failed, N skipped`.
 *
 *   TEST_SECONDS   that a file may take, where it is given more rounds than usual
 */
import { spawn } from 'node:child_process';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join, relative } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { CLIS } from './test-clis.ts';
import { prepare } from './test-needs.ts';
import { secondTries } from './test/again.ts';
import { compileTests } from './test/compile.ts';
import { makeTestHome } from './test/home.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const TEST = join(ROOT, 'test');
const DEFAULT_DIRECTORIES = ['core', 'agent', 'relay', 'cli', 'ui', 'scripts'];
/** How many of the slowest files are named at the end. */
const SLOWEST_SHOWN = 5;
/** Seconds that one file may take. A file that needs longer is two files. */
const TIMEOUT_S: Record<string, number> = { browser: 300, e2e: 240, clis: 300, faults: 300 };
const DEFAULT_TIMEOUT_S = 120;
/** The part of it that one test may take (uvu.mjs), so that the test that hangs is named. */
const TEST_SHARE = 0.6;
/** Milliseconds that programs of a file may outlive it. */
const LEFT_MS = 3000;
const LOADER = fileURLToPath(new URL('./test/loader.mjs', import.meta.url));
/**
 * Files of these folders, and `*.alone.test.ts` anywhere, get the machine for themselves: they start browsers and servers, or
 * hold times against a bound. `*.shared.test.ts` among them may run beside another.
 */
const ALONE = new Set(['browser', 'e2e', 'clis', 'faults']);
const isAlone = (file: string) =>
  (ALONE.has(group(file)) && !file.endsWith('.shared.test.ts')) || file.endsWith('.alone.test.ts');

interface Outcome {
  file: string;
  passed: number;
  failed: number;
  skipped: number;
  seconds: number;
  output: string;
}

function testFiles(path: string): string[] {
  let stat;
  try {
    stat = statSync(path);
  } catch {
    return [];
  }
  if (stat.isFile()) return [path];
  return readdirSync(path, { withFileTypes: true })
    .filter((entry) => entry.name !== 'support' && entry.name !== 'vectors')
    .flatMap((entry) =>
      entry.isDirectory()
        ? testFiles(join(path, entry.name))
        : entry.name.endsWith('.test.ts')
        ? [join(path, entry.name)]
        : []
    )
    .sort();
}

const limitOf = (file: string) => Number(process.env.TEST_SECONDS) || (TIMEOUT_S[group(file)] ?? DEFAULT_TIMEOUT_S);
const group = (file: string) => relative(TEST, file).split(/[\\/]/)[0] ?? '';

/** Orders the files of several suites so that each suite runs from begin to end: some wait where others compute. */
function spread(files: string[]): void {
  const place = new Map<string, number>();
  for (const name of new Set(files.map(group))) {
    const own = files.filter((file) => group(file) === name);
    own.forEach((file, i) => place.set(file, i / own.length));
  }
  files.sort((a, b) => place.get(a)! - place.get(b)!);
}

/** The real CLIs are for their own suite: elsewhere a test would find more agents than it made. */
function environmentOf(file: string): NodeJS.ProcessEnv {
  const env = { ...process.env };
  if (group(file) !== 'clis') { for (const { setting } of CLIS) delete env[setting]; }
  return env;
}

function command(file: string, runtime: string, compiled: string): [string, string[], Record<string, string>] {
  const limitMs = String(1000 * limitOf(file) * TEST_SHARE);
  if (runtime === 'deno') {
    return [join(ROOT, 'node_modules/.bin/deno'), ['run', '-A', '--no-check', file], { TEST_LIMIT_MS: limitMs }];
  }
  const args = ['--enable-source-maps', '--import', LOADER, file];
  return [process.execPath, args, { TEST_LIMIT_MS: limitMs, COMPILED_TESTS: compiled }];
}

function run(file: string, runtime: string, compiled: string, home: Record<string, string>): Promise<Outcome> {
  const [program, args, env] = command(file, runtime, compiled);
  const limit = limitOf(file);
  const started = Date.now();
  return new Promise((resolve) => {
    // A group of its own, so that a file that hangs is ended together with the servers that it started.
    const options = { cwd: ROOT, env: { ...environmentOf(file), ...home, ...env }, detached: true };
    const child = spawn(program, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    let problem = '';
    child.stdout.on('data', (chunk) => output += chunk);
    child.stderr.on('data', (chunk) => output += chunk);
    const end = (text: string) => {
      problem = text;
      try {
        process.kill(-child.pid!, 'SIGKILL');
      } catch { /* nothing of it is left */ }
      child.stdout.destroy();
      child.stderr.destroy();
    };
    let timer = setTimeout(() => end(`not finished after ${limit} s`), limit * 1000);
    child.on('error', (error) => end(error.message));
    child.on('exit', () => {
      clearTimeout(timer);
      // Its output stays open while a program that it started has it.
      timer = setTimeout(() => end('it has left programs running'), LEFT_MS);
    });
    child.on('close', (code) => {
      clearTimeout(timer);
      // deno-lint-ignore no-control-regex
      const plain = output.replace(/\x1b\[[0-9;]*m/g, '');
      const total = sum(plain, /Total:\s+(\d+)/g);
      const passed = sum(plain, /Passed:\s+(\d+)/g);
      const skipped = sum(plain, /Skipped:\s+(\d+)/g);
      if (problem) output += `\n${problem}\n`;
      if (total + skipped === 0) output += '\nno test was run (is `.run()` missing?)\n';
      const failed = Math.max(total - passed, code === 0 && total + skipped > 0 && !problem ? 0 : 1);
      resolve({ file, passed, failed, skipped, seconds: (Date.now() - started) / 1000, output });
    });
  });
}

const sum = (text: string, pattern: RegExp) => [...text.matchAll(pattern)].reduce((n, m) => n + Number(m[1]), 0);

function report(outcome: Outcome): void {
  const name = relative(ROOT, outcome.file);
  const mark = outcome.failed ? 'FAIL' : 'ok  ';
  console.log(
    `${mark} ${name}  ${outcome.passed} passed${outcome.skipped ? `  ${outcome.skipped} SKIPPED` : ''}  ${
      outcome.seconds.toFixed(1)
    } s`,
  );
  if (outcome.failed) console.log(outcome.output.split('\n').map((line) => `     ${line}`).join('\n'));
}

/** Processor seconds of all the files so far, on Linux: unlike the time on the clock it is the same on a busy machine. */
function processorTime(): string {
  try {
    const fields = readFileSync('/proc/self/stat', 'utf8').split(') ')[1]!.split(' ');
    return `, ${((Number(fields[13]) + Number(fields[14])) / 100).toFixed(0)} s of processor time`;
  } catch {
    return '';
  }
}

async function main(args: string[]): Promise<number> {
  let runtime = 'node';
  // One more than processors: most files wait for programs and timers some of the time.
  let jobs = availableParallelism() + 1;
  let isRunAgain = false;
  const paths: string[] = [];
  while (args.length) {
    const arg = args.shift()!;
    if (arg === '--runtime') runtime = args.shift() ?? 'node';
    else if (arg === '--jobs') jobs = Number(args.shift());
    else if (arg === '--again') isRunAgain = true;
    else paths.push(arg.replace(/^test\//, ''));
  }
  const files = (paths.length ? paths : DEFAULT_DIRECTORIES).flatMap((path) => {
    const found = testFiles(join(TEST, path));
    if (paths.length && !found.length) throw new Error(`there is no test file at test/${path}`);
    return found;
  });
  spread(files);
  const begun = Date.now();
  await prepare(new Set(files.map(group)));
  const compiled = runtime === 'deno' ? '' : await compileTests(ROOT);

  const home = makeTestHome();
  process.on('exit', home.remove);

  const outcomes: Outcome[] = [];
  const entry = async (file: string) => {
    const outcome = await run(file, runtime, compiled, home.env);
    outcomes.push(outcome);
    report(outcome);
  };
  const shared = files.filter((file) => !isAlone(file));
  const alone = files.filter(isAlone);
  await Promise.all(Array.from({ length: jobs }, async () => {
    for (let file = shared.shift(); file; file = shared.shift()) await entry(file);
  }));
  for (const file of alone) await entry(file);

  const unsteady = isRunAgain
    ? await secondTries(outcomes, (file) => run(file, runtime, compiled, home.env), report)
    : [];
  for (const { file, failed } of unsteady) console.log(`unsteady: ${relative(ROOT, file)} failed ${failed} at first`);

  const total = (key: 'passed' | 'failed' | 'skipped') => outcomes.reduce((n, outcome) => n + outcome[key], 0);
  const failed = total('failed');
  if (!outcomes.length) throw new Error('no test file was found');
  for (const o of outcomes.filter((o) => o.failed)) console.log(`failed: ${relative(ROOT, o.file)}`);
  const slowest = outcomes.sort((a, b) => b.seconds - a.seconds).slice(0, SLOWEST_SHOWN);
  console.log(`slowest: ${slowest.map((o) => `${relative(TEST, o.file)} ${o.seconds.toFixed(1)} s`).join(', ')}`);
  console.log(`${outcomes.length} files in ${((Date.now() - begun) / 1000).toFixed(0)} s${processorTime()}`);
  const skipped = total('skipped');
  console.log(`${total('passed')} passed, ${failed} failed${skipped ? `, ${skipped} skipped` : ''}`);
  return failed ? 1 : 0;
}

main(process.argv.slice(2)).then((code) => process.exit(code), (error) => {
  console.error(error instanceof Error ? error.message : error);
  console.log('0 passed, 1 failed');
  process.exit(1);
});
