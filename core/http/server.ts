/**
 * The HTTP server of the relay and of the agent machine: node:http with one Handler for requests and upgrades, limits on
 * everything that a stranger can make it hold, and a close that lets running requests finish.
 */
import type { IncomingMessage } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { type Clock, systemClock } from '../clock.ts';
import type { Log } from '../log.ts';
import { abortConnection } from './abort-connection.ts';
import { ConnectionTable } from './connection-table.ts';
import { HeaderDefaults, securityHeaders } from './default-headers.ts';
import { DEFAULT_LIMITS, type HttpLimits } from './limits.ts';
import { createListener, type Listener, listenError } from './listener.ts';
import { type LocalRequest, type LocalResponse, rawHead, UpgradeResponse } from './node-adapter.ts';
import { OpenReplies } from './open-replies.ts';
import { fail, HttpError } from './reply.ts';
import { checkHead, hasBody } from './request-checks.ts';
import { secureOptions, type TlsFiles, type TlsProtocol } from './tls.ts';
import { StallWatch } from './stall-watch.ts';
import type { HttpResponse } from './types.ts';
import { UploadWatch } from './upload-watch.ts';

export { DEFAULT_LIMITS, type HttpLimits } from './limits.ts';

/** While closing: how often connections that became idle are closed, ms. */
const CLOSE_POLL_MS = 50;

/** A Handler that may also look at the socket; every Handler is one. */
export type LocalHandler = (req: LocalRequest, res: HttpResponse) => void | Promise<void>;

export interface HttpServerOptions {
  /** Serves requests and upgrades (those have a `connection: upgrade` header and a response that can `upgrade`). */
  handler: LocalHandler;
  /** Called with each new connection before a byte of it is processed. With TLS: the socket below it, not `req.socket`. */
  onConnection?: (socket: Socket) => void;
  /** A client that closes its sending half behind its request is answered, even if the handler has to wait first. */
  answersHalfClosed?: boolean;
  log: Log;
  tls?: TlsFiles;
  /** Needs `tls`. A connection with this protocol ends after its handshake. */
  tlsProtocol?: TlsProtocol;
  limits?: Partial<HttpLimits>;
  clock?: Clock;
  /** Whether connections from this address belong to many clients (a trusted proxy), so that the address has no limit. */
  isProxy?: (address: string) => boolean;
  /** Whether this request came over TLS, for HSTS. Default: whether this server speaks TLS. */
  isSecure?: (req: LocalRequest) => boolean;
}

export interface HttpServer {
  /** Rejects with a sentence when the address cannot be used. port 0: any free one. host undefined: all addresses. */
  listen(port: number, host?: string): Promise<{ port: number }>;
  /** Accepts no new connections, lets running replies finish, ends the rest after `graceMs`. */
  close(graceMs: number): Promise<void>;
  /** Uses another certificate for connections from now on. Throws when it is not usable; the old one then stays. */
  setTls(files: TlsFiles): void;
}

export const createHttpServer = (options: HttpServerOptions): HttpServer => new NodeHttpServer(options);

class NodeHttpServer implements HttpServer {
  readonly #options: HttpServerOptions;
  readonly #log: Log;
  readonly #listener: Listener;
  readonly #isSecure: (req: LocalRequest) => boolean;
  readonly #plain = new HeaderDefaults(securityHeaders(false));
  readonly #secure = new HeaderDefaults(securityHeaders(true));
  readonly #connections: ConnectionTable;
  readonly #replies = new OpenReplies();
  readonly #uploads: UploadWatch;
  readonly #stalls: StallWatch;

  constructor(options: HttpServerOptions) {
    this.#options = options;
    this.#log = options.log;
    this.#isSecure = options.isSecure ?? (() => options.tls !== undefined);
    const clock = options.clock ?? systemClock;
    const limits = { ...DEFAULT_LIMITS, ...options.limits };
    this.#uploads = new UploadWatch(clock, (socket) => this.#refuse(socket, 408));
    this.#stalls = new StallWatch(clock, limits.stallMs);
    this.#connections = new ConnectionTable({ limits, isProxy: options.isProxy ?? (() => false) });
    this.#listener = createListener({ ...options, limits });
    this.#listenForConnections();
    this.#listenForRequests();
  }

  listen(port: number, host?: string): Promise<{ port: number }> {
    const listener = this.#listener;
    return new Promise((resolve, reject) => {
      listener.once('error', (error: NodeJS.ErrnoException) => reject(new Error(listenError(error, port, host))));
      listener.listen({ port, host }, () => {
        listener.removeAllListeners('error');
        // EMFILE and the like: the connection is lost, the server goes on.
        listener.on('error', (error) => this.#log.warn('cannot accept a connection', { error: error.message }));
        resolve({ port: (listener.address() as AddressInfo).port });
      });
    });
  }

  async close(graceMs: number): Promise<void> {
    const listener = this.#listener;
    for (const defaults of [this.#plain, this.#secure]) defaults.add('connection', 'close');
    const closed = new Promise<void>((resolve) => listener.close(() => resolve()));
    const idle = setInterval(() => listener.closeIdleConnections(), CLOSE_POLL_MS);
    const end = setTimeout(() => {
      this.#replies.abortAll();
      for (const socket of [...this.#connections.sockets]) socket.destroy();
    }, graceMs);
    listener.closeIdleConnections();
    await closed;
    clearInterval(idle);
    clearTimeout(end);
    this.#uploads.close();
    this.#stalls.close();
  }

  setTls(files: TlsFiles): void {
    if ('setSecureContext' in this.#listener) this.#listener.setSecureContext(secureOptions(files));
  }

  // ---- connections

  #listenForConnections(): void {
    const listener = this.#listener;
    listener.on('connection', (socket: Socket) => this.#onConnection(socket));
    listener.on('timeout', (socket: Socket) => {
      // Waiting for a reply is allowed (long polls, events); asking nothing more is not. StallWatch judges what is unread.
      if (this.#replies.isIdle(socket)) socket.destroy();
    });
    listener.on('clientError', (error: NodeJS.ErrnoException, socket) => {
      this.#refuse(socket as Socket, statusOf(error));
    });
    listener.on('tlsClientError', (error: Error, socket: Socket) => {
      this.#log.debug('TLS handshake failed', { error: error.message });
      socket.destroy();
    });
  }
  #onConnection(socket: Socket): void {
    if (this.#connections.add(socket)) this.#options.onConnection?.(socket);
    else socket.destroy();
  }
  /** Ends a connection with a bare reply, or without one where it would be taken for the reply to another request. */
  #refuse(socket: Socket, status: number): void {
    if (!socket.writable || !this.#replies.mayReply(socket)) return socket.destroySoon();
    const defaults = 'encrypted' in socket ? this.#secure : this.#plain;
    const headers = defaults.merge({ 'content-length': 0, connection: 'close' });
    socket.end(rawHead(status, headers), 'latin1', () => socket.destroy());
  }

  // ---- requests

  #listenForRequests(): void {
    const listener = this.#listener;
    listener.on('request', (req, res) => this.#onRequest(req, res));
    listener.on('checkContinue', (req, res) => {
      // Sent when a handler reads: one that refuses never makes the client send its body.
      req.onFirstRead = () => {
        if (!res.headersSent) res.writeContinue();
      };
      this.#onRequest(req, res);
    });
    listener.on('checkExpectation', (req, res) => {
      if (this.#replies.isEnding(req.socket)) return;
      this.#replies.add(req, res);
      res.defaults = this.#defaultsFor(req);
      const text = 'Only Expect: 100-continue is known here.';
      fail(res, new HttpError(417, 'expectation_failed', text, { connection: 'close' }));
    });
    listener.on('upgrade', (req, socket, head) => this.#onUpgrade(req, socket as Socket, head));
    listener.on('connect', (_req: IncomingMessage, socket: Duplex) => this.#refuse(socket as Socket, 405));
  }
  #onRequest(req: LocalRequest, res: LocalResponse): void {
    if (req.peer === '') return void req.socket.destroy(); // The client has vanished: nobody knows who it was.
    if (this.#replies.isEnding(req.socket)) return;
    res.defaults = this.#defaultsFor(req);
    this.#replies.add(req, res);
    res.on('close', this.#connections.beginReply(req.socket));
    this.#stalls.add(req.socket, this.#abortReply);
    if (hasBody(req)) this.#uploads.add(req, res);
    this.#run(req, res);
  }
  #onUpgrade(req: LocalRequest, socket: Socket, head: Uint8Array): void {
    if (this.#replies.isEnding(socket)) return;
    if (req.peer === '' || !this.#replies.mayUpgrade(socket)) return void socket.destroy();
    this.#stalls.add(socket, abortUpgraded);
    this.#connections.beginReply(socket); // Until it is closed.
    const res = new UpgradeResponse(socket, head, req.method === 'HEAD');
    res.defaults = this.#defaultsFor(req);
    this.#replies.addUpgrade(socket, res);
    // node:http has stopped parsing: a body could only be mistaken for the new protocol.
    if (hasBody(req)) return fail(res, new HttpError(400, 'upgrade_with_body', 'An upgrade request has no body.'));
    this.#run(req, res);
  }
  readonly #abortReply = (socket: Socket): void => {
    abortConnection(socket, this.#replies.endsWithConnection(socket));
  };
  #run(req: LocalRequest, res: LocalResponse | UpgradeResponse): void {
    try {
      const refused = checkHead(req);
      if (refused) throw new HttpError(refused.status, refused.code, refused.message, { connection: 'close' });
      // Most handlers are done when they return: they need no promise.
      this.#options.handler(req, res)?.catch((error) => this.#fail(req, res, error));
    } catch (error) {
      this.#fail(req, res, error);
    }
  }
  #fail(req: LocalRequest, res: HttpResponse, error: unknown): void {
    fail(res, error, (cause) => this.#log.error('request failed', { url: req.url, error: describe(cause) }));
  }
  #defaultsFor(req: LocalRequest): HeaderDefaults {
    return this.#isSecure(req) ? this.#secure : this.#plain;
  }
}

const abortUpgraded = (socket: Socket): void => abortConnection(socket, true);

const describe = (error: unknown): string => (error instanceof Error ? error.stack ?? error.message : String(error));

/** The status for a request that node:http could not parse. */
const statusOf = (error: NodeJS.ErrnoException): number =>
  error.code === 'HPE_HEADER_OVERFLOW' ? 431 : error.code === 'ERR_HTTP_REQUEST_TIMEOUT' ? 408 : 400;
