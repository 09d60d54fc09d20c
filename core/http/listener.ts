/** The node:http or node:https server below an HttpServer, with its limits. */
import { createServer, type Server } from 'node:http';
import { createServer as createTlsServer, type Server as TlsServer } from 'node:https';
import type { TLSSocket } from 'node:tls';
import type { HttpLimits } from './limits.ts';
import { LocalRequest, LocalResponse } from './node-adapter.ts';
import { MAX_FIELDS } from './request-checks.ts';
import { secureOptions, type TlsFiles, type TlsProtocol } from './tls.ts';

/** How often node:http looks for connections over their time, ms; it adds to headMs. */
const CHECK_MS = 1_000;

export type Listener =
  | Server<typeof LocalRequest, typeof LocalResponse>
  | TlsServer<typeof LocalRequest, typeof LocalResponse>;

export interface ListenerOptions {
  limits: HttpLimits;
  tls?: TlsFiles | undefined;
  tlsProtocol?: TlsProtocol | undefined;
  /** A client that closes its sending half behind its request is answered, even if the handler has to wait first. */
  answersHalfClosed?: boolean | undefined;
}

export function createListener(options: ListenerOptions): Listener {
  const { limits, tls, tlsProtocol } = options;
  const settings = httpSettings(limits);
  const listener: Listener = tls
    ? createTlsServer({ ...settings, ...secureOptions(tls, tlsProtocol), handshakeTimeout: limits.headMs })
    : createServer(settings);
  // One more than allowed: node:http silently drops fields over this mark.
  listener.maxHeadersCount = MAX_FIELDS + 1;
  listener.timeout = limits.stallMs;
  // An undocumented property of node:http; without it such a client may get no answer.
  if (options.answersHalfClosed) Object.assign(listener, { httpAllowHalfOpen: true });
  // Before node:http's own listener, which would read requests from the connection.
  listener.prependListener('secureConnection', (socket: TLSSocket) => {
    if (tlsProtocol && socket.alpnProtocol === tlsProtocol.name) socket.destroySoon();
  });
  return listener;
}

const httpSettings = (limits: HttpLimits) => ({
  IncomingMessage: LocalRequest,
  ServerResponse: LocalResponse,
  maxHeaderSize: limits.headBytes,
  headersTimeout: limits.headMs,
  requestTimeout: 0, // UploadWatch judges the pace of a body: a fixed time would cut large uploads over slow lines.
  keepAliveTimeout: limits.idleMs,
  connectionsCheckingInterval: CHECK_MS,
  requireHostHeader: false, // checkHead refuses it, with our headers.
  noDelay: true,
});

/** A sentence for an address that cannot be used. */
export function listenError(error: NodeJS.ErrnoException, port: number, host = ''): string {
  const where = host ? `${host}, port ${port}` : `port ${port}`;
  if (error.code === 'EADDRINUSE') {
    return `Cannot listen on ${where}: another program uses it. Stop it or set another port.`;
  }
  if (error.code === 'EACCES') {
    return `Cannot listen on ${where}: ports below 1024 need root or CAP_NET_BIND_SERVICE. Give it that, or set a higher port.`;
  }
  // EINVAL is Deno's code for it.
  if (error.code === 'EADDRNOTAVAIL' || error.code === 'EINVAL') {
    return `Cannot listen on ${where}: this machine has no such address.`;
  }
  return `Cannot listen on ${where}: ${error.message}`;
}
