/** A scripted daemon of Codex: its socket below a CODEX_HOME, and what each client sent. What it says, the test says. */
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Connection } from '../../../core/websocket/mod.ts';

type Json = Record<string, any>;

export interface DaemonClient {
  /** All that it sent, in order. */
  readonly sent: Json[];
  readonly isOpen: boolean;
  say(message: Json): void;
  /** Ends the connection as a daemon that crashed. */
  drop(): void;
}

export interface FakeDaemon {
  readonly home: string;
  readonly socket: string;
  readonly clients: DaemonClient[];
  /** Answers to requests by method; one that is missing is answered with {}. A string is an error. */
  answers: Record<string, Json | string>;
  /** To all clients. */
  say(message: Json): void;
  close(): void;
}

const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';

export async function fakeCodexDaemon(): Promise<FakeDaemon> {
  const home = mkdtempSync(join(tmpdir(), 'codex-home-'));
  const elsewhere = mkdtempSync(join(tmpdir(), 'codex-socket-'));
  const socket = join(elsewhere, 'daemon.sock');
  mkdirSync(join(home, 'app-server-control'), { mode: 0o700 });
  symlinkSync(socket, join(home, 'app-server-control/app-server-control.sock'));
  const server: Server = createServer();
  const daemon: FakeDaemon = {
    home,
    socket,
    clients: [],
    answers: { initialize: { userAgent: 'codex_daemon/0.169.0 (test)' } },
    say: (message) => daemon.clients.forEach((client) => client.say(message)),
    close() {
      for (const client of daemon.clients) client.drop();
      server.close();
      for (const directory of [home, elsewhere]) rmSync(directory, { recursive: true, force: true });
    },
  };
  server.on('upgrade', (req, stream) => {
    const accept = createHash('sha1').update(`${req.headers['sec-websocket-key']}${GUID}`).digest('base64');
    stream.write(
      `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
    );
    daemon.clients.push(clientOf(new Connection(stream, { role: 'server' }), daemon));
  });
  await new Promise<void>((resolve) => server.listen(socket, resolve));
  return daemon;
}

function clientOf(connection: Connection, daemon: FakeDaemon): DaemonClient {
  const sent: Json[] = [];
  const say = (message: Json) => void (connection.state === 'open' && connection.send(JSON.stringify(message)));
  connection.onmessage = (data) => {
    const message = JSON.parse(String(data)) as Json;
    sent.push(message);
    if (message.id === undefined || !message.method) return;
    const answer = daemon.answers[message.method] ?? {};
    say(
      typeof answer === 'string'
        ? { id: message.id, error: { code: -32600, message: answer } }
        : { id: message.id, result: answer },
    );
  };
  return {
    sent,
    get isOpen() {
      return connection.state === 'open';
    },
    say,
    drop: () => connection.terminate(),
  };
}
