/** The part of the npm package "ws" that the tests and benches use: a development-only peer. */
declare module 'ws' {
  import type { EventEmitter } from 'node:events';
  import type { Server } from 'node:http';

  export default class WebSocket extends EventEmitter {
    constructor(url: string, protocols?: string[] | WsOptions, options?: WsOptions);
    binaryType: string;
    readonly extensions: string;
    readonly protocol: string;
    send(data: Uint8Array | string, options?: { binary?: boolean; fin?: boolean; compress?: boolean }): void;
    close(code?: number, reason?: string): void;
    terminate(): void;
    ping(data?: Uint8Array | string): void;
  }
  export interface WsOptions {
    perMessageDeflate?: boolean | Record<string, unknown>;
    maxPayload?: number;
  }
  export class WebSocketServer extends EventEmitter {
    constructor(
      options: WsOptions & {
        port?: number;
        host?: string;
        server?: Server;
        handleProtocols?: (offered: Set<string>) => string;
      },
    );
    readonly clients: Set<WebSocket>;
    address(): { port: number };
    close(done?: () => void): void;
  }
}
