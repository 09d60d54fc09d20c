import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Asset, PAGE_CSP, readAssets, serveStatic, WORKER_CSP, WORKER_PATH } from '../../../core/http/static.ts';
import { HttpError } from '../../../core/http/reply.ts';
import type { HeaderMap, HttpRequest, HttpResponse } from '../../../core/http/types.ts';

const TEXT = Buffer.from('plain text');
const ASSETS: Asset[] = [
  { path: '/index.html', body: TEXT, br: Buffer.from('BR'), gz: Buffer.from('GZIP') },
  { path: '/assets/a-1.js', body: TEXT },
  { path: WORKER_PATH, body: TEXT },
];
const serve = serveStatic(ASSETS);

interface Reply {
  status: number;
  headers: HeaderMap;
  body: string | null;
}

function get(url: string, headers: Record<string, string> = {}, method = 'GET', handler = serve): Reply {
  const reply: Reply = { status: 0, headers: {}, body: null };
  const res = {
    writeHead: (status: number, fields: HeaderMap) => Object.assign(reply, { status, headers: fields }),
    end: (chunk?: Uint8Array) => reply.body = chunk ? Buffer.from(chunk).toString() : null,
  } as unknown as HttpResponse;
  try {
    void handler({ method, url, headers } as unknown as HttpRequest, res);
  } catch (error) {
    if (!(error instanceof HttpError)) throw error;
    reply.status = error.status;
  }
  return reply;
}

const CODINGS: [string, string, string | undefined][] = [
  ['gzip, deflate, br', 'BR', 'br'],
  ['gzip', 'GZIP', 'gzip'],
  ['br;q=0, gzip', 'GZIP', 'gzip'],
  ['br;q=0.000,gzip;q=0', 'plain text', undefined],
  ['BR;q=0.5', 'BR', 'br'],
  ['', 'plain text', undefined],
  ['brotli', 'plain text', undefined],
];
for (const [accept, body, coding] of CODINGS) {
  test(`accept-encoding "${accept}" gets ${coding ?? 'the plain file'}`, () => {
    const reply = get('/', { 'accept-encoding': accept });
    assert.is(reply.body, body);
    assert.is(reply.headers['content-encoding'], coding);
    assert.is(reply.headers['content-length'], body.length);
    assert.is(reply.headers.vary, 'accept-encoding');
  });
}

test('the page has its own policy and is revalidated, hashed files are immutable', () => {
  assert.is(get('/').headers['content-security-policy'], PAGE_CSP);
  assert.is(get('/index.html').headers['cache-control'], 'no-cache');
  assert.is(get('/assets/a-1.js').headers['cache-control'], 'public, max-age=31536000, immutable');
  assert.is(get('/assets/a-1.js').headers['content-type'], 'text/javascript; charset=utf-8');
});

test('the entity tag answers 304, weakly compared, one of several, or any', () => {
  const etag = String(get('/').headers.etag);
  for (const value of [etag, `W/${etag}`, `"x", ${etag}`, '*']) {
    const reply = get('/', { 'if-none-match': value });
    assert.is(reply.status, 304);
    assert.is(reply.body, null);
    assert.is(reply.headers.etag, etag);
  }
  assert.is(get('/', { 'if-none-match': '"other"' }).status, 200);
});

test('each representation has an entity tag of its own', () => {
  const tags = ['', 'br', 'gzip'].map((accept) => get('/', { 'accept-encoding': accept }).headers.etag);
  assert.is(new Set(tags).size, 3);
});

test('HEAD has the headers of GET and no body', () => {
  const head = get('/', {}, 'HEAD');
  assert.equal(head.headers, get('/').headers);
  assert.is(head.body, null);
});

test('only exact paths are files, only GET and HEAD are served, a query changes nothing', () => {
  assert.is(get('/?x=/../../etc/passwd').status, 200);
  for (
    const path of ['/assets', '/assets/', '/index.html/', '/Index.html', '//', '/%69ndex.html', '/assets/../index.html']
  ) {
    assert.is(get(path).status, 404, path);
  }
  assert.is(get('/', {}, 'POST').status, 405);
});

test('a folder is read with its compressed copies and without its links', () => {
  const directory = mkdtempSync(join(tmpdir(), 'assets-'));
  try {
    mkdirSync(join(directory, 'assets'));
    writeFileSync(join(directory, 'index.html'), 'page');
    writeFileSync(join(directory, 'assets/a.js'), 'code');
    writeFileSync(join(directory, 'assets/a.js.br'), 'small');
    symlinkSync('/etc/passwd', join(directory, 'assets/link.txt'));
    symlinkSync('/etc', join(directory, 'etc'));
    const assets = readAssets(directory).sort((a, b) => a.path.localeCompare(b.path));
    assert.equal(assets.map(({ path }) => path), ['/assets/a.js', '/index.html']);
    assert.is(Buffer.from(assets[0]!.br!).toString(), 'small');
    assert.is(get('/assets/link.txt', {}, 'GET', serveStatic(assets)).status, 404);
  } finally {
    rmSync(directory, { recursive: true });
  }
});

test('the service worker may reach its own origin, is asked for anew each time, and no other script gets its policy', () => {
  const { headers } = get(WORKER_PATH);
  assert.is(headers['content-security-policy'], WORKER_CSP);
  assert.match(String(headers['content-security-policy']), /connect-src 'self'/);
  assert.is(headers['cache-control'], 'no-cache');
  assert.is(get('/assets/a-1.js').headers['content-security-policy'], undefined);
});

test.run();
