import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { createClientOf, isNetwork } from '../../../core/http/client.ts';
import type { HttpRequest } from '../../../core/http/types.ts';

const from = (peer: string, headers: Record<string, string> = {}) => ({ peer, headers }) as unknown as HttpRequest;
const clientOf = createClientOf(['10.0.0.0/8', '127.0.0.1', 'fd00::/8'], false);
const HTTPS = { 'x-forwarded-proto': 'https' };

test('without a trusted proxy nothing that is forwarded counts', () => {
  const direct = createClientOf([], false);
  assert.equal(direct(from('10.0.0.1', { ...HTTPS, 'x-forwarded-for': '1.2.3.4' })), {
    address: '10.0.0.1',
    secure: false,
  });
  assert.equal(clientOf(from('11.0.0.1', { ...HTTPS, 'x-forwarded-for': '1.2.3.4' })), {
    address: '11.0.0.1',
    secure: false,
  });
});

const FORWARDED: [string, string, string][] = [
  ['one hop', '203.0.113.1', '203.0.113.1'],
  ['what the client made up stands to the left', '1.1.1.1, 203.0.113.1', '203.0.113.1'],
  ['own proxies are skipped', '203.0.113.1, 10.1.1.1,10.2.2.2', '203.0.113.1'],
  ['only own proxies: the socket', '10.1.1.1', '127.0.0.1'],
  ['no address: the socket', 'unknown', '127.0.0.1'],
  ['empty: the socket', '', '127.0.0.1'],
  ['IPv4 within IPv6', '::ffff:203.0.113.1', '203.0.113.1'],
  ['IPv6', '2001:db8::1', '2001:db8::1'],
  ['more own proxies than are followed', `203.0.113.1${',10.0.0.1'.repeat(20)}`, '127.0.0.1'],
];
for (const [name, header, address] of FORWARDED) {
  test(`behind a trusted proxy: ${name}`, () => {
    assert.is(clientOf(from('127.0.0.1', { 'x-forwarded-for': header })).address, address);
  });
}

test('https is believed of a trusted proxy only, and only of the nearest', () => {
  assert.ok(clientOf(from('127.0.0.1', HTTPS)).secure);
  assert.ok(clientOf(from('fd12::1', HTTPS)).secure);
  assert.not.ok(clientOf(from('127.0.0.2', HTTPS)).secure);
  assert.not.ok(clientOf(from('127.0.0.1', { 'x-forwarded-proto': 'https, http' })).secure);
  assert.ok(createClientOf([], true)(from('1.2.3.4')).secure);
});

test('networks are told from what is none', () => {
  for (const good of ['127.0.0.1', '10.0.0.0/8', '::1', 'fd00::/8', '0.0.0.0/0']) assert.ok(isNetwork(good), good);
  for (const bad of ['', 'localhost', '10.0.0.0/33', '10.0.0.0/', '10.0.0/8', '::1/129', '10.0.0.0/8/8', '*']) {
    assert.not.ok(isNetwork(bad), bad);
  }
});

test.run();
