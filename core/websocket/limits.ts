/** Every bound of this layer, with its default. SPEC.md lists what happens beyond each. */
export interface Limits {
  /** Bytes of one message, after decompression (and before it, too). */
  message: number;
  /** Frames that one message may consist of. */
  fragments: number;
  /** Control frames per second that a peer may send; after a quiet second it may send that many at once. */
  controlPerSecond: number;
  /** Bytes waiting to be written above which `send` gives false and reading stops. */
  highWater: number;
  /** Bytes waiting to be written above which a further `send` ends the connection (WS_BACKLOG). */
  backlog: number;
  /** Milliseconds that the peer has to answer a Close frame before the connection is destroyed. */
  closeHandshakeMs: number;
  /** Milliseconds from the end of the closing handshake, or from a failure, until the connection is destroyed. */
  closeTimeoutMs: number;
  /** Bytes of the response head that `dial` accepts. */
  handshakeBytes: number;
}

export const DEFAULT_LIMITS: Readonly<Limits> = {
  message: 1 << 20,
  fragments: 64,
  controlPerSecond: 100,
  highWater: 256 << 10,
  backlog: 16 << 20,
  closeHandshakeMs: 3000,
  closeTimeoutMs: 1000,
  handshakeBytes: 16 << 10,
};

export const withDefaults = (limits?: Partial<Limits>): Readonly<Limits> =>
  limits ? { ...DEFAULT_LIMITS, ...limits } : DEFAULT_LIMITS;
