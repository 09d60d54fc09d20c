/**
 * `npm run bench:against -- <commit> [--rounds N] [--seconds S]`: this tree beside an earlier commit, in turns. What the relay and
 * the machine pay for a request, bulk, and what a WebSocket's message costs. Each side is started by its own `relay-peers.ts`
 * and serves its own `origin.ts`; the load is of this tree. Every round takes both sides, and begins with the other one; a
 * figure is the median of the rounds, a ratio the median of the ratios within each. Ends with 1 when a cost is over
 * MAX_RATIO × what it was, or a rate below its inverse. Needs git, npm, wrk and Linux.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { createInterface } from 'node:readline';
import { cpuMicros, download, requests, uploads } from './relay-measure.ts';
import { ROOT } from './relay-peers.ts';
import { run } from './websocket-load.ts';

/** A cost may be so many times what it was: what is below cannot be told from noise. */
const MAX_RATIO = 1.05;
const WARM_S = 3;
const DOWN_MIB = 256;
const UP_MIB = 64;
const UPLOADS = 4;
/** Messages of chat and events: small ones, many connections, many on their way. */
const MESSAGES = { size: 64, connections: 64, depth: 32 };
const MESSAGES_MS: [number, number] = [300, 1500];

interface Side {
  name: string;
  port: number;
  relay: number;
  machine: number;
  webSocket: { port: number; pid: number };
  stop(): void;
}

type Figures = Record<string, number>;

/** What is measured; of a rate more is better, of a cost less. */
const RATES = new Set(['requests/s, 32 at a time', 'requests/s, one at a time', 'MB/s down', 'MB/s up', 'messages/s']);

function argument(name: string, fallback: number): number {
  const at = process.argv.indexOf(`--${name}`);
  return at < 0 ? fallback : Number(process.argv[at + 1]);
}

/** The commit's tree with its own packages, in a directory of its own. */
function checkOut(commit: string, directory: string): string {
  const tree = join(directory, 'tree');
  execFileSync('git', ['worktree', 'add', '--detach', tree, commit], { cwd: ROOT, stdio: 'pipe' });
  execFileSync('npm', ['ci', '--ignore-scripts', '--silent', '--no-audit', '--no-fund'], { cwd: tree, stdio: 'pipe' });
  return tree;
}

async function startWebSocket(root: string): Promise<{ port: number; child: ChildProcess }> {
  const file = join(root, 'scripts/bench/websocket-server.ts');
  const child = spawn(process.execPath, ['--import', 'tsx', file, 'ours'], {
    cwd: root,
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const [port] = await once(createInterface({ input: child.stdout! }), 'line');
  return { port: Number(port), child };
}

async function start(name: string, root: string, directory: string): Promise<Side> {
  const peers = await import(join(root, 'scripts/bench/relay-peers.ts')) as typeof import('./relay-peers.ts');
  const { ours } = await peers.startOurs(directory);
  const [relay, machine] = ours.pids() as [number, number];
  const { port, child } = await startWebSocket(root);
  const stop = () => {
    peers.stopAll();
    child.stdin!.end();
  };
  return { name, port: ours.port, relay, machine, webSocket: { port, pid: child.pid! }, stop };
}

/** Requests by so many connections: how many, and what relay and machine each paid for one. */
async function get(side: Side, connections: number, seconds: number): Promise<[number, number, number]> {
  const before = [side.relay, side.machine].map((pid) => cpuMicros([pid]));
  const { perSecond, count } = await requests(side.port, connections, seconds, []);
  const [relay, machine] = [side.relay, side.machine].map((pid, i) => (cpuMicros([pid]) - before[i]!) / count);
  return [perSecond, relay!, machine!];
}

async function measure(side: Side, seconds: number): Promise<Figures> {
  const [many, manyRelay, manyMachine] = await get(side, 32, seconds);
  const [lone, loneRelay, loneMachine] = await get(side, 1, seconds);
  const down = await download(side.port, DOWN_MIB);
  const up = await uploads(side.port, UP_MIB, UPLOADS);
  const { port, pid } = side.webSocket;
  const messages = await run(port, MESSAGES, MESSAGES_MS, () => Promise.resolve(cpuMicros([pid])));
  return {
    'relay µs/request, 32 at a time': manyRelay,
    'machine µs/request, 32 at a time': manyMachine,
    'requests/s, 32 at a time': many,
    'relay µs/request, one at a time': loneRelay,
    'machine µs/request, one at a time': loneMachine,
    'requests/s, one at a time': lone,
    'MB/s down': down,
    'MB/s up': up,
    'µs/message': messages.cpu,
    'messages/s': messages.rate,
  };
}

const median = (values: number[]): number => values.sort((a, b) => a - b)[values.length >> 1]!;
const short = (value: number): string => value >= 1000 ? Math.round(value).toString() : value.toPrecision(3);

/** @returns whether nothing became dearer than it may */
function report(names: [string, string], before: Figures[], now: Figures[]): boolean {
  const row = (cells: string[]) =>
    console.log(cells.map((cell, i) => i ? cell.padStart(12) : cell.padEnd(36)).join(''));
  row(['', ...names, 'ratio']);
  let holds = true;
  for (const key of Object.keys(now[0]!)) {
    const of = (list: Figures[]) => list.map((figures) => figures[key]!);
    const ratio = median(of(now).map((value, round) => value / before[round]![key]!));
    const isDearer = RATES.has(key) ? ratio < 1 / MAX_RATIO : ratio > MAX_RATIO;
    if (isDearer) holds = false;
    row([key, short(median(of(before))), short(median(of(now))), ratio.toFixed(2), isDearer ? 'MISSED' : '']);
  }
  return holds;
}

async function compare(sides: [Side, Side], rounds: number, seconds: number): Promise<boolean> {
  for (const side of sides) await measure(side, WARM_S);
  const figures: [Figures[], Figures[]] = [[], []];
  for (let round = 0; round < rounds; round++) {
    for (const at of round % 2 ? [1, 0] as const : [0, 1] as const) {
      figures[at].push(await measure(sides[at], seconds));
    }
  }
  console.log(`medians of ${rounds} rounds of ${seconds} s; a message is one of ${MESSAGES.size} bytes, echoed`);
  return report([sides[0].name, sides[1].name], ...figures);
}

async function main(): Promise<boolean> {
  const [commit] = process.argv.slice(2);
  if (!commit || commit.startsWith('-')) {
    throw new Error('Usage: npm run bench:against -- <commit> [--rounds N] [--seconds S]');
  }
  const directory = mkdtempSync(join(tmpdir(), 'bench-against-'));
  const sides: Side[] = [];
  try {
    sides.push(await start(commit, checkOut(commit, directory), directory));
    sides.push(await start('now', ROOT, directory));
    return await compare(sides as [Side, Side], argument('rounds', 5), argument('seconds', 3));
  } finally {
    for (const side of sides) side.stop();
    rmSync(directory, { recursive: true, force: true });
    execFileSync('git', ['worktree', 'prune'], { cwd: ROOT });
  }
}

main().then((holds) => process.exit(holds ? 0 : 1), (error) => {
  console.error(error instanceof Error ? error.message : error);
  process.exit(1);
});
