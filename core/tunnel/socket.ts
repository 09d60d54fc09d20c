/** What the tunnel needs of a message socket: core/websocket's connection has it, and so has the tests' memory pair. */
export interface MessageSocket {
  /**
   * Sends one binary message: `data`, then `tail`; both belong to the socket afterwards. false: the buffer is over its mark,
   * wait for `ondrain`.
   */
  send(data: Uint8Array, tail?: Uint8Array): boolean;
  /** Why it is not open any more, if it failed. */
  readonly error?: { code: string; cause?: unknown } | null;
  /** Bytes accepted by send and not yet handed to the operating system. */
  readonly bufferedAmount: number;
  /** Stop and go on delivering messages (backpressure towards the peer). */
  pause(): void;
  resume(): void;
  /** Starts the closing handshake. */
  close(code: number, reason: string): void;
  /** Destroys the connection now. */
  terminate(): void;
  /** The data is only valid during the call unless copied. A string is a text message, which the tunnel refuses. */
  onmessage: ((data: Uint8Array | string) => void) | null;
  ondrain: (() => void) | null;
  /** Once, last. code 1006: without a closing handshake. */
  onclose: ((code: number, reason: string) => void) | null;
}
