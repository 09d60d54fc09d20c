/** The edge's patience: with uploads that take long, with browsers that do not end, with a machine that says too much. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { HEAD_TIMEOUT_MS } from '../../core/tunnel/limits.ts';
import { startEdge } from '../support/edge.ts';
import { handClock } from '../support/hand-clock.ts';
import { request } from '../support/raw-http.ts';
import { until } from '../support/tunnel-pair.ts';

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** A connection that sent `bytes`, and what came back. */
async function send(port: number, bytes: string): Promise<{ socket: Socket; text: () => string }> {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  let text = '';
  socket.on('data', (chunk) => text += chunk.toString('latin1')).on('error', () => {});
  await once(socket, 'connect');
  socket.write(bytes);
  return { socket, text: () => text };
}

test('a browser that leaves several pipelined requests leaves no stream', async () => {
  const edge = await startEdge(() => {});
  const { socket } = await send(edge.port, request('GET', '/', { connection: 'keep-alive' }).repeat(10));
  await until(() => edge.pair!.machine.streams === 10);
  socket.resetAndDestroy();
  await until(() => edge.pair!.machine.streams === 0 && edge.pair!.relay.streams === 0);
  await edge.close();
});

test('an upload that goes on for longer than a head may take is served; one that stands still is not', async () => {
  const clock = handClock();
  const edge = await startEdge(async (req, res) => {
    let size = 0;
    for await (const chunk of req) size += chunk.length;
    res.writeHead(200, { 'content-length': 2 });
    res.end(String(size));
  }, clock);
  const { socket, text } = await send(edge.port, request('POST', '/', { 'content-length': '10' }));
  await until(() => edge.pair!.machine.streams === 1);
  for (let i = 0; i < 10; i++) {
    socket.write('x');
    await pause(20);
    clock.advance(HEAD_TIMEOUT_MS / 2);
  }
  await until(() => text().endsWith('10'));
  socket.destroy();
  const still = await send(edge.port, `${request('POST', '/', { 'content-length': '10' })}x`);
  await until(() => edge.pair!.machine.streams === 1);
  await pause(20);
  clock.advance(HEAD_TIMEOUT_MS);
  await until(() => still.text().startsWith('HTTP/1.1 504 '));
  still.socket.destroy();
  await edge.close();
  assert.is(clock.pending, 0);
});

test('an upgraded connection that is over is let go of, though the browser never ends its side', async () => {
  const clock = handClock();
  const edge = await startEdge((_req, res) => {
    const raw = res.upgrade({ upgrade: 'x', connection: 'Upgrade' });
    raw.end('bye');
    setTimeout(() => void raw.destroy(), 50);
  }, clock);
  const { socket, text } = await send(edge.port, request('GET', '/', { connection: 'Upgrade', upgrade: 'x' }));
  await until(() => text().endsWith('bye') && edge.pair!.relay.streams === 0);
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
  await edge.close();
});

test('of 1xx answers only the first few are passed on: they have no credit', async () => {
  const edge = await startEdge((_req, res) => {
    let told = 0;
    const timer = setInterval(() => {
      if (told++ < 40) return res.inform?.(103, { link: `</${told}.css>; rel=preload` });
      clearInterval(timer);
      res.writeHead(200, { 'content-length': 2 });
      res.end('ok');
    }, 1);
  });
  const { socket, text } = await send(edge.port, request('GET', '/', {}));
  await until(() => text().endsWith('ok'), 5000);
  assert.is(text().split('103 Early Hints').length - 1, 8);
  socket.destroy();
  await edge.close();
});

test.run();
