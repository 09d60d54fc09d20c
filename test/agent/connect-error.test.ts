import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { connectError, isOffline } from '../../agent/connect-error.ts';
import { WebSocketError } from '../../core/websocket/mod.ts';

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

test.run();
