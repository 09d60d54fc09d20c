/**
 * One echo server for the bench, in a process of its own: `websocket-server.ts ours|ws|raw`. Prints its port. For every
 * line at its input it prints what it has used: memory in bytes (after a collection for the line `memory`), processor time
 * in microseconds.
 *
 * `raw` parses nothing: it answers each request of the given length with a canned reply, which shows how much the load
 * generator can take.
 */
import { Buffer } from 'node:buffer';
import http from 'node:http';
import process from 'node:process';
import type { Duplex } from 'node:stream';
import { WebSocketServer } from 'ws';
import { acceptKey } from '../../core/websocket/handshake.ts';
import { acceptSocket } from '../../core/websocket/mod.ts';

const kind = process.argv[2];
const server = http.createServer();

if (kind === 'ours') {
  server.on('upgrade', (req, socket, head) => {
    const connection = acceptSocket(req, socket, head);
    if (connection) connection.onmessage = (message) => connection.send(message);
  });
} else if (kind === 'ws') {
  new WebSocketServer({ server, perMessageDeflate: false }).on('connection', (connection) => {
    connection.on('message', (data: Uint8Array, binary: boolean) => connection.send(data, { binary }));
  });
} else {
  server.on('upgrade', (req, socket) => raw(req.headers['sec-websocket-key']!, req.url!, socket));
}

/** The address tells the bytes of a request and of a reply: /90/86 */
function raw(key: string, path: string, socket: Duplex): void {
  const [, request, reply] = path.split('/').map(Number);
  const lines = [
    'HTTP/1.1 101 S',
    'Upgrade: websocket',
    'Connection: Upgrade',
    `Sec-WebSocket-Accept: ${acceptKey(key)}`,
  ];
  socket.write(`${lines.join('\r\n')}\r\n\r\n`);
  const canned = Buffer.alloc(Math.max(1 << 18, reply! * 64));
  let got = 0;
  socket.on('error', () => socket.destroy());
  socket.on('data', (chunk: Buffer) => {
    got += chunk.length;
    const count = Math.floor(got / request!);
    got -= count * request!;
    if (count === 0 || socket.write(canned.subarray(0, count * reply!))) return;
    socket.pause();
    socket.once('drain', () => socket.resume());
  });
}

process.stdin.on('data', (line) => {
  if (String(line).startsWith('memory')) globalThis.gc?.();
  const { user, system } = process.cpuUsage();
  const { rss, heapUsed } = process.memoryUsage();
  console.log(JSON.stringify({ rss, heapUsed, cpu: user + system }));
});
process.stdin.on('end', () => process.exit());
server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  console.log(typeof address === 'object' ? address?.port : address);
});
