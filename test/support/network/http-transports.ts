/** The two transports of an HTTP server, so that a suite can run over both. */
import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { TlsFiles } from '../../../core/http/tls.ts';
import { TLS_CERT, TLS_KEY } from '../harness/websocket-tls.ts';

export interface HttpTransport {
  /** For names of tests. */
  readonly name: 'plain' | 'TLS';
  /** For createHttpServer. */
  readonly options: { tls?: TlsFiles };
  /** Connects to 127.0.0.1; bytes may be written at once. @param isHalfOpen stays open when the server has ended its side */
  connect(port: number, isHalfOpen?: boolean): Socket;
  /** The event of a socket that bytes can pass through. */
  readonly connected: 'connect' | 'secureConnect';
  /** Stops reading from the network. (On Deno a paused TLS socket reads on.) */
  stopReading(socket: Socket): void;
  /** Resets the TCP connection. */
  reset(socket: Socket): void;
}

const plain: HttpTransport = {
  name: 'plain',
  options: {},
  connect: (port, isHalfOpen = false) => connect({ port, host: '127.0.0.1', allowHalfOpen: isHalfOpen }),
  connected: 'connect',
  stopReading: (socket) => void socket.pause(),
  reset: (socket) => void socket.resetAndDestroy(),
};

/** TLS socket → the TCP socket below it. */
const carriers = new WeakMap<Socket, Socket>();

const tls: HttpTransport = {
  name: 'TLS',
  options: { tls: { cert: TLS_CERT, key: TLS_KEY } },
  connected: 'secureConnect',
  connect(port, isHalfOpen = false) {
    const carrier = connect({ port, host: '127.0.0.1', allowHalfOpen: isHalfOpen });
    const options = { servername: 'localhost', ca: TLS_CERT, allowHalfOpen: isHalfOpen };
    const socket = connectTls({ socket: carrier, ...options });
    // A TLS socket does not report that its carrier fails or closes.
    carrier.on('error', (error) => socket.destroy(error));
    carrier.on('close', () => socket.destroy());
    carriers.set(socket, carrier);
    return socket;
  },
  stopReading(socket) {
    // Node reads past the carrier's streams, Deno past those of the TLS socket.
    socket.pause();
    carriers.get(socket)!.pause();
  },
  reset: (socket) => void carriers.get(socket)!.resetAndDestroy(),
};

export const HTTP_TRANSPORTS: readonly HttpTransport[] = [plain, tls];
