/** A TCP proxy that does what networks do: latency, stalls, single bytes, RST, FIN, silence. Owned and closed by the test. */
import { Buffer } from 'node:buffer';
import { connect, createServer, type Socket } from 'node:net';

export interface Chaos {
  readonly port: number;
  /** Connections through it now. */
  readonly connections: number;
  /** Connections that it has taken since it began. */
  readonly taken: number;
  /** Everything that went through, when recording. */
  readonly seen: Buffer[];
  recording: boolean;
  /** Added to each direction, ms. */
  latencyMs: number;
  /** One byte a write. */
  oneByte: boolean;
  /** true: nothing goes through and nobody is told (a cable that was pulled). */
  stalled: boolean;
  /** true: new connections are refused at once. */
  refuse: boolean;
  /** Changes the bytes on their way to the server. */
  tamper: ((chunk: Buffer) => Buffer) | null;
  /** Breaks every connection on both sides. */
  reset(): void;
  /** The present connections are silent for ever and nobody is told, as when a phone gets another address; new ones work. */
  abandon(): void;
  /** Ends every connection on both sides, as an idle proxy does. */
  finish(): void;
  close(): Promise<void>;
}

export async function chaosProxy(target: () => number): Promise<Chaos> {
  const sockets = new Set<Socket>();
  const abandoned = new WeakSet<Socket>();
  const held: (() => void)[] = [];
  let taken = 0;
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (near) => {
    if (self.refuse) return void near.resetAndDestroy();
    taken++;
    const far = connect({ port: target(), host: '127.0.0.1', allowHalfOpen: true, noDelay: true });
    pass(near, far, true);
    pass(far, near, false);
  });

  function pass(from: Socket, to: Socket, up: boolean): void {
    sockets.add(from);
    // Order is kept whatever the delay of each piece.
    let last = Promise.resolve();
    const forward = (action: () => void) => {
      const due = Date.now() + self.latencyMs;
      last = last.then(async () => {
        if (self.stalled) await new Promise<void>((resolve) => held.push(resolve));
        const left = due - Date.now();
        if (left > 0) await new Promise((resolve) => setTimeout(resolve, left));
        if (!abandoned.has(from)) action();
      });
    };
    from.on('data', (chunk: Buffer) => {
      if (self.recording) self.seen.push(Buffer.from(chunk));
      const bytes = up && self.tamper ? self.tamper(chunk) : chunk;
      forward(() => {
        if (to.destroyed) return;
        if (self.oneByte) { for (const byte of bytes) to.write(Buffer.from([byte])); }
        else if (!to.write(bytes)) {
          from.pause();
          to.once('drain', () => from.resume());
        }
      });
    });
    from.on('end', () => forward(() => to.end()));
    from.on('error', () => {});
    from.on('close', () => {
      sockets.delete(from);
      forward(() => to.destroy());
    });
  }

  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const release = () => held.splice(0).forEach((go) => go());
  let stalled = false;
  const self: Chaos = {
    port: (server.address() as { port: number }).port,
    get connections() {
      return sockets.size / 2;
    },
    get taken() {
      return taken;
    },
    seen: [],
    recording: false,
    latencyMs: 0,
    oneByte: false,
    get stalled() {
      return stalled;
    },
    set stalled(value) {
      stalled = value;
      if (!value) release();
    },
    refuse: false,
    tamper: null,
    reset: () => [...sockets].forEach((socket) => socket.resetAndDestroy()),
    abandon: () => [...sockets].forEach((socket) => abandoned.add(socket)),
    finish: () => [...sockets].forEach((socket) => socket.end()),
    async close() {
      stalled = false;
      release();
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return self;
}
