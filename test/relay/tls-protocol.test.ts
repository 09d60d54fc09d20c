/** Another protocol beside HTTP on a TLS listener: which certificate goes to whom, in both versions of TLS. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, createSecureContext, type SecureVersion } from 'node:tls';
import { createHttpServer, type HttpServer } from '../../core/http/server.ts';
import type { TlsFiles } from '../../core/http/tls.ts';
import { silentLog } from '../../core/log.ts';

let directory: string;
let server: HttpServer;
let port: number;
let requests = 0;

function makeCertificate(name: string): TlsFiles {
  const [cert, key] = [join(directory, `${name}.pem`), join(directory, `${name}.key`)];
  const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
  const files = ['-subj', `/CN=${name}`, '-keyout', key, '-out', cert];
  execFileSync('openssl', ['req', '-x509', ...kind, ...files], { stdio: 'ignore' });
  return { cert: readFileSync(cert), key: readFileSync(key) };
}

test.before(async () => {
  directory = mkdtempSync(join(tmpdir(), 'protocol-'));
  const other = createSecureContext(makeCertificate('challenge'));
  server = createHttpServer({
    handler: (_req, res) => {
      requests++;
      res.writeHead(200, { 'content-length': 6 });
      res.end('served');
    },
    log: silentLog,
    tls: makeCertificate('ordinary'),
    tlsProtocol: { name: 'acme-tls/1', contextFor: (name) => (name === 'one.example' ? other : null) },
  });
  ({ port } = await server.listen(0, '127.0.0.1'));
});
test.after(async () => {
  await server.close(0);
  rmSync(directory, { recursive: true });
});

interface Outcome {
  name: string;
  protocol: string | false | null;
  received: string;
}

/** Connects, asks for a page whatever the protocol is, and waits for the end. null: no handshake */
function visit(version: SecureVersion, protocols: string[] | undefined, servername: string): Promise<Outcome | null> {
  return new Promise((resolve) => {
    let outcome: Outcome | null = null;
    const options = { host: '127.0.0.1', port, servername, rejectUnauthorized: false };
    const alpn = protocols ? { ALPNProtocols: protocols } : {};
    const socket = connect({ ...options, ...alpn, minVersion: version, maxVersion: version }, () => {
      const { CN } = socket.getPeerCertificate().subject;
      outcome = { name: String(CN), protocol: socket.alpnProtocol, received: '' };
    });
    // Before there is a connection: it goes out with the last message of the handshake.
    socket.write('GET / HTTP/1.1\r\nhost: one.example\r\nconnection: close\r\n\r\n');
    socket.on('data', (chunk) => outcome!.received += chunk);
    socket.on('error', () => {});
    socket.on('close', () => resolve(outcome));
  });
}

for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
  test(`${version}: who asks for the protocol gets its certificate and no HTTP`, async () => {
    const before = requests;
    const outcome = await visit(version, ['acme-tls/1'], 'one.example');
    assert.equal(outcome, { name: 'challenge', protocol: 'acme-tls/1', received: '' });
    assert.is(requests, before, 'a request was served over it');
  });

  test(`${version}: everybody else has the ordinary one, also by that name and at the same time`, async () => {
    const visits = await Promise.all([
      visit(version, ['http/1.1'], 'one.example'),
      visit(version, ['acme-tls/1'], 'one.example'),
      visit(version, undefined, 'one.example'),
      visit(version, ['h2', 'http/1.1'], 'one.example'),
    ]);
    assert.equal(visits.map((outcome) => outcome?.name), ['ordinary', 'challenge', 'ordinary', 'ordinary']);
    assert.match(visits[0]!.received, /^HTTP\/1\.1 200 [^]*served$/);
    assert.is(visits[2]!.protocol, false);
    assert.is(visits[3]!.protocol, 'http/1.1');
  });

  test(`${version}: a name without a challenge, and a protocol that nobody speaks, get no connection`, async () => {
    assert.is(await visit(version, ['acme-tls/1'], 'two.example'), null);
    assert.is(await visit(version, ['acme-tls/1'], ''), null);
    assert.is(await visit(version, ['h2'], 'one.example'), null);
  });
}

test('a renewed certificate changes nothing about the protocol', async () => {
  server.setTls(makeCertificate('renewed'));
  assert.is((await visit('TLSv1.3', ['http/1.1'], 'one.example'))?.name, 'renewed');
  assert.is((await visit('TLSv1.3', ['acme-tls/1'], 'one.example'))?.name, 'challenge');
  assert.is((await visit('TLSv1.2', undefined, 'one.example'))?.name, 'renewed');
});

test.run();
