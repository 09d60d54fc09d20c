/** A CLI in a holder of its own, and what neither may do: stay behind, grow without bound, lose the end of the output. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { holdProcess } from '../../../agent/process/holder/held-child.ts';
import { holderDirectory, readRecords, recordPath } from '../../../agent/process/holder/records.ts';
import type { ProcessEnd } from '../../../agent/process/child.ts';
import { isSameProcess } from '../../../agent/process/identity.ts';
import { temporaryDirectory } from '../../support/harness/git.ts';
import { until } from '../../support/harness/product.ts';

const { path: dataDir, remove } = temporaryDirectory();
test.after(remove);

/** Starts a program of Node in a holder. */
async function hold(script: string, meanwhile: (id: string) => void = () => {}) {
  const id = randomUUID();
  const seen = { output: 0, stderr: 0, end: null as ProcessEnd | null };
  const cli = holdProcess({
    program: { name: 'the program', setting: '', install: '' },
    command: process.execPath,
    args: ['-e', script],
    cwd: dataDir,
    env: process.env,
    stdout: (bytes) => seen.output += bytes.length,
    stderr: (line) => seen.stderr += line.length,
    exit: (end) => seen.end = end,
  }, {
    dataDir,
    id,
    idleMs: 0,
    meta: { agentId: 'agent', turnEnd: '' },
    survivor: null,
    onStarted() {},
    onCaughtUp() {},
  });
  meanwhile(id);
  await cli.running;
  const record = readRecords(holderDirectory(dataDir)).find((entry) => entry.id === id)!;
  return { cli, seen, record };
}

test('a CLI that ends before it has read its input leaves no holder', async () => {
  const { cli, seen, record } = await hold('process.stdin.pause(); setTimeout(() => process.exit(3), 2000)');
  for (let i = 0; i < 3; i++) assert.ok(cli.write('x'.repeat(4_000_000)));
  await until('it ends', () => seen.end !== null);
  assert.is(seen.end!.code, 3);
  await until('its holder leaves', () => !isSameProcess(record.process!));
  assert.equal(readRecords(holderDirectory(dataDir)), []);
});

test('a CLI that floods stderr is read as fast as its server reads', async () => {
  const { cli, seen, record } = await hold(`
    const piece = 'noise\\n'.repeat(10_000);
    const write = () => process.stderr.write(piece, write);
    write();
  `);
  await until('it floods', () => seen.stderr > 100_000);
  const memory = () => Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${record.pid}/status`, 'utf8'))![1]) / 1024;
  const before = memory();
  // A server that is busy for 3 s.
  for (const until = performance.now() + 3000; performance.now() < until;);
  const after = memory();
  assert.ok(after < before + 50, `${before} MiB, then ${after} MiB`);
  await cli.stop();
  await until('its holder leaves', () => !isSameProcess(record.process!));
});

test('a holder that cannot put its CLI on record starts none, and says why', async () => {
  const pidFile = join(dataDir, 'pid');
  const script = `require('fs').writeFileSync(${
    JSON.stringify(pidFile)
  }, String(process.pid)); setInterval(() => {}, 1000)`;
  const { seen } = await hold(script, (id) => {
    const path = recordPath(holderDirectory(dataDir), id);
    // This server sends nothing before its own record is there.
    while (!existsSync(path));
    mkdirSync(`${path}.tmp`);
  });
  await until('it ends', () => seen.end !== null);
  await new Promise((resolve) => setTimeout(resolve, 1000));
  assert.not(existsSync(pidFile));
  assert.match(seen.end!.text, 'record cannot be written');
});

test.run();
