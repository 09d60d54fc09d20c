import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { connectError as sentence, isOffline } from '../../../agent/tunnel/connect-error.ts';
import { dial, WebSocketError } from '../../../core/websocket/mod.ts';

const URL_OF_TUNNEL = 'wss://relay.test/tunnel';
const connectError = (error: unknown, url = URL_OF_TUNNEL) => sentence(error, url);
const systemError = (code: string, hostname?: string) =>
  Object.assign(new Error(`failed: ${code}`), { code, hostname });
const failed = (cause: Error) =>
  new WebSocketError('WS_CONNECT', `Cannot reach relay.test: ${cause.message}`, { cause });

test('an attempt that nobody heard of is told from one that the relay or its host answered', () => {
  for (const code of ['ENOTFOUND', 'EAI_AGAIN', 'ENETUNREACH', 'EHOSTUNREACH', 'ENETDOWN', 'EADDRNOTAVAIL']) {
    assert.ok(isOffline(failed(systemError(code))), code);
  }
  for (const code of ['ECONNREFUSED', 'ECONNRESET', 'ETIMEDOUT', 'CERT_HAS_EXPIRED']) {
    assert.not(isOffline(failed(systemError(code))), code);
  }
  assert.not(isOffline(new WebSocketError('WS_STATUS', 'refused', { status: 503 })));
  assert.not(isOffline(new WebSocketError('WS_TIMEOUT', 'too late')));
  assert.not(isOffline(new Error('ENOTFOUND')));
});

test('of several addresses one that was reached is enough', () => {
  const several = (...codes: string[]) =>
    failed(Object.assign(new AggregateError(codes.map((code) => systemError(code))), { code: codes[0] }));
  assert.ok(isOffline(several('ENETUNREACH', 'EHOSTUNREACH')));
  assert.not(isOffline(several('ENETUNREACH', 'ECONNREFUSED')));
});

test('what went wrong is said in words, with what to look at', () => {
  assert.match(
    connectError(failed(systemError('ENOTFOUND', 'relay.test'))),
    /no address is known for relay\.test: is RELAY_URL/,
  );
  assert.match(
    connectError(failed(systemError('EAI_AGAIN', 'relay.test'))),
    /the name relay\.test cannot be looked up/,
  );
  assert.is(connectError(failed(systemError('ECONNREFUSED'))), 'Cannot reach relay.test: failed: ECONNREFUSED');
  const status = (code: number) => connectError(new WebSocketError('WS_STATUS', 'refused', { status: code }));
  assert.match(status(404), /no relay/);
  assert.match(status(426), /another version/);
  assert.match(status(429), /too many/);
  assert.match(status(503), /shutting down/);
});

test("a path that is not the tunnel's is said to be wrong", () => {
  const at = (path: string, status: number) =>
    connectError(new WebSocketError('WS_STATUS', 'refused', { status }), `wss://relay.test${path}`);
  for (const path of ['/tunnel/', '/Tunnel', '/relay/tunnel']) {
    for (const status of [400, 401, 403, 404, 405]) {
      const text = at(path, status);
      assert.ok(text.includes(`answered ${status} at the path ${path}: is the path of RELAY_URL right?`), text);
    }
  }
  assert.not.match(at('/tunnel', 403), /is the path/);
});

test('a redirect names where it leads', () => {
  for (const status of [301, 302, 303, 307, 308]) {
    const location = 'https://www.relay.test/tunnel';
    const text = connectError(new WebSocketError('WS_STATUS', 'refused', { status, location }));
    assert.ok(text.includes(`answered ${status} and sends to "${location}"`), text);
    assert.match(text, /RELAY_URL/);
  }
  assert.match(connectError(new WebSocketError('WS_STATUS', 'refused', { status: 302 })), /does not name/);
  const long = new WebSocketError('WS_STATUS', 'refused', { status: 302, location: `\u001b[2J${'x'.repeat(9000)}` });
  assert.ok(connectError(long).length < 500);
  assert.not.match(connectError(long), /\u001b/);
});

test('dial tells of the Location', async () => {
  const server = createServer((_req, res) => res.writeHead(301, { location: 'https://elsewhere.test/' }).end());
  server.on('upgrade', (_req, socket) => {
    socket.end('HTTP/1.1 301 Moved Permanently\r\nLocation: https://elsewhere.test/x\r\nContent-Length: 0\r\n\r\n');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  try {
    const error = await dial(`ws://127.0.0.1:${port}/`).then(() => null, (reason: unknown) => reason);
    assert.match(connectError(error), /answered 301 and sends to "https:\/\/elsewhere\.test\/x"/);
  } finally {
    server.close();
  }
});

test.run();
