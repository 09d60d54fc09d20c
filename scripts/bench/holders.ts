/**
 * `npm run bench:holders`: what the holders of 10 and of 50 CLIs take, as the package has them: memory (RSS counts what processes share in
 * each of them, PSS divides it among them) and, at rest with a server, processor time. Linux.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { systemClock } from '../../core/clock.ts';
import { HolderClient } from '../../agent/process/holder/client.ts';
import { holderCommand } from '../../agent/process/holder/command.ts';
import { endHolders } from '../../agent/process/holder/end.ts';
import { holderDirectory, readRecords } from '../../agent/process/holder/records.ts';
import { bundlePrograms } from '../build-package.ts';

const COUNTS = [10, 50];
/** How long they are left alone before and while the processor time is counted, ms. */
const SETTLE_MS = 6000;
const REST_MS = 20_000;
/** Ticks of /proc a second. */
const TICKS = 100;
/** Largest RSS of a holder, MiB, and share of one core that 50 may take, percent. */
const MAX_RSS = 45;
const MAX_CPU = 2;

const root = mkdtempSync(join(tmpdir(), 'bench-holders-'));
await bundlePrograms(root);
writeFileSync(join(root, 'package.json'), '{"name":"agent-monitor","version":"0.0.0"}');

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

function start(dataDir: string, id: string): Promise<HolderClient> {
  const env = { PATH: process.env.PATH ?? '' };
  const command = holderCommand({ program: join(root, 'agent/process/holder/cli.cjs'), dataDir, id, idleMs: 0, env });
  return new Promise((resolve, reject) => {
    const client = new HolderClient({
      ...{ directory: holderDirectory(dataDir), id, clock: systemClock, source: { ...command, cwd: root } },
      onEvent: ({ kind }) => kind === 'started' && resolve(client),
      onGone: (text) => reject(new Error(text)),
    });
    client.send({
      kind: 'start',
      launch: { file: '/bin/cat', args: [], cwd: '/', env, cols: 0, rows: 0 },
      meta: { agentId: id, turnEnd: '' },
    });
  });
}

const kilobytes = (path: string, name: string): number =>
  Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(readFileSync(path, 'utf8'))![1]);
const ticks = (pid: number): number => {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/^.*\) /, '').split(' ');
  return Number(fields[11]) + Number(fields[12]);
};
const mib = (kb: number): string => (kb / 1024).toFixed(1);

async function measure(count: number): Promise<boolean> {
  const dataDir = join(root, `data-${count}`);
  mkdirSync(dataDir);
  const clients: HolderClient[] = [];
  for (let i = 0; i < count; i++) clients.push(await start(dataDir, `holder-${i}`));
  const pids = readRecords(holderDirectory(dataDir)).map(({ pid }) => pid);
  await pause(SETTLE_MS);
  const before = pids.reduce((sum, pid) => sum + ticks(pid), 0);
  await pause(REST_MS);
  const used = pids.reduce((sum, pid) => sum + ticks(pid), 0) - before;
  const cpu = 100 * used / TICKS / (REST_MS / 1000);
  const rss = pids.map((pid) => kilobytes(`/proc/${pid}/status`, 'VmRSS'));
  const pss = pids.map((pid) => kilobytes(`/proc/${pid}/smaps_rollup`, 'Pss'));
  const sum = (values: number[]) => values.reduce((total, value) => total + value, 0);
  console.log(
    `${pids.length} holders: RSS ${mib(sum(rss) / count)} MiB each (at most ${mib(Math.max(...rss))}), ` +
      `PSS ${mib(sum(pss) / count)} MiB each, ${mib(sum(pss))} MiB together; at rest ${cpu.toFixed(2)} % of one core`,
  );
  for (const client of clients) client.detach();
  await endHolders(dataDir);
  return pids.length === count && Math.max(...rss) <= MAX_RSS * 1024 && cpu < MAX_CPU;
}

let isWithin = true;
try {
  for (const count of COUNTS) isWithin = await measure(count) && isWithin;
} finally {
  rmSync(root, { recursive: true, force: true });
}
console.log(`bounds: ${MAX_RSS} MiB each, ${MAX_CPU} %: ${isWithin ? 'kept' : 'BROKEN'}`);
process.exit(isWithin ? 0 : 1);
