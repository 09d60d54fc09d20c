/** What an authority, or whoever answers in its place, may send: nothing of it is trusted, and nothing is held without bound. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { execFileSync } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readCertificate } from '../../../relay/acme/certificate.ts';
import { AcmeClient, urlIn } from '../../../relay/acme/client.ts';
import { parseProblem, parseRetryAfter } from '../../../relay/acme/problem.ts';
import { createTransport, MAX_RESPONSE_BYTES } from '../../../relay/acme/transport.ts';
import { createSelfSigned } from '../../../relay/acme/x509.ts';
import { fakeClock } from '../../support/fakes/fake-clock.ts';

const newKey = () => generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
const never = new AbortController().signal;

for (
  const url of [
    'http://ca.example/x',
    'file:///etc/passwd',
    'javascript:1',
    '/relative',
    '',
    7,
    null,
    undefined,
    `https://ca.example/${'x'.repeat(2048)}`,
  ]
) {
  test(`no request goes to ${String(url).slice(0, 30)}`, () => assert.throws(() => urlIn(url), /RELAY_ACME_DIRECTORY/));
}

for (
  const body of [
    '',
    'null',
    '[]',
    '{',
    '"x"',
    '{"newNonce":"https://a/n"}',
    '{"newNonce":1,"newAccount":2,"newOrder":3}',
    '<html>',
  ]
) {
  test(`a directory of ${body || 'nothing'} is a sentence`, async () => {
    const transport = () => Promise.resolve({ status: 200, headers: {}, body });
    const client = new AcmeClient({
      directoryUrl: 'https://ca.example/',
      key: newKey(),
      transport,
      clock: fakeClock(),
      signal: never,
    });
    try {
      await client.directory();
      assert.unreachable();
    } catch (error) {
      assert.match((error as Error).message, /RELAY_ACME_DIRECTORY must be the address of its ACME directory/);
    }
  });
}

test('problem documents are cut, and anything else is an empty one', () => {
  for (
    const value of [null, 7, 'x', [], {}, { type: 7, detail: {} }, { type: 'about:blank' }, { type: 'urn:other:x' }]
  ) {
    const { type, detail, identifiers } = parseProblem(value);
    assert.equal([type, detail, identifiers], ['', '', []]);
  }
  const long = parseProblem({
    type: `urn:ietf:params:acme:error:${'x'.repeat(500)}`,
    detail: 'y'.repeat(5000),
    subproblems: Array(1000).fill({ identifier: { type: 'dns', value: 'a.example' } }),
  });
  assert.is(long.type.length, 64);
  assert.is(long.detail.length, 300);
  assert.is(long.identifiers.length, 100);
  const odd = parseProblem({
    subproblems: [null, 7, {}, { identifier: { type: 'ip', value: 'a.example' } }, {
      identifier: { type: 'dns', value: '../x' },
    }],
  });
  assert.equal(odd.identifiers, []);
});

test('Retry-After within a day, never in the past', () => {
  const now = Date.UTC(2026, 0, 1);
  const cases: [string | undefined, number | null][] = [
    [undefined, null],
    ['', null],
    ['soon', null],
    ['0', 0],
    ['120', 120_000],
    ['-5', 0],
    ['86401', 86_400_000],
    ['99999999999999999999', null],
    [new Date(now + 60_000).toUTCString(), 60_000],
    [new Date(now - 60_000).toUTCString(), 0],
    ['Fri, 31 Dec 9999 23:59:59 GMT', 86_400_000],
  ];
  for (const [value, expected] of cases) {
    const ms = parseRetryAfter(value, now);
    if (value === '-5' || value === '99999999999999999999') assert.ok(ms === null || (ms >= 0 && ms <= 86_400_000));
    else assert.is(ms, expected, String(value));
  }
});

test('a chain: none, too many, another key, no certificate in it', () => {
  const key = newKey();
  const pem = key.export({ type: 'pkcs8', format: 'pem' }) as string;
  const settings = {
    identifiers: [{ type: 'dns', value: 'a.example' } as const],
    commonName: 'x',
    serial: Buffer.from([1]),
  };
  const own = createSelfSigned({ ...settings, key, notBefore: 0, notAfter: 1e12 });
  const others = createSelfSigned({ ...settings, key: newKey(), notBefore: 0, notAfter: 1e12 });
  assert.is(readCertificate(`words\n${own}more words\n${others}`, pem).chain.includes('words'), false);
  assert.throws(() => readCertificate('', pem), /no chain/);
  assert.throws(() => readCertificate(own.repeat(11), pem), /no chain/);
  assert.is(readCertificate(own.repeat(10), pem).notAfter, 1e12);
  assert.throws(() => readCertificate(others, pem), /another key/);
  assert.throws(() => readCertificate(own.replace(/[A-Z]{3}/g, 'AAA'), pem));
  assert.throws(
    () => readCertificate(createSelfSigned({ ...settings, key, notBefore: 1e12, notAfter: 0 }), pem),
    /lifetime/,
  );
});

// ---- over the wire

let directory: string;
let server: Server;
let url: string;
let ca: string;
let respond: (res: import('node:http').ServerResponse) => void;

test.before(async () => {
  directory = mkdtempSync(join(tmpdir(), 'hostile-'));
  const [cert, key] = [join(directory, 'cert'), join(directory, 'key')];
  const kind = ['-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
  const names = ['-subj', '/CN=x', '-addext', 'subjectAltName=IP:127.0.0.1', '-keyout', key, '-out', cert];
  execFileSync('openssl', ['req', ...kind, ...names], { stdio: 'ignore' });
  ca = readFileSync(cert, 'utf8');
  server = createServer({ cert: ca, key: readFileSync(key) }, (_req, res) => respond(res));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `https://127.0.0.1:${(server.address() as AddressInfo).port}/dir`;
});
test.after(() => {
  server.closeAllConnections();
  server.close();
  rmSync(directory, { recursive: true });
});

const fetchIt = (trusted: string | undefined = ca, signal = never) =>
  createTransport('1', trusted)({ method: 'GET', url }, signal);
async function failure(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
  } catch (error) {
    return (error as Error).message;
  }
  return 'no failure';
}

test('a body at the bound is read, one past it is not', async () => {
  respond = (res) => res.end('x'.repeat(MAX_RESPONSE_BYTES));
  assert.is((await fetchIt()).body.length, MAX_RESPONSE_BYTES);
  respond = (res) => res.end('x'.repeat(MAX_RESPONSE_BYTES + 1));
  assert.match(await failure(fetchIt()), /cannot be reached \(its answer is over/);
});

test('an endless body ends at the bound, and its connection with it', async () => {
  let closed!: () => void;
  const isClosed = new Promise<void>((resolve) => closed = resolve);
  respond = (res) => {
    const more = () => {
      while (res.write('x'.repeat(16_384)));
    };
    res.on('drain', more).on('close', closed);
    more();
  };
  assert.match(await failure(fetchIt()), /is over/);
  await isClosed;
});

test('redirects are not followed', async () => {
  respond = (res) => res.writeHead(302, { location: 'https://127.0.0.1:1/' }).end();
  assert.is((await fetchIt()).status, 302);
});

test('an authority that no root has signed is refused with the mend; a cut and an abort are told apart', async () => {
  respond = (res) => res.end('{}');
  assert.match(
    await failure(createTransport('1')({ method: 'GET', url }, never)),
    /not trusted here: .*NODE_EXTRA_CA_CERTS/,
  );
  respond = (res) => res.socket!.destroy();
  assert.match(await failure(fetchIt()), /^The certificate authority 127\.0\.0\.1:\d+ cannot be reached \(\w+\)/);
  const abort = new AbortController();
  respond = () => abort.abort(new Error('the relay ends'));
  assert.is(await failure(fetchIt(ca, abort.signal)), 'the relay ends');
});

test.run();
