/** Memory, descriptors and pace under load that lasts: checks P08, D01, D04, D05 at a scale that fits in a minute. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { get, type IncomingMessage, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { type Connection, dial } from '../../core/websocket/mod.ts';
import { freePort, plainEnv, type Program, ROOT, startProgram, until } from '../support/harness/product.ts';

const MIB = 2 ** 20;
const TOKEN = 'pT4wXk9ZsB2vQ7nLr5yHc8mJd3fGa6eUoRi1TxEqWsK';
const PASSWORD = 'a password for the soak';
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

let directory: string;
let port: number;
let origin: string;
let relay: Program;
let machine: Program;
let cookie: string;

const rss = (program: Program) =>
  Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${program.child.pid}/status`, 'utf8'))![1]) * 1024;
const openFiles = (program: Program) => readdirSync(`/proc/${program.child.pid}/fd`).length;
const both = (of: (program: Program) => number) => [of(relay), of(machine)] as const;
const inMib = (bytes: number) => Math.round(bytes / MIB);

test.before(async () => {
  directory = mkdtempSync(join(tmpdir(), 'soak-'));
  port = await freePort();
  origin = `http://127.0.0.1:${port}`;
  const settings = { RELAY_TOKEN: TOKEN, RELAY_PASSWORD: PASSWORD, RELAY_PORT: String(port), RELAY_HOST: '127.0.0.1' };
  const state = { RELAY_STATE: join(directory, 'state.json') };
  relay = startProgram(
    process.execPath,
    [join(ROOT, 'dist/relay.mjs')],
    plainEnv({ ...settings, ...state }),
    directory,
  );
  await until(() => relay.output(), () => relay.output().includes('running on port'));
  const args = ['--import', 'tsx', join(ROOT, 'scripts/bench/origin.ts'), '--port', '0'];
  machine = startProgram(
    process.execPath,
    [...args, '--relay', `ws://127.0.0.1:${port}/tunnel`, '--token', TOKEN],
    plainEnv(),
  );
  await until(() => machine.output(), () => machine.output().includes('tunnel connected'));
  cookie = await login();
});
test.after(async () => {
  await machine?.kill('SIGKILL');
  await relay?.kill('SIGKILL');
  rmSync(directory, { recursive: true });
});

async function login(): Promise<string> {
  const response = await post('/api/auth/login', '', JSON.stringify({ password: PASSWORD }));
  assert.is(response.status, 200);
  await response.text();
  return response.headers.getSetCookie()[0]!.split(';')[0]!;
}
const post = (path: string, as: string, body = '{}') =>
  fetch(origin + path, { method: 'POST', headers: { cookie: as, origin, 'content-type': 'application/json' }, body });

/** An open reply of the machine. */
const download = (path: string): Promise<IncomingMessage> =>
  new Promise((resolve, reject) => get(origin + path, { headers: { cookie } }, resolve).on('error', reject));

/** How long a small request takes, ms. */
async function ask(): Promise<number> {
  const started = performance.now();
  const response = await fetch(`${origin}/api/small`, { headers: { cookie } });
  assert.is(response.status, 200);
  await response.text();
  return performance.now() - started;
}
const rank = (times: number[], part: number) => times.sort((a, b) => a - b)[Math.floor(times.length * part)]!;
const streams = async () =>
  ((await (await fetch(`${origin}/api/relay/status`, { headers: { cookie } })).json()) as {
    machine: { streams: number };
  }).machine.streams;

test('a slow reader of a large download costs neither memory nor others their pace', async () => {
  for (let i = 0; i < 50; i++) await ask();
  const before = both(rss);
  const reply = await download('/api/big?mb=256');
  reply.pause();
  const times: number[] = [];
  let [peak, read] = [[0, 0], 0];
  for (let i = 0; i < 80; i++) {
    read += (reply.read(Math.min(reply.readableLength, 64 * 1024)) as Buffer | null)?.length ?? 0;
    times.push(await ask());
    peak = both(rss).map((bytes, at) => Math.max(peak[at]!, bytes - before[at]!));
    await pause(100);
  }
  reply.destroy();
  const freed = performance.now();
  await until('the stream is given up', async () => await streams() === 0, 5000);
  console.log(
    `read ${inMib(read)} MiB; relay +${inMib(peak[0]!)} MiB, machine +${inMib(peak[1]!)} MiB; beside it p50 ${
      rank(times, 0.5).toFixed(1)
    } p99 ${rank(times, 0.99).toFixed(1)} ms; freed in ${(performance.now() - freed).toFixed(0)} ms`,
  );
  assert.ok(peak.every((bytes) => bytes < 32 * MIB));
  assert.ok(rank(times, 0.5) < 50);
});

test('200 MiB up and 1 GiB down are counted to the byte and stay out of memory', async () => {
  const before = both(rss);
  const size = 200 * MIB;
  const body = await new Promise<string>((resolve, reject) => {
    const headers = { cookie, origin, 'content-length': size, 'content-type': 'application/octet-stream' };
    const req = request(`${origin}/api/echo`, { method: 'POST', headers }, (res) => {
      let text = '';
      res.on('data', (chunk) => text += chunk).on('end', () => resolve(text));
    }).on('error', reject);
    const chunk = Buffer.alloc(MIB);
    let left = size / MIB;
    const pump = () => {
      while (left-- > 0) if (!req.write(chunk)) return void req.once('drain', pump);
      req.end();
    };
    pump();
  });
  assert.is(Number(body), size);
  const afterUpload = both(rss).map((bytes, i) => bytes - before[i]!);
  const paces: number[] = [];
  for (let i = 0; i < 8; i++) {
    const started = performance.now();
    let received = 0;
    for await (const chunk of await download('/api/big?mb=128')) received += chunk.length;
    assert.is(received, 128 * MIB);
    paces.push(performance.now() - started);
  }
  const after = both(rss).map((bytes, i) => bytes - before[i]!);
  console.log(
    `after the upload +${afterUpload.map(inMib)} MiB, after the downloads +${after.map(inMib)} MiB; 128 MiB in ${
      paces.map((ms) => ms.toFixed(0)).join(' ')
    } ms`,
  );
  for (const bytes of [...afterUpload, ...after]) assert.ok(bytes < 64 * MIB);
});

test('1,000 requests at a time: each gets its own answer or is told that there are too many', async () => {
  const asked = Array.from(
    { length: 1000 },
    (_, i) =>
      fetch(`${origin}/api/big?mb=${(i + 1) / MIB}`, { headers: { cookie } }).then(async (response) => {
        const size = (await response.arrayBuffer()).byteLength;
        return response.status === 200 ? size === i + 1 : response.status === 503;
      }),
  );
  assert.ok((await Promise.all(asked)).every(Boolean));
  assert.is(await streams(), 0);
});

test('100 readers of ten events a second get each in time', async () => {
  const delays: number[] = [];
  const replies = await Promise.all(Array.from({ length: 100 }, () => download('/api/sse')));
  await pause(1000);
  for (const reply of replies) {
    reply.on('data', (chunk) => {
      for (const [, at] of String(chunk).matchAll(/"at":(\d+)/g)) delays.push(Date.now() - Number(at));
    });
  }
  await pause(500); // What came while nobody listened.
  delays.length = 0;
  await pause(5000);
  for (const reply of replies) reply.destroy();
  const p99 = rank(delays, 0.99);
  console.log(`${delays.length} events, p50 ${rank(delays, 0.5)} p99 ${p99} ms, relay ${inMib(rss(relay))} MiB`);
  assert.ok(delays.length > 100 * 10 * 5 * 0.8, 'none is left behind');
  assert.ok(p99 < 250);
  assert.ok(rss(relay) < 300 * MIB);
  await until('all are given up', async () => await streams() === 0, 5000);
  assert.is(await (await fetch(`${origin}/api/open`, { headers: { cookie } })).text(), '0');
});

test('300 times login, subscribe, leave: nothing is left', async () => {
  const cycle = async (i: number) => {
    const as = i % 10 ? cookie : await login();
    const headers = { cookie: as, origin };
    const socket: Connection = await dial(`ws://127.0.0.1:${port}/api/ws`, { headers });
    const echoed = new Promise((resolve) => socket.onmessage = resolve);
    socket.send(Buffer.from('x'));
    await echoed;
    const events = await fetch(`${origin}/api/relay/events`, { headers });
    const reader = events.body!.getReader();
    await reader.read();
    await reader.cancel();
    if (i % 2) socket.terminate();
    else socket.close(1000, '');
    if (as !== cookie) await (await post('/api/auth/logout', as)).text();
  };
  for (let i = 0; i < 30; i++) await cycle(i);
  await pause(1500);
  const [files, memory] = [both(openFiles), both(rss)];
  for (let i = 0; i < 270; i++) await cycle(i);
  await until('no stream is left', async () => await streams() === 0, 5000);
  await pause(6000); // Idle connections end after five seconds.
  const grown = both(rss).map((bytes, i) => inMib(bytes - memory[i]!));
  console.log(`open files ${files} -> ${both(openFiles)}, memory +${grown} MiB`);
  assert.ok(both(openFiles).every((count, i) => count <= files[i]! + 3));
  assert.ok(grown.every((mib) => mib < 24));
});

test.run();
