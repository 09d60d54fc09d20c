/** The client against servers that answer what they should not, late, in pieces or not at all. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Buffer } from 'node:buffer';
import http from 'node:http';
import https from 'node:https';
import net, { type AddressInfo } from 'node:net';
import { Duplex } from 'node:stream';
import { acceptKey } from '../../../core/websocket/handshake.ts';
import { acceptSocket, dial, type DialOptions, type WebSocketError } from '../../../core/websocket/mod.ts';
import { fakeClock } from '../../support/fakes/fake-clock.ts';
import { closePayload, frame } from '../../support/harness/websocket-frames.ts';
import { closeServers, serve } from '../../support/harness/websocket-peers.ts';
import { TLS_CERT, TLS_KEY } from '../../support/harness/websocket-tls.ts';

/** A server that reads the request's head and hands it over with the socket. */
async function script(answer: (socket: net.Socket, head: string) => void) {
  const sockets = new Set<net.Socket>();
  const server = net.createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    let head = '';
    socket.on('data', (chunk) => {
      const before = head;
      head += chunk.toString('latin1');
      if (!before.includes('\r\n\r\n') && head.includes('\r\n\r\n')) answer(socket, head);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const close = () => {
    for (const socket of sockets) socket.destroy();
    return new Promise<void>((resolve) => server.close(() => resolve()));
  };
  return { url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}/`, close };
}

const goodAnswer = (head: string) => {
  const key = /sec-websocket-key: (.*)\r\n/i.exec(head)![1]!;
  const lines = [
    'HTTP/1.1 101 OK',
    'Upgrade: websocket',
    'Connection: Upgrade',
    `Sec-WebSocket-Accept: ${acceptKey(key)}`,
  ];
  return `${lines.join('\r\n')}\r\n\r\n`;
};

const failure = (url: string, options?: DialOptions): Promise<WebSocketError> =>
  dial(url, options).then(() => assert.unreachable('it connected') as never, (error) => error);

test('an answer byte by byte', async () => {
  const server = await script(async (socket, head) => {
    for (const byte of Buffer.from(goodAnswer(head))) {
      socket.write(Uint8Array.of(byte));
      await new Promise((resolve) => setImmediate(resolve));
    }
    socket.write(frame({ payload: 'hello' }));
  });
  const client = await dial(server.url);
  for await (const message of client) {
    assert.is(message, 'hello');
    break;
  }
  client.terminate();
  await server.close();
});

test('messages and a close right behind the answer reach callbacks that are set after await', async () => {
  const server = await script((socket, head) => {
    const bytes = [frame({ payload: 'one' }), frame({ opcode: 8, payload: closePayload(4000, 'two') })];
    socket.write(Buffer.concat([Buffer.from(goodAnswer(head)), ...bytes]));
  });
  const client = await dial(server.url);
  const seen: unknown[] = [];
  client.onmessage = (message) => seen.push(message);
  client.onclose = (code, reason) => seen.push(code, reason);
  await client.closed;
  assert.equal(seen, ['one', 4000, 'two']);
  await server.close();
});

test('1xx answers before the real one are skipped', async () => {
  const server = await script((socket, head) => {
    socket.write(`HTTP/1.1 103 Early Hints\r\nLink: <a>\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n${goodAnswer(head)}`);
  });
  (await dial(server.url)).terminate();
  await server.close();
});

test('refusals and redirects are errors with the status', async () => {
  for (const status of [200, 302, 401, 503]) {
    const server = await script((socket) => socket.end(`HTTP/1.1 ${status} No\r\nLocation: ws://127.0.0.1:1/\r\n\r\n`));
    const error = await failure(server.url);
    assert.equal([error.code, error.status], ['WS_STATUS', status]);
    await server.close();
  }
});

test('an answer that breaks a rule', async () => {
  const server = await script((socket, head) => socket.write(goodAnswer(head).replace('Accept: ', 'Accept: x')));
  assert.is((await failure(server.url)).code, 'WS_HANDSHAKE');
  await server.close();
});

test("an answer's head: at the limit and just past it, and one that never ends", async () => {
  const padded = (head: string, length: number) => {
    const good = goodAnswer(head);
    return good.replace('\r\n\r\n', `\r\nPad: ${'x'.repeat(length - good.length - 3)}\r\n\r\n`);
  };
  const limits = { handshakeBytes: 1000 };
  const fits = await script((socket, head) => socket.write(padded(head, 1000)));
  (await dial(fits.url, { limits })).terminate();
  await fits.close();
  const long = await script((socket, head) => socket.write(padded(head, 1001)));
  assert.is((await failure(long.url, { limits })).code, 'WS_HANDSHAKE');
  await long.close();
  const endless = await script((socket) => socket.write(`HTTP/1.1 101 OK\r\nA: ${'x'.repeat(40_000)}`));
  assert.is((await failure(endless.url)).code, 'WS_HANDSHAKE');
  await endless.close();
});

test('a server that says nothing: the time is up', async () => {
  const clock = fakeClock();
  const server = await script(() => clock.advance(5000));
  const error = await failure(server.url, { timeoutMs: 5000, clock });
  assert.is(error.code, 'WS_TIMEOUT');
  assert.is(clock.pending, 0);
  await server.close();
});

test('a server that hangs up, and none at all', async () => {
  const server = await script((socket) => socket.destroy());
  const { url } = server;
  assert.is((await failure(url)).code, 'WS_CONNECT');
  await server.close();
  const error = await failure(url);
  assert.is(error.code, 'WS_CONNECT');
  assert.match(error.message, 'ECONNREFUSED');
});

test('a name of which no address answers: the error has the words of each', async () => {
  const stream = new Duplex({ read() {}, write: (_chunk, _encoding, done) => done() });
  const broken = failure('ws://relay.test/', { stream });
  const errors = ['connect ECONNREFUSED ::1:1', 'connect ECONNREFUSED 127.0.0.1:1'].map((text) => new Error(text));
  stream.destroy(new AggregateError(errors));
  assert.is(
    (await broken).message,
    'Cannot reach relay.test: connect ECONNREFUSED ::1:1, connect ECONNREFUSED 127.0.0.1:1',
  );
});

test('aborted by its signal, before and during', async () => {
  const controller = new AbortController();
  const server = await script(() => controller.abort());
  assert.is((await failure(server.url, { signal: controller.signal })).code, 'WS_ABORTED');
  assert.is((await failure(server.url, { signal: controller.signal })).code, 'WS_ABORTED');
  await server.close();
});

test('addresses that are none', async () => {
  for (const url of ['nonsense', 'http://a/', 'ws://a/#b']) assert.is((await failure(url)).code, 'WS_URL');
});

test('the subprotocol is agreed upon', async () => {
  const server = await serve(() => {}, { protocols: ['b', 'a'] });
  const client = await dial(server.url, { protocols: ['a', 'b'] });
  assert.equal([client.protocol, server.connections[0]?.protocol], ['b', 'b']);
  client.terminate();
  await server.close();
});

test('our own server refuses with a status and a JSON error', async () => {
  const server = await serve(() => {}, { checkOrigin: () => false });
  assert.is((await failure(server.url)).status, 403);
  await server.close();
});

async function serveTls() {
  const server = https.createServer({ cert: TLS_CERT, key: TLS_KEY }, (_: http.IncomingMessage, res) => res.end());
  server.on('upgrade', (req, socket, head) => {
    const connection = acceptSocket(req, socket, head);
    if (connection) connection.onmessage = (message) => connection.send(message);
  });
  server.on('tlsClientError', () => {});
  await new Promise<void>((resolve) => server.listen(0, resolve));
  const port = (server.address() as AddressInfo).port;
  return { port, close: () => new Promise<void>((resolve) => server.close(() => resolve())) };
}

test('wss: messages of every size with a trusted certificate', async () => {
  const server = await serveTls();
  const client = await dial(`wss://localhost:${server.port}/`, { tls: { ca: TLS_CERT } });
  for (const size of [1, 1000, 100_000, 1 << 20]) client.send(Buffer.alloc(size, 1));
  const sizes: number[] = [];
  for await (const message of client) {
    if (sizes.push(message.length) === 4) break;
  }
  assert.equal(sizes, [1, 1000, 100_000, 1 << 20]);
  await client.closed;
  await server.close();
});

test('wss: an unknown certificate and another name are refused', async () => {
  const server = await serveTls();
  assert.is((await failure(`wss://localhost:${server.port}/`)).code, 'WS_CONNECT');
  assert.is((await failure(`wss://127.0.0.1:${server.port}/`, { tls: { ca: TLS_CERT } })).code, 'WS_CONNECT');
  await server.close();
});

test.after.each(closeServers);

test.run();
