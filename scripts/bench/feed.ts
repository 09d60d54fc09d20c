/**
 * `npm run bench:feed [-- --dashboards N] [--agents N] [--rate N] [--seconds N]`: what dashboards that watch streaming agents
 * through the relay wait for a message, from its publishing on, and what relay and machine use meanwhile. `rate`: messages a
 * second of each agent, which every dashboard gets. Feeds are compressed where the machine does so. Needs Linux. Prints a table,
 * in Markdown.
 */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { type Connection, dial } from '../../core/websocket/mod.ts';
import { build } from '../build.ts';
import { cpuMicros, residentMiB } from './relay-measure.ts';
import { freePort, ready, ROOT, said, start, stopAll } from './relay-peers.ts';

const DEFAULTS = { dashboards: 200, agents: 10, rate: 5, seconds: 15 };
const SETTLE_MS = 3_000;
/** Dashboards that connect at once. */
const BATCH = 20;
const SAMPLE_MS = 500;
/** Before the text of a delta. */
const TEXT = '"text":"';

function option(name: keyof typeof DEFAULTS): number {
  const at = process.argv.indexOf(`--${name}`);
  return at < 0 ? DEFAULTS[name] : Number(process.argv[at + 1]);
}

const sleep = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

/** Delays of the messages since `isCounting`, ms. */
const delays: number[] = [];
let isCounting = false;

/** Nothing is parsed: on a computer that runs all of it the dashboards must not be what is measured. */
function onMessage(data: Uint8Array | string): void {
  if (!isCounting) return;
  const text = String(data);
  const at = text.indexOf(TEXT);
  if (at > 0) delays.push(Date.now() - parseInt(text.slice(at + TEXT.length), 10));
}

/** A dashboard that watches every agent. */
async function dashboard(port: number, agents: readonly string[]): Promise<Connection> {
  const origin = `http://127.0.0.1:${port}`;
  const socket = await dial(`ws://127.0.0.1:${port}/api/live`, { headers: { origin }, deflate: true });
  socket.onmessage = onMessage;
  socket.send(JSON.stringify({ type: 'hello', watch: agents.map((agent) => ({ agent })) }));
  return socket;
}

/** Relay and machine, each a process of its own. */
async function startBoth(directory: string, agents: number, rate: number) {
  const port = await freePort();
  const token = randomBytes(32).toString('base64url');
  const relay = start(process.execPath, [join(ROOT, 'dist/relay.mjs')], {
    cwd: directory,
    env: {
      ...process.env,
      ...{ RELAY_TOKEN: token, RELAY_PASSWORD: '', RELAY_PORT: String(port), RELAY_HOST: '127.0.0.1', RELAY_STATE: '' },
    },
  });
  await ready(relay, () => said.get(relay)!().includes('running on port'));
  const machine = start(process.execPath, [
    ...['--import', 'tsx', join(ROOT, 'scripts/bench/feed-machine.ts')],
    ...['--relay', `ws://127.0.0.1:${port}/tunnel`, '--token', token],
    ...['--agents', String(agents), '--rate', String(rate)],
  ]);
  await ready(machine, () => said.get(machine)!().includes('machine connected'));
  return { port, relay: relay.pid!, machine: machine.pid! };
}

async function run(directory: string): Promise<void> {
  const [dashboards, agents, rate, seconds] = (['dashboards', 'agents', 'rate', 'seconds'] as const).map(option);
  await build();
  const { port, relay, machine } = await startBoth(directory, agents!, rate!);
  const ids = Array.from({ length: agents! }, (_, i) => `agent-${i}`);
  const sockets: Connection[] = [];
  while (sockets.length < dashboards!) {
    const count = Math.min(BATCH, dashboards! - sockets.length);
    sockets.push(...await Promise.all(Array.from({ length: count }, () => dashboard(port, ids))));
  }
  await sleep(SETTLE_MS);
  isCounting = true;
  const before = [cpuMicros([relay]), cpuMicros([machine])];
  let peak = 0;
  for (let i = 0; i < (seconds! * 1000) / SAMPLE_MS; i++) {
    await sleep(SAMPLE_MS);
    peak = Math.max(peak, residentMiB([relay]));
  }
  isCounting = false;
  const cpu = [cpuMicros([relay]) - before[0]!, cpuMicros([machine]) - before[1]!].map((us) => us / seconds! / 1e6);
  for (const socket of sockets) socket.terminate();
  delays.sort((a, b) => a - b);
  const expected = dashboards! * agents! * rate! * seconds!;
  const at = (part: number) => delays[Math.floor(delays.length * part)] ?? NaN;
  console.log([
    `| ${dashboards} dashboards × ${agents} agents × ${rate} messages/s |   |\n| --- | ---: |`,
    `| arrived in time, of ${expected.toLocaleString('en')} | ${(100 * delays.length / expected).toFixed(0)} % |`,
    `| delay p50, ms | ${at(0.5)} |\n| delay p99, ms | ${at(0.99)} |`,
    `| relay, MiB at most | ${peak.toFixed(0)} |`,
    `| relay, processors | ${cpu[0]!.toFixed(2)} |\n| machine, processors | ${cpu[1]!.toFixed(2)} |`,
  ].join('\n'));
}

const directory = mkdtempSync(join(tmpdir(), 'bench-feed-'));
try {
  await run(directory);
} finally {
  stopAll();
  rmSync(directory, { recursive: true, force: true });
}
