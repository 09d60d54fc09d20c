/** What must be refused before anything acts on it: checks H03, H05, H07, H08, H11, H13. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { countReplies, fieldsOf, rawHttp, request } from '../support/network/raw-http.ts';
import { isTls } from '../support/network/transport.ts';
import { startRelay, type TestRelay } from '../support/harness/relay.ts';

let relay: TestRelay;
let cookie: string;

test.before(async () => {
  relay = await startRelay({ machine: true });
  cookie = await relay.login();
});
test.after(() => relay.close());

/** Sends the head (with a valid cookie) and body; expects one error reply, a closed connection, and a machine that saw nothing. */
async function refused(head: string, status: number | number[]): Promise<void> {
  relay.reached.length = 0;
  const reply = await rawHttp(relay.port, head.replaceAll('COOKIE', cookie), 3000);
  assert.ok([status].flat().includes(reply.status), `${reply.status}: ${reply.text.slice(0, 200)}`);
  assert.ok(reply.closed, 'the connection must be closed');
  assert.is(countReplies(reply.text), 1);
  assert.equal(relay.reached.filter((line) => line.includes('smuggled')), []);
}
const POST = 'POST /api/x HTTP/1.1\r\nhost: a\r\ncookie: COOKIE\r\n';
const SMUGGLED = 'GET /api/smuggled HTTP/1.1\r\nhost: a\r\ncookie: COOKIE\r\n\r\n';

const FRAMING: [string, string][] = [
  ['content-length and chunked', `${POST}content-length: 6\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n${SMUGGLED}`],
  ['chunked and content-length', `${POST}transfer-encoding: chunked\r\ncontent-length: 6\r\n\r\n0\r\n\r\n${SMUGGLED}`],
  ['two content-lengths', `${POST}content-length: 0\r\ncontent-length: 44\r\n\r\n${SMUGGLED}`],
  ['a space before the colon', `${POST}transfer-encoding : chunked\r\n\r\n0\r\n\r\n${SMUGGLED}`],
  ['an unknown coding', `${POST}transfer-encoding: xchunked\r\n\r\n0\r\n\r\n${SMUGGLED}`],
  ['chunked twice', `${POST}transfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n${SMUGGLED}`],
  ['bare line feeds', `POST /api/x HTTP/1.1\nhost: a\ntransfer-encoding: chunked\n\n0\n\n${SMUGGLED}`],
  ['a folded field', `${POST}transfer-encoding:\r\n chunked\r\n\r\n0\r\n\r\n${SMUGGLED}`],
  ['a NUL in a value', `${POST}x: a\0b\r\ncontent-length: 0\r\n\r\n${SMUGGLED}`],
  ['a negative length', `${POST}content-length: -1\r\n\r\n${SMUGGLED}`],
  ['a signed length', `${POST}content-length: +5\r\n\r\n${SMUGGLED}`],
  ['HTTP/1.0 with chunks', `POST /api/x HTTP/1.0\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n${SMUGGLED}`],
  [
    'an upgrade with a body',
    `${POST}connection: upgrade\r\nupgrade: websocket\r\ncontent-length: 5\r\n\r\n${SMUGGLED}`,
  ],
];
for (const [name, bytes] of FRAMING) {
  test(`framing: ${name} is refused and the connection closed`, () => refused(bytes, 400));
}

const CHUNKS: [string, string][] = [
  ['chunks that end in a bare line feed', `${POST}transfer-encoding: chunked\r\n\r\n1\na\n0\n\n${SMUGGLED}`],
  ['20 KB of chunk extension', `${POST}transfer-encoding: chunked\r\n\r\n1;${'x'.repeat(20_000)}\r\na\r\n0\r\n\r\n`],
  ['a chunk size that is no number', `${POST}transfer-encoding: chunked\r\n\r\nzz\r\na\r\n0\r\n\r\n${SMUGGLED}`],
];
for (const [name, bytes] of CHUNKS) {
  test(`framing: ${name} end the connection`, async () => {
    relay.reached.length = 0;
    const reply = await rawHttp(relay.port, bytes.replaceAll('COOKIE', cookie), 3000);
    assert.ok(reply.closed);
    assert.ok(countReplies(reply.text) <= 1);
    assert.equal(relay.reached.filter((line) => line.includes('smuggled')), []);
  });
}

const HEADS: [string, string, number][] = [
  ['two Host fields', 'GET /api/x HTTP/1.1\r\nhost: a\r\nhost: b\r\ncookie: COOKIE\r\n\r\n', 400],
  ['no Host field', 'GET /api/x HTTP/1.1\r\ncookie: COOKIE\r\n\r\n', 400],
  ['a Host with a path in it', 'GET /api/x HTTP/1.1\r\nhost: a/b@c\r\n\r\n', 400],
  ['HTTP/1.0 without Host', 'GET /api/x HTTP/1.0\r\ncookie: COOKIE\r\n\r\n', 400],
  ['HTTP/0.9', 'GET /api/x\r\n\r\n', 400],
  ['HTTP/2.0 in the request line', 'GET /api/x HTTP/2.0\r\nhost: a\r\n\r\n', 400],
  ['TRACE', 'TRACE /api/x HTTP/1.1\r\nhost: a\r\ncookie: COOKIE\r\n\r\n', 405],
  ['CONNECT', 'CONNECT 127.0.0.1:22 HTTP/1.1\r\nhost: a\r\n\r\n', 405],
  ['OPTIONS *', 'OPTIONS * HTTP/1.1\r\nhost: a\r\n\r\n', 400],
  ['an absolute target', 'GET http://169.254.169.254/ HTTP/1.1\r\nhost: a\r\ncookie: COOKIE\r\n\r\n', 400],
  ['a fragment in the target', 'GET /api/x#y HTTP/1.1\r\nhost: a\r\ncookie: COOKIE\r\n\r\n', 400],
  ['bytes over 0x7f in the target', 'GET /api/\xff HTTP/1.1\r\nhost: a\r\ncookie: COOKIE\r\n\r\n', 400],
  ['101 fields', `GET /api/x HTTP/1.1\r\nhost: a\r\n${'a: b\r\n'.repeat(100)}\r\n`, 431],
  ['3,000 fields', `GET /api/x HTTP/1.1\r\nhost: a\r\n${'a: b\r\n'.repeat(2700)}\r\n`, 431],
  ['a head over 16 KiB', `GET /api/x HTTP/1.1\r\nhost: a\r\nb: ${'b'.repeat(17_000)}\r\n\r\n`, 431],
];
for (const [name, bytes, status] of HEADS) test(`head: ${name} is answered ${status}`, () => refused(bytes, status));

test('head: 100 fields pass', async () => {
  const reply = await rawHttp(
    relay.port,
    `GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n${'a: b\r\n'.repeat(98)}\r\n`,
  );
  assert.is(reply.status, 200);
});

test('HTTP/1.0 with a Host field is served, as nginx sends it', async () => {
  const reply = await rawHttp(relay.port, 'GET / HTTP/1.0\r\nhost: a\r\n\r\n');
  assert.is(reply.status, 200);
  assert.ok(reply.closed);
});

const PATHS = [
  '/../../etc/passwd',
  '/%2e%2e/%2e%2e/etc/passwd',
  '/..%5c..%5cetc%5cpasswd',
  '/index.html%00.js',
  '/..;/x',
  '/assets/',
  '//etc/passwd',
  '/index.html/',
  '/INDEX.HTML',
  '/assets/main-ABC.js.br',
];
for (const path of PATHS) {
  test(`static: ${path} gives no file, with or without a login`, async () => {
    const without = await rawHttp(relay.port, request('GET', path));
    assert.is(without.status, 401);
    const reply = await rawHttp(relay.port, request('GET', path, { cookie }));
    assert.not.match(reply.text, /root:|<!doctype|export \{\}/);
  });
}

test('static: a thousand ranges get the whole file once', async () => {
  const ranges = Array.from({ length: 1000 }, (_, i) => `${i}-${i}`).join(',');
  const reply = await rawHttp(relay.port, request('GET', '/', { range: `bytes=${ranges}`, 'if-range': '"x"' }));
  assert.is(reply.status, 200);
  assert.is(fieldsOf(reply.text)['content-length'], '34');
});

const REPLIES: [string, string][] = [
  ['a page', request('GET', '/')],
  ['an API reply', request('GET', '/api/relay/status')],
  ['401', request('GET', '/api/agents')],
  ['403', request('POST', '/api/agents', { origin: 'http://evil.test' })],
  ['404 behind the login', request('GET', '/api/auth/nothing', { cookie: 'COOKIE' })],
  ['405', request('DELETE', '/api/auth/check', { cookie: 'COOKIE' })],
  ['a forwarded reply', request('GET', '/api/agents', { cookie: 'COOKIE' })],
  ['400 of the parser', 'GET / HTTP/1.1\r\nbad header\r\n\r\n'],
  ['431 of the parser', `GET / HTTP/1.1\r\nhost: a\r\nb: ${'b'.repeat(17_000)}\r\n\r\n`],
  ['417', request('GET', '/', { expect: 'the unexpected' })],
  ['a refused upgrade', request('GET', '/api/live', { connection: 'upgrade', upgrade: 'websocket' })],
  ['304', request('GET', '/', { 'if-none-match': '*' })],
];
for (const [name, bytes] of REPLIES) {
  test(`security headers are on ${name}`, async () => {
    const { text } = await rawHttp(relay.port, bytes.replaceAll('COOKIE', cookie));
    const fields = fieldsOf(text);
    assert.match(fields['content-security-policy']!, /^default-src 'none'/);
    assert.match(fields['content-security-policy']!, /frame-ancestors 'none'/);
    assert.match(fields['content-security-policy']!, /base-uri 'none'/);
    assert.not.match(fields['content-security-policy']!, /script-src[^;]*unsafe|unsafe-eval/);
    assert.is(fields['x-content-type-options'], 'nosniff');
    assert.is(fields['referrer-policy'], 'no-referrer');
    assert.is(fields['cross-origin-opener-policy'], 'same-origin');
    assert.is(fields['cross-origin-resource-policy'], 'same-origin');
    assert.is(fields['x-powered-by'], undefined);
    assert.is(fields['access-control-allow-origin'], undefined);
    assert.is(fields['strict-transport-security'] !== undefined, isTls(), 'only over TLS');
  });
}

test('API replies are never stored, hashed files always', async () => {
  assert.is(
    fieldsOf((await rawHttp(relay.port, request('GET', '/api/relay/status'))).text)['cache-control'],
    'no-store',
  );
  const asset = fieldsOf((await rawHttp(relay.port, request('GET', '/assets/main-ABC.js'))).text);
  assert.is(asset['cache-control'], 'public, max-age=31536000, immutable');
});

test('a compressed request body is refused with 415 before it is read', async () => {
  const head = request('POST', '/api/auth/login', {
    'content-type': 'application/json',
    'content-encoding': 'gzip',
    'content-length': '1000000',
  });
  const reply = await rawHttp(relay.port, head, 2000);
  assert.is(reply.status, 415);
});

test.run();
