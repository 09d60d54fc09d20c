import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { headerMap } from '../../../core/http/header-list.ts';
import {
  forwardRequestFields,
  forwardResponseFields,
  forwardTrailers,
  joinFields,
} from '../../../core/http/proxy-headers.ts';
import { cpuMs } from '../../support/harness/cpu-time.ts';

const via = { address: '198.51.100.4', proto: 'https' as const, host: 'relay.example' };
const ADDED = ['X-Forwarded-For', via.address, 'X-Forwarded-Proto', 'https', 'X-Forwarded-Host', via.host];
const forwarded = (raw: string[], options: { upgrade?: boolean; dropCookies?: (name: string) => boolean } = {}) => {
  const fields = forwardRequestFields(raw, { via, upgrade: false, ...options });
  assert.equal(fields.slice(-6), ADDED);
  return fields.slice(0, -6);
};

test('ordinary fields keep their case, order and repetition', () => {
  const raw = ['Host', 'a', 'Accept', 'x', 'ACCEPT', 'y', 'X-Custom', 'z', 'Content-Length', '5'];
  assert.equal(forwarded(raw), raw);
});

test('what is about the connection stays behind, by name and as Connection names it', () => {
  const raw = [
    ...[
      'Connection',
      'keep-alive, X-Private',
      'connection',
      'x-other',
      'Keep-Alive',
      '5',
      'TE',
      'trailers',
      'Trailer',
      'x',
    ],
    ...[
      'Transfer-Encoding',
      'chunked',
      'Upgrade',
      'h2c',
      'Proxy-Authorization',
      'Basic x',
      'Proxy-Connection',
      'close',
    ],
    ...['HTTP2-Settings', 'x', 'X-Private', 'secret', 'X-Other', '1', 'Kept', 'yes'],
  ];
  assert.equal(forwarded(raw), ['Trailer', 'x', 'Kept', 'yes']);
});

test('what the client proves to the relay stays there', () => {
  for (const name of ['Authorization', 'authorization', 'AUTHORIZATION']) {
    for (const value of ['Basic dTpw', 'Bearer token', '']) {
      assert.equal(forwarded([name, value, 'Kept', 'yes', name, value]), ['Kept', 'yes']);
    }
  }
});

test('Connection cannot make Host or Content-Length vanish', () => {
  assert.equal(forwarded(['Connection', 'host, content-length', 'Host', 'a', 'Content-Length', '3']), [
    ...['Host', 'a', 'Content-Length', '3'],
  ]);
});

test('what only the relay may say is replaced', () => {
  const raw = [
    'X-Forwarded-For',
    '1.2.3.4',
    'x-forwarded-proto',
    'http',
    'X-Forwarded-Anything',
    'x',
    'Forwarded',
    'for=x',
  ];
  assert.equal(forwarded([...raw, 'X-Relay-User', 'admin', 'X-Real-IP', '1', 'Via', 'x', 'X-Original-URL', '/x']), []);
});

test('Sec-WebSocket-* is forwarded only with an upgrade, with new Connection and Upgrade fields', () => {
  const raw = ['Connection', 'keep-alive, Upgrade', 'Upgrade', 'websocket', 'Sec-WebSocket-Key', 'k', 'Host', 'a'];
  assert.equal(forwarded(raw), ['Host', 'a']);
  assert.equal(forwarded(raw, { upgrade: true }), [
    ...['Sec-WebSocket-Key', 'k', 'Host', 'a', 'Connection', 'Upgrade', 'Upgrade', 'websocket'],
  ]);
});

test('Expect stays behind: the relay answers it', () => {
  assert.equal(forwarded(['Expect', '100-continue']), []);
});

test('cookies are dropped by name, the rest stays as it was', () => {
  const dropCookies = (name: string) => name === 'session' || name === '__Host-session';
  const cookie = (value: string) => forwarded(['Cookie', value], { dropCookies });
  assert.equal(cookie('a=1; session=secret; b="x=y"; __Host-session=z'), ['Cookie', 'a=1; b="x=y"']);
  assert.equal(cookie('session=secret'), []);
  assert.equal(cookie(' session = secret ;a=1'), ['Cookie', 'a=1']);
  assert.equal(cookie('sessionx=1'), ['Cookie', 'sessionx=1']);
});

/** Names that mean something only in a head, each with what it could do there. */
const HEAD_ONLY = [
  ...['Host', 'Content-Length', 'Transfer-Encoding', 'TE', 'Trailer', 'Connection', 'Keep-Alive', 'Upgrade', 'Expect'],
  ...['Authorization', 'Proxy-Authorization', 'Proxy-Status', 'Cookie', 'Set-Cookie', 'SET-COOKIE', 'WWW-Authenticate'],
  ...['Authentication-Info', 'Origin', 'Referer', 'Range', 'If-Match', 'If-None-Match', 'If-Range', 'Max-Forwards'],
  ...['Content-Type', 'content-type', 'Content-Encoding', 'Content-Range', 'Content-Location', 'Content-Disposition'],
  ...['Content-Security-Policy', 'Content-Security-Policy-Report-Only', 'Strict-Transport-Security', 'Clear-Site-Data'],
  ...[
    'Access-Control-Allow-Origin',
    'Access-Control-Allow-Credentials',
    'Cross-Origin-Opener-Policy',
    'X-Frame-Options',
  ],
  ...['X-Content-Type-Options', 'Referrer-Policy', 'Permissions-Policy', 'Service-Worker-Allowed', 'Report-To', 'NEL'],
  ...['Cache-Control', 'Pragma', 'Age', 'Date', 'Expires', 'Vary', 'Warning', 'Location', 'Refresh', 'Retry-After'],
  ...['Link', 'SourceMap', 'Alt-Svc', 'Allow', 'Accept', 'Accept-Encoding', 'X-Accel-Redirect', 'X-Sendfile'],
  ...['X-Forwarded-For', 'X-Forwarded-Host', 'Forwarded', 'Via', 'X-Real-IP', 'X-Relay-User', 'X-Original-URL'],
  ...['Sec-WebSocket-Accept', 'Sec-Fetch-Site', 'X-HTTP-Method-Override'],
];
const TRAILERS = ['Digest', 'Content-Digest', 'Repr-Digest', 'Content-MD5', 'ETag', 'Last-Modified', 'Server-Timing'];
const CUSTOM = ['X-Checksum', 'grpc-status', 'grpc-message', 'X-Uploads', 'X-Methods', 'x-amz-trailer-signature'];

test('trailers say nothing that only a head or the relay may say', () => {
  assert.equal(forwardTrailers(HEAD_ONLY.flatMap((name) => [name, 'x'])), []);
  const retained = [...TRAILERS, ...CUSTOM].flatMap((name) => [name, 'x']);
  assert.equal(forwardTrailers(retained), retained);
  assert.equal(forwardTrailers(['Digest', '1', 'Set-Cookie', 'am_session=x', 'X-Checksum', '7']), [
    ...['Digest', '1', 'X-Checksum', '7'],
  ]);
});

test('16 KiB of separators take no time', () => {
  const started = cpuMs();
  for (const text of [' ', ',', ';', '"', '\t', ', ', '; ', 'a,', '=']) {
    const value = text.repeat(16_384 / text.length);
    forwarded(['Connection', value, 'Cookie', value, 'Upgrade', value, 'X-Forwarded-For', value], {
      dropCookies: () => true,
    });
    forwardResponseFields(['Connection', value]);
  }
  assert.ok(cpuMs() - started < 9 * 20);
});

test('a response keeps repeated fields as lists and loses what is about the connection', () => {
  const raw = [
    'Set-Cookie',
    'a',
    'set-cookie',
    'b',
    'Set-Cookie',
    'c',
    'Connection',
    'x-hop',
    'X-Hop',
    '1',
    'Trailer',
    't',
  ];
  const fields = forwardResponseFields([...raw, 'Transfer-Encoding', 'chunked', 'ETag', '"e"']);
  const cookies = ['Set-Cookie', 'a', 'set-cookie', 'b', 'Set-Cookie', 'c'];
  assert.equal(fields, [...cookies, 'Trailer', 't', 'ETag', '"e"']);
  assert.equal(headerMap(fields), {
    'Set-Cookie': ['a', 'c'],
    'set-cookie': 'b',
    Trailer: 't',
    ETag: '"e"',
  });
});

test('names of Object.prototype are names like any other', () => {
  const fields = headerMap(forwardResponseFields(['constructor', 'a', '__proto__', 'b', 'toString', 'c']));
  assert.is(fields.constructor as unknown, 'a');
  assert.is(fields.toString as unknown, 'c');
  assert.is(Object.getPrototypeOf(fields), Object.prototype);
  assert.is(joinFields(['hasOwnProperty', 'x', '__proto__', 'y']).host, undefined);
});

test('joinFields joins like node:http', () => {
  assert.equal(
    joinFields(['A', '1', 'a', '2', 'Cookie', 'x=1', 'cookie', 'y=2', 'Set-Cookie', 'q', 'Host', 'h', 'host', 'i']),
    {
      a: '1, 2',
      cookie: 'x=1; y=2',
      'set-cookie': ['q'],
      host: 'h',
    },
  );
});

test.run();
