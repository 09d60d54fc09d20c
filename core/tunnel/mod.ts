/** Public surface of the tunnel: many HTTP requests and byte streams in one sealed message socket. SPEC.md describes the protocol. */
export type { Hello } from './hello.ts';
export { TunnelSession, type TunnelSessionEnd, type TunnelSessionOptions } from './session.ts';
export { Stream, type StreamEvents } from './stream.ts';
export type { OpenHead } from './mux.ts';
export { RESET } from './frame.ts';
export * from './limits.ts';
export { serveStream } from './serve.ts';
export { StreamDuplex } from './duplex.ts';
export { checkPushKey, generatePushKey, type PushKey, readPushKey } from './push-key.ts';
export { tokenKey } from './noise.ts';
export { isJoinCode, isMachineToken, tokenWeakness, type TunnelKey, tunnelKey } from './token.ts';
export type { MessageSocket } from './socket.ts';
