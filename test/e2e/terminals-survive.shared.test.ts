/** Terminals outlive the server: killed or stopped, it finds them again, every byte once in both directions. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { TerminalInfo } from '../../core/api/terminals.ts';
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { systemClock } from '../../core/clock.ts';
import { startHost } from '../../agent/terminal/host-process.ts';
import { isSameProcess } from '../../agent/process/identity.ts';
import { holderDirectory, type HolderRecord, readRecords, recordPath } from '../../agent/process/holder/records.ts';
import { sessionOf } from '../../agent/process/session-end.ts';
import { type Product, ROOT, startProduct, until } from '../support/harness/product.ts';
import { TestViewer } from '../support/harness/terminal-harness.ts';

const KILLS = Number(process.env.KILLS ?? 2);
const RESTARTS = Number(process.env.RESTARTS ?? 1);
const runtime = 'Deno' in globalThis ? 'deno' : 'node';

/** Prints a number every few milliseconds, and each line that is typed. */
const COUNTER = `
process.stdin.setEncoding('utf8');
let [rest, i] = ['', 0];
process.stdin.on('data', (text) => {
  const lines = (rest + text).split('\\n');
  rest = lines.pop();
  for (const line of lines) console.log('got ' + line);
});
setInterval(() => console.log('n' + ++i), 3);
`;

let product: Product;
test.before(async () => {
  product = await startProduct({ withRelay: false, runtime });
  writeFileSync(join(product.directory, 'counter.mjs'), COUNTER);
});
test.after(() => product.close());

const api = async (method: string, path: string, body?: unknown) => {
  const response = await fetch(product.localUrl + path, {
    method,
    headers: { origin: product.localUrl, 'content-type': 'application/json' },
    ...(body ? { body: JSON.stringify(body) } : {}),
  });
  return await response.json() as TerminalInfo & { code: string };
};
const open = async () => {
  const info = await api('POST', '/api/terminals', { directory: product.directory, clientId: crypto.randomUUID() });
  assert.ok(info.id, JSON.stringify(info));
  return info;
};
const view = (id: string, options = {}) =>
  TestViewer.open(product.localUrl.replace('http', 'ws'), id, {
    headers: { origin: product.localUrl },
    ...options,
  });
const records = () => readRecords(holderDirectory(product.dataDir));
const recordOf = (id: string) => records().find((record) => record.id === id)!;
/** By its command: a login shell's own files start programs too, before what is typed is read. */
const runs = ({ child }: HolderRecord, command: string[]) =>
  sessionOf(child!.pid).some((pid) => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8') === command.map((word) => `${word}\0`).join('');
    } catch {
      return false; // it has ended since
    }
  });
const lives = ({ process: holder }: HolderRecord) => isSameProcess(holder!);

async function stopServer(signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
  await product.agent!.kill(signal);
}

test('numbers that a program prints and lines that are typed come through kills and restarts, each once', async () => {
  const { id } = await open();
  let viewer = await view(id, { cols: 200 });
  viewer.type(`exec sh -c 'stty -echo; exec node counter.mjs'\r`);
  await viewer.sees('n1\r\n');
  let typed = `exec sh -c 'stty -echo; exec node counter.mjs'\r`;
  let output = '';
  const rounds = [...Array(KILLS).fill('SIGKILL'), ...Array(RESTARTS).fill('SIGTERM')] as ('SIGKILL' | 'SIGTERM')[];
  let lines = 0;
  for (const signal of rounds) {
    const more = Array.from({ length: 20 }, () => `line-${++lines}\n`).join('');
    typed += more;
    viewer.type(more);
    await new Promise((resolve) => setTimeout(resolve, Math.random() * 60));
    await stopServer(signal);
    await viewer.until('closed', () => viewer.closed);
    output += viewer.text();
    await product.startAgent();
    viewer = await view(id, { client: viewer.client, offset: viewer.offset, cols: 200 });
    const attached = await viewer.until('attached', () => viewer.last('attached'));
    assert.is(attached.reset, false, 'the output goes on at the byte');
    viewer.type(typed.slice(attached.input!));
  }
  if (!output.includes(`got line-${lines}\r\n`)) await viewer.sees(`got line-${lines}\r\n`);
  output += viewer.text();
  const count = (pattern: RegExp) => output.match(pattern)?.map((entry) => Number(entry.replace(/\D/g, ''))) ?? [];
  const numbers = count(/^n\d+(?=\r$)/gm);
  const got = count(/^got line-\d+(?=\r$)/gm);
  console.log(
    `${rounds.length} ends of the server, ${numbers.length} numbers, ${got.length} lines, ${output.length} bytes`,
  );
  assert.equal(numbers, Array.from({ length: numbers.length }, (_, i) => i + 1));
  assert.equal(got, Array.from({ length: lines }, (_, i) => i + 1));
  await api('DELETE', `/api/terminals/${id}`);
  assert.is(records().length, 0);
});

test('a restart keeps name, times, size; a create request that is repeated opens no second one', async () => {
  const clientId = crypto.randomUUID();
  const first = await api('POST', '/api/terminals', { directory: product.directory, clientId, name: 'web' });
  await api('POST', `/api/terminals/${first.id}/rename`, { name: 'site' });
  const viewer = await view(first.id, { cols: 101, rows: 31 });
  await viewer.until('size', async () => (await api('GET', `/api/terminals/${first.id}`)).cols === 101 || null);
  await until('the size', async () => (await api('GET', `/api/terminals/${first.id}`)).cols === 101);
  await stopServer('SIGTERM');
  assert.match(product.agent!.output(), /1 terminal goes on/);
  await product.startAgent();
  const again = await api('GET', `/api/terminals/${first.id}`);
  assert.equal([again.name, again.createdAt, again.cols, again.rows], ['site', first.createdAt, 101, 31]);
  const repeated = await api('POST', '/api/terminals', { directory: product.directory, clientId });
  assert.is(repeated.id, first.id);
  await api('DELETE', `/api/terminals/${first.id}`);
});

test('one that ended meanwhile shows its last output and its end', async () => {
  const { id } = await open();
  const viewer = await view(id);
  viewer.type('sleep 1; echo last-words; exit 7\r');
  await viewer.sees('exit 7');
  await stopServer('SIGKILL');
  await until('the end', () => sessionOf(recordOf(id).child!.pid).length === 0);
  await product.startAgent();
  assert.is((await api('GET', `/api/terminals/${id}`)).exited!.code, 7);
  const back = await view(id, { client: viewer.client, offset: viewer.offset });
  await back.sees('last-words\r\n');
  assert.is((await back.until('exit', () => back.last('exit'))).code, 7);
  await until('its holder leaves', () => records().length === 0);
});

test('a holder that is killed takes its programs along, and that is shown', async () => {
  const { id } = await open();
  const record = recordOf(id);
  const viewer = await view(id);
  viewer.type("trap '' HUP; sleep 300 & sleep 301\r");
  await viewer.sees('sleep 301');
  await until('both run', () => runs(record, ['sleep', '300']) && runs(record, ['sleep', '301']));
  process.kill(record.pid, 'SIGKILL');
  await until('its session ends', () => sessionOf(record.child!.pid).length === 0);
  assert.is((await viewer.until('exit', () => viewer.last('exit'))).code, 255);
});

test('a holder that is killed while no server runs: the next server ends what it left', async () => {
  const { id } = await open();
  const record = recordOf(id);
  const viewer = await view(id);
  viewer.type("trap '' HUP; sleep 300 & sleep 301\r");
  await until('both run', () => runs(record, ['sleep', '300']) && runs(record, ['sleep', '301']));
  await stopServer('SIGKILL');
  process.kill(record.pid, 'SIGKILL');
  await until('it is gone', () => !lives(record));
  await product.startAgent();
  assert.is(sessionOf(record.child!.pid).length, 0);
  assert.is(records().length, 0);
  assert.is((await api('GET', `/api/terminals/${id}`)).code, 'no_terminal');
});

test('a holder whose record is taken away ends with its program', async () => {
  const { id } = await open();
  const record = recordOf(id);
  await stopServer('SIGKILL');
  rmSync(recordPath(holderDirectory(product.dataDir), id));
  await until('it ends', () => !lives(record) && sessionOf(record.child!.pid).length === 0);
  await product.startAgent();
});

test('one that is not used ends when no server has come for its time, one that works does not', async () => {
  const dataDir = product.dataDir;
  const ids = ['idle', 'busy'];
  const start = (id: string) =>
    new Promise<void>((resolve) => {
      const size = { cols: 80, rows: 24 };
      const command = id === 'busy' ? 'while sleep 1; do echo tick; done' : 'sleep 1000';
      const launch = { file: '/bin/sh', args: ['-c', command], cwd: '/', env: { PATH: process.env.PATH! }, ...size };
      const host = startHost({
        dataDir,
        id,
        clock: systemClock,
        source: { launch, meta: {}, idleMs: 2000 },
        onGone: () => {},
        onEvent(event) {
          if (event.kind !== 'started') return;
          host.detach();
          resolve();
        },
      });
    });
  await Promise.all(ids.map(start));
  const [idle, busy] = ids.map(recordOf) as [HolderRecord, HolderRecord];
  await until('the idle one ends', () => !lives(idle) && sessionOf(idle.child!.pid).length === 0, 30_000);
  assert.ok(lives(busy));
  rmSync(recordPath(holderDirectory(dataDir), 'busy'));
  await until('the other is ended', () => !lives(busy));
});

test('its socket is for this user alone, and nothing of a terminal is left at the end', async () => {
  const { id } = await open();
  const { child, pid } = recordOf(id);
  const directory = holderDirectory(product.dataDir);
  assert.equal(readdirSync(directory).sort(), [`${id}.json`, `${id}.sock`]);
  assert.match(readFileSync(`/proc/${pid}/cmdline`, 'utf8'), 'agent/terminal/host');
  const memory = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1];
  console.log(`a terminal's holder takes ${Math.round(Number(memory) / 1024)} MiB`);
  const env = {
    ...process.env,
    DATA_DIR: product.dataDir,
    PORT: String(product.localPort),
    AGENT_MONITOR_HOME: '/nonexistent',
  };
  const stop = () =>
    spawnSync(process.execPath, ['--import', 'tsx', join(ROOT, 'cli/main.ts'), 'stop', '--all'], {
      env,
      cwd: ROOT,
      encoding: 'utf8',
    });
  await product.agent!.kill('SIGKILL');
  const { stderr, status } = stop();
  assert.is(status, 0, stderr);
  assert.match(stderr, 'Ended 1 programs');
  assert.is(sessionOf(child!.pid).length, 0);
  assert.equal(readdirSync(directory), []);
  await product.startAgent();
});

test.run();
