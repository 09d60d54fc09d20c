/**
 * A reverse proxy as nginx is without `proxy_set_header Upgrade`: requests go on without their hop-by-hop fields (RFC 9110
 * section 7.6.1), so that a WebSocket's handshake arrives as an ordinary GET. Owned and closed by the test.
 */
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';

export interface PlainProxy {
  readonly url: string;
  /** true: as with `proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection "upgrade"`. */
  passesUpgrades: boolean;
  close(): Promise<void>;
}

const HOP_BY_HOP = ['connection', 'upgrade', 'keep-alive'];

/** @param target port on 127.0.0.1 */
export async function plainProxy(target: number): Promise<PlainProxy> {
  const forward = (incoming: IncomingMessage, fields: IncomingMessage['headers']) =>
    request({ host: '127.0.0.1', port: target, method: incoming.method, path: incoming.url, headers: fields });

  const answer = (incoming: IncomingMessage, response: ServerResponse | Duplex) => {
    const fields = Object.fromEntries(Object.entries(incoming.headers).filter(([name]) => !HOP_BY_HOP.includes(name)));
    const onward = forward(incoming, fields);
    onward.on('response', (upstream) => {
      if ('writeHead' in response) {
        response.writeHead(upstream.statusCode!, upstream.headers);
        return void upstream.pipe(response);
      }
      response.end(
        `HTTP/1.1 ${upstream.statusCode} ${upstream.statusMessage}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n`,
      );
      upstream.resume();
    });
    onward.on('error', () => response.destroy());
    response.on('close', () => onward.destroy());
    incoming.pipe(onward);
  };

  const server = createServer(answer);
  server.on('upgrade', (incoming, socket: Duplex) => {
    if (!proxy.passesUpgrades) return answer(incoming, socket);
    const onward = forward(incoming, incoming.headers);
    onward.on('upgrade', (upstream, far) => {
      const lines = upstream.rawHeaders.map((text, i) => text + (i % 2 ? '\r\n' : ': ')).join('');
      socket.write(`HTTP/1.1 101 Switching Protocols\r\n${lines}\r\n`);
      far.pipe(socket).pipe(far);
      far.on('error', () => socket.destroy());
      socket.on('error', () => far.destroy());
    });
    onward.on('error', () => socket.destroy());
    onward.end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const proxy: PlainProxy = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    passesUpgrades: false,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  return proxy;
}
