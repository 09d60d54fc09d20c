/** Requests and certificates as openssl reads them. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash, createPrivateKey, generateKeyPairSync, type KeyObject, X509Certificate } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Identifier, parseIdentifier } from '../../../relay/acme/identifier.ts';
import { createRequest, createSelfSigned, pem, renewalId } from '../../../relay/acme/x509.ts';

const newKey = (): KeyObject => generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
const list = (...texts: string[]): Identifier[] => texts.map((text) => parseIdentifier(text)!);

/** Standard output and standard error together: what was verified is said on the latter, whatever the exit code. */
function openssl(input: string | Buffer, ...args: string[]): string {
  const { stdout, stderr, status } = spawnSync('openssl', args, { input, encoding: 'utf8' });
  assert.is(status, 0, stderr);
  return stdout + stderr;
}

const SETS: [string, string[], RegExp][] = [
  ['a name', ['relay.example.org'], /DNS:relay\.example\.org\n/],
  ['IPv4', ['203.0.113.7'], /IP Address:203\.0\.113\.7\n/],
  ['IPv6', ['2001:db8::7'], /IP Address:2001:DB8:0:0:0:0:0:7\n/],
  [
    'all of them',
    ['a.example', 'b.example', '192.0.2.1', '::1'],
    /DNS:a\.example, DNS:b\.example, IP Address:192\.0\.2\.1, IP Address:0:0:0:0:0:0:0:1\n/,
  ],
  [
    'so many names that lengths need two bytes',
    Array.from({ length: 25 }, (_, n) => `${'x'.repeat(40)}${n}.example`),
    /DNS:x{40}24\.example\n/,
  ],
];
for (const [label, texts, expected] of SETS) {
  test(`a request for ${label}: openssl verifies its signature and reads its names`, () => {
    const key = newKey();
    const text = openssl(createRequest(list(...texts), key), 'req', '-inform', 'DER', '-verify', '-noout', '-text');
    assert.match(text, /self-signature verify OK/);
    assert.match(text, expected);
    assert.match(text, /Subject: *\n/);
    assert.match(text, /Subject Alternative Name: critical/);
    assert.match(text, /ecdsa-with-SHA256/);
    assert.match(text, /ASN1 OID: prime256v1/);
  });
}

test('a changed request does not verify', () => {
  const der = createRequest(list('relay.example.org'), newKey());
  const at = der.indexOf('relay.example.org');
  der[at] = 0x73;
  assert.match(openssl(der, 'req', '-inform', 'DER', '-verify', '-noout'), /self-signature verify failure/);
});

const settings = (key: KeyObject, ...texts: string[]) => ({
  identifiers: list(...texts),
  key,
  commonName: 'A name',
  serial: Buffer.from('ff0102030405060708090a0b0c0d0e0f', 'hex'),
  notBefore: Date.UTC(2026, 0, 2, 3, 4, 5),
  notAfter: Date.UTC(2051, 0, 2, 3, 4, 5),
});

test('a self-signed certificate: openssl and node agree with what went in', () => {
  const key = newKey();
  const text = createSelfSigned(settings(key, 'relay.example.org', '203.0.113.7', '2001:db8::7'));
  const certificate = new X509Certificate(text);
  assert.ok(certificate.verify(certificate.publicKey));
  assert.ok(certificate.checkPrivateKey(createPrivateKey(key.export({ type: 'pkcs8', format: 'pem' }))));
  assert.is(certificate.checkHost('relay.example.org'), 'relay.example.org');
  assert.is(certificate.checkIP('203.0.113.7'), '203.0.113.7');
  assert.ok(certificate.checkIP('2001:db8::7'));
  assert.is(certificate.checkHost('other.example.org'), undefined);
  const shown = openssl(text, 'x509', '-noout', '-text');
  assert.match(shown, /Version: 3/);
  assert.match(shown, /ff:01:02:03:04:05:06:07:08:09:0a:0b:0c:0d:0e:0f/);
  assert.match(shown, /Not Before: Jan +2 03:04:05 2026 GMT/);
  assert.match(shown, /Not After : Jan +2 03:04:05 2051 GMT/);
  assert.match(shown, /Subject: CN = A name/);
});

for (const name of ['relay.example.org', '203.0.113.7', '2001:db8::7']) {
  test(`the certificate of tls-alpn-01 for ${name} has the critical extension with the digest`, () => {
    const acmeDigest = createHash('sha256').update(`token.${name}`).digest();
    const text = createSelfSigned({ ...settings(newKey(), name), acmeDigest });
    const shown = openssl(text, 'x509', '-noout', '-text', '-certopt', 'ext_dump');
    assert.match(shown, /1\.3\.6\.1\.5\.5\.7\.1\.31: critical/);
    // RFC 8737 section 3: an OCTET STRING of 32 bytes inside of the extension's own.
    assert.ok(new X509Certificate(text).raw.includes(Buffer.concat([Buffer.from('04220420', 'hex'), acmeDigest])));
  });
}

test('PEM lines have 64 characters', () => {
  for (const length of [1, 47, 48, 49, 96, 200]) {
    const lines = pem('X', Buffer.alloc(length, 1)).trimEnd().split('\n').slice(1, -1);
    assert.ok(lines.slice(0, -1).every((line) => line.length === 64), String(length));
    assert.equal(Buffer.from(lines.join(''), 'base64'), Buffer.alloc(length, 1));
  }
});

// ---- renewalInfo

let directory: string;
test.before(() => void (directory = mkdtempSync(join(tmpdir(), 'x509-'))));
test.after(() => rmSync(directory, { recursive: true }));

/** A certificate from openssl, with these extensions and serial. */
function byOpenssl(serial: string, extensions: string): X509Certificate {
  const file = (name: string) => join(directory, name);
  writeFileSync(file('config'), `[req]\ndistinguished_name=dn\nx509_extensions=ext\n[dn]\n[ext]\n${extensions}\n`);
  const kind = ['-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-subj', '/CN=x'];
  const files = ['-config', file('config'), '-set_serial', serial, '-keyout', file('key'), '-out', file('cert')];
  execFileSync('openssl', ['req', ...kind, ...files], { stdio: 'ignore' });
  return new X509Certificate(readFileSync(file('cert')));
}

test('the name at renewalInfo is that of the example in RFC 9773 section 4.1', () => {
  const id = '69:88:5B:6B:87:46:40:41:E1:B3:7B:84:7B:A0:AE:2C:DE:01:C8:D4';
  // Key identifier and serial of the example; openssl takes the key identifier as it is given.
  const der = `DER:30:16:80:14:${id}`;
  const certificate = byOpenssl('0x87654321', `2.5.29.35=${der}`);
  assert.is(renewalId(certificate), 'aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdlQyE');
  const small = byOpenssl('0x17', `2.5.29.19=critical,DER:30:00\n2.5.29.35=${der}`);
  assert.is(renewalId(small), `aYhba4dGQEHhs3uEe6CuLN4ByNQ.${Buffer.from([0x17]).toString('base64url')}`);
});

test('a certificate that names no authority key has no name there', () => {
  assert.is(renewalId(byOpenssl('1', 'subjectAltName=DNS:x')), null);
  assert.is(renewalId(byOpenssl('1', 'basicConstraints=critical,CA:FALSE')), null);
  assert.is(renewalId(new X509Certificate(createSelfSigned(settings(newKey(), 'a.example')))), null);
});

test.run();
