/** The proxy's patience: with uploads that take long, with browsers that do not end, with a machine that says too much. */
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { HEAD_TIMEOUT_MS } from '../../core/tunnel/limits.ts';
import { startProxy } from '../support/harness/proxy-harness.ts';
import { fakeClock } from '../support/fakes/fake-clock.ts';
import { request } from '../support/network/raw-http.ts';
import { transport } from '../support/network/transport.ts';
import { until } from '../support/harness/tunnel-pair.ts';

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** A connection that sent `bytes`, and what came back. */
async function send(port: number, bytes: string): Promise<{ socket: Socket; text: () => string }> {
  const socket = transport().connect(port, true);
  let text = '';
  socket.on('data', (chunk) => text += chunk.toString('latin1')).on('error', () => {});
  await once(socket, transport().connected);
  socket.write(bytes);
  return { socket, text: () => text };
}

test('a browser that leaves several pipelined requests leaves no stream', async () => {
  const proxy = await startProxy(() => {});
  const { socket } = await send(proxy.port, request('GET', '/', { connection: 'keep-alive' }).repeat(10));
  await until(() => proxy.pair!.machine.streams === 10);
  transport().reset(socket);
  await until(() => proxy.pair!.machine.streams === 0 && proxy.pair!.relay.streams === 0);
  await proxy.close();
});

test('an upload that goes on for longer than a head may take is served; one that stands still is not', async () => {
  const clock = fakeClock();
  let size = 0;
  const proxy = await startProxy(async (req, res) => {
    for await (const chunk of req) size += chunk.length;
    res.writeHead(200, { 'content-length': 2 });
    res.end(String(size));
  }, clock);
  const { socket, text } = await send(proxy.port, request('POST', '/', { 'content-length': '10' }));
  await until(() => proxy.pair!.machine.streams === 1);
  for (let i = 0; i < 10; i++) {
    socket.write('x');
    await until(() => size === i + 1);
    clock.advance(HEAD_TIMEOUT_MS / 2);
  }
  await until(() => text().endsWith('10'));
  socket.destroy();
  const still = await send(proxy.port, `${request('POST', '/', { 'content-length': '10' })}x`);
  await until(() => proxy.pair!.machine.streams === 1);
  await pause(20);
  clock.advance(HEAD_TIMEOUT_MS);
  await until(() => still.text().startsWith('HTTP/1.1 504 '));
  still.socket.destroy();
  await proxy.close();
  assert.is(clock.pending, 0);
});

test('an upgraded connection that is over is let go of, though the browser never ends its side', async () => {
  const clock = fakeClock();
  const proxy = await startProxy((_req, res) => {
    const raw = res.upgrade({ upgrade: 'x', connection: 'Upgrade' });
    raw.end('bye');
    setTimeout(() => void raw.destroy(), 50);
  }, clock);
  const { socket, text } = await send(proxy.port, request('GET', '/', { connection: 'Upgrade', upgrade: 'x' }));
  await until(() => text().endsWith('bye') && proxy.pair!.relay.streams === 0);
  let closed = false;
  socket.on('close', () => closed = true);
  socket.write('still here');
  await pause(100);
  assert.not(closed, 'it has a moment to end');
  clock.advance(2000);
  // Nobody is there any more: what is written comes back as a reset.
  await until(() => {
    if (!closed) socket.write('and here');
    return closed;
  });
  assert.is(clock.pending, 0);
  await proxy.close();
});

test('of 1xx answers only the first few are passed on: they have no credit', async () => {
  const proxy = await startProxy((_req, res) => {
    let sent = 0;
    const timer = setInterval(() => {
      if (sent++ < 40) return res.inform?.(103, { link: `</${sent}.css>; rel=preload` });
      clearInterval(timer);
      res.writeHead(200, { 'content-length': 2 });
      res.end('ok');
    }, 1);
  });
  const { socket, text } = await send(proxy.port, request('GET', '/', {}));
  await until(() => text().endsWith('ok'), 5000);
  assert.is(text().split('103 Early Hints').length - 1, 8);
  socket.destroy();
  await proxy.close();
});

test.run();
