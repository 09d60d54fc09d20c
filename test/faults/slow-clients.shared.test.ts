/** The relay's real limits against clients that are slow on purpose (H01, H02), and without file descriptors (H12). */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { freePort, plainEnv, type Program, ROOT, startProgram, until } from '../support/harness/product.ts';
import { rawHttp, request } from '../support/network/raw-http.ts';
import { tlsFiles, transport } from '../support/network/transport.ts';

let directory: string;

test.before(() => void (directory = mkdtempSync(join(tmpdir(), 'slow-'))));
test.after(() => rmSync(directory, { recursive: true }));

async function startRelay(command: string, args: string[]): Promise<{ relay: Program; port: number }> {
  const port = await freePort();
  const files = tlsFiles();
  const env = plainEnv({
    RELAY_TOKEN: 'a-token-of-forty-three-characters-0123456789',
    RELAY_PASSWORD: 'x',
    RELAY_PORT: String(port),
    RELAY_HOST: '127.0.0.1',
    RELAY_STATE: '',
    ...(files ? { RELAY_TLS_CERT: files.cert, RELAY_TLS_KEY: files.key } : {}),
  });
  const relay = startProgram(command, [...args, join(ROOT, 'dist/relay.mjs')], env, directory);
  await until(
    () => `the relay: ${relay.output()}`,
    () => rawHttp(port, request('GET', '/'), 500).then((r) => r.status === 200),
  );
  return { relay, port };
}

/** Opens a connection, sends `first` and then one byte every `everyMs`. @returns ms until the server ended it */
async function trickle(port: number, first: string, everyMs: number): Promise<number> {
  const socket = transport().connect(port);
  socket.on('error', () => {});
  socket.resume();
  const started = performance.now();
  socket.write(first);
  const timer = everyMs ? setInterval(() => socket.write('x'), everyMs) : undefined;
  await once(socket, 'close');
  clearInterval(timer);
  return performance.now() - started;
}

test('200 half-sent heads end within 15 s, a trickling body within 35 s, an idle connection within 10 s; others are served', async () => {
  const { relay, port } = await startRelay(process.execPath, []);
  try {
    const heads = Promise.all(
      Array.from({ length: 200 }, () => trickle(port, 'GET / HTTP/1.1\r\nhost: a\r\nx-a: ', 3000)),
    );
    const silent = trickle(port, '', 0);
    const idle = trickle(port, request('GET', '/', { connection: 'keep-alive' }), 0);
    const json = { 'content-type': 'application/json', 'content-length': '1000' };
    const body = trickle(port, request('POST', '/api/auth/login', json), 5000);
    const times: number[] = [];
    let running = true;
    void heads.then(() => running = false);
    while (running) {
      times.push((await rawHttp(port, request('GET', '/'), 5000)).ms);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    const slowest = Math.max(...await heads);
    const p99 = times.sort((a, b) => a - b)[Math.floor(times.length * 0.99)]!;
    const [silentMs, idleMs, bodyMs] = await Promise.all([silent, idle, body]);
    console.log(
      `heads ${(slowest / 1000).toFixed(1)} s, silent ${(silentMs / 1000).toFixed(1)} s, idle ${
        (idleMs / 1000).toFixed(1)
      } s, ` +
        `body ${(bodyMs / 1000).toFixed(1)} s; others' p99 ${p99.toFixed(0)} ms of ${times.length}`,
    );
    assert.ok(slowest < 15_000 && silentMs < 15_000);
    assert.ok(idleMs < 10_000);
    assert.ok(bodyMs < 35_000);
    assert.ok(p99 < 1000);
  } finally {
    await relay.kill();
  }
});

test('200 connections with 64 file descriptors: survived, and served again within 5 s', async () => {
  const { relay, port } = await startRelay('prlimit', ['--nofile=64', process.execPath]);
  try {
    const sockets = await Promise.all(Array.from({ length: 200 }, () =>
      new Promise<Socket>((resolve) => {
        const socket = connect(port, '127.0.0.1', () => resolve(socket));
        socket.on('error', () => resolve(socket));
      })));
    await new Promise((resolve) => setTimeout(resolve, 500));
    for (const socket of sockets) socket.destroy();
    const started = performance.now();
    await until('an answer', () => rawHttp(port, request('GET', '/'), 500).then((r) => r.status === 200), 5000);
    console.log(`served again after ${(performance.now() - started).toFixed(0)} ms`);
    assert.is(relay.child.exitCode, null);
  } finally {
    await relay.kill();
  }
});

test.run();
