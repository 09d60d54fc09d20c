/**
 * Both ends of the least that a sealed tunnel can be, for floor.ts: node:http at the front, node:crypto seals what came, a
 * socket carries it, the other end opens it and has the handler in the same process. No frames of streams, credit, turns,
 * timers, rules for fields, rekeying or WebSocket in between (so no mask); one request or one kind of them at a time.
 *
 *   tsx scripts/bench/floor-ends.ts machine                         prints its three ports
 *   tsx scripts/bench/floor-ends.ts relay <bulk> <small> <echo>     prints its port
 */
import { Buffer } from 'node:buffer';
import { createCipheriv, createDecipheriv, createSecretKey } from 'node:crypto';
import { createServer as createHttp, type ServerResponse } from 'node:http';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import process from 'node:process';
import { detach } from '../../core/buffers/detach.ts';
import { acceptKey } from '../../core/websocket/handshake.ts';

const CIPHER = 'chacha20-poly1305';
const KEY = createSecretKey(Buffer.alloc(32, 1));
const NONCE = Buffer.alloc(12);
const TAG_SIZE = 16;
const AEAD = { authTagLength: TAG_SIZE };
/** Length of what follows. */
const HEAD = 4;
/** From here on a second write is cheaper than a copy. */
const DIRECT = 16 * 1024;
/** What waits in a socket before its source is paused, bytes. */
const HIGH_WATER = 256 * 1024;
const PIECE = 64 * 1024;
/** id u32 · length u16, in front of each request and answer. */
const ITEM = 6;

/** Seals `plain` and writes it behind its length. @returns whether there is room */
function writeSealed(socket: Socket, plain: Uint8Array): boolean {
  const cipher = createCipheriv(CIPHER, KEY, NONCE, AEAD);
  const sealed = cipher.update(plain);
  cipher.final();
  const tag = cipher.getAuthTag();
  const large = sealed.length >= DIRECT;
  const out = Buffer.allocUnsafe(HEAD + (large ? 0 : sealed.length + TAG_SIZE));
  out.writeUInt32BE(sealed.length + TAG_SIZE);
  if (large) {
    socket.cork();
    socket.write(out);
    socket.write(sealed, () => detach(sealed));
    socket.write(tag);
    socket.uncork();
  } else {
    out.set(sealed, HEAD);
    out.set(tag, HEAD + sealed.length);
    socket.write(out);
  }
  return socket.writableLength < HIGH_WATER;
}

/** Calls `take` with each opened piece that comes. */
function readSealed(socket: Socket, take: (plain: Buffer) => void): void {
  let held: Buffer | null = null;
  socket.on('data', (chunk: Buffer) => {
    const bytes: Buffer = held ? Buffer.concat([held, chunk]) : chunk;
    let at = 0;
    while (bytes.length - at >= HEAD) {
      const end = at + HEAD + bytes.readUInt32BE(at);
      if (bytes.length < end) break;
      const decipher = createDecipheriv(CIPHER, KEY, NONCE, AEAD);
      decipher.setAuthTag(bytes.subarray(end - TAG_SIZE, end));
      const plain = decipher.update(bytes.subarray(at + HEAD, end - TAG_SIZE));
      decipher.final();
      take(plain);
      at = end;
    }
    held = at < bytes.length ? Buffer.from(bytes.subarray(at)) : null;
    detach(bytes);
  });
}

/** Requests or answers of one turn, that go out in one piece. */
class Items {
  readonly #socket: Socket;
  readonly #buffer = Buffer.allocUnsafe(64 * 1024);
  #at = 0;

  constructor(socket: Socket) {
    this.#socket = socket;
  }
  add(id: number, text: string): void {
    if (this.#at === 0) setImmediate(() => this.#flush());
    this.#buffer.writeUInt32BE(id, this.#at);
    const length = this.#buffer.write(text, this.#at + ITEM, 'latin1');
    this.#buffer.writeUInt16BE(length, this.#at + 4);
    this.#at += ITEM + length;
  }
  #flush(): void {
    writeSealed(this.#socket, this.#buffer.subarray(0, this.#at));
    this.#at = 0;
  }
}
function readItems(socket: Socket, take: (id: number, text: string) => void): void {
  readSealed(socket, (plain) => {
    for (let at = 0; at < plain.length;) {
      const end = at + ITEM + plain.readUInt16BE(at + 4);
      take(plain.readUInt32BE(at), plain.toString('latin1', at + ITEM, end));
      at = end;
    }
  });
}

// ---- the machine

/** A piece of 8 bytes asks for so many bytes; others are an upload, whose length is the answer to its end, a piece of 1. */
function bulkMachine(socket: Socket): void {
  const piece = Buffer.alloc(PIECE, 'floor');
  let length = 0;
  const send = (left: number) => {
    while (left > 0) {
      const part = piece.subarray(0, Math.min(left, piece.length));
      left -= part.length;
      if (!writeSealed(socket, part)) return void socket.once('drain', () => send(left));
    }
  };
  readSealed(socket, (plain) => {
    if (plain.length === 8) return send(plain.readDoubleBE());
    if (plain.length > 1) return void (length += plain.length);
    const answer = Buffer.alloc(8);
    answer.writeDoubleBE(length);
    length = 0;
    writeSealed(socket, answer);
  });
}

/** The same answer as that of scripts/bench/origin.ts. */
function smallMachine(socket: Socket): void {
  const body = JSON.stringify({ text: 'x'.repeat(200 - '{"text":""}'.length) });
  const answers = new Items(socket);
  readItems(socket, (id, text) => {
    const [method, url] = text.split('\n', 2);
    const found = method === 'GET' && url === '/api/small';
    answers.add(id, found ? `200\ncontent-type\napplication/json\ncontent-length\n200\n${body}` : '404\n');
  });
}

/** Each piece is one short masked frame (RFC 6455 section 5.2), which goes back unmasked. */
function echoMachine(socket: Socket): void {
  readSealed(socket, (frame) => {
    const length = frame[1]! & 0x7f;
    const out = Buffer.allocUnsafe(2 + length);
    out[0] = frame[0]!;
    out[1] = length;
    for (let i = 0; i < length; i++) out[2 + i] = frame[6 + i]! ^ frame[2 + (i & 3)]!;
    writeSealed(socket, out);
  });
}

// ---- the relay

function relay(ports: number[]): Server {
  const [bulk, small, echo] = ports.map((port) => connect({ port, host: '127.0.0.1', noDelay: true })) as [
    Socket,
    Socket,
    Socket,
  ];
  let last = 0;
  const asked = new Map<number, ServerResponse>();
  const requests = new Items(small);
  readItems(small, (id, text) => {
    const res = asked.get(id)!;
    asked.delete(id);
    const [status, ...fields] = text.split('\n') as [string, ...string[]];
    const body = fields.pop();
    const headers: Record<string, string> = {};
    for (let i = 0; i < fields.length; i += 2) headers[fields[i]!] = fields[i + 1]!;
    res.writeHead(Number(status), headers).end(body);
  });

  let browser: Socket | null = null;
  readSealed(echo, (plain) => void browser?.write(plain));

  let answering: ServerResponse | null = null;
  let left = 0;
  readSealed(bulk, (plain) => {
    if (!answering) return;
    if (left === 0) return void answering.end(String(plain.readDoubleBE()));
    left -= plain.length;
    const room = answering.write(plain, () => detach(plain));
    if (left === 0) answering.end();
    else if (!room) {
      bulk.pause();
      answering.once('drain', () => bulk.resume());
    }
  });

  const server = createHttp({ noDelay: true }, (req, res) => {
    if (req.url === '/api/small') {
      asked.set(++last, res);
      return requests.add(last, `${req.method}\n${req.url}\n${req.rawHeaders.join('\n')}`);
    }
    answering = res;
    if (req.method === 'GET') {
      const ask = Buffer.alloc(8);
      left = Number(new URLSearchParams(req.url!.split('?')[1]).get('mb')) * 1024 * 1024;
      ask.writeDoubleBE(left);
      res.writeHead(200, { 'content-length': left });
      return void writeSealed(bulk, ask);
    }
    left = 0;
    req.on('data', (chunk) => {
      const room = writeSealed(bulk, chunk);
      detach(chunk);
      if (room) return;
      req.pause();
      bulk.once('drain', () => req.resume());
    });
    req.on('end', () => void writeSealed(bulk, Buffer.alloc(1)));
  });
  server.on('upgrade', (req, stream) => {
    const socket = browser = stream as Socket;
    const accept = acceptKey(req.headers['sec-websocket-key']!);
    socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
    );
    socket.on('error', () => {});
    socket.on('data', (chunk: Buffer) => void writeSealed(echo, chunk));
  });
  return server;
}

function listen(server: Server): Promise<number> {
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port));
  });
}

const [role, ...ports] = process.argv.slice(2);
const servers = role === 'machine'
  ? [bulkMachine, smallMachine, echoMachine].map((serve) => createServer({ noDelay: true }, serve))
  : [relay(ports.map(Number))];
console.log((await Promise.all(servers.map(listen))).join(' '));
