/**
 * A push service that Firefox takes for Mozilla's: the browser's side is the WebSocket protocol of autopush, the sender's side
 * RFC 8030. An unknown endpoint answers 410.
 */
import { Buffer } from 'node:buffer';
import { randomBytes } from 'node:crypto';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import type WebSocket from 'ws';
import { WebSocketServer } from 'ws';

export interface Posted {
  headers: IncomingHttpHeaders;
  body: Buffer;
}

export interface BrowserPushService {
  /** For `dom.push.serverURL`. */
  socketUrl: string;
  posted: Posted[];
  /** What the browser said of messages: 100 is handled, 302 that its worker's handler failed after it ran. */
  acks: number[];
  close(): void;
}

/** Preferences with which Firefox uses the service at this address, and asks nobody before it shows notifications. */
export const firefoxPush = (socketUrl: string) => ({
  'dom.push.serverURL': socketUrl,
  'dom.push.testing.allowInsecureServerURL': true,
  'dom.push.enabled': true,
  'dom.push.connection.enabled': true,
  'dom.serviceWorkers.enabled': true,
  'permissions.default.desktop-notification': 1,
});

export async function startBrowserPushService(): Promise<BrowserPushService> {
  const channels = new Map<string, { socket: WebSocket; id: string }>();
  const posted: Posted[] = [];
  const acks: number[] = [];
  let version = 0;
  const server = createServer((req, res) => {
    const channel = channels.get(/^\/wpush\/(\w+)$/.exec(req.url!)?.[1] ?? '');
    const chunks: Buffer[] = [];
    req.on('data', (chunk) => chunks.push(chunk));
    req.on('end', () => {
      const body = Buffer.concat(chunks);
      const { ttl, authorization, 'content-encoding': encoding } = req.headers;
      posted.push({ headers: req.headers, body });
      if (!channel) return res.writeHead(410).end();
      if (encoding !== 'aes128gcm' || !ttl || !authorization?.startsWith('vapid ')) return res.writeHead(400).end();
      channel.socket.send(JSON.stringify({
        messageType: 'notification',
        channelID: channel.id,
        version: String(++version),
        ttl: Number(ttl),
        data: body.toString('base64url'),
        headers: { encoding },
      }));
      res.writeHead(201, { location: `/m/${version}` }).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const answers: Record<string, (message: any, socket: WebSocket) => object> = {
    hello: ({ uaid }) => ({
      messageType: 'hello',
      uaid: uaid || randomBytes(16).toString('hex'),
      status: 200,
      use_webpush: true,
      broadcasts: {},
    }),
    register({ channelID }, socket) {
      const token = randomBytes(12).toString('hex');
      channels.set(token, { socket, id: channelID });
      const pushEndpoint = `http://127.0.0.1:${port}/wpush/${token}`;
      return { messageType: 'register', channelID, status: 200, pushEndpoint };
    },
    unregister: ({ channelID }) => ({ messageType: 'unregister', channelID, status: 200 }),
  };
  const sockets = new WebSocketServer({ server, handleProtocols: (offered: Set<string>) => [...offered][0]! });
  sockets.on('connection', (socket: WebSocket) => {
    socket.on('message', (data: unknown) => {
      const message = JSON.parse(String(data));
      for (const { code } of message.updates ?? []) acks.push(code ?? 100);
      const answer = answers[message.messageType]?.(message, socket) ?? (Object.keys(message).length ? null : {});
      if (answer) socket.send(JSON.stringify(answer));
    });
  });
  return {
    socketUrl: `ws://127.0.0.1:${port}/`,
    posted,
    acks,
    close() {
      for (const socket of sockets.clients) socket.terminate();
      server.closeAllConnections();
      server.close();
    },
  };
}
