/**
 * The open connections of a server. Each address has a share of them, so that nobody can keep others out by opening many; and
 * an idle connection, which its client can open again, makes room for a new one. A connection is idle while no reply is
 * unfinished: before its first request, too, and during a TLS handshake.
 */
import type { Socket } from 'node:net';
import { transportOf } from './abort-connection.ts';
import { limiterKey, plainAddress } from './address.ts';
import type { HttpLimits } from './limits.ts';

interface Connection {
  /** The TCP socket. */
  socket: Socket;
  share: Share;
  /** Replies that are not finished. */
  replies: number;
}

/** The connections of one address. */
interface Share {
  key: string;
  limit: number;
  connections: Set<Connection>;
  /** Longest idle first. */
  idle: Set<Connection>;
}

export interface ConnectionTableOptions {
  limits: Pick<HttpLimits, 'connections' | 'connectionsPerAddress'>;
  /** Connections from this address belong to many clients (a trusted proxy): only the limit of all counts. */
  isProxy: (address: string) => boolean;
}

export class ConnectionTable {
  readonly #options: ConnectionTableOptions;
  readonly #connections = new Map<Socket, Connection>();
  readonly #shares = new Map<string, Share>();
  /** Of all addresses, longest idle first. */
  readonly #idle = new Set<Connection>();

  constructor(options: ConnectionTableOptions) {
    this.#options = options;
  }

  /** The TCP sockets. */
  get sockets(): Iterable<Socket> {
    return this.#connections.keys();
  }

  /** A new TCP connection. @returns false if there is no room for it: close it */
  add(socket: Socket): boolean {
    const address = plainAddress(socket.remoteAddress);
    if (address === '') return false; // The client has vanished.
    const share = this.#shareOf(address);
    if (!this.#makeRoom(share)) return false;
    const connection = { socket, share, replies: 0 };
    this.#shares.set(share.key, share);
    this.#connections.set(socket, connection);
    share.connections.add(connection);
    this.#setIdle(connection, true);
    socket.once('close', () => this.#remove(connection));
    return true;
  }

  /** A request, or an upgrade, has arrived on the socket that requests have. Call the result once its reply is finished. */
  beginReply(socket: Socket): () => void {
    const connection = this.#connections.get(transportOf(socket)) ?? this.#connections.get(socket);
    if (!connection) return () => {};
    if (connection.replies++ === 0) this.#setIdle(connection, false);
    return () => {
      if (--connection.replies === 0 && this.#connections.has(connection.socket)) this.#setIdle(connection, true);
    };
  }

  #shareOf(address: string): Share {
    const key = limiterKey(address);
    const { limits, isProxy } = this.#options;
    return this.#shares.get(key) ?? {
      key,
      limit: isProxy(address) ? Infinity : limits.connectionsPerAddress,
      connections: new Set(),
      idle: new Set(),
    };
  }
  #makeRoom(share: Share): boolean {
    if (share.connections.size >= share.limit) return this.#closeFirst(share.idle);
    return this.#connections.size < this.#options.limits.connections || this.#closeFirst(this.#idle);
  }
  /** @returns false if none is idle */
  #closeFirst(idle: Set<Connection>): boolean {
    const [connection] = idle;
    if (!connection) return false;
    this.#remove(connection);
    connection.socket.destroy();
    return true;
  }
  #setIdle(connection: Connection, idle: boolean): void {
    for (const set of [connection.share.idle, this.#idle]) {
      if (idle) set.add(connection);
      else set.delete(connection);
    }
  }
  #remove(connection: Connection): void {
    const { socket, share } = connection;
    if (this.#connections.get(socket) === connection) this.#connections.delete(socket);
    this.#setIdle(connection, false);
    share.connections.delete(connection);
    if (share.connections.size === 0) this.#shares.delete(share.key);
  }
}
