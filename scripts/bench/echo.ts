/**
 * `npm run bench:echo [-- --keys N]`: from a key on the socket of a terminal until its echo is there, through the local server and
 * the relay, beside a server that has its PTY in its own process: the least that a terminal in a browser can take. The three take
 * turns key by key. Prints a table, in Markdown.
 */
import { Buffer } from 'node:buffer';
import process from 'node:process';
import { spawn } from 'node-pty';
import { createHttpServer } from '../../core/http/server.ts';
import { systemClock } from '../../core/clock.ts';
import { silentLog } from '../../core/log.ts';
import { helloQuery } from '../../core/api/terminals.ts';
import type { TerminalInfo } from '../../core/api/terminals.ts';
import { accept, type Connection, dial } from '../../core/websocket/mod.ts';
import { type Product, startProduct } from '../../test/support/harness/product.ts';

const KEYS = Number(process.argv[process.argv.indexOf('--keys') + 1]) || 500;
/** Keys of one line: a longer one would be refused by the kernel. */
const LINE = 60;
const PAUSE_MS = 20;
const SETTLE_MS = 1_500;

const sleep = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

interface Way {
  name: string;
  socket: Connection;
  times: number[];
}

/** Sends a key and waits for what the PTY writes. */
async function press({ socket, times }: Way, key: string): Promise<void> {
  const from = performance.now();
  const echoed = new Promise<void>((resolve) => {
    socket.onmessage = (data) => typeof data === 'string' ? undefined : resolve();
  });
  socket.send(Buffer.from(key));
  await echoed;
  times.push(performance.now() - from);
}

/** A terminal that shows what is typed and does nothing else. */
async function terminal(product: Product, origin: string, headers: Record<string, string>): Promise<Connection> {
  const response = await fetch(`${product.localUrl}/api/terminals`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ cols: 80, rows: 24, clientId: crypto.randomUUID() }),
  });
  const { id } = await response.json() as TerminalInfo;
  const hello = helloQuery({ client: crypto.randomUUID(), offset: null, cols: 80, rows: 24, active: true });
  const socket = await dial(`${origin.replace('http', 'ws')}/api/terminals/${id}/socket?${hello}`, {
    headers: { origin, ...headers },
  });
  socket.onmessage = () => {};
  await sleep(SETTLE_MS);
  socket.send(Buffer.from('exec cat\n'));
  await sleep(SETTLE_MS);
  return socket;
}

/** A server with a PTY of its own. */
async function bareServer() {
  const server = createHttpServer({
    log: silentLog,
    clock: systemClock,
    handler(req, res) {
      const socket = accept(req, res);
      if (!socket) return;
      const pty = spawn('/bin/cat', [], { cols: 80, rows: 24, encoding: null });
      pty.onData((data) => socket.send(data as unknown as Buffer));
      socket.onmessage = (data) => pty.write(String(data));
      socket.onclose = () => pty.kill();
    },
  });
  const { port } = await server.listen(0, '127.0.0.1');
  return { socket: await dial(`ws://127.0.0.1:${port}/`), close: () => server.close(0) };
}

async function run(product: Product): Promise<void> {
  await product.tunnel(true);
  const bare = await bareServer();
  const ways: Way[] = [
    { name: 'local', socket: await terminal(product, product.localUrl, {}), times: [] },
    {
      name: 'relay',
      socket: await terminal(product, product.relayUrl, { cookie: await product.login() }),
      times: [],
    },
    { name: 'PTY in the server, without relay', socket: bare.socket, times: [] },
  ];
  for (let i = 1; i <= KEYS; i++) {
    for (const way of ways) await press(way, i % LINE ? 'x' : '\n');
    await sleep(PAUSE_MS);
  }
  console.log('| key → echo, ms | p10 | p50 | p95 |\n| --- | ---: | ---: | ---: |');
  for (const { name, times } of ways) {
    const sorted = times.toSorted((a, b) => a - b);
    const at = (part: number) => sorted[Math.floor(sorted.length * part)]!.toFixed(2);
    console.log(`| ${name} | ${at(0.1)} | ${at(0.5)} | ${at(0.95)} |`);
  }
  for (const { socket } of ways) socket.terminate();
  await bare.close();
}

const product = await startProduct();
try {
  await run(product);
} finally {
  await product.close();
}
