/** The server over real sockets: upgrades, bodies that trickle, replies before the body, and a close that lets go. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Socket } from 'node:net';
import { once } from 'node:events';
import { gzipSync } from 'node:zlib';
import { MAX_JSON, readJson } from '../../../core/http/body.ts';
import { HttpError, json } from '../../../core/http/reply.ts';
import { createHttpServer, type HttpServer, type HttpServerOptions } from '../../../core/http/server.ts';
import { DRAIN_BYTES, MIN_BYTES, WINDOW_MS } from '../../../core/http/upload-watch.ts';
import { createLog, silentLog } from '../../../core/log.ts';
import { fakeClock } from '../../support/fakes/fake-clock.ts';
import { HTTP_TRANSPORTS, type HttpTransport } from '../../support/network/http-transports.ts';
import { countReplies, fieldsOf, rawHttp, type RawReply, request } from '../../support/network/raw-http.ts';

/** A connection that collects what arrives. */
interface Client {
  socket: Socket;
  text: () => string;
  /** Waits for a text. */
  until: (part: string) => Promise<void>;
}

/** A server under test, over one of the transports. */
interface Target {
  server: HttpServer;
  transport: HttpTransport;
  /** Connects and sends. */
  open: (bytes: string) => Promise<Client>;
  /** Sends, and returns what came back. */
  raw: (bytes: string | Uint8Array, quietMs?: number) => Promise<RawReply>;
}

type Options = Partial<HttpServerOptions> & { handler: HttpServerOptions['handler'] };

async function startServer(transport: HttpTransport, options: Options): Promise<Target> {
  const server = createHttpServer({ log: silentLog, ...transport.options, ...options });
  const { port } = await server.listen(0, '127.0.0.1');
  return {
    server,
    transport,
    open: (bytes) => open(transport, port, bytes),
    raw: (bytes, quietMs) => rawHttp(port, bytes, quietMs, transport.connect),
  };
}

/** One test over each transport. */
function overTransports(name: string, run: (transport: HttpTransport) => Promise<void>) {
  for (const transport of HTTP_TRANSPORTS) test(`${name} (${transport.name})`, () => run(transport));
}

function withServer(name: string, options: Options, use: (target: Target) => Promise<void>) {
  overTransports(name, async (transport) => {
    const target = await startServer(transport, options);
    await use(target).finally(() => target.server.close(0));
  });
}

async function open(transport: HttpTransport, port: number, bytes: string): Promise<Client> {
  const socket = transport.connect(port);
  let text = '';
  socket.on('data', (chunk) => text += chunk.toString('latin1'));
  socket.on('error', () => {});
  await once(socket, transport.name === 'TLS' ? 'secureConnect' : 'connect');
  socket.write(bytes);
  const until = async (part: string) => {
    while (!text.includes(part)) {
      await Promise.race([
        once(socket, 'data'),
        once(socket, 'close').then(() => assert.unreachable(`closed before ${part}: ${text}`)),
      ]);
    }
  };
  return { socket, text: () => text, until };
}
const UPGRADE = { connection: 'Upgrade', upgrade: 'websocket' };

withServer('an upgrade gets its 101 and the bytes behind the head first', {
  handler: (_req, res) =>
    void res.upgrade({ connection: 'Upgrade', upgrade: 'x' }).on('data', function (this: Socket, chunk) {
      this.write(chunk);
    }),
}, async ({ open }) => {
  const { socket, text, until } = await open(`${request('GET', '/', UPGRADE)}behind`);
  await until('behind');
  socket.write('later');
  await until('later');
  assert.match(text(), /^HTTP\/1.1 101 Switching Protocols\r\nconnection: Upgrade\r\nupgrade: x\r\n\r\nbehindlater$/);
  socket.destroy();
});

withServer('an upgrade behind a reply that still runs ends the connection, one behind a finished reply does not', {
  handler: (req, res) => {
    if (req.headers.upgrade) return void res.upgrade({ connection: 'Upgrade', upgrade: 'x' }).end('new');
    res.writeHead(200, {});
    res.write('first');
    if (req.url === '/short') res.end();
  },
}, async ({ open, raw }) => {
  const ask = (path: string) => request('GET', path, { connection: 'keep-alive' });
  const running = await raw(ask('/long') + request('GET', '/', UPGRADE), 3000);
  assert.ok(running.closed);
  assert.not.match(running.text, / 101 /);
  const { socket, text, until } = await open(ask('/short'));
  await until('0\r\n\r\n');
  socket.write(request('GET', '/', UPGRADE));
  await until('new');
  assert.is(countReplies(text()), 2);
});

withServer('a refused upgrade is an ordinary reply that ends the connection', {
  handler: (_req, res) => json(res, 403, { error: 'no' }),
}, async ({ raw }) => {
  const reply = await raw(request('GET', '/', UPGRADE));
  assert.is(reply.status, 403);
  assert.ok(reply.closed);
  assert.is(fieldsOf(reply.text).connection, 'close');
  assert.match(reply.text, /\{"error":"no"\}$/);
});

withServer(
  'an upgrade nobody asked for is served as a page',
  { handler: (_req, res) => json(res, 200, {}) },
  async ({ raw }) => {
    const h2c = { connection: 'Upgrade, HTTP2-Settings', upgrade: 'h2c', 'http2-settings': 'AAMAAABkAAQAoAAAAAIAAAAA' };
    assert.is((await raw(request('GET', '/', h2c))).status, 200);
  },
);

withServer('what a handler throws is a 500 without its text, or an abort after the head; the log has it', {
  handler: (req, res) => {
    if (req.url === '/late') res.writeHead(200, {});
    if (req.url === '/late') res.write('x');
    throw req.url === '/known' ? new HttpError(418, 'busy', 'A teapot.') : new Error('the secret inside');
  },
}, async ({ raw }) => {
  assert.match((await raw(request('GET', '/known'))).text, /418[\s\S]*"A teapot."/);
  const unknown = await raw(request('GET', '/'));
  assert.is(unknown.status, 500);
  assert.not.match(unknown.text, /secret/);
  const late = await raw(request('GET', '/late'));
  assert.not.ok(late.text.endsWith('0\r\n\r\n'), 'never a clean end');
  assert.ok(late.closed);
});

const BAD_FIELDS = [['x-a', 'b\r\nset-cookie: evil=1'], ['x-a', 'b\nc'], ['x-a', 'b\x01'], ['bad name', 'x'], [
  'x:',
  'x',
], ['', 'x']];
withServer('a name or value that would break out of its line is a 500, on every runtime', {
  handler: (req, res) => {
    const [name, value] = BAD_FIELDS[Number(req.url.slice(1))]!;
    res.writeHead(200, { [name!]: value! });
    res.end();
  },
}, async ({ raw }) => {
  for (const i of BAD_FIELDS.keys()) {
    for (const headers of [{}, UPGRADE]) {
      const reply = await raw(request('GET', `/${i}`, headers));
      assert.is(reply.status, 500, BAD_FIELDS[i]!.join());
      assert.not.match(reply.text, /evil/);
    }
  }
});

overTransports('what is logged of a failed request stays on one line', async (transport) => {
  const lines: string[] = [];
  const { server, raw } = await startServer(transport, {
    log: createLog({ write: (line) => lines.push(line) }),
    handler: () => {
      throw new Error('a\nb');
    },
  });
  await raw(request('GET', '/%0d%0a[Relay]'));
  await server.close(0);
  assert.is(lines.length, 1);
  assert.not.match(lines[0]!, /\n/);
});

withServer('100-continue is sent when the body is read, and not for a refused request', {
  handler: async (req, res) => {
    if (req.url === '/refused') throw new HttpError(403, 'not_found', 'No.');
    json(res, 200, await readJson(req));
  },
}, async ({ open, raw }) => {
  const expect = {
    expect: '100-continue',
    'content-type': 'application/json',
    'content-length': '2',
    connection: 'keep-alive',
  };
  const read = await open(request('POST', '/', expect));
  await read.until('100 Continue\r\n\r\n');
  read.socket.write('{}');
  await read.until('200 OK');
  read.socket.destroy();
  const refused = await raw(request('POST', '/refused', expect));
  assert.is(refused.status, 403);
  assert.is(countReplies(refused.text), 1);
});

/** A request with this body as application/json, unless `more` overrides it. */
function post(body: Buffer, more: Record<string, string> = {}): Buffer {
  const fields = { 'content-type': 'application/json', 'content-length': String(body.length), ...more };
  return Buffer.concat([Buffer.from(request('POST', '/', fields)), body]);
}

withServer('H09, H13: a body that is not plain JSON is refused at once, by what is wrong with it', {
  handler: async (req, res) => json(res, 200, await readJson(req)),
}, async ({ raw }) => {
  const bad: [string, Buffer, number, RegExp, Record<string, string>?][] = [
    ['no JSON', Buffer.from('{'), 400, /not valid JSON/],
    ['invalid UTF-8', Buffer.from([0x22, 0xff, 0x22]), 400, /UTF-8/],
    ['half a surrogate', Buffer.from([0x22, 0xed, 0xa0, 0x80, 0x22]), 400, /UTF-8/],
    ['byte order mark', Buffer.from('\ufeff{}'), 400, /not valid JSON/],
    ['a name twice', Buffer.from('{"a":1,"a":2}'), 400, /"a\\?" twice/],
    ['open for ever', Buffer.from('['.repeat(100_000)), 400, /not valid JSON/],
    ['nested', Buffer.from('['.repeat(100_000) + ']'.repeat(100_000)), 400, /nested deeper/],
    ['too large', Buffer.alloc(MAX_JSON + 1, ' '), 413, /1048576 bytes/],
    ['a form', Buffer.from('a=1'), 415, /application\/json/, { 'content-type': 'application/x-www-form-urlencoded' }],
    ['no type', Buffer.from('{}'), 415, /application\/json/, { 'content-type': '' }],
    ['compressed', gzipSync(Buffer.from('{}')), 415, /uncompressed/, { 'content-encoding': 'gzip' }],
    ['brotli', Buffer.from('x'), 415, /uncompressed/, { 'content-encoding': 'br' }],
  ];
  for (const [what, body, status, text, more = {}] of bad) {
    let quickest = Infinity;
    // Another test may be at work beside this one: the quickest of three.
    for (let i = 0; i < 3 && quickest >= 100; i++) {
      const began = performance.now();
      const answer = await raw(post(body, more));
      quickest = Math.min(quickest, performance.now() - began);
      assert.is(answer.status, status, what);
      assert.match(answer.text, text, what);
    }
    assert.ok(quickest < 100, `${what}: ${quickest} ms`);
  }
  const proto = await raw(post(Buffer.from('{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}}')));
  assert.is(proto.status, 200);
  assert.is(({} as { polluted?: number }).polluted, undefined);
});

overTransports(
  'a body that trickles ends with 408, one that the handler leaves waiting does not',
  async (transport) => {
    const clock = fakeClock();
    const { server, open } = await startServer(transport, {
      clock,
      handler: async (req, res) => {
        if (req.url === '/paused') return; // Reads nothing: the client is not to blame.
        json(res, 200, await readJson(req));
      },
    });
    const head = (path: string, size: number) =>
      request('POST', path, { 'content-type': 'application/json', 'content-length': String(size) });
    const slow = await open(`${head('/', 10_000)}12345`);
    const fast = await open(`${head('/', 10 * MIN_BYTES)}`);
    const paused = await open(`${head('/paused', 10_000)}${'x'.repeat(100)}`);
    const closed = once(slow.socket, 'close');
    await new Promise((resolve) => setTimeout(resolve, 100));
    for (let i = 0; i < 4; i++) {
      fast.socket.write(' '.repeat(MIN_BYTES));
      await new Promise((resolve) => setTimeout(resolve, 50));
      clock.advance(WINDOW_MS / 3);
    }
    await closed;
    assert.match(slow.text(), /^HTTP\/1.1 408 /);
    assert.not.ok(fast.socket.destroyed || fast.text());
    assert.not.ok(paused.socket.destroyed || paused.text());
    for (const { socket } of [fast, paused]) socket.destroy();
    await server.close(0);
    assert.is(clock.pending, 0, 'no timer is left');
  },
);

withServer('after an early reply some of the body is read on, then the connection ends', {
  handler: () => {
    throw new HttpError(401, 'not_found', 'No.');
  },
}, async ({ open }) => {
  const size = 64 * DRAIN_BYTES;
  const { socket, text, until } = await open(
    request('POST', '/', { 'content-length': String(size), connection: 'keep-alive' }),
  );
  await until('401 Unauthorized');
  let sent = 0;
  const chunk = Buffer.alloc(64 * 1024);
  const closed = new Promise((resolve) => socket.once('close', resolve));
  while (!socket.destroyed && sent < size) {
    sent += chunk.length;
    if (!socket.write(chunk)) await Promise.race([new Promise((resolve) => socket.once('drain', resolve)), closed]);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  await closed;
  assert.ok(sent < size, `all ${sent} bytes were read`);
  assert.is(countReplies(text()), 1);
});

overTransports(
  'closing lets a running reply finish, accepts no new connection, and ends the rest in time',
  async (transport) => {
    const replies: (() => void)[] = [];
    const { server, open, raw } = await startServer(transport, {
      handler: (_req, res) => void replies.push(() => json(res, 200, {})),
    });
    const idle = await open('');
    const running = await open(request('GET', '/', { connection: 'keep-alive' }));
    const stuck = await open(request('GET', '/', { connection: 'keep-alive' }));
    while (replies.length < 2) await new Promise((resolve) => setTimeout(resolve, 5));
    const started = performance.now();
    const closed = server.close(600);
    replies[0]!();
    await running.until('connection: close');
    assert.is((await raw(request('GET', '/'))).status, 0, 'a new connection');
    await closed;
    const ms = performance.now() - started;
    assert.ok(ms > 500 && ms < 2000, String(ms));
    assert.is(countReplies(running.text()), 1);
    assert.is(stuck.text(), '');
    idle.socket.destroy();
  },
);

withServer('a connection without further requests is closed, one that waits for its reply is not', {
  handler: (req, res) => void setTimeout(() => json(res, 200, {}), req.url === '/later' ? 1500 : 0),
  limits: { idleMs: 200, stallMs: 500 },
}, async ({ raw }) => {
  const idle = await raw(request('GET', '/', { connection: 'keep-alive' }), 4000);
  assert.is(idle.status, 200);
  assert.ok(idle.closed && idle.ms < 3500, `${idle.closed} ${idle.ms}`);
  assert.is((await raw(request('GET', '/later', { connection: 'keep-alive' }), 4000)).status, 200);
});

const rejects = async (promise: Promise<unknown>, message: RegExp) => {
  const error = await promise.then(() => null, (reason: Error) => reason);
  assert.match(String(error?.message), message);
};
test('an address that cannot be used is reported in a sentence', async () => {
  const server = createHttpServer({ log: silentLog, handler: () => {} });
  const { port } = await server.listen(0, '127.0.0.1');
  const second = () => createHttpServer({ log: silentLog, handler: () => {} });
  await rejects(second().listen(port, '127.0.0.1'), /another program uses it/);
  await rejects(second().listen(0, '203.0.113.1'), /no such address/);
  await server.close(0);
});

withServer('when all connections are busy one more is closed at once', {
  handler: (req, res) => {
    if (req.url !== '/hold') json(res, 200, {});
  },
  limits: { connections: 2 },
}, async ({ open, raw }) => {
  const held = [await open(request('GET', '/hold')), await open(request('GET', '/hold'))];
  await new Promise((resolve) => setTimeout(resolve, 50));
  const third = await raw(request('GET', '/'));
  assert.is(third.status, 0);
  assert.ok(third.closed);
  held[0]!.socket.destroy();
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.is((await raw(request('GET', '/'))).status, 200);
  held[1]!.socket.destroy();
});

test.run();
