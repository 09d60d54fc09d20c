/**
 * The tunnel over a line between two network namespaces that is pulled out, slowed down and made to lose packets. Relay and
 * machine are real processes.
 */
import { Buffer } from 'node:buffer';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { type Connection, dial } from '../../core/websocket/mod.ts';
import { createNamespace, type Namespace } from '../support/netns.ts';
import { freePort, plainEnv, type Program, ROOT, startProgram } from '../support/product.ts';
import { until } from '../support/tunnel-pair.ts';

const TOKEN = 'JhX5sW2kq8ZrT1yBv7nM4cLd9gPa3fUe6iRo0xQwEtY';
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
const openFiles = (program: Program) => readdirSync(`/proc/${program.child.pid}/fd`).length;

let folder: string;
let net: Namespace;
let relay: Program;
let machine: Program;
let origin: string;

const connected = async () =>
  ((await (await fetch(`${origin}/api/relay/status`)).json()) as { tunnelConnected: boolean }).tunnelConnected;
const isUp = async (ms: number) => {
  const end = Date.now() + ms;
  while (!(await connected())) {
    if (Date.now() > end) throw new Error(`not up in ${ms} ms\n${machine.output()}`);
    await pause(100);
  }
};

test.before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'tunnel-'));
  net = createNamespace();
  const port = await freePort();
  const env = plainEnv({ RELAY_TOKEN: TOKEN, RELAY_PASSWORD: '', RELAY_PORT: String(port), RELAY_STATE: '' });
  relay = startProgram(process.execPath, [join(ROOT, 'dist/relay.mjs')], env, folder);
  origin = `http://127.0.0.1:${port}`;
  await until(() => relay.output().includes('running on port'), 20_000);
  const args = ['--import', 'tsx', join(ROOT, 'scripts/bench/origin.ts'), '--port', '0'];
  const url = `ws://${net.here}:${port}/tunnel`;
  const [command, inside] = net.inside(process.execPath, [...args, '--relay', url, '--token', TOKEN]);
  machine = startProgram(command, inside, plainEnv(), ROOT);
  await isUp(20_000);
});
test.after(async () => {
  await machine?.kill();
  await relay?.kill();
  net?.close();
  rmSync(folder, { recursive: true });
});

/** Sorted times of `count` keystrokes, ms. */
async function keystrokes(count: number): Promise<number[]> {
  const socket: Connection = await dial(`${origin.replace('http', 'ws')}/api/ws`, { headers: { origin } });
  const times: number[] = [];
  for (let i = 0; i < count; i++) {
    const started = performance.now();
    await new Promise<void>((resolve) => {
      socket.onmessage = () => resolve();
      socket.send(Buffer.from('k'));
    });
    times.push(performance.now() - started);
    await pause(30);
  }
  socket.terminate();
  return times.sort((a, b) => a - b);
}
const p95 = (times: number[]) => times[Math.floor(times.length * 0.95)]!;

test('at 1 Mbit/s a keystroke comes back within its round trip and 50 ms beside a 20 MiB download', async () => {
  net.rate('1mbit');
  const idle = p95(await keystrokes(30));
  const abort = new AbortController();
  let got = 0;
  const started = Date.now();
  const bulk = fetch(`${origin}/api/big?mb=20`, { signal: abort.signal }).then(async (response) => {
    for await (const chunk of response.body!) got += chunk.length;
  }).catch(() => {});
  await until(() => got > 50_000, 10_000);
  // Other programs of this machine can only make it worse: the best of three.
  let best = Infinity;
  for (let i = 0; i < 3 && best > idle + 50; i++) best = Math.min(best, p95(await keystrokes(40)));
  const rate = got / (Date.now() - started);
  abort.abort();
  await bulk;
  net.rate(null);
  console.log(`keystroke p95 ${idle.toFixed(0)} ms idle, ${best.toFixed(0)} ms beside ${rate.toFixed(0)} kB/s`);
  assert.ok(best <= idle + 50, `${best} ms`);
  assert.ok(rate > 75, `${rate} kB/s of 125`);
});

test('with 5 % and 20 % of all packets lost everything arrives as it was sent', async () => {
  const digest = async (mb: number) => {
    const response = await fetch(`${origin}/api/big?mb=${mb}`);
    return createHash('sha256').update(Buffer.from(await response.arrayBuffer())).digest('hex');
  };
  for (const [share, mb] of [[0.05, 2], [0.2, 0.25]] as const) {
    const want = await digest(mb);
    net.loss(share);
    assert.is(await digest(mb), want);
    assert.is((await keystrokes(10)).length, 10);
    net.loss(0);
  }
  assert.ok(await connected());
});

test('the line is out for 60 s: streams fail clean, others are told at once, then the tunnel is back; nothing is left', async () => {
  await isUp(10_000);
  const files = [openFiles(relay), openFiles(machine)];
  const ended: string[] = [];
  const events = await fetch(`${origin}/api/sse`);
  const readAll = (async () => {
    for await (const _ of events.body!);
  })().then(() => ended.push('clean'), () => ended.push('broken'));
  const socket = await dial(`${origin.replace('http', 'ws')}/api/ws`, { headers: { origin } });
  net.link(false);
  const out = Date.now();
  const waiting = fetch(`${origin}/api/small`).then((response) => response.status, () => 0);
  await readAll;
  assert.equal(ended, ['broken']);
  assert.ok(Date.now() - out < 32_000, `${Date.now() - out} ms until the relay took the machine for dead`);
  assert.is(await waiting, 502);
  assert.is((await socket.closed).code, 1006);
  const asked = Date.now();
  assert.is((await fetch(`${origin}/api/small`)).status, 502);
  assert.ok(Date.now() - asked < 1000);
  await pause(60_000 - (Date.now() - out));
  net.link(true);
  await isUp(15_000);
  assert.is((await fetch(`${origin}/api/small`)).status, 200);
  const open = await (await fetch(`${origin}/api/open`)).text();
  assert.is(open, '0', 'the machine has closed the event stream');
  await pause(1500);
  assert.ok(openFiles(relay) <= files[0]! + 2 && openFiles(machine) <= files[1]! + 2, 'no socket is left');
});

test('the machine sleeps until the relay has given it up, and is back within 10 s of waking', async () => {
  await isUp(30_000);
  machine.child.kill('SIGSTOP');
  await until(() => relay.output().split('machine disconnected').length === 3, 35_000);
  machine.child.kill('SIGCONT');
  await isUp(10_000);
  assert.is((await fetch(`${origin}/api/small`)).status, 200);
});

test.run();
