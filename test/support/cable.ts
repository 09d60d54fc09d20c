/** The line between agent and relay as a TCP proxy that can be cut and counts bytes. */
import { connect, createServer, type Server, type Socket } from 'node:net';

export interface Cable {
  readonly cuts: number;
  /** Bytes that went either way. */
  readonly bytes: number;
  to(port: number): string;
  cut(): void;
  close(): void;
}

export async function createCable(): Promise<Cable> {
  let target = 0;
  let cuts = 0;
  let bytes = 0;
  const sockets = new Set<Socket>();
  const server: Server = createServer((near) => {
    const far = connect(target, '127.0.0.1');
    for (const [one, other] of [[near, far], [far, near]] as const) {
      sockets.add(one);
      one.on('data', (chunk) => bytes += chunk.length);
      one.pipe(other);
      one.on('error', () => other.destroy());
      one.on('close', () => {
        other.destroy();
        sockets.delete(one);
      });
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    get cuts() {
      return cuts;
    },
    get bytes() {
      return bytes;
    },
    to(port) {
      target = port;
      return `ws://127.0.0.1:${(server.address() as { port: number }).port}/tunnel`;
    },
    cut() {
      cuts++;
      for (const socket of sockets) socket.resetAndDestroy();
    },
    close() {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}
