/** A line with latency: a TCP proxy that delivers every chunk later, in order. */
import { connect, createServer, type Socket } from 'node:net';
import type { Buffer } from 'node:buffer';

export interface SlowLine {
  /** Where to dial in place of the relay. */
  to(port: number): string;
  close(): void;
}

/** @param delayMs one way; gives the delay of the next chunk */
export async function slowLine(delayMs: () => number): Promise<SlowLine> {
  let target = 0;
  const sockets = new Set<Socket>();
  const server = createServer((near) => {
    const far = connect(target, '127.0.0.1');
    near.setNoDelay(true);
    far.setNoDelay(true);
    delay(near, far);
    delay(far, near);
  });
  function delay(from: Socket, to: Socket): void {
    sockets.add(from);
    const queue: { at: number; chunk: Buffer }[] = [];
    let timer: ReturnType<typeof setTimeout> | null = null;
    // One timer for all that waits: two timers may fire in any order.
    const deliver = () => {
      timer = null;
      while (queue.length && queue[0]!.at <= performance.now()) to.write(queue.shift()!.chunk);
      if (queue.length) timer = setTimeout(deliver, Math.max(1, queue[0]!.at - performance.now()));
    };
    from.on('data', (chunk: Buffer) => {
      queue.push({ at: performance.now() + delayMs(), chunk });
      timer ??= setTimeout(deliver, queue[0]!.at - performance.now());
    });
    from.on('error', () => to.destroy());
    from.on('close', () => {
      sockets.delete(from);
      to.destroy();
    });
  }
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    to(port) {
      target = port;
      return `ws://127.0.0.1:${(server.address() as { port: number }).port}/tunnel`;
    },
    close() {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}
