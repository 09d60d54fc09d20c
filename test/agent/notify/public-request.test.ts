/** Addresses that somebody else named never lead inside, whatever their name resolves to. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { isPublicAddress, MAX_ANSWER, postPublic, RequestFailure } from '../../../agent/notify/public-request.ts';

const INSIDE = [
  '127.0.0.1',
  '127.9.9.9',
  '0.0.0.0',
  '10.1.2.3',
  '172.16.0.1',
  '172.31.255.255',
  '192.168.1.1',
  '169.254.169.254',
  '100.64.0.1',
  '198.18.0.1',
  '203.0.113.9',
  '224.0.0.1',
  '255.255.255.255',
  '::',
  '::1',
  'fe80::1',
  'fec0::1',
  'fd00::1',
  'fc00::1',
  'ff02::1',
  '::ffff:127.0.0.1',
  '::ffff:7f00:1',
  '::ffff:10.0.0.1',
  '64:ff9b::7f00:1',
  '2002:7f00:1::',
  'x',
  '',
];
const OUTSIDE = [
  '1.1.1.1',
  '172.15.0.1',
  '172.32.0.1',
  '192.167.1.1',
  '223.255.255.255',
  '2606:4700::1111',
  '::ffff:1.1.1.1',
];

test('inside and outside addresses are told apart, in every way to write them', () => {
  assert.equal(INSIDE.filter(isPublicAddress), []);
  assert.equal(OUTSIDE.filter((address) => !isPublicAddress(address)), []);
});

async function withServer(use: (port: number, asked: string[]) => Promise<void>): Promise<void> {
  const asked: string[] = [];
  const server: Server = createServer((req, res) => {
    asked.push(`${req.method} ${req.url}`);
    if (req.url === '/hang') return;
    if (req.url === '/long') return void res.end('x'.repeat(100_000));
    if (req.url === '/away') return void res.writeHead(302, { location: '/elsewhere' }).end();
    res.end('taken');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    await use((server.address() as AddressInfo).port, asked);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

const post = (url: string, allowPrivate = false, timeoutMs = 5000) =>
  postPublic({ url, headers: { 'content-type': 'text/plain' }, body: 'é', timeoutMs, allowPrivate });
const code = (promise: Promise<unknown>) => promise.then(() => 'answered', (error: RequestFailure) => error.code);

test('nothing is asked of an inside address: literal, in other notations, or behind a name', () =>
  withServer(async (port, asked) => {
    // WHATWG URL turns 2130706433, 0x7f.1 and 127.1 into 127.0.0.1.
    for (const host of ['127.0.0.1', '2130706433', '0x7f.1', '127.1', '[::1]', '[::ffff:127.0.0.1]', 'localhost']) {
      assert.is(await code(post(`http://${host}:${port}/`)), 'PRIVATE_ADDRESS', host);
    }
    assert.equal(asked, []);
  }));

test('an inside address that the owner allows answers; redirects are answers and are not followed', () =>
  withServer(async (port, asked) => {
    assert.equal((await post(`http://127.0.0.1:${port}/x`, true)).text, 'taken');
    assert.is((await post(`http://127.0.0.1:${port}/away`, true)).status, 302);
    assert.is((await post(`http://localhost:${port}/long`, true)).text.length, MAX_ANSWER);
    assert.equal(asked, ['POST /x', 'POST /away', 'POST /long']);
  }));

test('no answer is said so, and no address stands in the message', () =>
  withServer(async (port) => {
    assert.is(await code(post(`http://127.0.0.1:${port}/hang`, true, 100)), 'TIMEOUT');
    assert.is(await code(post('http://127.0.0.1:1/', true)), 'ECONNREFUSED');
    const failure = await post('http://localhost:1/secret').catch((error) => error);
    assert.not.match(failure.message, /localhost|127|secret/);
  }));

test.run();
