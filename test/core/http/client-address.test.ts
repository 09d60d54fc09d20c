import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { checkIdentified, createClientOf, isNetwork } from '../../../core/http/client-address.ts';
import type { HttpRequest } from '../../../core/http/types.ts';
import { cpuMs } from '../../support/harness/cpu-time.ts';

const from = (peer: string, headers: Record<string, string> = {}) => ({ peer, headers }) as unknown as HttpRequest;
const clientOf = createClientOf(['10.0.0.0/8', '127.0.0.1', 'fd00::/8'], false);
const HTTPS = { 'x-forwarded-proto': 'https' };

test('without a trusted proxy nothing that is forwarded counts', () => {
  const direct = createClientOf([], false);
  const forwarded = { ...HTTPS, 'x-forwarded-for': '1.2.3.4' };
  assert.equal(direct(from('10.0.0.1', forwarded)), { address: '10.0.0.1', identified: true, secure: false });
  assert.equal(clientOf(from('11.0.0.1', forwarded)), { address: '11.0.0.1', identified: true, secure: false });
});

const FORWARDED: [string, string, string][] = [
  ['one hop', '203.0.113.1', '203.0.113.1'],
  ['what the client made up stands to the left', '1.1.1.1, 203.0.113.1', '203.0.113.1'],
  ['own proxies are skipped', '203.0.113.1, 10.1.1.1,10.2.2.2', '203.0.113.1'],
  ['only own proxies: the farthest of them', '10.9.9.9, 10.1.1.1', '10.9.9.9'],
  ['IPv4 within IPv6', '::ffff:203.0.113.1', '203.0.113.1'],
  ['IPv6', '2001:db8::1', '2001:db8::1'],
  ['a port', '203.0.113.66:40000', '203.0.113.66'],
  ['IPv6 in brackets and quotes with a port', '"[2001:db8::7]:443"', '2001:db8::7'],
  ['IPv6 in brackets', '[2001:DB8::7]', '2001:db8::7'],
  ['IPv4 in quotes', '"203.0.113.66"', '203.0.113.66'],
  ['IPv4 within IPv6, in brackets with a port', '[::ffff:203.0.113.1]:80', '203.0.113.1'],
  ['a zone', 'fe80::1%eth0', 'fe80::1'],
  ['a port behind own proxies with ports', '203.0.113.66:40000, 10.0.0.1:5000, "[fd00::1]:80"', '203.0.113.66'],
  ['empty elements of the list', ', 203.0.113.1, ,', '203.0.113.1'],
  ['as many own proxies as are followed', `203.0.113.1${',10.0.0.1'.repeat(9)}`, '203.0.113.1'],
];
for (const [name, header, address] of FORWARDED) {
  test(`behind a trusted proxy: ${name}`, () => {
    const client = clientOf(from('127.0.0.1', { 'x-forwarded-for': header }));
    assert.equal(client, { address, identified: true, secure: false });
  });
}

const UNKNOWN: [string, Record<string, string>][] = [
  ['unknown', { 'x-forwarded-for': 'unknown' }],
  ['an obfuscated name', { 'x-forwarded-for': '_hidden' }],
  ['a host name', { 'x-forwarded-for': 'client.example' }],
  ['an address and rubbish', { 'x-forwarded-for': '203.0.113.1;DROP' }],
  ['a port that is none', { 'x-forwarded-for': '203.0.113.1:http' }],
  ['no address behind own proxies', { 'x-forwarded-for': 'unknown, 10.0.0.1' }],
  ['an empty header', { 'x-forwarded-for': '' }],
  ['only separators', { 'x-forwarded-for': ' , ,' }],
  ['no X-Forwarded-For beside other headers of a proxy', HTTPS],
  ['Forwarded alone', { forwarded: 'for=203.0.113.1' }],
  ['Via alone', { via: '1.1 proxy' }],
  ['more own proxies than are followed', { 'x-forwarded-for': `203.0.113.1${',10.0.0.1'.repeat(20)}` }],
];
for (const [name, headers] of UNKNOWN) {
  test(`behind a trusted proxy a client without an address is not identified: ${name}`, () => {
    const client = clientOf(from('127.0.0.1', headers));
    assert.is(client.address, '127.0.0.1');
    assert.not(client.identified);
    assert.throws(() => checkIdentified(client), /X-Forwarded-For/);
  });
}

test("who connects from a proxy's address and forwards nothing is a client itself", () => {
  const client = clientOf(from('127.0.0.1'));
  assert.equal(client, { address: '127.0.0.1', identified: true, secure: false });
  checkIdentified(client);
});

test('a header that cannot be used is logged once, with its value', () => {
  const lines: [string, unknown][] = [];
  const logging = createClientOf(['127.0.0.1'], false, { warn: (text, fields) => void lines.push([text, fields]) });
  for (let i = 0; i < 3; i++) {
    logging(from('127.0.0.1', { 'x-forwarded-for': '203.0.113.1', 'x-forwarded-proto': 'https' }));
    logging(from('127.0.0.1', { 'x-forwarded-for': 'unknown' }));
    logging(from('127.0.0.1', { 'x-forwarded-for': `other${'x'.repeat(1000)}`, 'x-forwarded-proto': 'on' }));
    logging(from('192.0.2.1', { 'x-forwarded-for': 'unknown', 'x-forwarded-proto': 'gopher' }));
  }
  assert.is(lines.length, 2);
  assert.match(lines[0]![0], /x-forwarded-for names no address/);
  assert.equal(lines[0]![1], { proxy: '127.0.0.1', value: 'unknown' });
  assert.match(lines[1]![0], /x-forwarded-proto names neither http nor https/);
});

test('https is believed of a trusted proxy only, and only of the nearest', () => {
  assert.ok(clientOf(from('127.0.0.1', HTTPS)).secure);
  assert.ok(clientOf(from('fd12::1', HTTPS)).secure);
  assert.not.ok(clientOf(from('127.0.0.2', HTTPS)).secure);
  assert.not.ok(clientOf(from('127.0.0.1', { 'x-forwarded-proto': 'https, http' })).secure);
  assert.ok(createClientOf([], true)(from('1.2.3.4')).secure);
});

test('wss is https and ws is http, in any case, list and quotes', () => {
  const secure = (proto: string) => clientOf(from('127.0.0.1', { 'x-forwarded-proto': proto })).secure;
  for (const proto of ['https', 'wss', 'HTTPS', 'Wss', 'http, wss', '"https"', 'https,', ' wss ']) {
    assert.ok(secure(proto), proto);
  }
  for (const proto of ['http', 'ws', 'WS', 'https, ws', '', ',', 'on', 'httpss', 'https/1']) {
    assert.not(secure(proto), proto);
  }
});

test('16 KiB of separators take no time', () => {
  const started = cpuMs();
  for (const text of [',', ', ', '"', '[', ':', ' ', '%', '1.']) {
    const value = text.repeat(16_384 / text.length);
    clientOf(from('127.0.0.1', { 'x-forwarded-for': value, 'x-forwarded-proto': value }));
  }
  assert.ok(cpuMs() - started < 8 * 20);
});

test('isNetwork accepts networks only', () => {
  for (const good of ['127.0.0.1', '10.0.0.0/8', '::1', 'fd00::/8', '0.0.0.0/0']) assert.ok(isNetwork(good), good);
  for (const bad of ['', 'localhost', '10.0.0.0/33', '10.0.0.0/', '10.0.0/8', '::1/129', '10.0.0.0/8/8', '*']) {
    assert.not.ok(isNetwork(bad), bad);
  }
});

test.run();
