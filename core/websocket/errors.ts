/** Every error has a stable code; errors that a peer caused also have the close code that the RFC requires. */

/** Error code → close code sent to the peer (RFC 6455 §7.4.1), or 1006 where no Close frame can be sent. */
const CLOSE_CODES = {
  // Frames (RFC 6455 §5.2, §5.5)
  WS_RESERVED_BIT: 1002,
  WS_RESERVED_OPCODE: 1002,
  WS_NOT_MASKED: 1002,
  WS_MASKED: 1002,
  WS_CONTROL_FRAGMENTED: 1002,
  WS_CONTROL_TOO_LONG: 1002,
  WS_LENGTH_ENCODING: 1002,
  // Messages (§5.4, §8.1; RFC 7692 §7.2.2)
  WS_UNEXPECTED_CONTINUATION: 1002,
  WS_EXPECTED_CONTINUATION: 1002,
  WS_BAD_CLOSE: 1002,
  WS_INVALID_UTF8: 1007,
  WS_INVALID_DEFLATE: 1007,
  // Limits
  WS_MESSAGE_TOO_BIG: 1009,
  WS_TOO_MANY_FRAGMENTS: 1008,
  WS_CONTROL_FLOOD: 1008,
  // The connection
  WS_FAULT: 1011,
  WS_SOCKET: 1006,
  WS_BACKLOG: 1006,
  WS_DEAD: 1006,
  WS_CLOSE_TIMEOUT: 1006,
  // Before there is a connection
  WS_URL: 1006,
  WS_CONNECT: 1006,
  WS_TIMEOUT: 1006,
  WS_ABORTED: 1006,
  WS_STATUS: 1006,
  WS_HANDSHAKE: 1006,
} as const;

export type WebSocketErrorCode = keyof typeof CLOSE_CODES;

export class WebSocketError extends Error {
  override readonly name = 'WebSocketError';
  readonly code: WebSocketErrorCode;
  /** The code sent to the peer; 1006 when nothing is sent. */
  readonly closeCode: number;
  /** WS_STATUS: the status that the server sent instead of 101. */
  readonly status: number | undefined;
  /** WS_STATUS: where a redirect would have led. */
  readonly location: string | undefined;

  constructor(
    code: WebSocketErrorCode,
    message: string,
    options: { cause?: unknown; status?: number; location?: string | undefined } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.closeCode = CLOSE_CODES[code];
    this.status = options.status;
    this.location = options.location;
  }
}
