/** Public surface of WebSocket (RFC 6455) with permessage-deflate (RFC 7692), server and client, over any Duplex. See SPEC.md. */
export { accept, type AcceptOptions, acceptSocket } from './accept.ts';
export { type Closed, Connection, type ConnectionOptions, type Message } from './connection.ts';
export { dial, type DialOptions } from './dial.ts';
export { type DeflateParams } from './deflate.ts';
export { WebSocketError, type WebSocketErrorCode } from './errors.ts';
export { type DeflateOptions } from './extension.ts';
export { type HeartbeatOptions } from './heartbeat.ts';
export { DEFAULT_LIMITS, type Limits } from './limits.ts';
