/** Compressed replies: what a client gets is what the handler sent, on the server's own port and through relay and tunnel. */
import { Buffer } from 'node:buffer';
import { randomBytes } from 'node:crypto';
import { EventEmitter, once } from 'node:events';
import { request as httpRequest } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { brotliDecompressSync, constants, createGunzip, gunzipSync } from 'node:zlib';
import { compressReplies, MAX_COMPRESSED, MAX_WHOLE, MIN_COMPRESSED } from '../../../core/http/compress.ts';
import { json } from '../../../core/http/reply.ts';
import type { Handler, HeaderMap, HttpResponse } from '../../../core/http/types.ts';
import { startProxy } from '../../support/harness/proxy-harness.ts';
import { createHttpServer } from '../../../core/http/server.ts';
import { silentLog } from '../../../core/log.ts';

interface Reply {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  bytes: Buffer;
  isWhole: boolean;
}

interface Target {
  name: string;
  ask(path: string, headers?: Record<string, string>, method?: string): Promise<Reply>;
  port: number;
  close(): Promise<void>;
}

function asker(port: number): Target['ask'] {
  return (path, headers = {}, method = 'GET') =>
    new Promise((resolve, reject) => {
      const req = httpRequest({ port, host: '127.0.0.1', path, method, headers: { host: 'x.test', ...headers } });
      req.on('error', reject);
      req.on('response', (res) => {
        const chunks: Buffer[] = [];
        res.on('data', (chunk: Buffer) => chunks.push(chunk));
        res.on('error', () => {});
        res.on('close', () => {
          const bytes = Buffer.concat(chunks);
          resolve({ status: res.statusCode!, headers: res.headers, bytes, isWhole: res.complete });
        });
      });
      req.end();
    });
}

async function direct(handler: Handler): Promise<Target> {
  const server = createHttpServer({ log: silentLog, handler });
  const { port } = await server.listen(0, '127.0.0.1');
  return { name: 'direct', port, ask: asker(port), close: () => server.close(0) };
}

async function relayed(handler: Handler): Promise<Target> {
  const proxy = await startProxy(handler, undefined, {});
  return { name: 'through the tunnel', port: proxy.port, ask: asker(proxy.port), close: () => proxy.close() };
}

function overBoth(name: string, handler: Handler, check: (target: Target) => Promise<void>): void {
  for (const open of [direct, relayed]) {
    test(`${name} (${open.name})`, async () => {
      const target = await open(compressReplies(handler));
      await check(target).finally(() => target.close());
    });
  }
}

const BOTH = { 'accept-encoding': 'gzip, deflate, br' };
const ROWS = Array.from({ length: 400 }, (_, id) => ({ id, name: `agent ${id}`, preview: 'zwölf 😀' }));
const TEXT = JSON.stringify(ROWS);
const sends = (body: string | Uint8Array, headers: HeaderMap, status = 200): Handler => (_req, res) => {
  res.writeHead(status, { 'content-length': Buffer.byteLength(body), ...headers });
  res.end(body);
};
const plainOf = ({ headers, bytes }: Reply): string => {
  const coding = headers['content-encoding'];
  return String(coding === 'br' ? brotliDecompressSync(bytes) : coding === 'gzip' ? gunzipSync(bytes) : bytes);
};

overBoth(
  'JSON comes in the coding that the client takes, with its length',
  (_req, res) => json(res, 200, ROWS),
  async ({ ask }) => {
    for (
      const [accept, coding] of [['gzip, deflate, br', 'br'], ['gzip', 'gzip'], ['br;q=0, gzip;q=1', 'gzip']] as const
    ) {
      const reply = await ask('/', { 'accept-encoding': accept });
      assert.is(reply.headers['content-encoding'], coding);
      assert.is(reply.headers.vary, 'accept-encoding');
      assert.is(reply.headers['content-length'], String(reply.bytes.length));
      assert.is(plainOf(reply), TEXT);
      assert.ok(reply.bytes.length * 5 < TEXT.length, `${reply.bytes.length} of ${TEXT.length} bytes`);
    }
    for (const accept of ['', 'identity', 'deflate', 'br;q=0,gzip;q=0.000']) {
      const reply = await ask('/', { 'accept-encoding': accept });
      assert.is(reply.headers['content-encoding'], undefined, accept);
      assert.is(String(reply.bytes), TEXT);
    }
  },
);

overBoth('HEAD has the fields of GET and no body', (_req, res) => json(res, 200, ROWS), async ({ ask }) => {
  const reply = await ask('/', BOTH, 'HEAD');
  assert.is(reply.headers['content-encoding'], 'br');
  assert.is(reply.headers.vary, 'accept-encoding');
  assert.is(reply.bytes.length, 0);
  assert.is(reply.headers['content-length'], undefined);
});

test('the bound: one byte less is sent as it is', async () => {
  for (const [length, coding] of [[MIN_COMPRESSED - 1, undefined], [MIN_COMPRESSED, 'br']] as const) {
    const target = await direct(compressReplies(sends('a'.repeat(length), { 'content-type': 'text/plain' })));
    const reply = await target.ask('/', BOTH);
    assert.is(reply.headers['content-encoding'], coding);
    assert.is(plainOf(reply).length, length);
    await target.close();
  }
});

const LONG = 'the same again. '.repeat(500);
const UNCHANGED: [string, HeaderMap, number?][] = [
  ['a picture', { 'content-type': 'image/png' }],
  ['a part', { 'content-type': 'text/plain', 'content-range': `bytes 0-7999/9000` }, 206],
  ['a file that is asked for by parts', { 'content-type': 'text/plain', 'accept-ranges': 'bytes' }],
  ['a version that a later request names', { 'content-type': 'application/json', ETag: '"v1"' }],
  ['what is compressed already', { 'content-type': 'text/plain', 'Content-Encoding': 'gzip' }],
  ['what says no type', {}],
];
for (const [name, headers, status] of UNCHANGED) {
  overBoth(`${name} is sent as it is`, sends(LONG, headers, status), async ({ ask }) => {
    const reply = await ask('/', BOTH);
    const own = Object.entries(headers).find(([field]) => field.toLowerCase() === 'content-encoding')?.[1];
    assert.is(reply.headers['content-encoding'], own);
    assert.is(String(reply.bytes), LONG);
  });
}

test('what the page of another site asks for is not compressed', async () => {
  const target = await direct(compressReplies((_req, res) => json(res, 200, ROWS)));
  for (const [site, coding] of [['same-origin', 'br'], ['none', 'br'], ['cross-site'], ['same-site'], ['new-word']]) {
    const reply = await target.ask('/', { ...BOTH, 'sec-fetch-site': site! });
    assert.is(reply.headers['content-encoding'], coding, site);
    assert.is(plainOf(reply), TEXT);
  }
  await target.close();
});

overBoth('a reply in pieces comes whole, slowly read, larger than every buffer', async (_req, res) => {
  res.writeHead(200, { 'content-type': 'text/x-patch; charset=utf-8', Vary: 'cookie' });
  await pipeline(Readable.from(pieces()), res as unknown as NodeJS.WritableStream);
}, async ({ ask }) => {
  const reply = await ask('/', BOTH);
  assert.is(reply.headers['content-encoding'], 'br');
  assert.is(reply.headers.vary, 'cookie, accept-encoding');
  assert.ok(reply.isWhole);
  assert.is(plainOf(reply), [...pieces()].join(''));
});

function* pieces(): Generator<string> {
  for (let i = 0; i < 3000; i++) yield `+ line ${i} ${(i * 7919) % 104729} ${'x'.repeat(i % 700)}\n`;
}

overBoth('a long reply with a length is streamed', (_req, res) => {
  const body = 'a long one '.repeat(MAX_WHOLE / 10);
  res.writeHead(200, { 'content-type': 'text/plain', 'content-length': body.length });
  res.end(body);
}, async ({ ask }) => {
  const reply = await ask('/', { 'accept-encoding': 'gzip' });
  assert.is(reply.headers['content-length'], undefined);
  assert.is(plainOf(reply).length, Math.floor(MAX_WHOLE / 10) * 11);
});

overBoth('each event of an event stream arrives when it is sent', (_req, res) => {
  res.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' });
  res.write(`data: ${'first '.repeat(50)}\n\n`);
  source = res;
}, async ({ port }) => {
  const req = httpRequest({ port, host: '127.0.0.1', headers: { host: 'x.test', ...BOTH } }).end();
  const [res] = await once(req, 'response') as [import('node:http').IncomingMessage];
  assert.is(res.headers['content-encoding'], 'gzip');
  const text = res.pipe(createGunzip({ flush: constants.Z_SYNC_FLUSH }));
  let seen = '';
  text.on('data', (chunk) => seen += chunk);
  text.on('error', () => {});
  const until = async (part: string) => {
    for (let i = 0; !seen.includes(part) && i < 500; i++) await new Promise((resolve) => setTimeout(resolve, 10));
    assert.ok(seen.includes(part), `${part} has not come`);
  };
  await until('first \n\n');
  for (const word of ['second', 'third']) {
    source!.write(`data: ${word}\n\n`);
    await until(`${word}\n\n`);
  }
  source!.end();
  await until('third');
  if (!text.readableEnded) await once(text, 'end');
});
let source: HttpResponse | null = null;

overBoth('a reply that breaks off never looks whole', async (_req, res) => {
  res.writeHead(200, { 'content-type': 'text/plain' });
  for (let i = 0; i < 200; i++) res.write(`line ${i} ${Math.random()} ${'y'.repeat(1000)}\n`);
  await new Promise((resolve) => setTimeout(resolve, 20));
  res.destroy();
}, async ({ ask }) => {
  const reply = await ask('/', BOTH).catch(() => null);
  assert.ok(reply === null || !reply.isWhole);
});

test('at most so many are compressed at a time; one more is sent as it is, and places are free again', async () => {
  const open: HttpResponse[] = [];
  const target = await direct(compressReplies((req, res) => {
    if (req.url === '/whole') return json(res, 200, ROWS);
    res.writeHead(200, { 'content-type': 'text/plain' });
    res.write('begun '.repeat(1000));
    open.push(res);
  }));
  const streams = Array.from({ length: MAX_COMPRESSED }, () => target.ask('/stream', BOTH).catch(() => null));
  while (open.length < MAX_COMPRESSED) await new Promise((resolve) => setTimeout(resolve, 5));
  const beyond = await target.ask('/whole', BOTH);
  assert.is(beyond.headers['content-encoding'], undefined);
  assert.is(String(beyond.bytes), TEXT);
  open[0]!.end();
  open[1]!.destroy();
  await Promise.all(streams.slice(0, 2));
  assert.is((await target.ask('/whole', BOTH)).headers['content-encoding'], 'br');
  for (const res of open) res.end();
  const replies = await Promise.all(streams);
  assert.ok(!replies[1]?.isWhole);
  for (const reply of replies.filter((_, i) => i !== 1)) assert.is(plainOf(reply!), 'begun '.repeat(1000));
  await target.close();
});

test('a head that the wire refuses is an error of the handler, or breaks the reply, and takes no place', async () => {
  const target = await direct(compressReplies((req, res) => {
    const headers: HeaderMap = { 'content-type': 'text/plain', 'x-bad': 'a\r\nb: c' };
    if (req.url === '/whole') headers['content-length'] = LONG.length;
    res.writeHead(200, headers);
    res.end(LONG);
  }));
  for (let i = 0; i <= MAX_COMPRESSED; i++) {
    assert.is((await target.ask('/stream', BOTH)).status, 500);
    assert.is(await target.ask('/whole', BOTH).then(({ status }) => status, () => 'broken'), 'broken');
  }
  await target.close();
});

/** A reply that nobody reads: what its head said. */
function replyOf(handler: Handler): { head: HeaderMap | null; leave(): void } {
  const seen: { head: HeaderMap | null; leave(): void } = { head: null, leave: () => {} };
  const inner = Object.assign(new EventEmitter(), {
    destroyed: false,
    writeHead: (_status: number, headers: HeaderMap) => void (seen.head = headers),
    write: () => true,
    end: () => {},
    destroy: () => {},
  });
  seen.leave = () => {
    inner.destroyed = true;
    inner.emit('close');
  };
  handler({ headers: { 'accept-encoding': 'br' }, method: 'GET' } as never, inner as never);
  return seen;
}

test('a client that leaves frees its place only when no thread works on its reply any more', async () => {
  const body = randomBytes(MIN_COMPRESSED * 32).toString('hex');
  const handler = compressReplies((_req, res) => {
    res.writeHead(200, { 'content-type': 'text/plain', 'content-length': body.length });
    res.end(body);
  });
  for (let i = 0; i < MAX_COMPRESSED; i++) replyOf(handler).leave();
  const next = replyOf(handler);
  assert.equal([next.head !== null, next.head?.['content-encoding']], [true, undefined], 'there is no room');
  for (let tries = 0; replyOf(handler).head !== null; tries++) {
    assert.ok(tries < 3000, 'the places are free in the end');
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
});

test('a reply to a client that left before its head takes no place', async () => {
  const late: HttpResponse[] = [];
  const handler = compressReplies((_req, res) => void late.push(res));
  const target = await direct(handler);
  for (let i = 0; i < MAX_COMPRESSED; i++) {
    const leaving = httpRequest({ port: target.port, host: '127.0.0.1', headers: { 'accept-encoding': 'br' } });
    leaving.on('error', () => {}).end();
    while (late.length <= i) await new Promise((resolve) => setTimeout(resolve, 5));
    leaving.destroy();
    await once(late[i] as unknown as EventEmitter, 'close');
    late[i]!.writeHead(200, { 'content-type': 'text/plain' });
    for (let sent = 0; sent < 3; sent++) late[i]!.write(randomBytes(1 << 16).toString('hex'));
    late[i]!.end();
  }
  const asked = target.ask('/', { 'accept-encoding': 'br' });
  while (late.length <= MAX_COMPRESSED) await new Promise((resolve) => setTimeout(resolve, 5));
  const last = late.at(-1)!;
  last.writeHead(200, { 'content-type': 'text/plain' });
  last.end('x'.repeat(MIN_COMPRESSED * 2));
  assert.is((await asked).headers['content-encoding'], 'br');
  await target.close();
});

test.run();
