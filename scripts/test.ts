/**
 * Runs test files, each in a process of its own, and counts what uvu reports.
 *
 *   tsx scripts/test.ts [--runtime node|deno] [--jobs N] [folder or file below test/ …]
 *
 * Without arguments: everything but the heavier suites (clis, faults), which have scripts of their own. A file that times
 * out, crashes or reports no count is a failure: uvu itself would call a file without `.run()` passed. The last line is
 * `N passed, N failed`.
 */
import { spawn } from 'node:child_process';
import { readdirSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { prepare } from './test-needs.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const TEST = join(ROOT, 'test');
const DEFAULT_FOLDERS = ['core', 'agent', 'relay', 'ui', 'scripts', 'e2e', 'browser'];
/** Seconds that one file may take. A file that needs longer is two files. */
const TIMEOUT_S: Record<string, number> = { browser: 240, e2e: 240, clis: 300, faults: 300 };
const DEFAULT_TIMEOUT_S = 120;
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

const group = (file: string) => relative(TEST, file).split(/[\\/]/)[0] ?? '';

function run(file: string, runtime: string): Promise<Outcome> {
  const args = runtime === 'deno' ? ['run', '-A', '--no-check', file] : ['--import', 'tsx', file];
  const command = runtime === 'deno' ? join(ROOT, 'node_modules/.bin/deno') : process.execPath;
  const limit = (TIMEOUT_S[group(file)] ?? DEFAULT_TIMEOUT_S) * 1000;
  const started = Date.now();
  return new Promise((resolve) => {
    // A group of its own, so that a file that hangs is ended together with the servers that it started.
    const child = spawn(command, args, { cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
    let output = '';
    child.stdout.on('data', (chunk) => output += chunk);
    child.stderr.on('data', (chunk) => output += chunk);
    let timedOut = false;
    const timer = setTimeout(() => {
      timedOut = true;
      if (child.pid) process.kill(-child.pid, 'SIGKILL');
    }, limit);
    child.on('error', (error) => output += `\n${error.message}\n`);
    child.on('close', (code) => {
      clearTimeout(timer);
      // deno-lint-ignore no-control-regex
      const plain = output.replace(/\x1b\[[0-9;]*m/g, '');
      const total = sum(plain, /Total:\s+(\d+)/g);
      const passed = sum(plain, /Passed:\s+(\d+)/g);
      if (timedOut) output += `\nnot finished after ${limit / 1000} s\n`;
      if (total === 0) output += '\nno test was run (is `.run()` missing?)\n';
      const failed = Math.max(total - passed, code === 0 && total > 0 && !timedOut ? 0 : 1);
      resolve({ file, passed, failed, seconds: (Date.now() - started) / 1000, output });
    });
  });
}

const sum = (text: string, pattern: RegExp) => [...text.matchAll(pattern)].reduce((n, m) => n + Number(m[1]), 0);

function report(outcome: Outcome): void {
  const name = relative(ROOT, outcome.file);
  const mark = outcome.failed ? 'FAIL' : 'ok  ';
  console.log(`${mark} ${name}  ${outcome.passed} passed  ${outcome.seconds.toFixed(1)} s`);
  if (outcome.failed) console.log(outcome.output.split('\n').map((line) => `     ${line}`).join('\n'));
}

async function main(args: string[]): Promise<number> {
  let runtime = 'node';
  let jobs = 2;
  const paths: string[] = [];
  while (args.length) {
    const arg = args.shift()!;
    if (arg === '--runtime') runtime = args.shift() ?? 'node';
    else if (arg === '--jobs') jobs = Number(args.shift());
    else paths.push(arg.replace(/^test\//, ''));
  }
  const files = (paths.length ? paths : DEFAULT_FOLDERS).flatMap((path) => {
    const found = testFiles(join(TEST, path));
    if (paths.length && !found.length) throw new Error(`there is no test file at test/${path}`);
    return found;
  });
  await prepare(new Set(files.map(group)));

  const outcomes: Outcome[] = [];
  const one = async (file: string) => {
    const outcome = await run(file, runtime);
    outcomes.push(outcome);
    report(outcome);
  };
  const shared = files.filter((file) => !isAlone(file));
  const alone = files.filter(isAlone);
  await Promise.all(Array.from({ length: jobs }, async () => {
    for (let file = shared.shift(); file; file = shared.shift()) await one(file);
  }));
  for (const file of alone) await one(file);

  const passed = outcomes.reduce((n, o) => n + o.passed, 0);
  const failed = outcomes.reduce((n, o) => n + o.failed, 0);
  if (!outcomes.length) throw new Error('no test file was found');
  for (const o of outcomes.filter((o) => o.failed)) console.log(`failed: ${relative(ROOT, o.file)}`);
  console.log(`${passed} passed, ${failed} failed`);
  return failed ? 1 : 0;
}

main(process.argv.slice(2)).then((code) => process.exit(code), (error) => {
  console.error(error instanceof Error ? error.message : error);
  console.log('0 passed, 1 failed');
  process.exit(1);
});
