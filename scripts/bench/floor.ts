/**
 * The least that sealed bulk can cost, to read the tunnel's figures against: node:http at the front, node:crypto seals what
 * came, a socket carries it, the other end opens it and has the handler in the same process. No frames of streams, credit,
 * turns, rekeying or WebSocket (so no mask). Beside it, in turns: the tunnel itself, and http-proxy, which has as many sockets on
 * the way and seals nothing.
 *
 *   tsx scripts/bench/floor.ts [rounds]
 */
import { Buffer } from 'node:buffer';
import { spawn } from 'node:child_process';
import { createCipheriv, createDecipheriv, createSecretKey } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer as createHttp, type ServerResponse } from 'node:http';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { release } from '../../core/release.ts';
import { download, uploads } from './relay-measure.ts';
import { startHttpProxy, startOurs, stopAll } from './relay-peers.ts';

const MIB = 1024 * 1024;
const DOWN = 256;
const UP = 64;
const UPLOADS = 4;
const WARM = 4;
const CIPHER = 'chacha20-poly1305';
const KEY = createSecretKey(Buffer.alloc(32, 1));
const NONCE = Buffer.alloc(12);
const TAG = { authTagLength: 16 };
const HEAD = 4;
/** What waits in a socket before its source is paused, bytes. */
const HIGH_WATER = 256 * 1024;

/** Seals `plain`, writes it behind its length and frees it once it is written. @returns whether there is room */
function writeSealed(socket: Socket, plain: Uint8Array): boolean {
  const cipher = createCipheriv(CIPHER, KEY, NONCE, TAG);
  const sealed = cipher.update(plain);
  cipher.final();
  cipher.getAuthTag();
  const head = Buffer.allocUnsafe(HEAD);
  head.writeUInt32BE(sealed.length);
  socket.cork();
  socket.write(head);
  socket.write(sealed, () => release(sealed));
  socket.uncork();
  return socket.writableLength < HIGH_WATER;
}

/** Calls `take` with each opened piece that comes; an empty one is an end. */
function readSealed(socket: Socket, take: (plain: Buffer) => void): void {
  let held: Buffer | null = null;
  socket.on('data', (chunk: Buffer) => {
    const bytes: Buffer = held ? Buffer.concat([held, chunk]) : chunk;
    let at = 0;
    while (bytes.length - at >= HEAD) {
      const size = bytes.readUInt32BE(at);
      if (bytes.length - at - HEAD < size) break;
      const sealed = bytes.subarray(at + HEAD, at + HEAD + size);
      take(size ? createDecipheriv(CIPHER, KEY, NONCE, TAG).update(sealed) : sealed);
      at += HEAD + size;
    }
    held = at < bytes.length ? Buffer.from(bytes.subarray(at)) : null;
    release(bytes);
  });
}

/** The machine: a piece of 8 bytes asks for so many bytes; others are an upload, whose length is the answer to its end. */
function machine(): Server {
  const piece = Buffer.alloc(64 * 1024, 'floor');
  return createServer((socket) => {
    let length = 0;
    const send = (left: number) => {
      while (left > 0) {
        const part = piece.subarray(0, Math.min(left, piece.length));
        left -= part.length;
        if (!writeSealed(socket, part)) return void socket.once('drain', () => send(left));
      }
    };
    readSealed(socket, (plain) => {
      if (plain.length === 8) send(plain.readDoubleBE());
      else if (plain.length > 0) length += plain.length;
      else {
        const answer = Buffer.alloc(8);
        answer.writeDoubleBE(length);
        length = 0;
        writeSealed(socket, answer);
      }
    });
  });
}

/** The relay: one request at a time, through one socket to the machine. */
function relay(port: number): Server {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  let answering: ServerResponse | null = null;
  let left = 0;
  readSealed(socket, (plain) => {
    if (!answering) return;
    if (left === 0) return void answering.end(String(plain.readDoubleBE()));
    left -= plain.length;
    const room = answering.write(plain, () => release(plain));
    if (left === 0) answering.end();
    else if (!room) {
      socket.pause();
      answering.once('drain', () => socket.resume());
    }
  });
  return createHttp((req, res) => {
    answering = res;
    if (req.method === 'GET') {
      const ask = Buffer.alloc(8);
      ask.writeDoubleBE(left = DOWN * MIB);
      res.writeHead(200, { 'content-length': left });
      return void writeSealed(socket, ask);
    }
    left = 0;
    req.on('data', (chunk) => {
      const room = writeSealed(socket, chunk);
      release(chunk);
      if (room) return;
      req.pause();
      socket.once('drain', () => req.resume());
    });
    req.on('end', () => void socket.write(Buffer.alloc(HEAD)));
  });
}

function start(...args: string[]): Promise<{ port: number; end: () => void }> {
  const child = spawn(process.execPath, ['--import', 'tsx', fileURLToPath(import.meta.url), ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  return new Promise((resolve, reject) => {
    child.once('exit', (code) => reject(new Error(`ended with ${code}`)));
    child.stdout.once('data', (port) => resolve({ port: Number(port), end: () => child.kill() }));
  });
}

async function main(rounds: number): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'bench-floor-'));
  const ends: (() => void)[] = [stopAll];
  try {
    const { direct, ours } = await startOurs(folder);
    const proxy = await startHttpProxy(folder, direct.port);
    const far = await start('machine');
    ends.push(far.end);
    const near = await start('relay', String(far.port));
    ends.push(near.end);
    const peers: [string, number][] = [
      ['direct', direct.port],
      ['ours', ours.port],
      ['floor', near.port],
      ['http-proxy', proxy.port],
    ];
    const ratios = new Map(peers.map(([name]) => [name, { down: [] as number[], up: [] as number[] }]));
    for (let round = -WARM; round < rounds; round++) {
      let plain = { down: 1, up: 1 };
      for (const [name, port] of peers) {
        const figures = { down: await download(port, DOWN), up: await uploads(port, UP, UPLOADS) };
        if (name === 'direct') plain = figures;
        if (round < 0) continue;
        ratios.get(name)!.down.push(figures.down / plain.down);
        ratios.get(name)!.up.push(figures.up / plain.up);
      }
    }
    const median = (list: number[]) => list.sort((a, b) => a - b)[list.length >> 1]!.toFixed(2);
    for (const [name, { down, up }] of ratios) {
      console.log(`${name.padEnd(11)} ${DOWN} MiB down × ${median(down)}   ${UP} MiB up × ${median(up)}`);
    }
  } finally {
    for (const end of ends) end();
    rmSync(folder, { recursive: true, force: true });
  }
}

const [role = '12', port] = process.argv.slice(2);
if (role === 'machine' || role === 'relay') {
  const server = role === 'machine' ? machine() : relay(Number(port));
  server.listen(0, '127.0.0.1', () => console.log((server.address() as { port: number }).port));
} else {main(Number(role)).then(() => process.exit(0), (error) => {
    console.error(error);
    process.exit(1);
  });}
