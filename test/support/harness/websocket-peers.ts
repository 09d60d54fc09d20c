/** Streams and peers for the WebSocket tests: a memory pair, a server, a raw client. */
import { Buffer } from 'node:buffer';
import http from 'node:http';
import net, { type AddressInfo } from 'node:net';
import { Duplex } from 'node:stream';
import { type AcceptOptions, acceptSocket, type Connection } from '../../../core/websocket/mod.ts';

/** Two Duplexes; what one writes the other reads in a later turn. A write waits until the other side takes it. */
export function duplexPair(): [Duplex, Duplex] {
  class Side extends Duplex {
    other!: Side;
    taken: (() => void) | null = null;
    override _read(): void {
      const taken = this.taken;
      this.taken = null;
      taken?.();
    }
    override _write(chunk: Uint8Array, _encoding: unknown, done: () => void): void {
      const copy = Buffer.from(chunk); // the reader owns what it gets
      setImmediate(() => {
        if (this.other.destroyed) return done();
        if (this.other.push(copy)) done();
        else this.other.taken = done;
      });
    }
    override _final(done: () => void): void {
      setImmediate(() => {
        if (!this.other.destroyed) this.other.push(null);
        done();
      });
    }
    override _destroy(error: Error | null, done: (error: Error | null) => void): void {
      setImmediate(() => {
        if (!this.other.destroyed) this.other.push(null);
      });
      done(error);
    }
  }
  const left = new Side(), right = new Side();
  left.other = right;
  right.other = left;
  return [left, right];
}

export interface TestServer {
  url: string;
  port: number;
  connections: Connection[];
  close(): Promise<void>;
}

const running = new Set<TestServer>();

/** For `test.after.each`: so that a test that failed half-way does not keep its file from ending. */
export async function closeServers(): Promise<void> {
  await Promise.all([...running].map((server) => server.close()));
}

/** A node:http server on a free port that accepts every upgrade. */
export async function serve(
  opened: (connection: Connection) => void,
  options: AcceptOptions = {},
): Promise<TestServer> {
  const connections: Connection[] = [];
  const sockets = new Set<Duplex>();
  const server = http.createServer();
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  server.on('upgrade', (req, socket, head) => {
    const connection = acceptSocket(req, socket, head, options);
    if (!connection) return;
    connections.push(connection);
    opened(connection);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const port = (server.address() as AddressInfo).port;
  const started: TestServer = {
    url: `ws://127.0.0.1:${port}/`,
    port,
    connections,
    close: () =>
      new Promise((resolve) => {
        running.delete(started);
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
  running.add(started);
  return started;
}

export const REQUEST = [
  'GET / HTTP/1.1',
  'Host: a.example',
  'Upgrade: websocket',
  'Connection: Upgrade',
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
  'Sec-WebSocket-Version: 13',
];

/** A client that writes bytes by hand and remembers all it gets. */
export class RawClient {
  readonly socket: net.Socket;
  received: Buffer = Buffer.alloc(0);
  ended = false;
  #waiting: (() => void)[] = [];

  private constructor(socket: net.Socket) {
    this.socket = socket;
    const wake = () => this.#waiting.splice(0).forEach((resolve) => resolve());
    socket.on('data', (chunk) => {
      this.received = Buffer.concat([this.received, chunk]);
      wake();
    });
    for (const event of ['end', 'close', 'error']) {
      socket.on(event, () => {
        this.ended = true;
        wake();
      });
    }
  }

  static async connect(port: number): Promise<RawClient> {
    const socket = net.connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    await new Promise((resolve) => socket.once('connect', resolve));
    return new RawClient(socket);
  }

  /** Connects and shakes hands; `received` is empty then. */
  static async open(port: number, headers: string[] = []): Promise<RawClient> {
    const client = await RawClient.connect(port);
    client.socket.write([...REQUEST, ...headers, '', ''].join('\r\n'));
    const head = await client.head();
    if (!head.startsWith('HTTP/1.1 101 ')) throw new Error(head);
    return client;
  }

  async until(condition: () => boolean): Promise<void> {
    while (!condition()) {
      if (this.ended) throw new Error('the connection ended');
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  async untilEnd(): Promise<void> {
    while (!this.ended) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  /** Takes the head of an HTTP answer off what was received. */
  async head(): Promise<string> {
    await this.until(() => this.received.includes('\r\n\r\n'));
    const end = this.received.indexOf('\r\n\r\n') + 4;
    const head = this.received.subarray(0, end).toString('latin1');
    this.received = this.received.subarray(end);
    return head;
  }
}

/** Milliseconds of the quickest of three runs: what the code takes, whatever else the machine does. */
export function quickest(action: () => unknown): number {
  return Math.min(...[1, 2, 3].map(() => {
    const started = performance.now();
    action();
    return performance.now() - started;
  }));
}
