/**
 * The open connections of a server. Each address has a share of them, so that nobody can keep others out by opening many; and
 * an idle connection, which its client can open again, makes room for a new one. A connection is idle while no reply is
 * unfinished: before its first request, too, and during a TLS handshake.
 */
import type { Socket } from 'node:net';
import { transportOf } from './abort-connection.ts';
import { limiterKey, plainAddress } from './address.ts';
import type { HttpLimits } from './limits.ts';

/** The connections of one address. */
interface Share {
  key: string;
  limit: number;
  connections: Set<Connection>;
  /** Longest idle first. */
  idle: Link;
}

/** A ring of connections that has a head, or an entry of one: every request takes its connection out and puts it back. */
class Link {
  readonly connection: Connection | null;
  #before: Link = this;
  #after: Link = this;

  /** @param connection null: it is a head */
  constructor(connection: Connection | null) {
    this.connection = connection;
  }
  /** The first entry behind a head; null: the ring is empty. */
  get first(): Connection | null {
    return this.#after.connection;
  }
  /** Puts this entry, which is in no ring, at the end of one. */
  appendTo(head: Link): void {
    this.#before = head.#before;
    this.#after = head;
    head.#before.#after = this;
    head.#before = this;
  }
  /** Takes this entry out of its ring, if it is in one. */
  remove(): void {
    this.#before.#after = this.#after;
    this.#after.#before = this.#before;
    this.#before = this.#after = this;
  }
}

class Connection {
  /** The TCP socket. */
  readonly socket: Socket;
  readonly share: Share;
  /** Replies that are not finished. */
  replies = 0;
  /** Its places among the idle ones of its share, and of all. */
  readonly idleInShare = new Link(this);
  readonly idle = new Link(this);

  constructor(socket: Socket, share: Share) {
    this.socket = socket;
    this.share = share;
  }
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
  readonly #idle = new Link(null);

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
    const connection = new Connection(socket, share);
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
      idle: new Link(null),
    };
  }
  #makeRoom(share: Share): boolean {
    if (share.connections.size >= share.limit) return this.#closeFirst(share.idle);
    return this.#connections.size < this.#options.limits.connections || this.#closeFirst(this.#idle);
  }
  /** @returns false if none is idle */
  #closeFirst(idle: Link): boolean {
    const connection = idle.first;
    if (!connection) return false;
    this.#remove(connection);
    connection.socket.destroy();
    return true;
  }
  #setIdle({ share, idle, idleInShare }: Connection, isIdle: boolean): void {
    idle.remove();
    idleInShare.remove();
    if (!isIdle) return;
    idle.appendTo(this.#idle);
    idleInShare.appendTo(share.idle);
  }
  #remove(connection: Connection): void {
    const { socket, share } = connection;
    if (this.#connections.get(socket) === connection) this.#connections.delete(socket);
    this.#setIdle(connection, false);
    share.connections.delete(connection);
    if (share.connections.size === 0) this.#shares.delete(share.key);
  }
}
