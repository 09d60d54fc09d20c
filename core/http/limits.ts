/** Limits of an HTTP server on everything that a stranger can make it hold. */
export interface HttpLimits {
  /** Bytes of a request head. */
  headBytes: number;
  /** Time for a whole request head from its first byte (or from connecting), ms. */
  headMs: number;
  /** How long a connection may wait for its next request, ms. */
  idleMs: number;
  /** How long a client may leave a reply unread, ms. */
  stallMs: number;
  /** Open connections. One more closes the connection that has been idle for longest; if none is idle, it is closed itself. */
  connections: number;
  /** Open connections of one address (IPv6: /64); one more closes an idle one of the same address, or itself. */
  connectionsPerAddress: number;
}

export const DEFAULT_LIMITS: HttpLimits = {
  headBytes: 16 * 1024,
  headMs: 10_000,
  idleMs: 5_000,
  stallMs: 60_000,
  connections: 10_000,
  connectionsPerAddress: 2_500,
};
