/** The server over real sockets: upgrades, bodies that trickle, replies before the body, and a close that lets go. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { connect, type Socket } from 'node:net';
import { once } from 'node:events';
import { gzipSync } from 'node:zlib';
import { JSON_LIMIT, readJson } from '../../../core/http/body.ts';
import { HttpError, json } from '../../../core/http/reply.ts';
import { createHttpServer, type HttpServer, type HttpServerOptions } from '../../../core/http/server.ts';
import { DRAIN_BYTES, MIN_BYTES, WINDOW_MS } from '../../../core/http/uploads.ts';
import { createLog, silentLog } from '../../../core/log.ts';
import { handClock } from '../../support/hand-clock.ts';
import { countReplies, fieldsOf, rawHttp, request } from '../../support/raw-http.ts';

type Use = (port: number, server: HttpServer) => Promise<void>;

function withServer(
  name: string,
  options: Partial<HttpServerOptions> & { handler: HttpServerOptions['handler'] },
  use: Use,
) {
  test(name, async () => {
    const server = createHttpServer({ log: silentLog, ...options });
    const { port } = await server.listen(0, '127.0.0.1');
    await use(port, server).finally(() => server.close(0));
  });
}

/** Collects what comes; `until` waits for a text. */
async function open(
  port: number,
  bytes: string,
): Promise<{ socket: Socket; text: () => string; until: (part: string) => Promise<void> }> {
  const socket = connect(port, '127.0.0.1');
  let text = '';
  socket.on('data', (chunk) => text += chunk.toString('latin1'));
  socket.on('error', () => {});
  await once(socket, 'connect');
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
}, async (port) => {
  const { socket, text, until } = await open(port, `${request('GET', '/', UPGRADE)}behind`);
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
}, async (port) => {
  const ask = (path: string) => request('GET', path, { connection: 'keep-alive' });
  const running = await rawHttp(port, ask('/long') + request('GET', '/', UPGRADE), 3000);
  assert.ok(running.closed);
  assert.not.match(running.text, / 101 /);
  const { socket, text, until } = await open(port, ask('/short'));
  await until('0\r\n\r\n');
  socket.write(request('GET', '/', UPGRADE));
  await until('new');
  assert.is(countReplies(text()), 2);
});

withServer('a refused upgrade is an ordinary reply that ends the connection', {
  handler: (_req, res) => json(res, 403, { error: 'no' }),
}, async (port) => {
  const reply = await rawHttp(port, request('GET', '/', UPGRADE));
  assert.is(reply.status, 403);
  assert.ok(reply.closed);
  assert.is(fieldsOf(reply.text).connection, 'close');
  assert.match(reply.text, /\{"error":"no"\}$/);
});

withServer(
  'an upgrade nobody asked for is served as a page',
  { handler: (_req, res) => json(res, 200, {}) },
  async (port) => {
    const h2c = { connection: 'Upgrade, HTTP2-Settings', upgrade: 'h2c', 'http2-settings': 'AAMAAABkAAQAoAAAAAIAAAAA' };
    assert.is((await rawHttp(port, request('GET', '/', h2c))).status, 200);
  },
);

withServer('what a handler throws is a 500 without its text, or an abort after the head; the log has it', {
  handler: (req, res) => {
    if (req.url === '/late') res.writeHead(200, {});
    if (req.url === '/late') res.write('x');
    throw req.url === '/known' ? new HttpError(418, 'teapot', 'A teapot.') : new Error('the secret inside');
  },
}, async (port) => {
  assert.match((await rawHttp(port, request('GET', '/known'))).text, /418[\s\S]*"A teapot."/);
  const unknown = await rawHttp(port, request('GET', '/'));
  assert.is(unknown.status, 500);
  assert.not.match(unknown.text, /secret/);
  const late = await rawHttp(port, request('GET', '/late'));
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
}, async (port) => {
  for (const i of BAD_FIELDS.keys()) {
    for (const headers of [{}, UPGRADE]) {
      const reply = await rawHttp(port, request('GET', `/${i}`, headers));
      assert.is(reply.status, 500, BAD_FIELDS[i]!.join());
      assert.not.match(reply.text, /evil/);
    }
  }
});

test('what is logged of a failed request stays on one line', async () => {
  const lines: string[] = [];
  const server = createHttpServer({
    log: createLog({ write: (line) => lines.push(line) }),
    handler: () => {
      throw new Error('a\nb');
    },
  });
  const { port } = await server.listen(0, '127.0.0.1');
  await rawHttp(port, request('GET', '/%0d%0a[Relay]'));
  await server.close(0);
  assert.is(lines.length, 1);
  assert.not.match(lines[0]!, /\n/);
});

withServer('100-continue is said when the body is read, and not to a request that is refused', {
  handler: async (req, res) => {
    if (req.url === '/refused') throw new HttpError(403, 'no', 'No.');
    json(res, 200, await readJson(req));
  },
}, async (port) => {
  const expect = {
    expect: '100-continue',
    'content-type': 'application/json',
    'content-length': '2',
    connection: 'keep-alive',
  };
  const read = await open(port, request('POST', '/', expect));
  await read.until('100 Continue\r\n\r\n');
  read.socket.write('{}');
  await read.until('200 OK');
  read.socket.destroy();
  const refused = await rawHttp(port, request('POST', '/refused', expect));
  assert.is(refused.status, 403);
  assert.is(countReplies(refused.text), 1);
});

withServer('H09, H13: a body that is not plain JSON is refused at once, by what is wrong with it', {
  handler: async (req, res) => json(res, 200, await readJson(req)),
}, async (port) => {
  const bad: [string, Buffer, number, RegExp, Record<string, string>?][] = [
    ['no JSON', Buffer.from('{'), 400, /not valid JSON/],
    ['invalid UTF-8', Buffer.from([0x22, 0xff, 0x22]), 400, /UTF-8/],
    ['half a surrogate', Buffer.from([0x22, 0xed, 0xa0, 0x80, 0x22]), 400, /UTF-8/],
    ['byte order mark', Buffer.from('\ufeff{}'), 400, /not valid JSON/],
    ['a name twice', Buffer.from('{"a":1,"a":2}'), 400, /"a\\?" twice/],
    ['open for ever', Buffer.from('['.repeat(100_000)), 400, /not valid JSON/],
    ['nested', Buffer.from('['.repeat(100_000) + ']'.repeat(100_000)), 400, /nested deeper/],
    ['too large', Buffer.alloc(JSON_LIMIT + 1, ' '), 413, /1048576 bytes/],
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
      const response = await fetch(`http://127.0.0.1:${port}/`, {
        method: 'POST',
        body: new Uint8Array(body),
        headers: { 'content-type': 'application/json', ...more },
      });
      const answer = await response.text();
      quickest = Math.min(quickest, performance.now() - began);
      assert.is(response.status, status, what);
      assert.match(answer, text, what);
    }
    assert.ok(quickest < 100, `${what}: ${quickest} ms`);
  }
  const proto = await fetch(`http://127.0.0.1:${port}/`, {
    method: 'POST',
    body: '{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}}',
    headers: { 'content-type': 'application/json' },
  });
  assert.is(proto.status, 200);
  assert.is(({} as { polluted?: number }).polluted, undefined);
});

test('a body that trickles ends with 408, one that the handler leaves waiting does not', async () => {
  const clock = handClock();
  const server = createHttpServer({
    log: silentLog,
    clock,
    handler: async (req, res) => {
      if (req.url === '/paused') return; // Reads nothing: the client is not to blame.
      json(res, 200, await readJson(req));
    },
  });
  const { port } = await server.listen(0, '127.0.0.1');
  const head = (path: string, size: number) =>
    request('POST', path, { 'content-type': 'application/json', 'content-length': String(size) });
  const slow = await open(port, `${head('/', 10_000)}12345`);
  const fast = await open(port, `${head('/', 10 * MIN_BYTES)}`);
  const paused = await open(port, `${head('/paused', 10_000)}${'x'.repeat(100)}`);
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
});

withServer('after an early reply some of the body is read on, then the connection ends', {
  handler: () => {
    throw new HttpError(401, 'no', 'No.');
  },
}, async (port) => {
  const size = 64 * DRAIN_BYTES;
  const { socket, text, until } = await open(
    port,
    request('POST', '/', { 'content-length': String(size), connection: 'keep-alive' }),
  );
  await until('401 Unauthorized');
  let sent = 0;
  const chunk = Buffer.alloc(64 * 1024);
  const closed = once(socket, 'close');
  while (!socket.destroyed && sent < size) {
    sent += chunk.length;
    if (!socket.write(chunk)) await Promise.race([once(socket, 'drain'), closed]);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  await closed;
  assert.ok(sent < size, `all ${sent} bytes were read`);
  assert.is(countReplies(text()), 1);
});

test('closing lets a running reply finish, takes no new connection, and ends the rest in time', async () => {
  const replies: (() => void)[] = [];
  const server = createHttpServer({
    log: silentLog,
    handler: (_req, res) => void replies.push(() => json(res, 200, {})),
  });
  const { port } = await server.listen(0, '127.0.0.1');
  const idle = await open(port, '');
  const running = await open(port, request('GET', '/', { connection: 'keep-alive' }));
  const stuck = await open(port, request('GET', '/', { connection: 'keep-alive' }));
  while (replies.length < 2) await new Promise((resolve) => setTimeout(resolve, 5));
  const started = performance.now();
  const closed = server.close(600);
  replies[0]!();
  await running.until('connection: close');
  assert.ok(await fetch(`http://127.0.0.1:${port}/`).then(() => false, () => true), 'a new connection');
  await closed;
  const ms = performance.now() - started;
  assert.ok(ms > 500 && ms < 2000, String(ms));
  assert.is(countReplies(running.text()), 1);
  assert.is(stuck.text(), '');
  idle.socket.destroy();
});

withServer('a connection that asks nothing more is closed, one that waits for its reply is not', {
  handler: (req, res) => void setTimeout(() => json(res, 200, {}), req.url === '/later' ? 1500 : 0),
  limits: { idleMs: 200, stallMs: 500 },
}, async (port) => {
  const idle = await rawHttp(port, request('GET', '/', { connection: 'keep-alive' }), 4000);
  assert.is(idle.status, 200);
  assert.ok(idle.closed && idle.ms < 3500, `${idle.closed} ${idle.ms}`);
  assert.is((await rawHttp(port, request('GET', '/later', { connection: 'keep-alive' }), 4000)).status, 200);
});

const rejects = async (promise: Promise<unknown>, message: RegExp) => {
  const error = await promise.then(() => null, (reason: Error) => reason);
  assert.match(String(error?.message), message);
};
test('an address that cannot be used is said in a sentence', async () => {
  const server = createHttpServer({ log: silentLog, handler: () => {} });
  const { port } = await server.listen(0, '127.0.0.1');
  const second = () => createHttpServer({ log: silentLog, handler: () => {} });
  await rejects(second().listen(port, '127.0.0.1'), /another program uses it/);
  await rejects(second().listen(0, '203.0.113.1'), /no such address/);
  await server.close(0);
});

withServer('more connections than allowed are closed at once', {
  handler: (_req, res) => json(res, 200, {}),
  limits: { connections: 2 },
}, async (port) => {
  const held = [await open(port, ''), await open(port, '')];
  await new Promise((resolve) => setTimeout(resolve, 50));
  const third = await rawHttp(port, request('GET', '/'));
  assert.is(third.status, 0);
  assert.ok(third.closed);
  for (const { socket } of held) socket.destroy();
});

test.run();
