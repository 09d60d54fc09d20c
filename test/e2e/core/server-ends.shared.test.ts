/** How connections and replies end: clients that disconnect, and broken replies that must not look complete. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Buffer } from 'node:buffer';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { createHttpServer, type HttpServer, type HttpServerOptions } from '../../../core/http/server.ts';
import { silentLog } from '../../../core/log.ts';
import { fakeClock } from '../../support/fakes/fake-clock.ts';
import { HTTP_TRANSPORTS, type HttpTransport } from '../../support/network/http-transports.ts';
import { request } from '../../support/network/raw-http.ts';
import { nodeTest } from '../../support/harness/node-test.ts';
import { until } from '../../support/harness/tunnel-pair.ts';

type Options = Partial<HttpServerOptions> & { handler: HttpServerOptions['handler'] };

interface Sent {
  socket: Socket;
  /** What came back. */
  text: () => string;
  errors: string[];
  /** Stops reading from the network. */
  stopReading: () => void;
  /** Resets the connection. */
  reset: () => void;
}
type Send = (bytes: string) => Promise<Sent>;

/** One test over each transport. @param testOf what declares it: `test` where it can run everywhere */
function withServer(
  name: string,
  options: () => Options,
  use: (send: Send, server: HttpServer) => Promise<void>,
  testOf = (_transport: HttpTransport): typeof test | typeof test.skip => test,
) {
  for (const transport of HTTP_TRANSPORTS) {
    testOf(transport)(`${name} (${transport.name})`, async () => {
      const server = createHttpServer({ log: silentLog, ...transport.options, ...options() });
      const { port } = await server.listen(0, '127.0.0.1');
      const sent: Sent[] = [];
      const send: Send = async (bytes) => {
        sent.push(await sendTo(transport, port, bytes));
        return sent.at(-1)!;
      };
      await use(send, server).finally(() => {
        for (const { socket } of sent) socket.destroy();
        return server.close(0);
      });
    });
  }
}

async function sendTo(transport: HttpTransport, port: number, bytes: string): Promise<Sent> {
  const socket = transport.connect(port);
  let text = '';
  const errors: string[] = [];
  socket.on('data', (chunk) => text += chunk.toString('latin1'));
  socket.on('error', (error: NodeJS.ErrnoException) => errors.push(error.code!));
  await once(socket, transport.name === 'TLS' ? 'secureConnect' : 'connect');
  socket.write(bytes);
  return {
    socket,
    text: () => text,
    errors,
    reset: () => transport.reset(socket),
    stopReading: () => transport.stopReading(socket),
  };
}

/** A handler whose replies stay open, and counts of its events. */
function openReplies(): { handler: Options['handler']; counts: { requests: number; closed: number } } {
  const counts = { requests: 0, closed: 0 };
  const handler: Options['handler'] = (req, res) => {
    counts.requests++;
    res.on('close', () => counts.closed++);
    if (req.url !== '/events') return;
    res.writeHead(200, { 'content-type': 'text/event-stream' });
    res.write(': open\n\n');
  };
  return { handler, counts };
}

const LEAVING: [string, (sent: Sent) => void][] = [
  ['resets the connection', ({ reset }) => reset()],
  ['destroys its socket', ({ socket }) => void socket.destroy()],
  ['ends the connection', ({ socket }) => void socket.end()],
];
for (const [how, leave] of LEAVING) {
  for (const [what, first] of [['requests', '/'], ['requests behind an event stream', '/events']] as const) {
    const { handler, counts } = openReplies();
    withServer(`all replies to pipelined ${what} emit close when the client ${how}`, () => {
      Object.assign(counts, { requests: 0, closed: 0 });
      return { handler };
    }, async (send) => {
      const ask = (path: string) => request('GET', path, { connection: 'keep-alive' });
      const sent = await send(ask(first) + ask('/').repeat(89));
      await until(() => counts.requests === 90);
      leave(sent);
      await until(() => counts.closed === 90);
      await new Promise((resolve) => setTimeout(resolve, 50));
      assert.is(counts.closed, 90, 'once each');
    });
  }
}

const ending = openReplies();
withServer('all replies to pipelined requests emit close when the server closes', () => {
  Object.assign(ending.counts, { requests: 0, closed: 0 });
  return { handler: ending.handler };
}, async (send, server) => {
  await send(request('GET', '/', { connection: 'keep-alive' }).repeat(20));
  await until(() => ending.counts.requests === 20);
  await server.close(0);
  await until(() => ending.counts.closed === 20);
});

const UPGRADE = { connection: 'Upgrade', upgrade: 'websocket' };
const STALL_MS = 10_000;
/** Far more than the system's buffers take. */
const writeMuch = (res: Parameters<Options['handler']>[1]) => {
  for (let i = 0; i < 200; i++) res.write(Buffer.alloc(64 * 1024));
};
/** Deno's TLS sockets take whatever is written, so nobody sees that the client takes nothing. */
const testOfStall = ({ name }: HttpTransport) => name === 'TLS' ? nodeTest : test;
let stallClock = fakeClock();
let state: 'none' | 'open' | 'closed' = 'none';
for (
  const [what, head, adds] of [
    ['a request', request('GET', '/'), false],
    ['a request of HTTP/1.0', 'GET / HTTP/1.0\r\nHost: x\r\n\r\n', false],
    ['an upgrade request', request('GET', '/', UPGRADE), false],
    ['a request to which a handler adds all the time', request('GET', '/'), true],
  ] as const
) {
  withServer(`an answer to ${what} that is not read is cut when the setting says`, () => {
    stallClock = fakeClock();
    state = 'none';
    return {
      handler: (_req, res) => {
        state = 'open';
        res.writeHead(200, {});
        writeMuch(res);
        const timer = adds ? setInterval(() => res.write('more'), 10) : undefined;
        if (!adds) res.end();
        res.on('close', () => {
          clearInterval(timer);
          state = 'closed';
        });
      },
      limits: { stallMs: STALL_MS },
      clock: stallClock,
    };
  }, async (send) => {
    const { stopReading } = await send(head);
    stopReading();
    await until(() => state === 'open');
    const settle = () => new Promise((resolve) => setTimeout(resolve, 400));
    await settle(); // The system's buffers are full now.
    const step = STALL_MS / 20;
    for (let at = 0; at < 0.9 * STALL_MS; at += step) stallClock.advance(step);
    await settle();
    assert.is(state, 'open', 'not before its time');
    for (let at = 0; at < 0.2 * STALL_MS; at += step) stallClock.advance(step);
    await until(() => state === 'closed');
  }, testOfStall);
}

const SLOW_STALL_MS = 1000;
const SLOW_BYTES = 16 * 1024 * 1024;
withServer('a reply that is read slowly is not cut, nor is a stream that waits', () => ({
  handler: (_req, res) => {
    res.writeHead(200, { 'content-length': SLOW_BYTES });
    setTimeout(() => res.end(Buffer.alloc(SLOW_BYTES)), SLOW_STALL_MS * 1.5);
  },
  limits: { stallMs: SLOW_STALL_MS },
}), async (send) => {
  const { socket, text } = await send(request('GET', '/'));
  let isClosed = false;
  let seen = 0;
  socket.on('close', () => isClosed = true);
  // At most about 500 KiB in 100 ms, so that one write takes several times the stall.
  socket.on('data', () => {
    if (text().length - seen > 500 * 1024) socket.pause();
  });
  const pace = setInterval(() => {
    seen = text().length;
    socket.resume();
  }, 100);
  try {
    await until(() => text().length > SLOW_BYTES || isClosed, 30_000);
    assert.ok(text().length > SLOW_BYTES, `${text().length} bytes came`);
  } finally {
    clearInterval(pace);
  }
});

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
    () => ({ handler: half }),
    async (send) => {
      const { socket, text, errors } = await send(head);
      await new Promise((resolve) => socket.once('close', resolve));
      assert.match(text(), /half$/);
      // On Deno a TLS client does not report a reset; abort-connection.test.ts watches the connection below.
      if (!('Deno' in globalThis && 'encrypted' in socket)) assert.equal(errors, ['ECONNRESET']);
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
  withServer(
    `${what} behind a request that is being served gets no reply: it would be taken for that of the request`,
    () => ({ handler: () => {} }),
    async (send) => {
      const { socket, text } = await send(`${request('POST', '/', { 'content-length': '2' })}ok`);
      await new Promise((resolve) => setTimeout(resolve, 50));
      socket.write(bytes);
      await once(socket, 'close');
      assert.is(text(), '');
    },
  );
}

const peers: string[] = [];
withServer('a client that vanishes keeps its address, however late a handler asks for it', () => {
  peers.length = 0;
  return {
    handler: async (req, res) => {
      await new Promise((resolve) => setTimeout(resolve, 20));
      peers.push(req.peer);
      res.end();
    },
  };
}, async (send) => {
  for (let i = 0; i < 30; i++) {
    const { socket, reset } = await send(request('GET', '/') + request('POST', '/', { 'content-length': '5' }));
    await new Promise((resolve) => setTimeout(resolve, i % 3));
    if (i % 2) reset();
    else socket.destroy();
  }
  await new Promise((resolve) => setTimeout(resolve, 100));
  assert.ok(peers.length >= 10, `${peers.length} were served`);
  assert.equal([...new Set(peers)], ['127.0.0.1']);
});

let clock = fakeClock();
let read = 0;
withServer('an upload that has arrived whole waits for a slow handler as long as that takes', () => {
  clock = fakeClock();
  read = 0;
  return {
    clock,
    handler: async (req, res) => {
      req.pause();
      await new Promise((resolve) => setTimeout(resolve, 300));
      for await (const chunk of req) read += chunk.length;
      res.writeHead(200, { 'content-length': 0 });
      res.end();
    },
  };
}, async (send) => {
  const { text } = await send(request('POST', '/', { 'content-length': '2000' }) + 'x'.repeat(2000));
  for (let i = 0; i < 5; i++) {
    await new Promise((resolve) => setTimeout(resolve, 40));
    clock.advance(20_000);
  }
  await until(() => text().startsWith('HTTP/1.1 200 '));
  assert.is(read, 2000);
});

test.run();
