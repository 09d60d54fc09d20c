/** Bodies over their limit on the routes that need no login: the relay answers and goes on. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { PUBLIC_ROUTES } from '../../core/auth/login.ts';
import { startRelay } from '../support/harness/relay.ts';
import { rawHttp, request } from '../support/network/raw-http.ts';

const SIZES = [5000, 1_100_000, 3_000_000];

test('a stranger cannot end the relay with a body, whatever its size and framing', async () => {
  const relay = await startRelay({ machine: true });
  try {
    for (const route of PUBLIC_ROUTES) {
      const [method, path] = route.split(' ') as [string, string];
      if (method === 'GET') continue;
      for (const size of SIZES) {
        const body = ' '.repeat(size);
        const fields = { origin: relay.origin, host: `127.0.0.1:${relay.port}`, 'content-type': 'application/json' };
        const inChunks = `${size.toString(16)}\r\n${body}\r\n0\r\n\r\n`;
        await rawHttp(relay.port, request(method, path, { ...fields, 'transfer-encoding': 'chunked' }, inChunks), 500);
        await rawHttp(relay.port, request(method, path, fields, body), 500);
        await rawHttp(relay.port, request(method, path, { ...fields, 'content-length': '9999999' }) + body, 100);
      }
    }
    assert.is((await relay.fetch('/api/auth/check')).status, 200);
    assert.is((await relay.fetch('/')).status, 200);
  } finally {
    await relay.close();
  }
});

test.run();
