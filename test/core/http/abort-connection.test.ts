/** A reply whose end is the connection's end is cut by a reset, plain and over TLS; a framed reply by an ordinary close. */
import { once } from 'node:events';
import { type AddressInfo, connect as connectTcp, createServer, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { createHttpServer, type HttpServer } from '../../../core/http/server.ts';
import type { HttpResponse } from '../../../core/http/types.ts';
import { silentLog } from '../../../core/log.ts';
import { TLS_CERT, TLS_KEY } from '../../support/harness/websocket-tls.ts';

const FILES = { cert: TLS_CERT, key: TLS_KEY };
const UPGRADE = 'Connection: Upgrade\r\nUpgrade: x\r\n';

/** A port that leads to `port`, and how the server ended the connection: a TLS client cannot tell a FIN from a reset. */
async function watchedPort(port: number): Promise<{ port: number; ended: Promise<string>; close(): void }> {
  let onEnd!: (how: string) => void;
  const ended = new Promise<string>((resolve) => onEnd = resolve);
  const proxy = createServer((client) => {
    const server = connectTcp(port, '127.0.0.1');
    client.on('data', (chunk) => server.write(chunk)).on('error', () => {}).on('close', () => server.destroy());
    server.on('data', (chunk) => client.write(chunk)).on('end', () => onEnd('end'));
    server.on('error', (error: NodeJS.ErrnoException) => onEnd(error.code!));
  });
  proxy.listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  return { port: (proxy.address() as AddressInfo).port, ended, close: () => void proxy.close() };
}

/** How the TCP connection below the client ended, after the server cut `request`'s reply by `cut`. */
async function endAfter(
  isTls: boolean,
  request: string,
  serve: (res: HttpResponse) => void,
  cut: (res: HttpResponse, server: HttpServer) => void,
) {
  let reply!: HttpResponse;
  const server = createHttpServer({
    log: silentLog,
    ...(isTls ? { tls: FILES } : {}),
    handler: (_req, res) => {
      reply = res;
      serve(res);
    },
  });
  const { port } = await server.listen(0, '127.0.0.1');
  const watched = await watchedPort(port);
  const target = { port: watched.port, host: '127.0.0.1' };
  const client: Socket = isTls ? connectTls({ ...target, rejectUnauthorized: false }) : connectTcp(target);
  client.on('error', () => {});
  client.write(request);
  await once(client, 'data');
  cut(reply, server);
  const how = await watched.ended;
  client.destroy();
  watched.close();
  await server.close(0);
  return how;
}

const part = (res: HttpResponse) => {
  res.writeHead(200);
  res.write('part');
};
const CASES: [name: string, request: string, serve: (res: HttpResponse) => void, expected: string][] = [
  ['HTTP/1.0', 'GET / HTTP/1.0\r\nHost: a\r\n\r\n', part, 'ECONNRESET'],
  ['HTTP/1.0 with keep-alive', 'GET / HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n', part, 'ECONNRESET'],
  ['an ordinary reply to an upgrade request', `GET / HTTP/1.1\r\nHost: a\r\n${UPGRADE}\r\n`, part, 'ECONNRESET'],
  ['HTTP/1.1, whose chunks show that the last one is missing', 'GET / HTTP/1.1\r\nHost: a\r\n\r\n', part, 'end'],
];
for (const isTls of [false, true]) {
  for (const [name, request, serve, expected] of CASES) {
    test(`${isTls ? 'TLS' : 'plain'}: ${name}: ${expected}`, async () => {
      assert.is(await endAfter(isTls, request, serve, (res) => res.destroy()), expected);
    });
    test(`${isTls ? 'TLS' : 'plain'}: ${name}, cut by the end of the server: ${expected}`, async () => {
      assert.is(await endAfter(isTls, request, serve, (_res, server) => void server.close(0)), expected);
    });
  }
}

test.run();
