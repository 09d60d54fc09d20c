/**
 * What each session holds open, so that it ends with the session. A connection belongs to every session that has an open
 * request on it, since proxies share connections, and to none between requests: each request shows its own cookie.
 */
import type { Socket } from 'node:net';
import { abortConnection } from '../core/http/abort-connection.ts';
import type { LocalRequest } from '../core/http/node-adapter.ts';
import type { HttpResponse } from '../core/http/types.ts';
import { isUpgrade } from '../core/auth/origin.ts';
import type { UpgradedConnection } from './upgraded-connection.ts';

/** Close code of a WebSocket whose session has ended (LIVE_CLOSE.signedOut of core/api/live.ts). */
export const SIGNED_OUT = 4401;
/** Close code of every WebSocket when the relay goes down (LIVE_CLOSE.restart). */
export const RESTARTS = 4503;

/** A login, or an entrance of a preview. */
export interface ConnectionHolder {
  readonly id: string;
}

/** Ends an open request or an upgraded connection. */
type End = () => void;

/** Whether the end of the connection would look like the end of the reply to this request. */
const endsWithConnection = (req: LocalRequest): boolean => req.httpVersion === '1.0' || isUpgrade(req);

export class SessionConnections {
  /** Session id → what it holds open. */
  readonly #open = new Map<string, Set<End>>();
  readonly #upgraded = new Set<UpgradedConnection>();
  /** Connections with a reply that their end would complete. None of these replies shares its connection. */
  readonly #unframed = new Set<Socket>();

  /** Ends everything that the session holds open. A reply that is complete is still sent. */
  end(session: ConnectionHolder): void {
    for (const end of [...this.#open.get(session.id) ?? []]) end();
  }

  /** Closes every WebSocket because the relay goes down: they have no end of their own to wait for. */
  endUpgraded(): void {
    for (const connection of [...this.#upgraded]) connection.close(RESTARTS, 'The server is restarting.');
  }

  /** Breaks off every reply that an ordinary end of its connection would make look complete. */
  abortUnframed(): void {
    for (const socket of [...this.#unframed]) abortConnection(socket, true);
  }

  /** Registers a request until its reply is sent. @param session null: none, or this relay has no login */
  addRequest(session: ConnectionHolder | null, req: LocalRequest, res: HttpResponse): void {
    const { socket } = req;
    const isUnframed = endsWithConnection(req);
    if (isUnframed) {
      this.#unframed.add(socket);
      res.once('close', () => this.#unframed.delete(socket));
    }
    if (!session) return;
    const end = () => {
      if (!res.writableEnded) abortConnection(socket, isUnframed);
    };
    res.once('close', this.#add(session, end));
  }

  /** Registers an upgraded connection until it has closed. @param session null: this relay has no login */
  addUpgraded(session: ConnectionHolder | null, connection: UpgradedConnection): void {
    this.#upgraded.add(connection);
    connection.onClose(() => this.#upgraded.delete(connection));
    if (session) connection.onClose(this.#add(session, () => connection.close(SIGNED_OUT, 'signed out')));
  }

  /** @returns removes the entry */
  #add(session: ConnectionHolder, end: End): () => void {
    let open = this.#open.get(session.id);
    if (!open) this.#open.set(session.id, open = new Set());
    open.add(end);
    return () => {
      open.delete(end);
      if (open.size === 0 && this.#open.get(session.id) === open) this.#open.delete(session.id);
    };
  }
}
