/**
 * `npm run bench [-- <name> …]`: runs the benchmarks, or those that are named, one after another, and writes what each printed
 * into docs/benchmarks.md, with its command, machine and date. A benchmark that did not run this time keeps what it said last.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { arch, availableParallelism, loadavg, platform, totalmem } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { type Section, sectionsOf, textOf } from './sections.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const PAGE = join(ROOT, 'docs/benchmarks.md');
/** What a benchmark may print. */
const MAX_OUTPUT = 16 * 1024 * 1024;

interface Benchmark {
  name: string;
  title: string;
  /** Prints Markdown; else its lines are shown as they are. */
  isMarkdown?: boolean;
}

const BENCHMARKS: readonly Benchmark[] = [
  { name: 'ui', title: 'The dashboard as a user waits for it', isMarkdown: true },
  { name: 'relay', title: 'Requests through the relay' },
  { name: 'websocket', title: 'WebSockets through the relay' },
  { name: 'fleet', title: 'Many machines and dashboards' },
  { name: 'holders', title: 'Holders of agents' },
  { name: 'search', title: 'Search over all conversations' },
  { name: 'feed', title: 'Many dashboards of streaming agents', isMarkdown: true },
  { name: 'echo', title: 'A key in a terminal until its echo', isMarkdown: true },
  { name: 'start', title: 'The built agent machine, started', isMarkdown: true },
];

/** Cores, memory, runtime and how busy it was: what the numbers depend on. Never what it is called. */
function machine(): string {
  const gib = (totalmem() / 2 ** 30).toFixed(0);
  const load = loadavg()[0]!.toFixed(1);
  return `${availableParallelism()} cores, ${gib} GiB, ${platform()} ${arch()}, Node ${process.version}, load ${load} at the begin`;
}

/** @param args of the benchmark, as they were typed */
function run({ name, title, isMarkdown }: Benchmark, args: readonly string[]): Section {
  const command = ['npm run', `bench:${name}`, ...args.length ? ['--', ...args] : []].join(' ');
  const commit = execFileSync('git', ['rev-parse', '--short', 'HEAD'], { cwd: ROOT, encoding: 'utf8' }).trim();
  const facts = `\`${command}\`, ${new Date().toISOString().slice(0, 10)}, ${commit}; ${machine()}`;
  console.log(`\n${title}: ${command}`);
  const script = join(ROOT, `scripts/bench/${name}.ts`);
  const { status, stdout } = spawnSync(process.execPath, ['--import', 'tsx', script, ...args], {
    cwd: ROOT,
    encoding: 'utf8',
    maxBuffer: MAX_OUTPUT,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const output = stdout.trim();
  console.log(output);
  if (status !== 0) throw new Error(`${command} ended with ${status}`);
  return { title, text: `${facts}.\n\n${isMarkdown ? output : fenced(output)}` };
}

/** As it is; no line of it can be taken for the heading of a section. */
const fenced = (output: string): string => `\`\`\`text\n${output.replace(/^## /gm, ' ## ')}\n\`\`\``;

/** Each benchmark with its own options: `ui --rounds 1 relay`. */
function chosen(words: readonly string[]): [Benchmark, string[]][] {
  const list: [Benchmark, string[]][] = [];
  for (const word of words) {
    const benchmark = BENCHMARKS.find(({ name }) => name === word);
    if (benchmark) list.push([benchmark, []]);
    else if (list.length) list.at(-1)![1].push(word);
    else throw new Error(`There is no benchmark ${word}: ${BENCHMARKS.map(({ name }) => name).join(', ')}.`);
  }
  return list.length ? list : BENCHMARKS.map((benchmark) => [benchmark, []]);
}

for (const [benchmark, args] of chosen(process.argv.slice(2))) {
  const section = run(benchmark, args);
  const known = existsSync(PAGE) ? sectionsOf(readFileSync(PAGE, 'utf8')) : [];
  const all = [...known.filter(({ title }) => title !== section.title), section];
  const ordered = BENCHMARKS.flatMap(({ title }) => all.filter((entry) => entry.title === title));
  writeFileSync(PAGE, textOf(ordered));
}
