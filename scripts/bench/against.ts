/**
 * `npm run bench:against -- <commit> [--rounds N] [--seconds S]`: this tree beside an earlier commit, in turns. What the relay and
 * the machine pay for a request, bulk, and what a WebSocket's message costs. Each side is started by its own `relay-peers.ts`
 * and serves its own `origin.ts`; the load is of this tree. Every round takes both sides, and begins with the other one. Compared is
 * the better quartile of the rounds: what else the computer does makes a round dearer and slower, never cheaper. Ends with 1 when a
 * cost, in processor time, is over MAX_RATIO × what it was; rates are for reading. Needs git, npm, wrk and Linux.
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
/** Each way, in so many transfers: one is over too soon to tell much. */
const BULK_MIB = 512;
const DOWNLOADS = 2;
const UPLOADS = 8;
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

/** Requests by so many connections: how many a second, and what one cost. */
async function get(side: Side, connections: number, seconds: number): Promise<Figures> {
  const spent = meter(side);
  const { perSecond, count } = await requests(side.port, connections, seconds, []);
  return { ...spent(count, `request, ${connections} at a time`), [`requests/s, ${connections} at a time`]: perSecond };
}

async function bulk(side: Side, way: 'down' | 'up'): Promise<Figures> {
  const spent = meter(side);
  let rate = 0;
  if (way === 'up') rate = await uploads(side.port, BULK_MIB / UPLOADS, UPLOADS);
  else for (let i = 0; i < DOWNLOADS; i++) rate += await download(side.port, BULK_MIB / DOWNLOADS) / DOWNLOADS;
  return { ...spent(BULK_MIB, `MiB ${way}`), [`MB/s ${way}`]: rate };
}

/** @returns what relay and machine have spent since for each of `count` things */
function meter({ relay, machine }: Side): (count: number, thing: string) => Figures {
  const before = [relay, machine].map((pid) => cpuMicros([pid]));
  return (count, thing) => {
    const [ofRelay, ofMachine] = [relay, machine].map((pid, i) => (cpuMicros([pid]) - before[i]!) / count);
    return { [`relay µs/${thing}`]: ofRelay!, [`machine µs/${thing}`]: ofMachine! };
  };
}

async function measure(side: Side, seconds: number): Promise<Figures> {
  const figures = {
    ...await get(side, 32, seconds),
    ...await get(side, 1, seconds),
    ...await bulk(side, 'down'),
    ...await bulk(side, 'up'),
  };
  const { port, pid } = side.webSocket;
  const messages = await run(port, MESSAGES, MESSAGES_MS, () => Promise.resolve(cpuMicros([pid])));
  return { ...figures, 'server µs/message': messages.cpu, 'messages/s': messages.rate };
}

const isCost = (key: string): boolean => key.includes('µs/');

/** The better quartile of the rounds. */
function goodOf(list: Figures[], key: string): number {
  const values = list.map((figures) => figures[key]!).sort((a, b) => isCost(key) ? a - b : b - a);
  return values[Math.floor(values.length / 4)]!;
}
const short = (value: number): string => value >= 1000 ? Math.round(value).toString() : value.toPrecision(3);

/** @returns whether nothing became dearer than it may */
function report(names: [string, string], before: Figures[], now: Figures[]): boolean {
  const row = (cells: string[]) =>
    console.log(cells.map((cell, i) => i ? cell.padStart(12) : cell.padEnd(36)).join(''));
  row(['', ...names, 'ratio']);
  let holds = true;
  for (const key of Object.keys(now[0]!)) {
    const [then, today] = [goodOf(before, key), goodOf(now, key)];
    const isDearer = isCost(key) && today / then > MAX_RATIO;
    if (isDearer) holds = false;
    row([key, short(then), short(today), (today / then).toFixed(2), isDearer ? 'MISSED' : '']);
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
  console.log(
    `better quartile of ${rounds} rounds of ${seconds} s; a message is one of ${MESSAGES.size} bytes, echoed`,
  );
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
    return await compare(sides as [Side, Side], argument('rounds', 9), argument('seconds', 2));
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
