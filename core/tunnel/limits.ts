/** Every number of the tunnel protocol, once. SPEC.md cites them. */

/** Part of the prologue and of the WebSocket subprotocol: peers of different versions never connect by accident. */
export const TUNNEL_VERSION = 1;
/** Sec-WebSocket-Protocol of the tunnel; an endpoint that does not support it refuses the upgrade with a sentence. */
export const TUNNEL_PROTOCOL = `agent-monitor-tunnel.v${TUNNEL_VERSION}`;

/** Field of the upgrade that names the machine's key by its id (token.ts); missing: RELAY_TOKEN. */
export const TUNNEL_KEY_FIELD = 'tunnel-key';

/** Largest sealed record (one WebSocket message), bytes. The same as Noise's largest message. */
export const MAX_RECORD = 65_535;
/** Poly1305 tag at the end of each record, bytes. */
export const TAG_SIZE = 16;
/** Largest plaintext of a record, bytes. */
export const MAX_PLAIN = MAX_RECORD - TAG_SIZE;
/** Either message of the handshake: a public key and a tag, without a payload. Bytes. */
export const HANDSHAKE_SIZE = 48;
/** Largest message of a peer that has not proven the token, bytes. */
export const MAX_UNPROVEN = 1024;

/** Most body bytes in one frame: the quantum of the round-robin. Four of them with their headers fill a record. */
export const MAX_DATA = 16_320;
/** Largest packed head (OPEN, HEAD, INFO, TRAILERS), bytes. */
export const MAX_HEAD = 32 * 1024;
/** Most strings in a packed head: 120 fields beside method, target and peer. */
export const MAX_HEAD_STRINGS = 3 + 2 * 120;

/** Bytes that a sender may have in flight per stream and direction. */
export const WINDOW = 512 * 1024;
/** Least credit that a DATA frame costs, so that a window never holds more than 2,048 frames. */
export const MIN_FRAME_COST = 256;
/** Credit that a frame with a body of this size costs; an empty one costs nothing. */
export const frameCost = (size: number): number => size === 0 ? 0 : Math.max(size, MIN_FRAME_COST);
/** Most credit that a sender can accumulate. */
export const MAX_CREDIT = 2 ** 31 - 1;
/** The receiver returns credit when it has consumed this much. */
export const CREDIT_STEP = WINDOW / 4;
/** Streams of one tunnel at a time. */
export const MAX_STREAMS = 256;

/** Bytes of bulk that may be in flight in the whole tunnel at first, and at least (congestion.ts). */
export const INITIAL_WINDOW = 16 * 1024;
export const MIN_WINDOW = 4 * 1024;
/** Bytes of bulk that may be in flight on the shortest path while interactive streams are active. */
export const SHARED_WINDOW = 64 * 1024;
/** A write of this size or less is not bulk: a keystroke, an event, the head of a request. Bytes. */
export const SMALL_WRITE = 1024;

/** Most records that one key seals. */
export const REKEY_RECORDS = 2 ** 16;
/** Longest use of one key, ms. */
export const REKEY_MS = 10 * 60_000;

export const HEARTBEAT_MS = 10_000;
/** A peer that sends no record for so long is dead. */
export const DEAD_MS = 25_000;
/** From the upgrade to the first proven record. */
export const HANDSHAKE_MS = 5_000;
/** A stream without a response head for so long is reset (504). */
export const HEAD_TIMEOUT_MS = 60_000;
/** Longest time that streams may continue after GOAWAY. */
export const DRAIN_MS = 10_000;

/** Close codes, in the WebSocket close frame and, proven, in BYE. */
export const CLOSE = {
  /** The sender stops or restarts. */
  shutdown: 1001,
  replaced: 4001,
  /** A protocol violation; the close never says which. */
  failed: 4002,
  /** The token was not proven. Before the handshake only. */
  refused: 4003,
  /** The relay has removed the machine. In BYE only. */
  removed: 4004,
  timeout: 4008,
} as const;
