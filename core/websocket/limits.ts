/** Every bound of this layer, with its default. SPEC.md lists what happens one past each. */
export interface Limits {
  /** Bytes of one message, after decompression (and before it, too). */
  message: number;
  /** Frames that one message may consist of. */
  fragments: number;
  /** Control frames a second that a peer may send; that many more at once after a quiet second. */
  controlPerSecond: number;
  /** Bytes waiting to be written above which `send` gives false and reading stops. */
  highWater: number;
  /** Bytes waiting to be written above which a further `send` ends the connection (WS_BACKLOG). */
  backlog: number;
  /** Milliseconds for the answer to a Close frame; then the connection is destroyed. */
  closeMs: number;
  /** Milliseconds from the end of the closing handshake, or from a failure, until the connection is destroyed. */
  lingerMs: number;
  /** Bytes of the head that a server may answer to `dial`. */
  handshakeBytes: number;
}

export const DEFAULT_LIMITS: Readonly<Limits> = {
  message: 1 << 20,
  fragments: 64,
  controlPerSecond: 100,
  highWater: 256 << 10,
  backlog: 16 << 20,
  closeMs: 3000,
  lingerMs: 1000,
  handshakeBytes: 16 << 10,
};

export const withDefaults = (limits?: Partial<Limits>): Readonly<Limits> =>
  limits ? { ...DEFAULT_LIMITS, ...limits } : DEFAULT_LIMITS;
