/** The part of the npm package "ws" that the tests and benches use: a development-only peer. */
declare module 'ws' {
  import type { EventEmitter } from 'node:events';
  import type { Server } from 'node:http';

  export default class WebSocket extends EventEmitter {
    constructor(url: string, protocols?: string[] | WebSocket.Options, options?: WebSocket.Options);
    binaryType: string;
    readonly extensions: string;
    readonly protocol: string;
    send(data: Uint8Array | string, options?: { binary?: boolean; fin?: boolean; compress?: boolean }): void;
    close(code?: number, reason?: string): void;
    terminate(): void;
    ping(data?: Uint8Array | string): void;
  }
  namespace WebSocket {
    interface Options {
      perMessageDeflate?: boolean | Record<string, unknown>;
      maxPayload?: number;
      skipUTF8Validation?: boolean;
    }
  }
  export class WebSocketServer extends EventEmitter {
    constructor(options: WebSocket.Options & { port?: number; host?: string; server?: Server });
    address(): { port: number };
    close(done?: () => void): void;
  }
}
