/** Trailers through the relay: what belongs into a head never comes behind a body. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { HeaderMap } from '../../core/http/types.ts';
import type { TunnelResponse } from '../../core/tunnel/http.ts';
import { startProxy } from '../support/harness/proxy-harness.ts';
import { rawHttp, request } from '../support/network/raw-http.ts';
import { transport } from '../support/network/transport.ts';

const FORBIDDEN = {
  'set-cookie': 'am_session=stolen; Path=/',
  'content-length': '5',
  'content-type': 'text/html',
  'content-security-policy': 'default-src *',
  location: 'https://evil.test/',
  'x-forwarded-for': '192.0.2.1',
};

test('an answer keeps its own trailers and loses those of a head', async () => {
  const proxy = await startProxy((_req, res) => {
    res.writeHead(200, { 'content-type': 'text/plain', trailer: 'content-digest, x-checksum' });
    res.write('body');
    (res as TunnelResponse).addTrailers({ ...FORBIDDEN, 'content-digest': 'sha-256=:x:', 'x-checksum': '7' });
    res.end();
  });
  try {
    const { text } = await rawHttp(proxy.port, request('GET', '/'));
    const trailers = text.slice(text.indexOf('\r\n0\r\n') + 5);
    assert.match(trailers, /^content-digest: sha-256=:x:\r\nx-checksum: 7\r\n\r\n$/i);
    assert.match(text, /^trailer: content-digest, x-checksum\r$/im);
    assert.not.match(text, /evil|stolen|text\/html/);
  } finally {
    await proxy.close();
  }
});

test('trailers are announced only where they can come', async () => {
  const proxy = await startProxy((req, res) => {
    const headers: HeaderMap = { Trailer: 'x-checksum' };
    if (req.url === '/sized') headers['content-length'] = 2;
    res.writeHead(req.url === '/empty' ? 204 : 200, headers);
    res.end(req.url === '/empty' ? undefined : 'ok');
  });
  try {
    const announced = async (method: string, path: string, version = '1.1') => {
      const asked = request(method, path).replace('HTTP/1.1', `HTTP/${version}`);
      const { status, text } = await rawHttp(proxy.port, asked);
      return [status, /^trailer:/im.test(text)];
    };
    assert.equal(await announced('GET', '/chunked'), [200, true]);
    assert.equal(await announced('GET', '/sized'), [200, false]);
    assert.equal(await announced('HEAD', '/sized'), [200, false]);
    assert.equal(await announced('GET', '/empty'), [204, false]);
    assert.equal(await announced('GET', '/chunked', '1.0'), [200, false]);
  } finally {
    await proxy.close();
  }
});

test('a request keeps its own trailers and loses those of a head', async () => {
  let trailers: string[] = [];
  let announced: unknown;
  const proxy = await startProxy((req, res) => {
    req.resume().on('end', () => {
      ({ rawTrailers: trailers } = req as unknown as { rawTrailers: string[] });
      announced = req.headers.trailer;
      res.writeHead(200, { 'content-length': 0 });
      res.end();
    });
  });
  try {
    // node:http itself refuses a Content-Length there.
    const { 'content-length': _, ...sent } = FORBIDDEN;
    const lines = Object.entries({ ...sent, 'x-checksum': '7' }).map(([name, value]) => `${name}: ${value}\r\n`);
    const body = `4\r\nbody\r\n0\r\n${lines.join('')}\r\n`;
    const socket = transport().connect(proxy.port);
    socket.write(request('POST', '/', { 'transfer-encoding': 'chunked', trailer: 'x-checksum' }, body));
    await new Promise((resolve) => socket.resume().on('end', resolve));
    assert.equal([trailers, announced], [['x-checksum', '7'], 'x-checksum']);
  } finally {
    await proxy.close();
  }
});

test.run();
