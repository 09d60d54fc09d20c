/** A line between two programs as a TCP proxy that can be cut, in several ways, and counts bytes. */
import { execFileSync } from 'node:child_process';
import { connect, createServer, type Server, type Socket } from 'node:net';

/**
 * How a line breaks: the proxy resets both sides, ends both cleanly, or just closes them; or the kernel takes the socket
 * away from whoever dialled (`ss -K`, needs root).
 */
export const CUTS = ['reset', 'end', 'destroy', 'kill'] as const;
export type Cut = typeof CUTS[number];

export interface ThrottledLink {
  readonly cuts: number;
  /** Bytes that went either way. */
  readonly bytes: number;
  to(port: number): string;
  /** `reset` when not given. */
  cut(how?: Cut): void;
  close(): void;
}

export async function createThrottledLink(): Promise<ThrottledLink> {
  let target = 0;
  let cuts = 0;
  let bytes = 0;
  const sockets = new Set<Socket>();
  const server: Server = createServer((near) => {
    const far = connect(target, '127.0.0.1');
    for (const [entry, other] of [[near, far], [far, near]] as const) {
      sockets.add(entry);
      entry.on('data', (chunk) => bytes += chunk.length);
      entry.pipe(other);
      entry.on('error', () => other.destroy());
      entry.on('close', () => {
        other.destroy();
        sockets.delete(entry);
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
    cut(how = 'reset') {
      cuts++;
      const { port } = server.address() as { port: number };
      if (how === 'kill') return kill(port, sockets);
      for (const socket of sockets) {
        if (how === 'reset') socket.resetAndDestroy();
        else if (how === 'end') socket.end();
        else socket.destroy();
      }
    },
    close() {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}

/** Takes away the sockets of those who dialled this port, and no others. */
function kill(port: number, sockets: Set<Socket>): void {
  for (const { localPort, remotePort } of sockets) {
    if (localPort !== port || remotePort === undefined) continue; // The latter is closed already.
    const which = ['sport', '=', `:${remotePort}`, 'and', 'dport', '=', `:${port}`];
    // Without root `ss` says nothing and does nothing.
    const killed = execFileSync('ss', ['-K', '-H', '-t', ...which], { encoding: 'utf8' });
    if (!killed.trim()) throw new Error('`ss -K` closed no socket: run this test as root, with iproute2.');
  }
}
