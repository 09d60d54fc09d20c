/**
 * `npm run bench:fleet`: what many idle machines cost one relay process, and what they cost a busy one beside them.
 *
 *   tsx scripts/bench/fleet.ts [--machines N] [--seconds S] [--rounds N] [--signal SIGTERM]
 *
 * Memory is the relay's resident memory before and after; processor time is counted over S seconds of rest, together with that
 * of the floor (fleet-floor.ts), because a system call costs several times more on one computer than on another. The busy machine
 * is measured on this relay and on another one that has no other machine, in turns. At the end the relay is stopped by the signal
 * and started again. Needs Linux and wrk. Ends with 1 when a bound of GOALS is not met.
 */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import type { ChildProcess } from 'node:child_process';
import { generateMachineToken, generateToken, tunnelKey } from '../../core/tunnel/token.ts';
import type { MachineRecord } from '../../relay/machine-records.ts';
import { build } from '../build.ts';
import { cpuMicros, requests, residentMiB } from './relay-measure.ts';
import { freePort, ready, ROOT, said, start, stopAll } from './relay-peers.ts';

const GOALS = { kibPerMachine: 100, cpuPercent: 2, backSeconds: 70, busiestPercent: 10, dearerPercent: 10 };
/** Time without a measurement after many connections, ms. */
const SETTLE_MS = 20_000;
const CONNECT_MS = 300_000;
const CONNECTIONS = 32;
/** Of the processes, ms. */
const STOP_MS = 2_000;
/** Rounds that do not count. */
const WARM = 4;
/** Where the busy machine, which has no id, is. */
const BUSY_PATH = '/m/machine/api/small';

const argument = (name: string, fallback: string) => {
  const at = process.argv.indexOf(`--${name}`);
  return at < 0 ? fallback : process.argv[at + 1]!;
};
const sleep = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

interface BenchRelay {
  port: number;
  process: ChildProcess;
  stateFile: string;
}

const TOKEN = generateToken();

async function startRelay(directory: string, port: number, stateFile: string): Promise<BenchRelay> {
  const relay = start(process.execPath, [join(ROOT, 'dist/relay.mjs')], {
    cwd: directory,
    env: {
      ...process.env,
      RELAY_TOKEN: TOKEN,
      RELAY_PASSWORD: '',
      RELAY_PORT: String(port),
      RELAY_HOST: '127.0.0.1',
      RELAY_STATE: stateFile,
    },
  });
  await ready(relay, () => said.get(relay)!().includes('running on port'));
  return { port, process: relay, stateFile };
}

/** The relay's state as if machines with these tokens had joined. */
function writeState(file: string, tokens: readonly string[]): void {
  const machines = tokens.map((token, i): MachineRecord => {
    const { id, psk } = tunnelKey(token);
    const key = { id: id!, psk: Buffer.from(psk).toString('base64url') };
    const text = { id: `bench${String(i).padStart(8, '0')}`, name: '', hostName: '', version: '0', address: '' };
    return { ...text, lastSeenAt: Date.now(), since: Date.now(), key };
  });
  const sessions = { key: randomBytes(32).toString('base64url'), sessions: [] };
  writeFileSync(file, JSON.stringify({ version: 1, password: null, sessions, machines }), { mode: 0o600 });
}

/** A machine that answers requests, on a relay. */
async function startBusy(relay: BenchRelay): Promise<ChildProcess> {
  const url = `ws://127.0.0.1:${relay.port}/tunnel`;
  const script = join(ROOT, 'scripts/bench/origin.ts');
  const origin = start(process.execPath, ['--import', 'tsx', script, '--port', '0', '--relay', url, '--token', TOKEN]);
  await ready(origin, () => said.get(origin)!().includes('tunnel connected'));
  return origin;
}

/** The idle machines: which are connected, and when each connected last. */
class IdleMachines {
  readonly up = new Set<number>();
  readonly times: number[] = [];
  readonly pid: number;
  #rest = '';

  constructor(relay: BenchRelay, tokenFile: string, floorPort: string) {
    const url = `ws://127.0.0.1:${relay.port}/tunnel`;
    const script = join(ROOT, 'scripts/bench/fleet-machines.ts');
    const args = [script, '--relay', url, '--tokens', tokenFile, '--floor', floorPort];
    const load = start(process.execPath, ['--import', 'tsx', ...args]);
    load.stdout!.on('data', (chunk) => this.#read(String(chunk)));
    this.pid = load.pid!;
  }
  async connected(count: number): Promise<void> {
    const end = Date.now() + CONNECT_MS;
    while (this.up.size < count) {
      if (Date.now() > end) throw new Error(`only ${this.up.size} of ${count} machines are connected`);
      await sleep(50);
    }
  }
  #read(text: string): void {
    const lines = (this.#rest + text).split('\n');
    this.#rest = lines.pop()!;
    for (const line of lines) {
      const [what, index, time] = line.split(' ');
      if (what === 'down') this.up.delete(Number(index));
      else {
        this.up.add(Number(index));
        this.times.push(Number(time));
      }
    }
  }
}

/** Most entries of a sorted list that lie within one second. */
function busiestSecond(times: number[]): number {
  let most = 0;
  let from = 0;
  for (const [i, time] of times.entries()) {
    while (time - times[from]! >= 1000) from++;
    most = Math.max(most, i - from + 1);
  }
  return most;
}

const results: boolean[] = [];
function report(text: string, value: number, goal: number, unit: string): void {
  results.push(value <= goal);
  console.log(`${value <= goal ? 'ok  ' : 'OVER'} ${text}: ${value.toFixed(1)} ${unit} (at most ${goal})`);
}

async function measureRest(relay: BenchRelay, floor: ChildProcess, machines: number, before: number, seconds: number) {
  const pids = [relay.process.pid!, floor.pid!];
  await sleep(SETTLE_MS);
  const cpu = pids.map((pid) => cpuMicros([pid]));
  const started = performance.now();
  await sleep(seconds * 1000);
  const spanMs = performance.now() - started;
  const [percent, floorPercent] = pids.map((pid, i) => (cpuMicros([pid]) - cpu[i]!) / 1000 / spanMs * 100);
  const after = residentMiB([pids[0]!]);
  console.log(`     relay: ${before.toFixed(1)} MiB without machines, ${after.toFixed(1)} MiB with ${machines}`);
  report('memory for each idle machine', (after - before) * 1024 / machines, GOALS.kibPerMachine, 'KiB');
  console.log(`     the floor (bytes sent back, as many connections): ${floorPercent!.toFixed(1)} % of one processor`);
  report(`processor time of ${machines} idle machines`, percent!, GOALS.cpuPercent, '% of one processor');
}

/**
 * Requests to the busy machine, among the idle ones and alone, in short turns; which is first changes. Compared is what one costs
 * the relay, heartbeats of the others included: how many are answered depends as much on the programs that make the load, for
 * which the processors are shared, and what those take is printed beside it.
 */
async function measureBusy(among: BenchRelay, alone: BenchRelay, load: number[], rounds: number): Promise<void> {
  const rates = new Map<BenchRelay, number[]>([[among, []], [alone, []]]);
  const costs = new Map<BenchRelay, number[]>([[among, []], [alone, []]]);
  const loadBefore = cpuMicros(load);
  const started = performance.now();
  for (let round = -WARM; round < rounds; round++) {
    for (const relay of round % 2 === 0 ? [among, alone] : [alone, among]) {
      const { perSecond, cpuUs } = await requests(relay.port, CONNECTIONS, 1, [relay.process.pid!], BUSY_PATH);
      if (round < 0) continue;
      rates.get(relay)!.push(perSecond);
      costs.get(relay)!.push(cpuUs);
    }
  }
  const loadPercent = (cpuMicros(load) - loadBefore) / 10 / (performance.now() - started);
  const both = (share: number, values: Map<BenchRelay, number[]>) =>
    [among, alone].map((relay) => quantile(values.get(relay)!, share)) as [number, number];
  const [middle, middleAlone] = both(0.5, rates);
  const [fast, fastAlone] = both(0.75, rates);
  const [cost, costAlone] = both(0.5, costs);
  const ratios = costs.get(among)!.map((value, round) => value / costs.get(alone)![round]!);
  console.log(`     requests a second, median: ${middle.toFixed(0)} among them, ${middleAlone.toFixed(0)} alone`);
  console.log(`     the same, upper quartile: ${fast.toFixed(0)} among them, ${fastAlone.toFixed(0)} alone`);
  console.log(`     the idle ones' own programs meanwhile: ${loadPercent.toFixed(1)} % of one processor`);
  console.log(`     processor time of the relay for each: ${cost.toFixed(1)} µs, ${costAlone.toFixed(1)} µs alone`);
  report('a request beside them costs the relay more by', (quantile(ratios, 0.5) - 1) * 100, GOALS.dearerPercent, '%');
}
function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]!;
}

async function measureRestart(directory: string, relay: BenchRelay, machines: IdleMachines, count: number) {
  const stopped = Date.now();
  const gone = new Promise<void>((resolve) => relay.process.once('exit', () => resolve()));
  machines.times.length = 0;
  relay.process.kill(argument('signal', 'SIGTERM') as NodeJS.Signals);
  await gone;
  await startRelay(directory, relay.port, relay.stateFile);
  console.log(`the relay answers again ${((Date.now() - stopped) / 1000).toFixed(1)} s after its signal`);
  while (machines.up.size > count / 2 && machines.times.length === 0) await sleep(10);
  await machines.connected(count);
  const times = machines.times.sort((a, b) => a - b);
  report('all machines are back after', (times.at(-1)! - stopped) / 1000, GOALS.backSeconds, 's');
  report('in the busiest second', busiestSecond(times) / count * 100, GOALS.busiestPercent, '% of them');
}

async function main(directory: string): Promise<void> {
  const count = Number(argument('machines', '1000'));
  await build();
  const tokens = Array.from({ length: count }, generateMachineToken);
  const tokenFile = join(directory, 'tokens');
  writeFileSync(tokenFile, tokens.join('\n'), { mode: 0o600 });
  const state = join(directory, 'state.json');
  writeState(state, tokens);
  const relay = await startRelay(directory, await freePort(), state);
  const alone = await startRelay(directory, await freePort(), '');
  const floor = start(process.execPath, ['--import', 'tsx', join(ROOT, 'scripts/bench/fleet-floor.ts')]);
  await ready(floor, () => said.get(floor)!().includes('floor at'));
  const floorPort = /floor at (\d+)/.exec(said.get(floor)!())![1]!;
  await startBusy(relay);
  await startBusy(alone);
  await sleep(3000);
  const before = residentMiB([relay.process.pid!]);
  const machines = new IdleMachines(relay, tokenFile, floorPort);
  await machines.connected(count);
  await measureRest(relay, floor, count, before, Number(argument('seconds', '30')));
  await measureBusy(relay, alone, [machines.pid, floor.pid!], Number(argument('rounds', '25')));
  await machines.connected(count);
  await measureRestart(directory, relay, machines, count);
}

const directory = mkdtempSync(join(tmpdir(), 'bench-fleet-'));
try {
  await main(directory);
} finally {
  stopAll();
  await sleep(STOP_MS); // The relays still write their state.
  rmSync(directory, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
}
process.exitCode = results.every(Boolean) ? 0 : 1;
