/** What stands behind a refused request is not carried out, looked at when the connection is closed (RFC 9112 section 9.6). */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { fail, HttpError } from '../../../core/http/reply.ts';
import { createHttpServer } from '../../../core/http/server.ts';
import type { HttpRequest, HttpResponse } from '../../../core/http/types.ts';
import { silentLog } from '../../../core/log.ts';
import { HTTP_TRANSPORTS } from '../../support/network/http-transports.ts';
import { rawHttp, request } from '../../support/network/raw-http.ts';

const KEEP = { connection: 'keep-alive' };
const BEHIND = {
  'a command': request('POST', '/command', { ...KEEP, 'content-length': '2' }) + '{}',
  'three commands': request('POST', '/command', { ...KEEP, 'content-length': '0' }).repeat(3),
  'an upgrade': request('GET', '/command', { connection: 'Upgrade', upgrade: 'websocket' }),
  'one that expects': request('POST', '/command', { ...KEEP, expect: '100-continue', 'content-length': '0' }),
};
const head = (line: string, fields: string) => `${line} HTTP/1.1\r\nConnection: keep-alive\r\n${fields}\r\n`;

const REFUSED: Record<string, [status: number, text: string]> = {
  'TRACE': [405, request('TRACE', '/', KEEP)],
  'another unknown method': [405, request('PROPFIND', '/', KEEP)],
  'two Hosts': [400, head('GET /', 'Host: a\r\nHost: b\r\n')],
  'no Host': [400, head('GET /', '')],
  'a bad Host': [400, head('GET /', 'Host: a/b\r\n')],
  'an absolute target': [400, head('GET http://a/', 'Host: a\r\n')],
  'a target with a fragment': [400, head('GET /#x', 'Host: a\r\n')],
  '101 fields': [431, head('GET /', `Host: a\r\n${'X: 1\r\n'.repeat(100)}`)],
  'an unknown expectation': [417, request('GET', '/', { ...KEEP, expect: 'wonders' })],
  'a bad Transfer-Encoding': [400, head('POST /', 'Host: a\r\nTransfer-Encoding: Chunked, chunked\r\n') + '0\r\n\r\n'],
  'what the handler refuses for good': [401, request('GET', '/refused', KEEP)],
  'what the handler answers as the last': [200, request('GET', '/last', KEEP)],
};

/** Counts what reaches it, but for the two requests that it ends the connection with. */
function countingHandler() {
  const reached: string[] = [];
  const handler = (req: HttpRequest, res: HttpResponse) => {
    if (req.url === '/refused') return fail(res, new HttpError(401, 'login_required', 'no', { connection: 'close' }));
    if (req.url === '/last') {
      res.writeHead(200, { 'content-length': 0, connection: 'close' });
      return void res.end();
    }
    reached.push(`${req.method} ${req.url}`);
    if (req.headers.upgrade) return void res.upgrade({ connection: 'Upgrade', upgrade: 'websocket' }).end();
    res.writeHead(200, { 'content-length': 0 });
    res.end();
  };
  return { handler, reached };
}

for (const transport of HTTP_TRANSPORTS) {
  for (const [name, [status, text]] of Object.entries(REFUSED)) {
    test(`behind ${name} (${transport.name})`, async () => {
      const { handler, reached } = countingHandler();
      const server = createHttpServer({ log: silentLog, ...transport.options, handler });
      const { port } = await server.listen(0, '127.0.0.1');
      try {
        for (const [what, behind] of Object.entries(BEHIND)) {
          const reply = await rawHttp(port, text + behind, 3000, transport.connect);
          assert.ok(reply.closed, `${what}: the connection is closed`);
          assert.match(reply.text, new RegExp(`^HTTP/1.1 ${status} `), what);
          assert.is(reply.text.match(/HTTP\/1\.1 \d/g)?.length, 1, `${what}: ${reply.text}`);
          assert.equal(reached, [], what);
        }
      } finally {
        await server.close(0);
      }
    });
  }

  test(`behind a refusal that waits for a reply before it (${transport.name})`, async () => {
    const { handler, reached } = countingHandler();
    const slow = (req: HttpRequest, res: HttpResponse) => {
      if (req.url !== '/slow') return handler(req, res);
      setTimeout(() => res.end('slow'), 100);
    };
    const server = createHttpServer({ log: silentLog, ...transport.options, handler: slow });
    const { port } = await server.listen(0, '127.0.0.1');
    try {
      const bytes = request('GET', '/slow', KEEP) + REFUSED.TRACE![1] + BEHIND['three commands'];
      const reply = await rawHttp(port, bytes, 3000, transport.connect);
      assert.ok(reply.closed);
      assert.equal(reply.text.match(/HTTP\/1\.1 \d+/g), ['HTTP/1.1 200', 'HTTP/1.1 405']);
      assert.equal(reached, []);
    } finally {
      await server.close(0);
    }
  });
}

test.run();
