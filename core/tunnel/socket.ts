/** The message socket that a tunnel runs over. core/websocket's Connection has this shape, and so has the tests' memory pair. */
export interface MessageSocket {
  /**
   * Sends one binary message: `data`, then `tail`; both belong to the socket afterwards. Returns false when the buffer is
   * over its mark: wait for `ondrain`.
   */
  send(data: Uint8Array, tail?: Uint8Array): boolean;
  /** Longest message that is received, bytes. A longer one is refused before it is stored. */
  maxMessage: number;
  /** Why the socket is no longer open, if it failed. */
  readonly error?: { code: string; cause?: unknown } | null;
  /** Bytes accepted by send and not yet handed to the operating system. */
  readonly bufferedAmount: number;
  /** Stops and continues delivering messages (backpressure towards the peer). */
  pause(): void;
  resume(): void;
  /** Starts the closing handshake. */
  close(code: number, reason: string): void;
  /** Destroys the connection now. */
  terminate(): void;
  /** The data is valid only during the call. A string is a text message, which the tunnel refuses. */
  onmessage: ((data: Uint8Array | string) => void) | null;
  ondrain: (() => void) | null;
  /** Called once, last. code 1006: without a closing handshake. */
  onclose: ((code: number, reason: string) => void) | null;
}
