/** A relay behind a trusted proxy: who counts as whom, and what happens when the proxy does not say. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { MAX_TRIES } from '../../core/auth/tries.ts';
import { TUNNEL_PROTOCOL } from '../../core/tunnel/limits.ts';
import { PASSWORD, startRelay, type TestRelay } from '../support/harness/relay.ts';
import { rawHttp, type RawReply, request } from '../support/network/raw-http.ts';
import { isTls } from '../support/network/transport.ts';

type Fields = Record<string, string>;
const HTTPS = { host: 'relay.example:443', origin: 'https://relay.example', 'x-forwarded-proto': 'https' };

const login = (relay: TestRelay, password: string, fields: Fields): Promise<RawReply> =>
  rawHttp(
    relay.port,
    request(
      'POST',
      '/api/auth/login',
      { ...HTTPS, 'content-type': 'application/json', ...fields },
      JSON.stringify({ password }),
    ),
    3000,
  );
const codeOf = ({ text }: RawReply) => /"code":"(\w+)"/.exec(text)?.[1];

async function withRelay(use: (relay: TestRelay) => Promise<void>): Promise<void> {
  const relay = await startRelay({
    trustedProxies: ['127.0.0.1'],
    machine: (req, res) => {
      if (req.headers.upgrade) return void res.upgrade({ connection: 'Upgrade', upgrade: 'websocket' }).end('open');
      res.writeHead(200, { 'content-length': 0 });
      res.end();
    },
  });
  await use(relay).finally(() => relay.close());
}

test("a stranger's wrong passwords lock out nobody else, however the proxy writes addresses", () =>
  withRelay(async (relay) => {
    const strangers = ['203.0.113.66:40000', '"[2001:db8:66::7]:443"'];
    const owners = ['203.0.113.67:40000', '"[2001:db8:67::7]:443"', '203.0.113.68', '[2001:db8:68::1]'];
    for (const stranger of strangers) {
      const replies = [];
      for (let i = 0; i <= MAX_TRIES; i++) replies.push(await login(relay, 'wrong', { 'x-forwarded-for': stranger }));
      assert.equal(replies.map(({ status }) => status), [...Array(MAX_TRIES).fill(401), 429]);
      // The same client by another port.
      const again = stranger.replace(/\d+("?)$/, '41000$1');
      assert.is((await login(relay, PASSWORD, { 'x-forwarded-for': again })).status, 429);
    }
    for (const owner of owners) {
      assert.is((await login(relay, PASSWORD, { 'x-forwarded-for': owner })).status, 200, owner);
    }
  }));

test('who is not identified cannot try passwords or connect machines; the log says so once', () =>
  withRelay(async (relay) => {
    const unknown: Fields[] = [{ 'x-forwarded-for': 'unknown' }, { 'x-forwarded-for': '_x' }, {}, {
      forwarded: 'for=_x',
    }];
    for (const fields of unknown) {
      for (const password of ['wrong', PASSWORD]) {
        const reply = await login(relay, password, fields);
        assert.equal([reply.status, codeOf(reply)], [403, 'client_unknown']);
        assert.match(reply.text, /127\.0\.0\.1 .*X-Forwarded-For/);
      }
      const claim = request(
        'POST',
        '/api/auth/pair/claim',
        { ...HTTPS, ...fields, 'content-type': 'application/json' },
        '{}',
      );
      assert.is(codeOf(await rawHttp(relay.port, claim)), 'client_unknown');
    }
    const machine = request('GET', '/tunnel', {
      ...{ host: 'relay.example', connection: 'Upgrade', upgrade: 'websocket', 'x-forwarded-for': 'unknown' },
      ...{ 'sec-websocket-version': '13', 'sec-websocket-key': 'AAAAAAAAAAAAAAAAAAAAAA==' },
      'sec-websocket-protocol': TUNNEL_PROTOCOL,
    });
    assert.is(codeOf(await rawHttp(relay.port, machine)), 'client_unknown');
    assert.is(relay.lines.filter((line) => line.includes('names no address')).length, 1);
    // Reading needs no address, and the owner, who is identified, is not locked out.
    assert.is((await rawHttp(relay.port, request('GET', '/', { ...HTTPS, 'x-forwarded-for': 'unknown' }))).status, 200);
    assert.is((await login(relay, PASSWORD, { 'x-forwarded-for': '203.0.113.1' })).status, 200);
  }));

test('login and sockets work behind proxies that send wss, a default port and a trailing dot', () =>
  withRelay(async (relay) => {
    for (const host of ['relay.example', 'relay.example:443', 'relay.example.', 'Relay.Example.:443']) {
      const fields = { host, 'x-forwarded-for': '203.0.113.1:5000' };
      const reply = await login(relay, PASSWORD, fields);
      assert.is(reply.status, 200, host);
      const cookie = /__Host-am_session=[^;]+/.exec(reply.text)![0];
      for (const proto of ['wss', 'https', 'WSS']) {
        const upgrade = { connection: 'Upgrade', upgrade: 'websocket', cookie, 'x-forwarded-proto': proto };
        const socket = await rawHttp(relay.port, request('GET', '/api/live', { ...HTTPS, ...fields, ...upgrade }));
        assert.is(socket.status, 101, `${host} ${proto}: ${socket.text}`);
      }
      if (isTls()) continue; // What is between the proxy and the browser does not matter then.
      const plain = { connection: 'Upgrade', upgrade: 'websocket', cookie, 'x-forwarded-proto': 'ws' };
      const refused = await rawHttp(relay.port, request('GET', '/api/live', { ...HTTPS, ...fields, ...plain }));
      assert.is(refused.status, 403);
    }
  }));

test.run();
