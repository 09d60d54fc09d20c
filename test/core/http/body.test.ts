/** JSON bodies get the same answer over a local connection and through the tunnel, however they are framed. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { readJson } from '../../../core/http/body.ts';
import { fail, HttpError, json } from '../../../core/http/reply.ts';
import { createHttpServer } from '../../../core/http/server.ts';
import type { Handler } from '../../../core/http/types.ts';
import { silentLog } from '../../../core/log.ts';
import { startProxy } from '../../support/harness/proxy-harness.ts';
import { ask, tunnelPair, until } from '../../support/harness/tunnel-pair.ts';
import { HTTP_TRANSPORTS, type HttpTransport } from '../../support/network/http-transports.ts';
import { countReplies, rawHttp, request } from '../../support/network/raw-http.ts';

const handler: Handler = async (req, res) => {
  try {
    json(res, 200, await readJson(req, 1000));
  } catch (error) {
    fail(res, error);
  }
};

/** Content-Type (null: none), body, status. */
const CASES: [string | null, string, number][] = [
  ['application/json', '{"a":1}', 200],
  ['Application/JSON; charset=utf-8', '{"a":1}', 200],
  ['application/json ;charset=utf-8', '[]', 200],
  ['text/plain', '{"a":1}', 415],
  ['text/plain;charset=UTF-8', '{}', 415],
  ['application/x-www-form-urlencoded', '{"a":1}', 415],
  ['multipart/form-data; boundary=x', '{}', 415],
  ['application/jsonp', '{}', 415],
  ['text/json', '{}', 415],
  ['', '{}', 415],
  [null, '{"a":1}', 415],
  ['text/plain', '', 200],
  [null, '', 200],
  ['application/json', 'x', 400],
  ['application/json', ' '.repeat(1001), 413],
  ['text/plain', ' '.repeat(1001), 413],
];

const chunked = (body: string) =>
  body === '' ? '0\r\n\r\n' : `${Buffer.byteLength(body).toString(16)}\r\n${body}\r\n0\r\n\r\n`;
const fieldsFor = (type: string | null): Record<string, string> => type === null ? {} : { 'content-type': type };

test('a body is judged by its type, with Content-Length and in chunks, locally and behind the relay', async () => {
  const local = createHttpServer({ log: silentLog, handler });
  const relay = await startProxy(handler);
  try {
    const ports = [(await local.listen(0, '127.0.0.1')).port, relay.port];
    for (const [type, body, status] of CASES) {
      for (const [at, port] of ports.entries()) {
        const plain = request('POST', '/', fieldsFor(type), body);
        const inChunks = request('POST', '/', { ...fieldsFor(type), 'transfer-encoding': 'chunked' }, chunked(body));
        const what = `${['locally', 'behind the relay'][at]}: ${type} ${body.slice(0, 10)}`;
        assert.is((await rawHttp(port, plain)).status, status, `Content-Length, ${what}`);
        assert.is((await rawHttp(port, inChunks)).status, status, `chunked, ${what}`);
      }
    }
  } finally {
    await local.close(0);
    await relay.close();
  }
});

test('a body without any framing field, as it comes through the tunnel, is judged by its type', async () => {
  const pair = await tunnelPair({ handler });
  try {
    for (const [type, body, status] of CASES) {
      const fields = Object.entries(fieldsFor(type)).flat();
      const answer = await ask(pair.relay, { method: 'POST', fields, body: Buffer.from(body) });
      assert.is(answer.status, status, `${type} ${body.slice(0, 10)}`);
    }
  } finally {
    await pair.close();
  }
});

test('bytes that are no UTF-8, and a mark of their order before the JSON, are no JSON', async () => {
  const pair = await tunnelPair({ handler });
  try {
    const fields = ['content-type', 'application/json'];
    const bodies = [[0x22, 0xff, 0x22], [0x22, 0xc3, 0x22], [0xef, 0xbb, 0xbf, 0x7b, 0x7d], [
      0x22,
      0xed,
      0xa0,
      0x80,
      0x22,
    ]];
    for (const bytes of bodies) {
      const answer = await ask(pair.relay, { method: 'POST', fields, body: Buffer.from(bytes) });
      assert.is(answer.status, 400, `${bytes}`);
    }
    const answer = await ask(pair.relay, { method: 'POST', fields, body: Buffer.from('"é😀\ufeff"') });
    assert.is(answer.status, 200);
  } finally {
    await pair.close();
  }
});

/** Sends an upload in chunks and then, on the same connection, a second request. @returns all that came back */
async function uploadThenAsk(transport: HttpTransport, port: number, size: number): Promise<string> {
  const socket = transport.connect(port);
  let text = '';
  let closed = false;
  socket.on('data', (chunk) => text += chunk.toString('latin1')).on('error', () => {});
  socket.on('close', () => closed = true);
  const fields = { ...fieldsFor('application/json'), 'transfer-encoding': 'chunked', connection: 'keep-alive' };
  socket.write(request('POST', '/', fields, chunked(' '.repeat(size))) + request('POST', '/second'));
  await until(() => closed || countReplies(text) === 2, 8000);
  socket.destroy();
  return text;
}

const over = (size: number) => `a chunked body of ${size} bytes over the limit`;
for (const transport of HTTP_TRANSPORTS) {
  for (const size of [1001, 60_000, 900_000]) {
    test(`${over(size)} is answered with 413, and the connection goes on (${transport.name})`, async () => {
      const server = createHttpServer({ log: silentLog, ...transport.options, handler });
      try {
        const { port } = await server.listen(0, '127.0.0.1');
        const text = await uploadThenAsk(transport, port, size);
        assert.match(text, /^HTTP\/1\.1 413 .*HTTP\/1\.1 200 /s);
      } finally {
        await server.close(0);
      }
    });
  }

  test(`a handler that leaves a body in the middle ends that connection and nothing else (${transport.name})`, async () => {
    const leaving: Handler = async (req, res) => {
      for await (const chunk of req) if (chunk.length > 10) return fail(res, new HttpError(400, 'bad_request', 'No.'));
      json(res, 200, {});
    };
    const server = createHttpServer({ log: silentLog, ...transport.options, handler: leaving });
    try {
      const { port } = await server.listen(0, '127.0.0.1');
      for (const size of [1000, 100_000]) await uploadThenAsk(transport, port, size);
      const fields = { 'content-length': '5000' };
      await rawHttp(port, request('POST', '/', fields) + 'x'.repeat(1000), 200, transport.connect);
      assert.is((await rawHttp(port, request('GET', '/'), 1000, transport.connect)).status, 200);
    } finally {
      await server.close(0);
    }
  });
}

test.run();
