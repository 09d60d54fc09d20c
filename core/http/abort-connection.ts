/** Closes connections in the middle of a reply. */
import type { Socket } from 'node:net';

/**
 * Closes a connection whose reply is not finished, so that the client sees a broken reply and never takes the part for the
 * whole. Every place that ends a connection in mid-reply must use it.
 * @param endsWithConnection whether the end of the connection also ends the reply (RFC 9112 section 6.3): HTTP/1.0 without
 *   a length, replies to upgrade requests, upgraded connections. A FIN would then look like the end of the whole reply, also
 *   to a proxy in front, so the connection is reset. Otherwise an ordinary close does, and what was sent before still arrives.
 */
export function abortConnection(socket: Socket, endsWithConnection: boolean): void {
  if (socket.destroyed) return;
  if (!endsWithConnection) return void socket.destroy();
  try {
    transportOf(socket).resetAndDestroy();
  } catch {
    socket.destroy(); // Not a TCP socket.
  }
}

/**
 * The TCP socket that carries a TLS socket, or the socket itself. A TLS socket cannot be reset, and a missing close_notify is
 * not enough: nginx, among others, accepts a bare FIN as the end. Node and Deno both have `_parent`, which is undocumented.
 */
export function transportOf(socket: Socket): Socket {
  const { _parent } = socket as { _parent?: Socket };
  return _parent && !_parent.destroyed ? _parent : socket;
}
