/** Two tunnel sessions that talk to each other: over memory, or over real sockets and the real WebSocket layer. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Clock, systemClock } from '../../../core/clock.ts';
import type { Handler } from '../../../core/http/types.ts';
import { MAX_RECORD } from '../../../core/tunnel/limits.ts';
import type { OpenHead } from '../../../core/tunnel/mux.ts';
import { serveStream } from '../../../core/tunnel/serve.ts';
import { TunnelSession, type TunnelSessionEnd } from '../../../core/tunnel/session.ts';
import type { MessageSocket } from '../../../core/tunnel/socket.ts';
import type { Stream } from '../../../core/tunnel/stream.ts';
import { acceptSocket, dial } from '../../../core/websocket/mod.ts';
import { MemorySocket } from '../fakes/memory-pair.ts';

export const PSK = Buffer.alloc(32, 9);

export interface SocketPair {
  machine: MessageSocket;
  relay: MessageSocket;
  close(): Promise<void>;
}
export type Transport = () => Promise<SocketPair>;

export const memoryTransport: Transport = () => {
  const [machine, relay] = MemorySocket.pair();
  return Promise.resolve({ machine, relay, close: () => Promise.resolve() });
};

export const socketTransport: Transport = async () => {
  const limits = { message: MAX_RECORD, fragments: 1 };
  const server: Server = createServer();
  const accepted = new Promise<MessageSocket>((resolve, reject) => {
    server.on('upgrade', (req, socket, head) => {
      const connection = acceptSocket(req, socket, head, { limits, zeroCopy: true });
      if (connection) resolve(connection);
      else reject(new Error('not accepted'));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const machine = await dial(`ws://127.0.0.1:${port}/`, { limits, zeroCopy: true });
  const relay = await accepted;
  return {
    machine,
    relay,
    async close() {
      machine.terminate();
      relay.terminate();
      await new Promise((resolve) => server.close(resolve));
    },
  };
};

export interface TunnelPair {
  relay: TunnelSession;
  machine: TunnelSession;
  sockets: SocketPair;
  /** How each session ended, when it has. */
  ends: { relay: TunnelSessionEnd | null; machine: TunnelSessionEnd | null };
  /** Resolve when the session has ended. */
  relayEnded: Promise<TunnelSessionEnd>;
  machineEnded: Promise<TunnelSessionEnd>;
  /** Streams that the relay opened, as the machine received them. */
  opened: { stream: Stream; head: OpenHead }[];
  close(): Promise<void>;
}

export interface PairOptions {
  transport?: Transport;
  handler?: Handler;
  clock?: Clock;
  onOpen?: (stream: Stream, head: OpenHead) => void;
  relayPsk?: Uint8Array;
  relayPrologue?: Uint8Array;
}

/** Resolves when both sides are established. */
export async function tunnelPair(options: PairOptions = {}): Promise<TunnelPair> {
  const { transport = memoryTransport, clock = systemClock, handler } = options;
  const sockets = await transport();
  const opened: TunnelPair['opened'] = [];
  const ends: TunnelPair['ends'] = { relay: null, machine: null };
  const established: Promise<unknown>[] = [];
  const make = (role: 'relay' | 'machine') => {
    let ended!: (end: TunnelSessionEnd) => void;
    const over = new Promise<TunnelSessionEnd>((resolve) => ended = resolve);
    let session!: TunnelSession;
    established.push(
      new Promise((resolve, reject) => {
        session = new TunnelSession({
          socket: sockets[role],
          role,
          psk: role === 'relay' ? options.relayPsk ?? PSK : PSK,
          ...(role === 'relay' && options.relayPrologue ? { prologue: options.relayPrologue } : {}),
          hello: { name: role, version: '1' },
          clock,
          onOpen: options.onOpen ?? ((stream, head) => {
            opened.push({ stream, head });
            if (handler) serveStream(stream, head, handler, (error) => console.error(error));
          }),
          onEstablished: resolve,
          onClose: (end) => {
            ends[role] = end;
            ended(end);
            reject(new Error(`${role}: ${end.code} ${end.reason}`));
          },
        });
      }),
    );
    return { session, over };
  };
  const relay = make('relay');
  const machine = make('machine');
  await Promise.all(established);
  return {
    relay: relay.session,
    machine: machine.session,
    sockets,
    ends,
    relayEnded: relay.over,
    machineEnded: machine.over,
    opened,
    async close() {
      await Promise.all([relay.session.close(1001, 'test over'), machine.session.close(1001, 'test over')]);
      await sockets.close();
    },
  };
}

/** One answer as the relay gets it. */
export interface Answer {
  status: number;
  fields: string[];
  infos: { status: number; fields: string[] }[];
  body: Buffer;
  trailers: string[];
  /** null: it ended cleanly; else the code of the reset. */
  reset: number | null;
}

export interface Ask {
  method?: string;
  target?: string;
  fields?: string[];
  /** Sent as one body, which ends the request; null leaves the request open. */
  body?: Uint8Array | null;
}

/** Opens a stream, sends the request and collects the answer. */
export function ask(session: TunnelSession, request: Ask = {}): Promise<Answer> & { stream: Stream } {
  const stream = session.open();
  if (!stream) throw new Error('no stream');
  const answer: Answer = { status: 0, fields: [], infos: [], body: Buffer.alloc(0), trailers: [], reset: null };
  const chunks: Buffer[] = [];
  const done = new Promise<Answer>((resolve) => {
    const finish = () => {
      answer.body = Buffer.concat(chunks);
      resolve(answer);
    };
    stream.events = {
      onInfo: (status, fields) => void answer.infos.push({ status, fields }),
      onHead: (status, fields) => Object.assign(answer, { status, fields }),
      onData: (chunk) => {
        chunks.push(Buffer.from(chunk));
        stream.accept();
      },
      onTrailers: (fields) => void (answer.trailers = fields),
      onEnd: finish,
      onReset: (code) => {
        answer.reset = code;
        finish();
      },
    };
  });
  stream.open([request.method ?? 'GET', request.target ?? '/', '192.0.2.7', ...(request.fields ?? [])], false);
  if (request.body) stream.write(request.body);
  if (request.body !== null) stream.end();
  return Object.assign(done, { stream });
}

/** Resolves when `condition` holds; checks it every millisecond. */
export async function until(condition: () => boolean, ms = 5000): Promise<void> {
  const end = Date.now() + ms;
  while (!condition()) {
    if (Date.now() > end) throw new Error(`not in ${ms} ms: ${condition}`);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}
