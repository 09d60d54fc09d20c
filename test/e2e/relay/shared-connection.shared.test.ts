/**
 * Connections that several sessions use, as a proxy's do, and sockets of a thief who ignores that they were closed: the end of a
 * session ends what is its own and nothing of others.
 */
import type { Socket } from 'node:net';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Handler } from '../../../core/http/types.ts';
import { accept } from '../../../core/websocket/mod.ts';
import { startRelay, type TestRelay } from '../../support/harness/relay.ts';
import { request } from '../../support/network/raw-http.ts';
import { transport } from '../../support/network/transport.ts';

/** /api/stream goes on until it is cut; anything else is answered at once. Counts the messages of sockets. */
function machineOf(): { machine: Handler; streams: Set<string>; messages: string[] } {
  const streams = new Set<string>();
  const messages: string[] = [];
  const machine: Handler = (req, res) => {
    if (req.headers.upgrade) {
      const connection = accept(req, res);
      if (!connection) return;
      connection.onmessage = (data) => {
        messages.push(data.toString());
        if (data.toString() === 'flood') connection.send(new Uint8Array(4 * 1024 * 1024));
      };
      return;
    }
    const name = /[?]name=(\w+)/.exec(req.url)?.[1] ?? '';
    if (!req.url.startsWith('/api/stream')) {
      res.writeHead(200, { 'content-length': 2 });
      return void res.end('ok');
    }
    streams.add(name);
    res.writeHead(200, { 'content-type': 'text/event-stream' });
    const timer = setInterval(() => res.write(`${name}.`), 10);
    res.on('close', () => (clearInterval(timer), streams.delete(name)));
  };
  return { machine, streams, messages };
}

interface Wire {
  socket: Socket;
  text(): string;
  isClosed(): boolean;
}

const open: Socket[] = [];
test.after.each(() => open.splice(0).forEach((socket) => socket.destroy()));

async function connect(relay: TestRelay): Promise<Wire> {
  const socket = transport().connect(relay.port);
  open.push(socket);
  let text = '';
  let closed = false;
  socket.on('data', (chunk) => text += chunk.toString('latin1')).on('error', () => {});
  socket.on('close', () => closed = true);
  await new Promise((resolve) => socket.once(transport().connected, resolve));
  return { socket, text: () => text, isClosed: () => closed };
}

async function until(holds: () => boolean): Promise<void> {
  for (let i = 0; i < 1000 && !holds(); i++) await new Promise((resolve) => setTimeout(resolve, 5));
  assert.ok(holds(), holds.toString());
}

const get = (relay: TestRelay, cookie: string, target: string) =>
  request('GET', target, { host: `127.0.0.1:${relay.port}`, cookie, connection: 'keep-alive' });
const logOut = (relay: TestRelay, cookie: string) => relay.fetch('/api/auth/logout', { method: 'POST', cookie });

type Place = ReturnType<typeof machineOf> & { relay: TestRelay; a: string; b: string };

function withTwo(name: string, run: (place: Place) => Promise<void>): void {
  test(name, async () => {
    const parts = machineOf();
    const relay = await startRelay({ machine: parts.machine });
    try {
      await run({ ...parts, relay, a: await relay.login(), b: await relay.login() });
    } finally {
      await relay.close();
    }
  });
}

withTwo(
  'a session whose request on a shared connection is over does not take the connection with it',
  async (place) => {
    const { relay, a, b, streams } = place;
    const wire = await connect(relay);
    wire.socket.write(get(relay, a, '/api/agents'));
    await until(() => wire.text().endsWith('ok'));
    wire.socket.write(get(relay, b, '/api/stream?name=b'));
    await until(() => wire.text().includes('b.'));
    assert.is((await logOut(relay, a)).status, 200);
    const length = wire.text().length;
    await until(() => wire.text().length > length + 40);
    assert.equal([wire.isClosed(), [...streams]], [false, ['b']]);
    wire.socket.destroy();
  },
);

withTwo('a request of another session that waits behind a stream does not keep the stream alive', async (place) => {
  const { relay, a, b, streams } = place;
  const wire = await connect(relay);
  wire.socket.write(get(relay, a, '/api/stream?name=a') + get(relay, b, '/api/agents'));
  await until(() => wire.text().includes('a.'));
  assert.is((await logOut(relay, a)).status, 200);
  await until(() => wire.isClosed() && streams.size === 0);
  assert.not(wire.text().includes('0\r\n\r\n'), 'a cut, not an end');
});

withTwo('the end of a session that waits behind another one ends the connection, as its own', async (place) => {
  const { relay, a, b, streams } = place;
  const wire = await connect(relay);
  wire.socket.write(get(relay, a, '/api/stream?name=a') + get(relay, b, '/api/stream?name=b'));
  await until(() => wire.text().includes('a.') && streams.has('b'));
  assert.is((await logOut(relay, b)).status, 200);
  await until(() => wire.isClosed() && streams.size === 0);
  assert.not(wire.text().includes('b.'));
});

/** A masked text frame, as a browser sends it. */
function frame(text: string): Uint8Array {
  const payload = new TextEncoder().encode(text);
  return Uint8Array.from([0x81, 0x80 | payload.length, 0, 0, 0, 0, ...payload]);
}

for (const [way, first] of [['logout', 'before'], ['sign-out-everywhere', 'before'], ['logout', 'flood']] as const) {
  withTwo(
    `${way} after "${first}": what a signed-out socket sends on reaches nobody, though it ignores the close`,
    async (place) => {
      const { relay, a, b, messages } = place;
      const wire = await connect(relay);
      const host = `127.0.0.1:${relay.port}`;
      const upgrade = { connection: 'Upgrade', upgrade: 'websocket', 'sec-websocket-version': '13' };
      const key = { 'sec-websocket-key': 'AAAAAAAAAAAAAAAAAAAAAA==' };
      wire.socket.write(request('GET', '/api/live', { host, origin: relay.origin, cookie: a, ...upgrade, ...key }));
      await until(() => wire.text().includes('\r\n\r\n'));
      // With "flood" it reads nothing more: the close frame waits for the end of the machine's message.
      if (first === 'flood') wire.socket.pause();
      wire.socket.write(frame(first));
      await until(() => messages.length === 1);
      const sending = setInterval(() => wire.socket.write(frame('after')), 1);
      wire.socket.once('close', () => clearInterval(sending));
      await until(() => messages.length > 20);
      const signOut = relay.fetch(`/api/auth/${way}`, { method: 'POST', cookie: way === 'logout' ? a : b });
      assert.is((await signOut).status, 200);
      await new Promise((resolve) => setTimeout(resolve, 30)); // what was on its way to the machine
      const count = messages.length;
      await new Promise((resolve) => setTimeout(resolve, 300));
      assert.is(messages.length, count, 'it went on commanding the machine');
    },
  );
}

test.run();
