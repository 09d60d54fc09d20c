/** How connections and replies end: for whom nobody waits any more, and what must not look like an end. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Buffer } from 'node:buffer';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { createHttpServer, type HttpServerOptions } from '../../../core/http/server.ts';
import { silentLog } from '../../../core/log.ts';
import { handClock } from '../../support/hand-clock.ts';
import { request } from '../../support/raw-http.ts';
import { until } from '../../support/tunnel-pair.ts';

type Options = Partial<HttpServerOptions> & { handler: HttpServerOptions['handler'] };

function withServer(name: string, options: Options, use: (port: number) => Promise<void>) {
  test(name, async () => {
    const server = createHttpServer({ log: silentLog, ...options });
    const { port } = await server.listen(0, '127.0.0.1');
    await use(port).finally(() => server.close(0));
  });
}

/** A connection that sent `bytes`, and what came back. */
async function send(port: number, bytes: string): Promise<{ socket: Socket; text: () => string; errors: string[] }> {
  const socket = connect(port, '127.0.0.1');
  let text = '';
  const errors: string[] = [];
  socket.on('data', (chunk) => text += chunk.toString('latin1'));
  socket.on('error', (error: NodeJS.ErrnoException) => errors.push(error.code!));
  await once(socket, 'connect');
  socket.write(bytes);
  return { socket, text: () => text, errors };
}

let seen = 0;
let closed = 0;
withServer('every one of several pipelined replies hears that the connection is gone', {
  handler: (_req, res) => {
    seen++;
    res.on('close', () => closed++);
  },
}, async (port) => {
  const { socket } = await send(port, request('GET', '/', { connection: 'keep-alive' }).repeat(20));
  await until(() => seen === 20);
  socket.resetAndDestroy();
  await until(() => closed === 20);
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.is(closed, 20, 'once each');
});

const UPGRADE = { connection: 'Upgrade', upgrade: 'websocket' };
for (const [what, fields] of [['a request', {}], ['an upgrade request', UPGRADE]] as const) {
  withServer(`an answer to ${what} that is not read is cut`, {
    handler: (_req, res) => {
      res.writeHead(200, {});
      for (let i = 0; i < 200; i++) res.write(Buffer.alloc(64 * 1024));
      res.end();
    },
    limits: { stallMs: 500 },
  }, async (port) => {
    const { socket } = await send(port, request('GET', '/', fields));
    socket.pause();
    await new Promise((resolve) => setTimeout(resolve, 2500));
    let bytes = 0;
    socket.on('data', (chunk) => bytes += chunk.length).resume();
    await once(socket, 'close');
    assert.ok(bytes < 200 * 64 * 1024, `all ${bytes} bytes came`);
  });
}

const half: Options['handler'] = (_req, res) => {
  res.writeHead(200, {});
  res.write('half');
  setTimeout(() => res.destroy(), 50);
};
for (
  const [what, head] of [
    ['HTTP/1.0', 'GET / HTTP/1.0\r\nHost: x\r\n\r\n'],
    ['an upgrade request', request('GET', '/', UPGRADE)],
  ] as const
) {
  withServer(
    `half an answer to ${what} breaks the connection: it has no other end`,
    { handler: half },
    async (port) => {
      const { socket, text, errors } = await send(port, head);
      await new Promise((resolve) => socket.once('close', resolve));
      assert.match(text(), /half$/);
      assert.equal(errors, ['ECONNRESET']);
    },
  );
}

for (
  const [what, bytes] of [
    ['garbage', '\x00\x01\r\n\r\n'],
    ['CONNECT', 'CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n'],
    ['two lengths', 'GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n'],
  ] as const
) {
  withServer(`${what} behind a request that is being served gets no reply: it would be taken for that of the request`, {
    handler: () => {},
  }, async (port) => {
    const { socket, text } = await send(port, `${request('POST', '/', { 'content-length': '2' })}ok`);
    await new Promise((resolve) => setTimeout(resolve, 50));
    socket.write(bytes);
    await once(socket, 'close');
    assert.is(text(), '');
  });
}

test('an upload that has come whole waits for a slow handler as long as that takes', async () => {
  const clock = handClock();
  let read = 0;
  const server = createHttpServer({
    log: silentLog,
    clock,
    handler: async (req, res) => {
      req.pause();
      await new Promise((resolve) => setTimeout(resolve, 300));
      for await (const chunk of req) read += chunk.length;
      res.writeHead(200, { 'content-length': 0 });
      res.end();
    },
  });
  const { port } = await server.listen(0, '127.0.0.1');
  const { socket, text } = await send(port, request('POST', '/', { 'content-length': '2000' }) + 'x'.repeat(2000));
  for (let i = 0; i < 5; i++) {
    await new Promise((resolve) => setTimeout(resolve, 40));
    clock.advance(20_000);
  }
  await until(() => text().startsWith('HTTP/1.1 200 '));
  assert.is(read, 2000);
  socket.destroy();
  await server.close(0);
});

test.run();
