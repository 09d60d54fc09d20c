/** What a browser gets through the relay is what it would get from the machine itself, byte by byte. */
import { Buffer } from 'node:buffer';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { request } from 'node:http';
import { request as secureRequest } from 'node:https';
import type { Socket } from 'node:net';
import { gzipSync } from 'node:zlib';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Handler } from '../../core/http/types.ts';
import { RESET } from '../../core/tunnel/frame.ts';
import { HEAD_TIMEOUT_MS, MAX_STREAMS } from '../../core/tunnel/limits.ts';
import { testUnless } from '../support/harness/conditional-test.ts';
import { startDirect, startProxy, type TestProxy } from '../support/harness/proxy-harness.ts';
import { fakeClock } from '../support/fakes/fake-clock.ts';
import { fieldsOf, rawHttp, request as text } from '../support/network/raw-http.ts';
import { isTls, transport } from '../support/network/transport.ts';
import { until } from '../support/harness/tunnel-pair.ts';

const FILE = randomBytes(200_000);
const ZIPPED = gzipSync('compressed '.repeat(1000));

const site: Handler = async (req, res) => {
  const path = req.url.split('?')[0];
  switch (path) {
    case '/cookies':
      res.writeHead(200, { 'Set-Cookie': ['a=1; Path=/', 'b=2; HttpOnly'], 'content-length': 2 });
      return void res.end('ok');
    case '/zipped':
      res.writeHead(200, { 'content-encoding': 'gzip', 'content-length': ZIPPED.length, vary: 'Accept-Encoding' });
      return void res.end(ZIPPED);
    case '/file':
      if (req.headers.range === 'bytes=10-19') {
        res.writeHead(206, { 'content-range': `bytes 10-19/${FILE.length}`, 'content-length': 10, etag: '"v1"' });
        return void res.end(FILE.subarray(10, 20));
      }
      if (req.headers['if-none-match'] === '"v1"') {
        res.writeHead(304, { etag: '"v1"' });
        return void res.end();
      }
      res.writeHead(200, { 'content-length': FILE.length, etag: '"v1"', 'content-type': 'image/png' });
      return void res.end(FILE);
    case '/empty':
      res.writeHead(204);
      return void res.end();
    case '/pieces':
      res.writeHead(200, { 'content-type': 'text/plain; charset=utf-8' });
      for (const piece of ['ein ', 'zwölf ', '😀']) {
        res.write(piece);
        await new Promise((resolve) => setTimeout(resolve, 2));
      }
      return void res.end();
    case '/hints':
      res.inform?.(103, { link: '</a.css>; rel=preload' });
      res.writeHead(200, { 'content-length': 1 });
      return void res.end('x');
    case '/echo': {
      const hash = createHash('sha256');
      let size = 0;
      for await (const chunk of req) {
        hash.update(chunk);
        size += chunk.length;
      }
      const body = `${req.method} ${size} ${hash.digest('hex')} ${req.headers['content-type'] ?? '-'}`;
      res.writeHead(200, { 'content-length': Buffer.byteLength(body) });
      return void res.end(body);
    }
    case '/head':
      res.writeHead(200, { 'x-raw': JSON.stringify(req.rawHeaders), 'content-length': 0 });
      return void res.end();
    default:
      res.writeHead(404, { 'content-length': 0 });
      res.end();
  }
};

/** A reply without what differs from one second to the next. */
const withoutDate = (reply: string) => reply.replace(/\r\nDate: [^\r]*/i, '');

const REQUESTS: [string, string][] = [
  ['several Set-Cookie', text('GET', '/cookies')],
  ['a compressed body', text('GET', '/zipped')],
  ['a binary file', text('GET', '/file')],
  ['a range', text('GET', '/file', { range: 'bytes=10-19' })],
  ['not modified', text('GET', '/file', { 'if-none-match': '"v1"' })],
  ['HEAD', text('HEAD', '/file')],
  ['no content', text('GET', '/empty')],
  ['chunks of unknown length', text('GET', '/pieces')],
  ['early hints', text('GET', '/hints')],
  ['a sized upload', text('POST', '/echo', { 'content-type': 'text/x' }, 'some body')],
  ['an empty upload', text('POST', '/echo', { 'content-length': '0' })],
  ['a chunked upload', text('PUT', '/echo', { 'transfer-encoding': 'chunked' }, '5\r\nhello\r\n1\r\n!\r\n0\r\n\r\n')],
  [
    'a chunked upload with trailers',
    text('PUT', '/echo', { 'transfer-encoding': 'chunked' }, '1\r\nx\r\n0\r\nx-t: 1\r\n\r\n'),
  ],
  ['an unknown path', text('GET', '/nothing?x=%ff')],
  ['keep-alive and a second request', text('GET', '/cookies', { connection: 'keep-alive' }) + text('GET', '/empty')],
];

for (const [name, bytes] of REQUESTS) {
  test(`the same as from the machine itself: ${name}`, async () => {
    const proxy = await startProxy(site);
    const direct = await startDirect(site);
    const [through, itself] = await Promise.all([rawHttp(proxy.port, bytes), rawHttp(direct.port, bytes)]);
    assert.ok(itself.status >= 100);
    const retained = (reply: string) => withoutDate(reply).replaceAll(/\r\nDate: [^\r]*/gi, '');
    assert.is(retained(through.text), retained(itself.text));
    await proxy.close();
    await direct.close();
  });
}

/** Sends a head that expects 100-continue, and the body only when it is asked for. */
function expectContinue(port: number, path: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const req = (isTls() ? secureRequest : request)(
      { port, path, method: 'POST', headers: { expect: '100-continue', 'content-length': 5 } },
      (res) => {
        let body = '';
        res.on('data', (chunk) => body += chunk);
        res.on('end', () => resolve(`${sent} ${res.statusCode} ${body.slice(0, 6)}`));
      },
    );
    let sent = 'silent';
    req.on('continue', () => {
      sent = 'continue';
      req.end('12345');
    });
    req.on('error', reject);
    req.flushHeaders();
  });
}

test('100-continue is answered when the machine wants the body', async () => {
  const proxy = await startProxy(site);
  assert.is(await expectContinue(proxy.port, '/echo'), 'continue 200 POST 5');
  await proxy.close();
});

test("the machine sees the client's fields, those of the relay, and none that are between others", async () => {
  const proxy = await startProxy(site);
  const reply = await rawHttp(
    proxy.port,
    text('GET', '/head', {
      'X-Kept': 'é'.normalize(),
      'x-forwarded-for': '6.6.6.6',
      'X-Relay-User': 'root',
      'Proxy-Authorization': 'secret',
      te: 'trailers',
      connection: 'close, x-hop',
      'x-hop': '1',
      cookie: 'a=1; relay_session=secret; b=2',
    }),
  );
  const raw = JSON.parse(Buffer.from(fieldsOf(reply.text)['x-raw']!, 'latin1').toString('latin1')) as string[];
  assert.equal(raw, [
    ...['host', 'relay.test', 'X-Kept', 'é', 'cookie', 'a=1; b=2'],
    ...['X-Forwarded-For', '127.0.0.1', 'X-Forwarded-Proto', 'http', 'X-Forwarded-Host', 'relay.test'],
  ]);
  await proxy.close();
});

test('no machine: 502 with the sentence that scripts know', async () => {
  const proxy = await startProxy(null);
  const response = await fetch(`${proxy.origin}/api/x`);
  assert.is(response.status, 502);
  assert.is((await response.json() as { error: string }).error, 'Tunnel not connected');
  await proxy.close();
});

test('the tunnel is lost before the answer: 502; in the middle of it: the connection breaks', async () => {
  const proxy = await startProxy((req, res) => {
    if (req.url !== '/middle') return;
    res.writeHead(200, { 'content-length': 100 });
    res.write('part');
  });
  const before = fetch(`${proxy.origin}/before`);
  const middle = await fetch(`${proxy.origin}/middle`);
  await until(() => proxy.pair!.relay.streams === 2);
  proxy.pair!.sockets.relay.terminate();
  assert.is((await before).status, 502);
  let failed = false;
  await middle.text().catch(() => failed = true);
  assert.ok(failed, 'a cut body must not look whole');
  await proxy.close();
});

test('chunked bodies are cut, not ended, when the machine aborts', async () => {
  const proxy = await startProxy((_req, res) => {
    res.writeHead(200);
    res.write('part');
    setTimeout(() => res.destroy(), 10);
  });
  const reply = await rawHttp(proxy.port, text('GET', '/'));
  assert.ok(reply.closed && reply.text.includes('part') && !reply.text.endsWith('0\r\n\r\n'));
  await proxy.close();
});

test('no head in 60 s: 504, and the machine is told to stop', async () => {
  const clock = fakeClock();
  let aborted = false;
  const proxy = await startProxy((_req, res) => void res.on('close', () => aborted = true), clock);
  const reply = fetch(proxy.origin);
  await until(() => proxy.pair!.machine.streams === 1);
  clock.advance(HEAD_TIMEOUT_MS - 1);
  await new Promise((resolve) => setImmediate(resolve));
  assert.is(proxy.pair!.relay.streams, 1);
  clock.advance(1);
  assert.is((await reply).status, 504);
  await until(() => aborted);
  assert.is(clock.pending, 0);
  await proxy.close();
});

test('a head in time: nothing waits behind it', async () => {
  const clock = fakeClock();
  const proxy = await startProxy(site, clock);
  await (await fetch(`${proxy.origin}/cookies`)).text();
  assert.is(clock.pending, 0);
  await proxy.close();
});

test('the 257th request at a time gets 503 at once', async () => {
  const proxy = await startProxy((_req, res) => void (res.writeHead(200), res.write('.')));
  const all: Response[] = [];
  // In groups, so that on a busy machine no handshake of TLS takes too long.
  while (all.length < MAX_STREAMS) {
    all.push(...await Promise.all(Array.from({ length: 32 }, () => fetch(proxy.origin))));
  }
  const entry = await fetch(proxy.origin);
  assert.is(entry.status, 503);
  await Promise.all(all.map((response) => response.body!.cancel()));
  await until(() => proxy.pair!.machine.streams === 0, 2000);
  await proxy.close();
});

test('a browser that leaves in the middle of a download or an upload frees the machine within a second', async () => {
  for (const upload of [false, true]) {
    let closed = 0;
    let failed = 0;
    const proxy = await startProxy((req, res) => {
      req.on('error', () => failed++);
      res.on('close', () => closed++);
      if (upload) return void req.resume();
      res.writeHead(200);
      res.write(Buffer.alloc(100_000));
    });
    const socket = transport().connect(proxy.port);
    socket.write(upload ? `${text('POST', '/', { 'content-length': '1000000' })}part` : text('GET', '/'));
    await until(() => proxy.pair!.machine.streams === 1);
    const left = performance.now();
    transport().reset(socket);
    await until(() => closed === 1 && proxy.pair!.machine.streams === 0 && proxy.pair!.relay.streams === 0, 1000);
    assert.ok(performance.now() - left < 1000);
    if (upload) assert.is(failed, 1);
    await proxy.close();
  }
});

test('an early answer to a large upload reaches the client, and the connection stays usable', async () => {
  const proxy = await startProxy((req, res) => {
    if (req.url === '/next') return void (res.writeHead(200, { 'content-length': 4 }), res.end('next'));
    res.writeHead(413, { 'content-length': 3 });
    res.end('big');
  });
  const body = 'x'.repeat(3_000_000);
  const reply = await rawHttp(
    proxy.port,
    text('POST', '/', { connection: 'keep-alive' }, body) + text('GET', '/next'),
    2000,
  );
  assert.is(reply.status, 413);
  assert.ok(reply.text.endsWith('next'));
  await proxy.close();
});

test('events arrive one by one, at once', async () => {
  let send!: (text: string) => void;
  const proxy = await startProxy((_req, res) => {
    res.writeHead(200, { 'content-type': 'text/event-stream' });
    send = (event) => void res.write(event);
    send('data: 0\n\n');
  });
  const response = await fetch(proxy.origin);
  const reader = response.body!.getReader();
  for (let i = 0; i < 5; i++) {
    const started = performance.now();
    const { value } = await reader.read();
    assert.is(Buffer.from(value!).toString(), `data: ${i}\n\n`);
    assert.ok(performance.now() - started < 100);
    send(`data: ${i + 1}\n\n`);
  }
  await reader.cancel();
  await until(() => proxy.pair!.machine.streams === 0);
  await proxy.close();
});

/** An upgrade through the proxy; gives the raw socket behind the 101. */
function upgrade(proxy: TestProxy, path = '/ws'): Promise<{ head: string; socket: Socket }> {
  return new Promise((resolve, reject) => {
    const socket = transport().connect(proxy.port);
    socket.write(text('GET', path, { connection: 'Upgrade', upgrade: 'echo', 'sec-websocket-key': 'k' }));
    let head = '';
    socket.on('error', reject);
    socket.on('data', function data(chunk) {
      head += chunk.toString('latin1');
      const end = head.indexOf('\r\n\r\n');
      if (end < 0) return;
      socket.off('data', data);
      socket.pause();
      const rest = Buffer.from(head.slice(end + 4), 'latin1');
      if (rest.length) socket.unshift(rest);
      resolve({ head: head.slice(0, end), socket });
    });
    socket.on('close', () => resolve({ head, socket }));
  });
}

test('an upgrade passes bytes both ways and ends on both sides', async () => {
  const proxy = await startProxy((req, res) => {
    const raw = res.upgrade({
      upgrade: 'echo',
      connection: 'Upgrade',
      'x-key': req.headers['sec-websocket-key'] as string,
    });
    raw.write('hello ');
    raw.pipe(raw);
  });
  const { head, socket } = await upgrade(proxy);
  assert.match(head, /^HTTP\/1\.1 101 /);
  assert.is(fieldsOf(head)['x-key'], 'k');
  assert.is(fieldsOf(head).upgrade, 'echo');
  let got = '';
  socket.on('data', (chunk) => got += chunk).resume();
  socket.write('there');
  await until(() => got === 'hello there');
  socket.destroy();
  await until(() => proxy.pair!.machine.streams === 0);
  await proxy.close();
});

test('a refused upgrade is an ordinary answer', async () => {
  const proxy = await startProxy((_req, res) => {
    res.writeHead(403, { 'content-length': 2 });
    res.end('no');
  });
  const reply = await rawHttp(proxy.port, text('GET', '/ws', { connection: 'Upgrade', upgrade: 'websocket' }));
  assert.is(reply.status, 403);
  assert.ok(reply.closed && reply.text.endsWith('no'));
  await proxy.close();
});

test("a browser that reads an upgraded stream slowly holds the machine's writer back", async () => {
  let written = 0;
  let stop = false;
  const proxy = await startProxy((_req, res) => {
    const raw = res.upgrade({ upgrade: 'flood', connection: 'Upgrade' });
    const flood = () => {
      while (!stop && written < 1e9) {
        written += 16_384;
        if (!raw.write(Buffer.alloc(16_384))) return void raw.once('drain', flood);
      }
    };
    flood();
  });
  const { socket } = await upgrade(proxy); // paused: nothing is read
  let before = -1;
  while (before !== written) {
    before = written;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  assert.ok(written < 16 * 1024 * 1024, `${written} bytes are under way`); // what the kernel holds, and 1 MiB of ours
  stop = true;
  socket.destroy();
  await until(() => proxy.pair!.machine.streams === 0);
  await proxy.close();
});

const plainTest = testUnless(isTls() ? "Node's TLS client cannot end its half and read on" : '');
plainTest('what was sent before a clean end of an upgraded stream arrives, however slowly it is read', async () => {
  const size = 3_000_000;
  const proxy = await startProxy((_req, res) => {
    const raw = res.upgrade({ upgrade: 'late', connection: 'Upgrade' });
    raw.resume();
    raw.end(Buffer.alloc(size, 'x'));
  });
  const { socket } = await upgrade(proxy);
  socket.end(); // the browser's half
  await new Promise((resolve) => setTimeout(resolve, 300));
  let got = 0;
  socket.on('data', (chunk) => got += chunk.length).resume();
  await once(socket, 'close');
  assert.is(got, size);
  await until(() => proxy.pair!.machine.streams === 0);
  await proxy.close();
});

test('what a browser sent before it ended arrives at a machine that reads slowly', async () => {
  const size = 2_000_000;
  let got = 0;
  let ended = false;
  const proxy = await startProxy((_req, res) => {
    const raw = res.upgrade({ upgrade: 'late', connection: 'Upgrade' });
    raw.end();
    setTimeout(() => raw.on('data', (chunk: Buffer) => got += chunk.length).on('end', () => ended = true), 300);
  });
  const { socket } = await upgrade(proxy);
  socket.resume();
  socket.end(Buffer.alloc(size, 'x'));
  await until(() => ended);
  assert.is(got, size);
  await proxy.close();
});

test('resets say what they mean', async () => {
  for (const [code, status] of [[RESET.refused, 503], [RESET.internal, 502], [RESET.protocol, 502]] as const) {
    const proxy = await startProxy(() => {});
    const reply = fetch(proxy.origin);
    await until(() => proxy.pair!.opened.length === 1);
    proxy.pair!.opened[0]!.stream.reset(code);
    assert.is((await reply).status, status);
    await proxy.close();
  }
});

test.run();
