/** The tunnel: many HTTP requests and byte streams in one sealed message socket. SPEC.md describes the wire. */
export { type Hello, Session, type SessionEnd, type SessionOptions } from './session.ts';
export { Stream, type StreamEvents } from './stream.ts';
export type { OpenHead } from './mux.ts';
export { RESET } from './frame.ts';
export * from './limits.ts';
export { tokenKey } from './secure.ts';
export { serveStream } from './serve.ts';
export { StreamDuplex } from './duplex.ts';
export { tokenWeakness } from './token.ts';
export type { MessageSocket } from './socket.ts';
