/**
 * `npm run bench:relay`: the benchmark's origin behind nothing, our relay and tunnel, nginx, `ssh -R` and http-proxy, in turns.
 *
 *   tsx scripts/bench/relay.ts [--rounds N] [--seconds S] [--only ours,nginx,ssh,http-proxy]
 *
 * The machine's load changes from one second to the next, so rounds go through all of them and every figure is the median of
 * the ratios to `direct` in the same round; CPU µs per request (of all processes, the handler's included) is the least noisy.
 * Needs wrk; nginx, sshd and npm for the peers.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import {
  besideBulk,
  download,
  echoes,
  events,
  requests,
  residentMiB,
  slowReader,
  upload,
  uploads,
} from './relay-measure.ts';
import { allPids, type Peer, startHttpProxy, startNginx, startOurs, startSsh, stopAll } from './relay-peers.ts';

/** What our relay must reach, × direct, or at most. */
const GOALS: Record<string, number> = { 'c32': 0.33, 'c1': 0.28, 'down': 0.17, 'up': 0.25 };
const CPU_GOAL_US = 60;
const WARM_S = 4;
/** Bulk is warmed up by so many transfers each way. */
const WARM_TRANSFERS = 4;
/** Uploads of 64 MiB in one measurement. */
const UPLOADS = 4;

type Row = Record<string, number | null>;

const median = (list: number[]) => list.sort((a, b) => a - b)[list.length >> 1] ?? NaN;
const argument = (name: string, fallback: string) => {
  const at = process.argv.indexOf(`--${name}`);
  return at < 0 ? fallback : process.argv[at + 1]!;
};

/** One peer in one round. */
async function measure(peer: Peer, direct: Peer, seconds: number): Promise<Row> {
  const pids = allPids(peer, direct);
  const many = await requests(peer.port, 32, seconds, pids);
  const entry = await requests(peer.port, 1, seconds, pids);
  const attempt = (action: () => Promise<number>) => action().catch(() => null);
  return {
    c32: many.perSecond,
    c1: entry.perSecond,
    p50: many.p50Ms,
    p99: many.p99Ms,
    p50c1: entry.p50Ms,
    p99c1: entry.p99Ms,
    cpu32: many.cpuUs,
    cpu1: entry.cpuUs,
    down: await attempt(() => download(peer.port, 256)),
    up: await attempt(() => uploads(peer.port, 64, UPLOADS)),
    echo: await attempt(() => echoes(peer.port, Math.min(seconds, 2))),
  };
}

/** What a just-in-time compiler does in the first seconds is not measured: every path is run before. */
async function warm({ port, pids }: Peer): Promise<void> {
  await requests(port, 32, WARM_S, pids());
  for (let i = 0; i < WARM_TRANSFERS; i++) {
    // Some peers fail at bulk, which their row tells.
    await download(port, 256).catch(() => 0);
    await upload(port, 64).catch(() => 0);
  }
  await echoes(port, 1).catch(() => 0);
}

async function main(): Promise<void> {
  const rounds = Number(argument('rounds', '5'));
  const seconds = Number(argument('seconds', '3'));
  const only = argument('only', 'ours,nginx,ssh,http-proxy').split(',');
  const directory = mkdtempSync(join(tmpdir(), 'bench-relay-'));
  try {
    const { direct, ours } = await startOurs(directory);
    const peers: Peer[] = [direct, ...(only.includes('ours') ? [ours] : [])];
    const others = { nginx: startNginx, ssh: startSsh, 'http-proxy': startHttpProxy };
    for (const [name, begin] of Object.entries(others)) {
      if (!only.includes(name)) continue;
      try {
        peers.push(await begin(directory, direct.port));
      } catch (error) {
        console.log(`${name} is left out: ${(error as Error).message.split('\n')[0]}`);
      }
    }
    const atRest = new Map(peers.map((peer) => [peer.name, residentMiB(peer.pids())]));
    for (const peer of peers) await warm(peer);
    const rows = new Map<string, Row[]>(peers.map((peer) => [peer.name, []]));
    for (let round = 0; round < rounds; round++) {
      for (const peer of peers) rows.get(peer.name)!.push(await measure(peer, direct, seconds));
      process.stdout.write(`round ${round + 1} of ${rounds}\r`);
    }
    report(peers, rows, atRest);
    await details(peers, direct);
  } finally {
    stopAll();
    await new Promise((resolve) => setTimeout(resolve, 500));
    rmSync(directory, { recursive: true, force: true });
  }
}

function report(peers: Peer[], rows: Map<string, Row[]>, atRest: Map<string, number>): void {
  const direct = rows.get('direct')!;
  const values = (name: string, key: string) =>
    rows.get(name)!.map((row) => row[key]!).filter((value) => value !== null);
  const ratio = (name: string, key: string) =>
    median(
      rows.get(name)!.flatMap((row, i) => row[key] && direct[i]![key] ? [row[key]! / direct[i]![key]!] : []),
    );
  const two = (value: number) => Number.isNaN(value) ? 'fails' : value.toFixed(2);
  const columns = [
    [
      '',
      'req/s × direct',
      'req/s × direct',
      'p50 added',
      'p99 added',
      'CPU µs/req',
      '256 MB down',
      '64 MB up',
      'WS echo',
      'MiB at',
    ],
    [
      '',
      '32 connections',
      '1 connection',
      'ms, 32',
      'ms, 32',
      '32 / 1, all',
      '× direct',
      '× direct',
      '× direct',
      'rest',
    ],
  ];
  const table = peers.map(({ name }) => {
    const added = (key: string) => median(rows.get(name)!.map((row, i) => row[key]! - direct[i]![key]!)).toFixed(2);
    return [
      name,
      ...(name === 'direct'
        ? [`${median(values(name, 'c32')).toFixed(0)}/s`, `${median(values(name, 'c1')).toFixed(0)}/s`]
        : [two(ratio(name, 'c32')), two(ratio(name, 'c1'))]),
      added('p50'),
      added('p99'),
      `${median(values(name, 'cpu32')).toFixed(0)} / ${median(values(name, 'cpu1')).toFixed(0)}`,
      name === 'direct' ? `${median(values(name, 'down')).toFixed(0)} MB/s` : two(ratio(name, 'down')),
      name === 'direct' ? `${median(values(name, 'up')).toFixed(0)} MB/s` : two(ratio(name, 'up')),
      name === 'direct' ? `${median(values(name, 'echo')).toFixed(0)}/s` : two(ratio(name, 'echo')),
      atRest.get(name)!.toFixed(0),
    ];
  });
  for (const row of [...columns, ...table]) {
    console.log(row.map((cell, i) => i ? cell.padStart(15) : cell.padEnd(11)).join(''));
  }
  if (!rows.has('ours')) return;
  for (const [key, goal] of Object.entries(GOALS)) {
    console.log(
      `${ratio('ours', key) >= goal ? 'reached' : 'MISSED '} ${key}: ${two(ratio('ours', key))} × direct, goal ${goal}`,
    );
  }
  const cpu = median(values('ours', 'cpu32'));
  console.log(`${cpu <= CPU_GOAL_US ? 'reached' : 'MISSED '} CPU both ends: ${cpu.toFixed(0)} µs, goal ${CPU_GOAL_US}`);
}

/** What is no ratio: event streams, a slow reader, a request beside a download. */
async function details(peers: Peer[], direct: Peer): Promise<void> {
  for (const peer of peers) {
    const sse = await events(peer.port, direct.port, 200, 2);
    const beside = await besideBulk(peer.port, 200);
    const slow = await slowReader(peer.port, peer.pids(), 4);
    console.log(
      `${peer.name.padEnd(11)} ${sse.open} of 200 event streams, ${
        sse.perSecond.toFixed(0)
      } events/s, ${sse.leaked} left behind; ` +
        `GET beside a download ${beside.toFixed(1)} ms p50; beside a reader at 1 MiB/s ${
          slow.p50Ms.toFixed(1)
        } ms p50, ` +
        `${slow.maxMs.toFixed(0)} ms at most, memory +${slow.growth.map((mib) => mib.toFixed(0)).join(' / +')} MiB`,
    );
  }
}

main().then(() => process.exit(0), (error) => {
  console.error(error);
  stopAll();
  process.exit(1);
});
