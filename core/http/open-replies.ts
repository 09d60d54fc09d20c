/**
 * The replies of each connection that are not finished: one is being sent, others wait behind it (pipelining). A connection is
 * known by the socket of its requests, and by nothing else: below a TLS socket is another one, whose events come at other
 * times or never.
 */
import type { Socket } from 'node:net';
import { abortConnection } from './abort-connection.ts';
import type { LocalRequest, LocalResponse, UpgradeResponse } from './node-adapter.ts';

export class OpenReplies {
  /** Connections that are open and had a request. */
  readonly #sockets = new Set<Socket>();
  /** The reply to the latest request of each connection. */
  readonly #latest = new WeakMap<Socket, LocalResponse>();
  /** The reply to an upgrade request, after which a connection has no other. */
  readonly #upgrade = new WeakMap<Socket, UpgradeResponse>();
  /** Replies that wait behind another one. */
  readonly #waiting = new WeakMap<Socket, Set<LocalResponse>>();

  /** A request has arrived on its connection. */
  add(req: LocalRequest, res: LocalResponse): void {
    this.#track(req.socket);
    this.#latest.set(req.socket, res);
    if (!res.socket) this.#wait(req.socket, res);
  }

  /** The latest reply ends the connection: what the client sent behind it is not processed, even if it is here already. */
  isEnding(socket: Socket): boolean {
    return this.#latest.get(socket)?.isLast === true;
  }

  /**
   * An upgrade request has arrived. @returns false if an earlier reply is not finished: the answer would be sent without
   * waiting for it, so the reply would continue in the middle of the new protocol
   */
  mayUpgrade(socket: Socket): boolean {
    const before = this.#latest.get(socket);
    if (before && !before.writableFinished) return false;
    this.#latest.delete(socket);
    return true;
  }

  addUpgrade(socket: Socket, res: UpgradeResponse): void {
    this.#track(socket);
    this.#upgrade.set(socket, res);
  }

  /** Ends every connection that had a request, so that no part of a reply looks like the whole. */
  abortAll(): void {
    for (const socket of [...this.#sockets]) abortConnection(socket, this.endsWithConnection(socket));
  }

  /** Whether the end of the connection would look like the end of the reply that is being sent on it. */
  endsWithConnection(socket: Socket): boolean {
    const reply = this.#upgrade.get(socket) ?? this.#latest.get(socket);
    return reply?.endsWithConnection === true;
  }

  /** The connection had a request, and everything about it is finished. */
  isIdle(socket: Socket): boolean {
    const last = this.#latest.get(socket);
    return last !== undefined && last.writableFinished && last.req.complete;
  }

  /**
   * Whether the client would take a reply sent now for the reply to what it sent last: to the latest request, if that is
   * incomplete, or to one that would have come next.
   */
  mayReply(socket: Socket): boolean {
    const last = this.#latest.get(socket);
    if (!last) return true;
    if (!last.headersSent && !last.req.complete) return true;
    return this.isIdle(socket) && last.shouldKeepAlive;
  }

  #track(socket: Socket): void {
    if (this.#sockets.has(socket) || socket.destroyed) return;
    this.#sockets.add(socket);
    socket.once('close', () => this.#sockets.delete(socket));
  }

  #wait(socket: Socket, res: LocalResponse): void {
    const waiting = this.#waiting.get(socket) ?? this.#startWaiting(socket);
    waiting.add(res);
    res.once('close', () => waiting.delete(res));
  }
  #startWaiting(socket: Socket): Set<LocalResponse> {
    const waiting = new Set<LocalResponse>();
    this.#waiting.set(socket, waiting);
    socket.once('close', () => closeAll(waiting));
    return waiting;
  }
}

/** Closes replies whose connection is closed: node:http does so only for the one that is being sent. */
function closeAll(waiting: Set<LocalResponse>): void {
  for (const res of [...waiting]) if (!res.socket && !res.destroyed) res.destroy().emit('close');
}
