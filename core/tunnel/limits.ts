/** Every number of the tunnel's wire, once. SPEC.md cites them. */

/** Part of the prologue and of the WebSocket subprotocol: ends of different versions never talk by accident. */
export const TUNNEL_VERSION = 1;
/** Sec-WebSocket-Protocol of the tunnel; an endpoint that does not know it refuses the upgrade and says so. */
export const TUNNEL_PROTOCOL = `agent-monitor-tunnel.v${TUNNEL_VERSION}`;

/** Largest sealed record (one WebSocket message), bytes. The same as Noise's largest message. */
export const MAX_RECORD = 65_535;
/** Poly1305 tag at the end of each record, bytes. */
export const TAG_SIZE = 16;
/** Largest plaintext of a record, bytes. */
export const MAX_PLAIN = MAX_RECORD - TAG_SIZE;
/** Largest message before the token is proven, bytes. */
export const MAX_HANDSHAKE = 1024;

/** Most body bytes in one frame: the turn of a stream in the round-robin. Four of them with their headers fill a record. */
export const MAX_DATA = 16_320;
/** Largest packed head (OPEN, HEAD, INFO, TRAILERS), bytes. */
export const MAX_HEAD = 32 * 1024;
/** Most strings in a packed head: 120 fields beside method, target and peer. */
export const MAX_HEAD_STRINGS = 3 + 2 * 120;

/** What a sender may have on its way per stream and direction, bytes. */
export const WINDOW = 512 * 1024;
/** What a DATA frame costs at least, so that a window is never more than 2,048 frames to keep. */
export const MIN_FRAME_COST = 256;
/** What a frame with so much body costs; an empty one costs nothing. */
export const frameCost = (size: number): number => size === 0 ? 0 : Math.max(size, MIN_FRAME_COST);
/** Credit that a sender can have gathered at most. */
export const MAX_CREDIT = 2 ** 31 - 1;
/** The receiver gives credit back when it owes this much. */
export const CREDIT_STEP = WINDOW / 4;
/** Streams of one tunnel at a time. */
export const MAX_STREAMS = 256;

/** What may be under way in the whole tunnel at first, and always, bytes (pace.ts). */
export const PACE_START = 16 * 1024;
export const PACE_FLOOR = 4 * 1024;
/** While others have something to say bulk may have so much under way on the shortest line, bytes. */
export const PACE_SHARED = 64 * 1024;
/** A stream's turn that is no larger does not count as bulk: a keystroke, an event, the head of a request. */
export const SMALL_TURN = 1024;

/** A key seals at most so many records … */
export const REKEY_RECORDS = 2 ** 16;
/** … and is used no longer than this. */
export const REKEY_MS = 10 * 60_000;

export const HEARTBEAT_MS = 10_000;
/** Without any record for so long the other end is taken for dead. */
export const DEAD_MS = 25_000;
/** From the upgrade to the first proven record. */
export const HANDSHAKE_MS = 5_000;
/** No response head for so long: the stream is given up (504). */
export const HEAD_TIMEOUT_MS = 60_000;
/** How long streams may go on after GOAWAY. */
export const DRAIN_MS = 10_000;

/** Close codes, in the WebSocket close frame and, proven, in BYE. */
export const CLOSE = {
  /** The end that says so stops or restarts. */
  shutdown: 1001,
  replaced: 4001,
  /** Anything that the wire does not allow; never says what. */
  failed: 4002,
  /** The token was not proven. Before the handshake only. */
  refused: 4003,
  timeout: 4008,
} as const;
