/** Port 80: what it answers, where it sends people, and where it never does. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { systemClock } from '../../../core/clock.ts';
import type { HttpServer } from '../../../core/http/server.ts';
import { silentLog } from '../../../core/log.ts';
import { Challenges } from '../../../relay/acme/challenges.ts';
import { createPlainHttp } from '../../../relay/acme/plain-http.ts';
import { rawHttp } from '../../support/network/raw-http.ts';

const challenges = new Challenges();
let reason: string | null = null;
let httpsPort = 443;
let server: HttpServer;
let port: number;

test.before(async () => {
  const names = ['relay.example.org', '203.0.113.9', '2001:db8::9'];
  server = createPlainHttp({
    challenges,
    names,
    httpsPort: () => httpsPort,
    waiting: () => reason,
    log: silentLog,
    clock: systemClock,
  });
  ({ port } = await server.listen(0, '127.0.0.1'));
});
test.after(() => server.close(0));
test.after.each(() => {
  reason = null;
  httpsPort = 443;
});

const ask = (method: string, target: string, host: string, more = '') =>
  rawHttp(port, `${method} ${target} HTTP/1.1\r\nhost: ${host}\r\nconnection: close\r\n${more}\r\n`);
const locationOf = (text: string) => /\r\nlocation: (.*)\r\n/i.exec(text)?.[1];

const REDIRECTS: [string, string, string][] = [
  ['relay.example.org', '/', 'https://relay.example.org/'],
  ['RELAY.example.org:80', '/a/b?c=d', 'https://relay.example.org/a/b?c=d'],
  ['203.0.113.9', '/x', 'https://203.0.113.9/x'],
  ['[2001:db8:0::9]:80', '/', 'https://[2001:db8::9]/'],
  ['relay.example.org', '//evil.example/', 'https://relay.example.org//evil.example/'],
];
for (const [host, target, location] of REDIRECTS) {
  test(`${host} ${target} → ${location}`, async () => {
    for (const method of ['GET', 'HEAD']) {
      const { status, text } = await ask(method, target, host);
      assert.is(status, 308);
      assert.is(locationOf(text), location);
    }
  });
}

test('another port of https is in the address', async () => {
  httpsPort = 8443;
  assert.is(locationOf((await ask('GET', '/', 'relay.example.org')).text), 'https://relay.example.org:8443/');
});

for (
  const host of [
    'evil.example',
    'relay.example.org.evil.example',
    '198.51.100.1',
    '[2001:db8::8]',
    'localhost',
    '127.0.0.1',
  ]
) {
  test(`no redirect for ${host}`, async () => {
    const { status, text } = await ask('GET', '/', host);
    assert.is(status, 421);
    assert.is(locationOf(text), undefined);
    assert.match(text, /RELAY_DOMAIN/);
  });
}

test('a request that may carry a password, and a WebSocket, are refused and not sent on', async () => {
  const post = await ask('POST', '/api/auth/login', 'relay.example.org', 'content-length: 0\r\n');
  const socket = await rawHttp(
    port,
    'GET /api/live HTTP/1.1\r\nhost: relay.example.org\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n',
  );
  for (const { status, text } of [post, socket]) {
    assert.is(status, 403);
    assert.match(text, /https_required/);
    assert.is(locationOf(text), undefined);
  }
});

test('an open challenge is answered under any Host, then no more', async () => {
  const identifier = { type: 'dns', value: 'relay.example.org' } as const;
  const open = { type: 'http-01', identifier, token: 'a_Token-1', keyAuthorization: 'a_Token-1.thumb' } as const;
  const close = challenges.open(open, Date.now());
  const path = '/.well-known/acme-challenge/a_Token-1';
  for (const host of ['relay.example.org', 'anything.example', '198.51.100.7']) {
    const { status, text } = await ask('GET', path, host);
    assert.is(status, 200);
    assert.match(text, /\r\n\r\na_Token-1\.thumb$/);
  }
  for (const wrong of [`${path}x`, '/.well-known/acme-challenge/', '/.well-known/acme-challenge/../a_Token-1']) {
    assert.is((await ask('GET', wrong, 'relay.example.org')).status, 308, wrong);
  }
  close();
  assert.is((await ask('GET', path, 'anything.example')).status, 421);
});

test('a token that could leave its path is refused', () => {
  const identifier = { type: 'dns', value: 'relay.example.org' } as const;
  for (const token of ['', '../x', 'a/b', 'a b', 'ä', 'a'.repeat(257)]) {
    assert.throws(() => challenges.open({ type: 'http-01', identifier, token, keyAuthorization: 'x' }, 0), /base64url/);
  }
});

test('while there is no certificate the page says why, and nothing in it is HTML that the authority wrote', async () => {
  reason = 'The authority says: "<script>alert(1)</script> & more"';
  const page = await ask('GET', '/', 'relay.example.org');
  assert.is(page.status, 503);
  assert.match(page.text, /retry-after: 10/i);
  assert.match(page.text, /&lt;script&gt;alert\(1\)&lt;\/script&gt; &amp; more&quot;/);
  assert.not.match(page.text, /<script|<form|<input/);
  const api = await ask('GET', '/api/agents', 'relay.example.org');
  assert.match(api.text, /\{"error":"The authority says.*"code":"certificate_pending"\}/);
});

test.run();
