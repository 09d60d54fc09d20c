/** Without a login the relay gives nothing but the page, the login itself and two words about the tunnel. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { connect } from 'node:net';
import { type Product, startProduct } from '../support/harness/product.ts';

let product: Product;
test.before(async () => {
  product = await startProduct();
});
test.after(() => product?.close());

const ID = '00000000-0000-4000-8000-000000000000';
const PATHS = [
  '/api/agents',
  `/api/agents/${ID}`,
  `/api/agents/${ID}/messages?after=0`,
  `/api/agents/${ID}/message`,
  `/api/agents/${ID}/permissions/1`,
  '/api/agents/actions/stop-all',
  '/api/templates',
  '/api/tasks',
  '/api/tasks/meta/config',
  '/api/sessions',
  '/api/directories?path=/',
  '/api/settings',
  '/api/health',
  '/api/terminals',
  `/api/terminals/${ID}/socket`,
  '/api/live',
  '/api/relay/events',
  '/api/auth/sessions',
  '/api/',
  '/api',
  '/api/nothing/here',
  '/api/agents/',
  '/API/agents',
  '//api/agents',
  '/api//agents',
  '/%61pi/agents',
  '/api%2fagents',
  '/api/auth/../agents',
  '/api/auth/check/../../agents',
  '/api/relay/status/../../agents',
  '/./api/agents',
  '/api/auth/login/x',
  '/docs',
];

/** Status line and body of one raw request; the path is sent as it is. */
function raw(method: string, path: string, headers = ''): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const socket = connect(product.relayPort, '127.0.0.1');
    let text = '';
    socket.setTimeout(10_000, () => socket.destroy(new Error(`no answer to ${method} ${path}`)));
    socket.on('data', (chunk) => text += chunk);
    socket.on('error', reject);
    socket.on('close', () => resolve({ status: Number(/^HTTP\/1\.1 (\d+)/.exec(text)?.[1] ?? 0), text }));
    socket.end(
      `${method} ${path} HTTP/1.1\r\nHost: 127.0.0.1:${product.relayPort}\r\n` +
        `Origin: ${product.relayUrl}\r\nContent-Length: 0\r\n${headers || 'Connection: close\r\n'}\r\n`,
    );
  });
}

test('every path with every method is refused without a cookie', async () => {
  for (const path of PATHS) {
    for (const method of ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE']) {
      const { status, text } = await raw(method, path);
      const page = /content-type: text\/html/i.test(text);
      const ok = [400, 401, 404, 405].includes(status) ||
        (status === 200 && page && !path.toLowerCase().includes('/api/'));
      assert.ok(ok, `${method} ${path} → ${text.slice(0, 300)}`);
      if (/^\/api(\/|$|\?)/.test(path) && !path.includes('..') && !path.includes('//')) {
        assert.is(status, 401, `${method} ${path} → ${text.slice(0, 300)}`);
      }
    }
  }
});

test('the upgrade of every path is refused without a cookie', async () => {
  const upgrade = 'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n' +
    'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n';
  for (const path of PATHS.filter((path) => path.startsWith('/api/'))) {
    const { status, text } = await raw('GET', path, upgrade);
    assert.ok([400, 401, 404].includes(status), `${path} → ${text.slice(0, 300)}`);
  }
  assert.is((await raw('GET', '/api/live', upgrade)).status, 401);
});

test('the public part of the status names no machine', async () => {
  const response = await fetch(`${product.relayUrl}/api/relay/status`);
  assert.is(response.status, 200);
  assert.equal(Object.keys(await response.json() as object).sort(), ['tunnelConnected', 'uptime']);
});

test('with the cookie the same paths are served', async () => {
  const response = await product.fetch('/api/agents');
  assert.is(response.status, 200);
  assert.ok(Array.isArray(await response.json()));
  assert.is((await product.fetch('/api/relay/status')).status, 200);
});

test.run();
