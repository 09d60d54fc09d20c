/**
 * `npm run bench:websocket [-- --quick]`: this layer against `ws` without and with bufferutil, interleaved in one run. Every
 * server has a process of its own; this process makes the load. Rates are medians of rounds; a ratio is the median of the
 * ratios within each round, and every round begins with another server, for whoever follows the heaviest load suffers from
 * it. "cpu" is the ratio of the server's processor time per message, which other programs on the machine disturb less.
 * Takes about twelve minutes; `--quick` one.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import process from 'node:process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { connect, type Figures, handshakes, type Load, run, sleep } from './websocket-load.ts';
import { parserRates } from './websocket-parser.ts';

const quick = process.argv.includes('--quick');
const ROUNDS = quick ? 1 : 9;
const WARM_MS = 200;
const RUN_MS = quick ? 400 : 500;
const IDLE = quick ? 1000 : 5000;

const KINDS = { ours: ['ours', ''], ws: ['ws', '1'], 'ws+bufferutil': ['ws', ''], ceiling: ['raw', ''] } as const;
type Kind = keyof typeof KINDS;
const NAMES = Object.keys(KINDS) as Kind[];
const RIVALS = ['ws', 'ws+bufferutil'] as const;
const COMPARED = NAMES.filter((name) => name !== 'ceiling');

interface Server {
  child: ChildProcess;
  port: number;
  ask(what: 'memory' | 'cpu'): Promise<{ rss: number; heapUsed: number; cpu: number }>;
}

async function start(kind: Kind): Promise<Server> {
  const [program, noBufferUtil] = KINDS[kind];
  const file = fileURLToPath(new URL('./websocket-server.ts', import.meta.url));
  const child = spawn(process.execPath, ['--expose-gc', '--import', 'tsx', file, program], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { ...process.env, WS_NO_BUFFER_UTIL: noBufferUtil },
  });
  const lines = createInterface({ input: child.stdout! });
  const [port] = await once(lines, 'line');
  const ask = async (what: string) => {
    child.stdin!.write(`${what}\n`);
    const [line] = await once(lines, 'line');
    return JSON.parse(line);
  };
  return { child, port: Number(port), ask };
}

const cpuOf = (server: Server) => async () => (await server.ask('cpu')).cpu;

async function stop(server: Server): Promise<void> {
  const gone = once(server.child, 'exit');
  server.child.stdin!.end();
  await gone;
}

const median = (values: number[]) => values.sort((a, b) => a - b)[values.length >> 1]!;
const row = (cells: (string | number)[]) => console.log(cells.map((cell) => String(cell).padStart(13)).join(''));
const short = (rate: number) =>
  rate >= 1e6 ? `${(rate / 1e6).toFixed(2)}M` : rate >= 1e4 ? `${(rate / 1e3).toFixed(0)}k` : rate.toFixed(0);

/** A process keeps what its memory allocator has fallen into, for better or worse: none serves more rounds than this. */
const ROUNDS_A_PROCESS = 3;

/** Figures per kind; those of one place in the lists were taken in the same round. */
type Rounds = Partial<Record<Kind, Figures[]>>;

async function compare(kinds: readonly Kind[], measure: (server: Server) => Promise<Figures>): Promise<Rounds> {
  const all: Rounds = {};
  let servers = new Map<Kind, Server>();
  for (let round = 0; round < ROUNDS; round++) {
    if (round % ROUNDS_A_PROCESS === 0) {
      await stopAll(servers);
      servers = new Map(await Promise.all(kinds.map(async (kind) => [kind, await start(kind)] as const)));
    }
    for (let turn = 0; turn < kinds.length; turn++) {
      const kind = kinds[(round + turn) % kinds.length]!;
      (all[kind] ??= []).push(await measure(servers.get(kind)!));
    }
  }
  await stopAll(servers);
  return all;
}

const stopAll = (servers: Map<Kind, Server>) => Promise.all([...servers.values()].map(stop));

function ratios(rounds: Rounds): string[] {
  const against = (rival: Kind, ratio: (ours: Figures, theirs: Figures) => number) =>
    `${median(rounds.ours!.map((ours, round) => ratio(ours, rounds[rival]![round]!))).toFixed(2)}×`;
  return [
    ...NAMES.filter((name) => rounds[name]).map((name) => short(median(rounds[name]!.map(({ rate }) => rate)))),
    ...RIVALS.map((rival) => against(rival, (ours, theirs) => ours.rate / theirs.rate)),
    ...RIVALS.map((rival) => against(rival, (ours, theirs) => theirs.cpu / ours.cpu)),
  ];
}

const RATIOS = ['/ws', '/ws+bu', 'cpu /ws', 'cpu /ws+bu'];

async function echo(): Promise<void> {
  console.log('\nechoed messages a second');
  row(['bytes', 'connections', 'depth', ...NAMES, ...RATIOS]);
  for (const size of [64, 1024, 16384, 262144]) {
    for (const connections of [1, 64]) {
      for (const depth of [1, 32]) {
        const load: Load = { size, connections, depth };
        const rounds = await compare(NAMES, (server) => run(server.port, load, [WARM_MS, RUN_MS], cpuOf(server)));
        row([size, connections, depth, ...ratios(rounds)]);
      }
    }
  }
}

async function shakeHands(): Promise<void> {
  console.log('\nhandshakes a second, 32 at a time');
  row([...COMPARED, ...RATIOS]);
  row(ratios(await compare(COMPARED, (server) => handshakes(server.port, 32, RUN_MS * 2, cpuOf(server)))));
}

/** Fresh servers, for memory that was once used is not given back. */
async function memory(): Promise<void> {
  console.log(`\nbytes of memory per idle connection, ${IDLE} of them`);
  row(['', 'resident', 'heap']);
  for (const kind of COMPARED) {
    const server = await start(kind);
    const first = await connect(server.port, '/', () => {});
    const before = await server.ask('memory');
    const sockets = [first];
    while (sockets.length < IDLE) {
      sockets.push(...await Promise.all(Array.from({ length: 50 }, () => connect(server.port, '/', () => {}))));
    }
    await sleep(500);
    const after = await server.ask('memory');
    row([kind, ...[after.rss - before.rss, after.heapUsed - before.heapUsed].map((bytes) => Math.round(bytes / IDLE))]);
    for (const socket of sockets) socket.destroy();
    await stop(server);
  }
}

async function main(): Promise<void> {
  console.log(`node ${process.version}, medians of ${ROUNDS} rounds; "ceiling" is a server that parses nothing`);
  await echo();
  await shakeHands();
  await memory();
  console.log('\nparser alone, MB/s of payload');
  row(['bytes', 'ours', 'ws', 'ours/ws']);
  for (const { size, ours, ws } of parserRates(quick ? 200 : 500)) {
    row([size, ours.toFixed(0), ws.toFixed(0), `${(ours / ws).toFixed(2)}×`]);
  }
}

await main();
