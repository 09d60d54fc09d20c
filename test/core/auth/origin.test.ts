import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { canonicalOrigin, checkFetchSite, checkOrigin, isOwnHost } from '../../../core/auth/origin.ts';
import { ERROR_STATUS, Failure } from '../../../core/api/errors.ts';
import type { HttpRequest } from '../../../core/http/types.ts';

type Headers = Record<string, string>;

function outcome(method: string, headers: Headers, secure = false): number {
  try {
    checkOrigin({ method, headers: { host: 'relay.example:3457', ...headers } } as unknown as HttpRequest, secure);
    return 200;
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    return ERROR_STATUS[error.code];
  }
}
const UPGRADE = { upgrade: 'websocket', connection: 'Upgrade' };
const OWN = 'http://relay.example:3457';

const FOREIGN: [string, string][] = [
  ['another site', 'http://evil.test'],
  ['null', 'null'],
  ['an empty one', ''],
  ['https instead of http', 'https://relay.example:3457'],
  ['the port off by one', 'http://relay.example:3458'],
  ['no port', 'http://relay.example'],
  ['our name as a prefix', 'http://relay.example:3457.evil.test'],
  ['our name as a suffix', 'http://evil-relay.example:3457'],
  ['our name as the user', 'http://relay.example:3457@evil.test'],
  ['a path behind it', 'http://relay.example:3457/'],
  ['two at once', `${OWN}, ${OWN}`],
];
for (const [name, origin] of FOREIGN) {
  test(`an Origin that is ${name} is refused on upgrades and changes`, () => {
    assert.is(outcome('GET', { ...UPGRADE, origin }), 403);
    for (const method of ['POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']) assert.is(outcome(method, { origin }), 403);
  });
}

const isData = (url: string, headers: Headers, method = 'GET'): boolean => {
  try {
    checkFetchSite({ method, url, headers } as unknown as HttpRequest);
    return true;
  } catch (error) {
    assert.instance(error, Failure);
    return false;
  }
};

test('data is refused to pages of other origins, of the same site too, but for links', () => {
  for (const site of ['same-site', 'cross-site']) {
    for (const url of ['/api/agents', '/api?x', '/m/machine/api/agents/1/files/content?path=a']) {
      for (const mode of ['no-cors', 'cors', 'same-origin', 'websocket']) {
        assert.not.ok(isData(url, { 'sec-fetch-site': site, 'sec-fetch-mode': mode }), `${site} ${mode} ${url}`);
      }
      assert.ok(isData(url, { 'sec-fetch-site': site, 'sec-fetch-mode': 'navigate' }));
      assert.not.ok(isData(url, { 'sec-fetch-site': site, 'sec-fetch-mode': 'navigate' }, 'POST'));
    }
    for (const url of ['/', '/icon.png', '/manifest.webmanifest', '/apix']) {
      assert.ok(isData(url, { 'sec-fetch-site': site, 'sec-fetch-mode': 'no-cors' }), url);
    }
  }
  for (const site of ['same-origin', 'none']) assert.ok(isData('/api/agents', { 'sec-fetch-site': site }));
  assert.ok(isData('/api/agents', {}), 'programs, and browsers over plain http');
});

test('our own Origin passes, in any case', () => {
  assert.is(outcome('GET', { ...UPGRADE, origin: OWN }), 200);
  assert.is(outcome('POST', { origin: 'HTTP://Relay.Example:3457' }), 200);
  assert.is(outcome('POST', { origin: 'https://relay.example:3457' }, true), 200);
  assert.is(outcome('POST', { origin: OWN }, true), 403, 'http where the browser speaks TLS');
});

/** Host, whether the browser speaks TLS, Origin: the same origin in other words. */
const SAME: [string, boolean, string][] = [
  ['relay.example:443', true, 'https://relay.example'],
  ['relay.example:80', false, 'http://relay.example'],
  ['relay.example', true, 'https://relay.example:443'],
  ['relay.example.', true, 'https://relay.example'],
  ['relay.example', true, 'https://relay.example.'],
  ['relay.example.:443', true, 'https://relay.example.'],
  ['RELAY.example:443', true, 'https://relay.EXAMPLE'],
  ['relay.example:0443', true, 'https://relay.example'],
  ['[::1]:443', true, 'https://[::1]'],
  ['[0:0:0:0:0:0:0:1]', false, 'http://[::1]:80'],
  ['192.0.2.1:8443', true, 'https://192.0.2.1:8443'],
];
test('origins are compared, not texts', () => {
  for (const [host, secure, origin] of SAME) {
    assert.is(outcome('GET', { ...UPGRADE, host, origin }, secure), 200, `${host} ${origin}`);
    assert.is(outcome('POST', { host, origin }, secure), 200, `${host} ${origin}`);
  }
});

const OTHER: [string, boolean, string][] = [
  ['relay.example:80', true, 'https://relay.example'],
  ['relay.example:443', false, 'http://relay.example'],
  ['relay.example:444', true, 'https://relay.example'],
  ['relay.example..', true, 'https://relay.example'],
  ['relay.example', true, 'https://relay.example.evil.test'],
  ['relay.example', true, 'https://relay.example:443:443'],
  ['relay.example', true, 'https://user@relay.example'],
  ['relay.example', true, 'https://relay.example/'],
  ['relay.example', true, 'https://relay.example?'],
  ['relay.example', true, 'https:relay.example'],
  ['relay.example', true, 'https:\\\\relay.example'],
  ['relay.example', true, ' https://relay.example'],
  ['relay.example', true, 'https://relay.example\t'],
  ['relay.example', true, 'wss://relay.example'],
  ['relay.example', true, 'https://relay%2eexample'],
  ['relay.example:99999', true, 'https://relay.example:99999'],
  ['', true, 'https://'],
];
test('another scheme, host or port is another origin, however it is written', () => {
  for (const [host, secure, origin] of OTHER) {
    assert.is(outcome('POST', { host, origin }, secure), 403, `${host} ${JSON.stringify(origin)}`);
  }
});

test('a refusal says what was compared', () => {
  const refusal = (host: string, origin: string, secure: boolean) => {
    try {
      checkOrigin({ method: 'POST', headers: { host, origin } } as unknown as HttpRequest, secure);
    } catch (error) {
      return (error as Error).message;
    }
    return '';
  };
  assert.match(
    refusal('relay.example:80', 'https://relay.example', true),
    /"https:\/\/relay\.example".* as https:\/\/relay\.example:80\./,
  );
  assert.match(
    refusal('inner:3457', 'https://relay.example', false),
    /"https:\/\/relay\.example".* as http:\/\/inner:3457\./,
  );
  assert.match(refusal('relay.example:443', 'https://relay.example', false), /TRUSTED_PROXIES/);
  assert.ok(refusal('a', 'x'.repeat(10_000), false).length < 500);
});

test('an origin has one canonical form', () => {
  assert.is(canonicalOrigin('HTTPS://Relay.Example.:443'), 'https://relay.example');
  assert.is(canonicalOrigin('http://[2001:DB8::0001]:8080'), 'http://[2001:db8::1]:8080');
  for (
    const none of ['null', '', 'relay.example', 'https://', 'ftp://a', 'https://a/b', 'https://a b', 'https://[::g]']
  ) {
    assert.is(canonicalOrigin(none), null, none);
  }
});

test('an upgrade without Origin is refused, also with a cookie', () => {
  assert.is(outcome('GET', UPGRADE), 403);
  assert.is(outcome('GET', { ...UPGRADE, cookie: 'am_session=x' }), 403);
});

test('X-Forwarded-Host changes nothing', () => {
  assert.is(outcome('GET', { ...UPGRADE, origin: 'http://evil.test', 'x-forwarded-host': 'evil.test' }), 403);
});

test('a program without Origin may send JSON, and nothing that a form could send', () => {
  assert.is(outcome('POST', { 'content-type': 'application/json' }), 200);
  assert.is(outcome('DELETE', {}), 200);
  for (
    const type of [
      'text/plain',
      'TEXT/PLAIN; charset=utf-8',
      'application/x-www-form-urlencoded',
      'multipart/form-data; boundary=x',
    ]
  ) {
    assert.is(outcome('POST', { 'content-type': type }), 403);
  }
});

test('what a browser marks as from another site is refused also without Origin', () => {
  assert.is(outcome('POST', { 'sec-fetch-site': 'cross-site' }), 403);
  assert.is(outcome('POST', { 'sec-fetch-site': 'same-site' }), 403);
  assert.is(outcome('POST', { 'sec-fetch-site': 'same-origin' }), 200);
});

test('reading needs no Origin', () => {
  assert.is(outcome('GET', { origin: 'http://evil.test' }), 200);
  assert.is(outcome('HEAD', {}), 200);
});

test('without a login only names that cannot be rebound are ours', () => {
  const names = new Set(['relay.example']);
  for (
    const host of [
      'localhost',
      'LOCALHOST:3457',
      '127.0.0.1:1',
      '192.168.1.5:3457',
      '[::1]:3457',
      'relay.example',
      'Relay.Example:1',
      'relay.example.:443',
      'localhost.',
    ]
  ) {
    assert.ok(isOwnHost(host, names), host);
  }
  for (
    const host of ['evil.test', 'relay.example.evil.test', '127.0.0.1.evil.test', 'localhost.evil.test', '', undefined]
  ) {
    assert.not.ok(isOwnHost(host, names), host);
  }
});

test.run();
