/** The relay's own TLS: cookies and headers for it, renewed certificates, and who speaks something else. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { rawHttp, request as requestText } from '../support/network/raw-http.ts';
import { PASSWORD, startRelay, type TestRelay } from '../support/harness/relay.ts';
import { until } from '../support/harness/product.ts';

let directory: string;
let relay: TestRelay;
const files = () => ({ cert: join(directory, 'cert.pem'), key: join(directory, 'key.pem') });

function makeCertificate(name: string): void {
  const kind = ['-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
  const { cert, key } = files();
  execFileSync('openssl', [
    'req',
    ...kind,
    '-subj',
    `/CN=${name}`,
    '-addext',
    'subjectAltName=IP:127.0.0.1',
    '-keyout',
    key,
    '-out',
    cert,
  ], { stdio: 'ignore' });
}

test.before(async () => {
  directory = mkdtempSync(join(tmpdir(), 'tls-'));
  makeCertificate('first');
  relay = await startRelay({ tls: files() });
});
test.after(async () => {
  await relay.close();
  rmSync(directory, { recursive: true });
});

function post(
  path: string,
  body: string,
  headers: Record<string, string> = {},
): Promise<{ status: number; headers: Record<string, unknown> }> {
  return new Promise((resolve, reject) => {
    const options = {
      method: 'POST',
      ca: readFileSync(files().cert),
      agent: false,
      headers: { 'content-type': 'application/json', origin: relay.origin, ...headers },
    };
    const req = request(relay.origin + path, options, (res) => {
      res.resume();
      res.on('end', () => resolve({ status: res.statusCode!, headers: res.headers }));
    });
    req.on('error', reject);
    req.end(body);
  });
}

/** The name in the certificate that the relay shows. */
function shownName(): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port: relay.port, host: '127.0.0.1', rejectUnauthorized: false }, () => {
      resolve(String(socket.getPeerCertificate().subject.CN));
      socket.destroy();
    });
    socket.on('error', reject);
  });
}

test('a login over TLS gets the __Host- cookie and HSTS', async () => {
  const { status, headers } = await post('/api/auth/login', JSON.stringify({ password: PASSWORD }));
  assert.is(status, 200);
  assert.match(String(headers['set-cookie']), /^__Host-am_session=.*; Secure$/);
  assert.match(String(headers['strict-transport-security']), /^max-age=/);
});

test('a page that came over http may not ask', async () => {
  const { status } = await post('/api/auth/login', '{}', { origin: relay.origin.replace('https', 'http') });
  assert.is(status, 403);
});

test('plain http on the TLS port gets nothing', async () => {
  const reply = await rawHttp(relay.port, requestText('GET', '/'), 3000);
  assert.ok(reply.closed);
  assert.not.match(reply.text, /200 OK|<!doctype/);
});

test('TLS 1.1 is refused', async () => {
  const outcome = await new Promise<string>((resolve) => {
    const socket = connect({
      port: relay.port,
      host: '127.0.0.1',
      rejectUnauthorized: false,
      minVersion: 'TLSv1',
      maxVersion: 'TLSv1.1',
    }, () => resolve('connected'));
    socket.on('error', () => resolve('refused'));
  });
  assert.is(outcome, 'refused');
});

test('a renewed certificate is shown without a restart, a broken one is not taken', async () => {
  assert.is(await shownName(), 'first');
  makeCertificate('second');
  await until('the new certificate', async () => await shownName() === 'second', 10_000);
  execFileSync('sh', ['-c', `echo broken > ${files().cert}`]);
  await until('a warning', () => relay.lines.some((line) => line.includes('the old one stays')), 10_000);
  assert.is(await shownName(), 'second');
});

test.run();
