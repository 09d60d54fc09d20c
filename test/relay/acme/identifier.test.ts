import { test } from 'uvu';
import * as assert from 'uvu/assert';
import {
  addressBytes,
  isPublicAddress,
  parseIdentifier,
  publicWeakness,
  sameIdentifiers,
  serverName,
} from '../../../relay/acme/identifier.ts';

const PARSED: [string, string, string][] = [
  ['Relay.Example.org', 'dns', 'relay.example.org'],
  ['xn--bcher-kva.example', 'dns', 'xn--bcher-kva.example'],
  ['localhost', 'dns', 'localhost'],
  ['203.0.113.7', 'ip', '203.0.113.7'],
  ['2001:DB8:0:0:0:0:0:1', 'ip', '2001:db8::1'],
  ['[2001:db8::0:1:0:0:1]', 'ip', '2001:db8::1:0:0:1'],
];
for (const [text, type, value] of PARSED) {
  test(`${text} is ${type} ${value}`, () => assert.equal(parseIdentifier(text), { type, value }));
}

for (
  const text of [
    '',
    '-a.example',
    'a..example',
    'a_b.example',
    '*.example.org',
    'a/b',
    '1.2.3',
    '1.2.3.400',
    'a'.repeat(64),
    `${'a.'.repeat(127)}ab`,
    'a b',
  ]
) {
  test(`"${text.slice(0, 20)}" is neither name nor address`, () => assert.is(parseIdentifier(text), null));
}

test('addresses as bytes', () => {
  assert.equal([...addressBytes('192.0.2.255')], [192, 0, 2, 255]);
  assert.is(addressBytes('2001:db8::1').toString('hex'), '20010db8000000000000000000000001');
  assert.is(addressBytes('::').toString('hex'), '0'.repeat(32));
  assert.is(addressBytes('1:2:3:4:5:6:7:8').toString('hex'), '00010002000300040005000600070008');
});

test('names for tls-alpn-01: RFC 8738 section 6 and its examples', () => {
  assert.is(serverName({ type: 'ip', value: '192.0.2.1' }), '1.2.0.192.in-addr.arpa');
  assert.is(
    serverName({ type: 'ip', value: '2001:db8::1' }),
    '1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa',
  );
  assert.is(serverName({ type: 'dns', value: 'a.example' }), 'a.example');
});

test('what the internet can reach', () => {
  for (const address of ['8.8.8.8', '20.0.0.1', '172.15.0.1', '172.32.0.1', '2606:4700::1', '2a00:1450::8']) {
    assert.ok(isPublicAddress(address), address);
  }
  const PRIVATE = ['10.1.2.3', '100.64.0.1', '127.0.0.1', '169.254.1.1', '172.16.0.1', '172.31.255.255', '192.168.1.1'];
  const SPECIAL = ['192.0.2.1', '198.18.0.1', '203.0.113.9', '224.0.0.1', '255.255.255.255', '0.0.0.0'];
  const SIX = [
    '::1',
    'fe80::1',
    'fe80::1%eth0',
    'fc00::1',
    '2001:db8::1',
    '2002::1',
    '::ffff:8.8.8.8',
    'ff02::1',
    '3fff::1',
  ];
  for (const address of [...PRIVATE, ...SPECIAL, ...SIX]) assert.not.ok(isPublicAddress(address), address);
});

test('what no public authority signs is said with its mend', () => {
  const weakness = (text: string) => publicWeakness(parseIdentifier(text)!);
  assert.match(weakness('192.168.0.4')!, /192\.168\.0\.4 is a private address.*list the address or name/);
  assert.match(weakness('fd00::1')!, /private address/);
  for (const name of ['relay', 'relay.local', 'db.internal', 'localhost', 'x.test']) {
    assert.match(weakness(name)!, /does not have.*list a name/, name);
  }
  for (const name of ['relay.example.org', '8.8.4.4', '2606:4700::1']) assert.is(weakness(name), null, name);
});

test('sets are compared without order', () => {
  const [a, b, c] = ['a.example', 'b.example', '10.0.0.1'].map((text) => parseIdentifier(text)!) as never[];
  assert.ok(sameIdentifiers([a!, b!, c!], [c!, a!, b!]));
  assert.not.ok(sameIdentifiers([a!, b!], [a!, c!]));
  assert.not.ok(sameIdentifiers([a!], [a!, b!]));
});

test.run();
