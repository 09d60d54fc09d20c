/**
 * The HTTP server of the relay and of the agent machine: node:http with one Handler for requests and upgrades, limits on
 * everything that a stranger can make it hold, and a close that lets running requests finish.
 */
import { createServer, type Server } from 'node:http';
import type { Buffer } from 'node:buffer';
import { createServer as createTlsServer, type Server as TlsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { type Clock, systemClock } from '../clock.ts';
import type { Log } from '../log.ts';
import { HeaderDefaults, securityHeaders } from './defaults.ts';
import { LocalRequest, LocalResponse, rawHead, UpgradeResponse } from './message.ts';
import { fail, HttpError } from './reply.ts';
import { checkHead, hasBody, MAX_FIELDS } from './rules.ts';
import type { HttpResponse } from './types.ts';
import { Uploads } from './uploads.ts';

export interface HttpLimits {
  /** Bytes of a request head. */
  headBytes: number;
  /** Time for a whole request head from the first byte (or from connecting), ms. */
  headMs: number;
  /** How long a connection may wait for its next request, ms. */
  idleMs: number;
  /** How long a client may leave a reply unread, ms. */
  stallMs: number;
  /** Open connections; one more is closed at once. */
  connections: number;
}

export const DEFAULT_LIMITS: HttpLimits = {
  headBytes: 16 * 1024,
  headMs: 10_000,
  idleMs: 5_000,
  stallMs: 60_000,
  connections: 10_000,
};

/** How often node:http looks for connections over their time, ms; it adds to headMs. */
const CHECK_MS = 1_000;
/** While closing: how often connections that became idle are closed, ms. */
const CLOSE_POLL_MS = 50;

export interface TlsFiles {
  cert: string | Buffer;
  key: string | Buffer;
}

/** A Handler that may also look at the socket; every Handler is one. */
export type LocalHandler = (req: LocalRequest, res: HttpResponse) => void | Promise<void>;

export interface HttpServerOptions {
  /** Serves requests and upgrades (those have a `connection: upgrade` header and a response that can `upgrade`). */
  handler: LocalHandler;
  log: Log;
  tls?: TlsFiles;
  limits?: Partial<HttpLimits>;
  clock?: Clock;
  /** Whether this request came over TLS, for HSTS. Default: whether this server speaks TLS. */
  isSecure?: (req: LocalRequest) => boolean;
}

export interface HttpServer {
  /** Rejects with a sentence when the address cannot be used. port 0: any free one. host undefined: all addresses. */
  listen(port: number, host?: string): Promise<{ port: number }>;
  /** Takes no new connections, lets running replies finish, ends the rest after `graceMs`. */
  close(graceMs: number): Promise<void>;
  /** Uses another certificate for connections from now on. Throws when it is not usable; the old one stays then. */
  setTls(files: TlsFiles): void;
}

export function createHttpServer(options: HttpServerOptions): HttpServer {
  const { handler, log, tls, clock = systemClock } = options;
  const limits = { ...DEFAULT_LIMITS, ...options.limits };
  const isSecure = options.isSecure ?? (() => tls !== undefined);
  const plain = new HeaderDefaults(securityHeaders(false));
  const secure = new HeaderDefaults(securityHeaders(true));
  const settings = {
    IncomingMessage: LocalRequest,
    ServerResponse: LocalResponse,
    maxHeaderSize: limits.headBytes,
    headersTimeout: limits.headMs,
    requestTimeout: 0, // A body's pace is judged by Uploads: a fixed time would cut large uploads over slow lines.
    keepAliveTimeout: limits.idleMs,
    connectionsCheckingInterval: CHECK_MS,
    requireHostHeader: false, // checkHead refuses it, with our headers.
    noDelay: true,
  };
  const server:
    | Server<typeof LocalRequest, typeof LocalResponse>
    | TlsServer<typeof LocalRequest, typeof LocalResponse> = tls
      ? createTlsServer({ ...settings, ...tls, minVersion: 'TLSv1.2', handshakeTimeout: limits.headMs })
      : createServer(settings);
  // One more than allowed: node:http drops fields over this mark without a word.
  server.maxHeadersCount = MAX_FIELDS + 1;
  server.maxConnections = limits.connections;
  server.timeout = limits.stallMs;
  const sockets = new Set<Socket>();
  /** The request that a connection is busy with, for replies to broken framing. */
  const current = new WeakMap<Socket, LocalResponse>();
  /** Replies that wait behind another one: node:http never tells them that their connection is gone. */
  const queued = new WeakMap<Socket, Set<LocalResponse>>();
  const uploads = new Uploads(clock, (req) => refuse(req.socket, 408));

  const run = async (req: LocalRequest, res: LocalResponse | UpgradeResponse) => {
    try {
      const refused = checkHead(req);
      if (refused) throw new HttpError(refused.status, refused.code, refused.message, { connection: 'close' });
      await handler(req, res);
    } catch (error) {
      fail(res, error, (unexpected) => log.error('request failed', { url: req.url, error: describe(unexpected) }));
    }
  };
  const onRequest = (req: LocalRequest, res: LocalResponse) => {
    res.defaults = isSecure(req) ? secure : plain;
    current.set(req.socket, res);
    if (!res.socket) queue(req.socket, res);
    if (hasBody(req)) {
      uploads.add(req);
      res.once('finish', () => uploads.answered(req));
    }
    void run(req, res);
  };
  function queue(socket: Socket, res: LocalResponse): void {
    let replies = queued.get(socket);
    if (!replies) queued.set(socket, replies = new Set());
    replies.add(res);
    res.once('close', () => replies.delete(res));
  }
  server.on('request', onRequest);
  server.on('checkContinue', (req, res) => {
    // Asked for when a handler reads: one that refuses never makes the client send its body.
    req.onFirstRead = () => {
      if (!res.headersSent) res.writeContinue();
    };
    onRequest(req, res);
  });
  server.on('checkExpectation', (req, res) => {
    res.defaults = isSecure(req) ? secure : plain;
    const text = 'Only Expect: 100-continue is known here.';
    fail(res, new HttpError(417, 'expectation_failed', text, { connection: 'close' }));
  });
  server.on('upgrade', (req, socket, head) => {
    const before = current.get(socket as Socket);
    // Sent without waiting for an earlier reply, which would end up in the middle of the new protocol.
    if (before && !before.writableFinished) return void socket.destroy();
    current.delete(socket as Socket);
    // node:http has taken its own listener away: what is left unread ends the connection here, too.
    socket.on('timeout', () => {
      if (socket.writableLength > 0) socket.destroy();
    });
    const res = new UpgradeResponse(socket as Socket, head, req.method === 'HEAD');
    res.defaults = isSecure(req) ? secure : plain;
    // node:http has stopped parsing: a body could only be mistaken for the new protocol.
    if (hasBody(req)) return fail(res, new HttpError(400, 'upgrade_with_body', 'An upgrade request has no body.'));
    void run(req, res);
  });
  server.on('connect', (_req, socket) => refuse(socket as Socket, 405));
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    const status = error.code === 'HPE_HEADER_OVERFLOW' ? 431 : error.code === 'ERR_HTTP_REQUEST_TIMEOUT' ? 408 : 400;
    refuse(socket as Socket, status);
  });
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => {
      sockets.delete(socket);
      for (const res of [...queued.get(socket) ?? []]) if (!res.socket && !res.destroyed) res.destroy().emit('close');
    });
  });
  server.on('timeout', (socket: Socket) => {
    const last = current.get(socket);
    const idle = last !== undefined && last.writableFinished && last.req.complete;
    // Waiting for a reply is allowed (long polls, events); not reading it is not, nor is asking nothing more.
    if (idle || socket.writableLength > 0) socket.destroy();
  });
  server.on('tlsClientError', (error: Error, socket: Socket) => {
    log.debug('TLS handshake failed', { error: error.message });
    socket.destroy();
  });

  /** Ends a connection with a bare reply, or with none where it would be taken for that of another request. */
  function refuse(socket: Socket, status: number): void {
    const last = current.get(socket);
    // It is the reply to the latest request, if that is not whole, or to one that would have come next.
    const isOwn = !last || (!last.headersSent && !last.req.complete) ||
      (last.writableFinished && last.req.complete && last.shouldKeepAlive);
    if (!socket.writable || !isOwn) return socket.destroySoon();
    const headers = plain.merge({ 'content-length': 0, connection: 'close' });
    socket.end(rawHead(status, headers), 'latin1', () => socket.destroy());
  }

  return {
    listen(port, host) {
      return new Promise((resolve, reject) => {
        server.once('error', (error: NodeJS.ErrnoException) => reject(new Error(listenError(error, port, host))));
        server.listen({ port, host }, () => {
          server.removeAllListeners('error');
          // EMFILE and the like: the connection is lost, the server goes on.
          server.on('error', (error) => log.warn('the server could not take a connection', { error: error.message }));
          resolve({ port: (server.address() as AddressInfo).port });
        });
      });
    },
    async close(graceMs) {
      for (const defaults of [plain, secure]) defaults.add('connection', 'close');
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      const idle = setInterval(() => server.closeIdleConnections(), CLOSE_POLL_MS);
      const end = setTimeout(() => {
        for (const socket of sockets) socket.destroy();
      }, graceMs);
      server.closeIdleConnections();
      await closed;
      clearInterval(idle);
      clearTimeout(end);
      uploads.close();
    },
    setTls(files) {
      if ('setSecureContext' in server) server.setSecureContext({ ...files, minVersion: 'TLSv1.2' });
    },
  };
}

const describe = (error: unknown): string => (error instanceof Error ? error.stack ?? error.message : String(error));

function listenError(error: NodeJS.ErrnoException, port: number, host = ''): string {
  const where = host ? `${host}, port ${port}` : `port ${port}`;
  if (error.code === 'EADDRINUSE') {
    return `Cannot listen on ${where}: another program uses it. Stop it or set another port.`;
  }
  if (error.code === 'EACCES') return `Cannot listen on ${where}: ports below 1024 need root. Set a higher port.`;
  // EINVAL is Deno's word for it.
  if (error.code === 'EADDRNOTAVAIL' || error.code === 'EINVAL') {
    return `Cannot listen on ${where}: this machine has no such address.`;
  }
  return `Cannot listen on ${where}: ${error.message}`;
}
