/** Which cipher suites the relay's own TLS takes, with an RSA and with an elliptic certificate, before and after a renewal. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, type ConnectionOptions, getCiphers } from 'node:tls';
import { startRelay, type TestRelay } from '../../support/harness/relay.ts';
import { until } from '../../support/harness/product.ts';

/** RFC 9325 section 4.2: forward secrecy and authenticated encryption, with tags of full length. */
const GOOD =
  /^(?:TLS_(?:AES_128_GCM_SHA256|AES_256_GCM_SHA384|CHACHA20_POLY1305_SHA256)|ECDHE-(?:ECDSA|RSA)-(?:AES(?:128|256)-GCM-SHA(?:256|384)|CHACHA20-POLY1305))$/;
/** Suites that node offers by itself with an RSA certificate: the test must see a server that takes one. */
const SEEN_BEFORE = ['AES128-SHA', 'AES256-GCM-SHA384', 'ECDHE-RSA-AES128-SHA256'];

let directory: string;
test.before(() => void (directory = mkdtempSync(join(tmpdir(), 'suites-'))));
test.after(() => rmSync(directory, { recursive: true }));

function makeCertificate(kind: string[], name: string): { cert: string; key: string } {
  const files = { cert: join(directory, 'cert.pem'), key: join(directory, 'key.pem') };
  const subject = ['-subj', `/CN=${name}`, '-keyout', files.key, '-out', files.cert];
  execFileSync('openssl', ['req', '-x509', ...kind, '-nodes', '-days', '2', ...subject], { stdio: 'ignore' });
  return files;
}

/** @returns the suite and the certificate's name, or null when the handshake fails */
function handshake(relay: TestRelay, options: ConnectionOptions): Promise<{ suite: string; name: string } | null> {
  return new Promise((resolve) => {
    const address = { host: '127.0.0.1', port: relay.port, rejectUnauthorized: false };
    const socket = connect({ ...address, ...options }, () => {
      resolve({ suite: socket.getCipher().name, name: String(socket.getPeerCertificate().subject.CN) });
      socket.destroy();
    });
    socket.on('error', () => resolve(null));
  });
}

/** Every suite of TLS 1.2 that this client has, one at a time. */
async function acceptedSuites(relay: TestRelay): Promise<string[]> {
  const accepted: string[] = [];
  for (const name of getCiphers().filter((name) => !name.startsWith('tls_'))) {
    const suite = name.toUpperCase();
    const result = await handshake(relay, { maxVersion: 'TLSv1.2', ciphers: `${suite}:@SECLEVEL=0` });
    if (result) accepted.push(result.suite);
  }
  return accepted;
}

const KINDS: [string, string[]][] = [
  ['RSA', ['-newkey', 'rsa:2048']],
  ['elliptic', ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1']],
];
for (const [label, kind] of KINDS) {
  test(`with an ${label} certificate there are only suites with forward secrecy and AEAD, also after a renewal`, async () => {
    const relay = await startRelay({ tls: makeCertificate(kind, 'first') });
    try {
      const before = await acceptedSuites(relay);
      assert.is(before.length, 3, before.join());
      assert.equal(before.filter((suite) => !GOOD.test(suite)), []);
      const modern = await handshake(relay, { minVersion: 'TLSv1.3' });
      assert.match(modern!.suite, GOOD);

      makeCertificate(kind, 'second');
      await until('the renewed one', async () => (await handshake(relay, {}))?.name === 'second', 10_000);
      assert.equal(await acceptedSuites(relay), before);
    } finally {
      await relay.close();
    }
  });
}

test('this client has the suites that must be refused', () => {
  const known = new Set(getCiphers());
  for (const suite of SEEN_BEFORE) assert.ok(known.has(suite.toLowerCase()), suite);
});

test.run();
