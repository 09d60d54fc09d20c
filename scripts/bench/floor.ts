/**
 * The least that a sealed tunnel can cost (floor-ends.ts), to read the tunnel's figures against: that floor, the tunnel, ssh -R
 * and http-proxy in turns, as medians of ratios to direct in the same round. http-proxy has as many sockets on the way and seals
 * nothing.
 *
 *   tsx scripts/bench/floor.ts [rounds]
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { download, echoes, requests, uploads } from './relay-measure.ts';
import { allPids, type Peer, startHttpProxy, startOurs, startSsh, stopAll } from './relay-peers.ts';

const DOWN = 256;
const UP = 64;
const UPLOADS = 4;
const CONNECTIONS = 32;
const SECONDS = 1;
/** Rounds that do not count. */
const WARM = 4;
const ENDS = fileURLToPath(new URL('floor-ends.ts', import.meta.url));

/** What is measured of a peer; times are turned into rates, so that more is better in all but CPU. */
const FIGURES: Record<string, (peer: Peer, direct: Peer) => Promise<number>> = {
  [`${DOWN} MiB down`]: ({ port }) => download(port, DOWN),
  [`${UP} MiB up`]: ({ port }) => uploads(port, UP, UPLOADS),
  'WebSocket echo': ({ port }) => echoes(port, SECONDS),
  [`CPU µs/request at ${CONNECTIONS}`]: async (peer, direct) =>
    (await requests(peer.port, CONNECTIONS, SECONDS, allPids(peer, direct))).cpuUs,
};
const isCost = (name: string) => name.startsWith('CPU');

const ends: (() => void)[] = [];

/** @returns the process id and what it printed: its ports */
function startEnd(...args: string[]): Promise<{ pid: number; ports: string[] }> {
  const child = spawn(process.execPath, ['--import', 'tsx', ENDS, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  ends.push(() => void child.kill());
  return new Promise((resolve, reject) => {
    child.once('exit', (code) => reject(new Error(`${args[0]} ended with ${code}`)));
    child.stdout.once('data', (text) => resolve({ pid: child.pid!, ports: String(text).trim().split(' ') }));
  });
}

async function startFloor(): Promise<Peer> {
  const machine = await startEnd('machine');
  const relay = await startEnd('relay', ...machine.ports);
  return { name: 'floor', port: Number(relay.ports[0]), pids: () => [relay.pid, machine.pid] };
}

async function main(rounds: number): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'bench-floor-'));
  try {
    const { direct, ours } = await startOurs(directory);
    const peers = [
      direct,
      ours,
      await startFloor(),
      await startSsh(directory, direct.port),
      await startHttpProxy(directory, direct.port),
    ];
    const values = new Map<string, number[]>();
    for (let round = -WARM; round < rounds; round++) {
      for (const [figure, measure] of Object.entries(FIGURES)) {
        let base = 1;
        for (const peer of peers) {
          const value = await measure(peer, direct);
          if (peer === direct && !isCost(figure)) base = value;
          const key = `${peer.name} ${figure}`;
          if (round >= 0) values.set(key, [...values.get(key) ?? [], value / base]);
        }
      }
    }
    const median = (list: number[]) => list.toSorted((a, b) => a - b)[list.length >> 1]!;
    const width = Math.max(...peers.map(({ name }) => name.length));
    console.log(`${rounds} rounds, medians; × direct but for CPU`);
    for (const figure of Object.keys(FIGURES)) {
      const shown = peers.map(({ name }) => {
        const value = median(values.get(`${name} ${figure}`)!);
        return `${name.padEnd(width)} ${isCost(figure) ? value.toFixed(1) : value.toFixed(2)}`;
      });
      console.log(`${figure.padEnd(22)} ${shown.join('   ')}`);
    }
  } finally {
    for (const end of [...ends, stopAll]) end();
    rmSync(directory, { recursive: true, force: true });
  }
}

main(Number(process.argv[2] ?? 12)).then(() => process.exit(0), (error) => {
  console.error(error);
  process.exit(1);
});
