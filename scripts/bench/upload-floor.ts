/**
 * The least that a sealed upload can cost beside a direct one: node:http reads the body, node:crypto seals what came, a socket
 * carries it, the other end opens it. No frames, credit, turns, rekeying or WebSocket. What the tunnel reaches is to be read
 * against this.
 *
 *   tsx scripts/bench/upload-floor.ts [rounds]
 */
import { spawn } from 'node:child_process';
import process from 'node:process';
import { upload } from './relay-measure.ts';

const MIB = 64;
const SHARED = `const net = require('net'), http = require('http'), crypto = require('crypto');
  const key = crypto.createSecretKey(Buffer.alloc(32, 1)), nonce = Buffer.alloc(12), tag = { authTagLength: 16 };
  const listen = (server) => server.listen(0, '127.0.0.1', () => console.log(server.address().port));
  const answer = (res, length) => res.end(JSON.stringify({ length }));`;
const DIRECT = `listen(http.createServer((req, res) => {
  let length = 0;
  req.on('data', (chunk) => length += chunk.length).on('end', () => answer(res, length));
}));`;
const OPENER = `listen(net.createServer((socket) => {
  let held = null, length = 0;
  socket.on('data', (bytes) => {
    if (held) bytes = Buffer.concat([held, bytes]);
    let at = 0;
    for (; bytes.length - at >= 4; at += 4 + bytes.readUInt32BE(at)) {
      const size = bytes.readUInt32BE(at);
      if (bytes.length - at - 4 < size) break;
      if (size === 0) { socket.write(String(length)); length = 0; }
      else length += crypto.createDecipheriv('chacha20-poly1305', key, nonce, tag).update(bytes.subarray(at + 4, at + 4 + size)).length;
    }
    held = at < bytes.length ? bytes.subarray(at) : null;
  });
}));`;
const SEALER = `const socket = net.connect(Number(process.argv[1]), '127.0.0.1');
const head = (size) => { const bytes = Buffer.allocUnsafe(4); bytes.writeUInt32BE(size); return bytes; };
listen(http.createServer((req, res) => {
  req.on('data', (chunk) => {
    const cipher = crypto.createCipheriv('chacha20-poly1305', key, nonce, tag);
    const sealed = cipher.update(chunk);
    cipher.final();
    cipher.getAuthTag();
    socket.cork();
    socket.write(head(sealed.length));
    socket.write(sealed);
    socket.uncork();
    if (socket.writableLength < 262144) return;
    req.pause();
    socket.once('drain', () => req.resume());
  });
  req.on('end', () => { socket.write(head(0)); socket.once('data', (length) => answer(res, Number(length))); });
}));`;

const ends: (() => void)[] = [];
function start(code: string, ...args: number[]): Promise<number> {
  const child = spawn(process.execPath, ['-e', SHARED + code, ...args.map(String)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  ends.push(() => child.kill());
  return new Promise((resolve) => child.stdout.once('data', (port) => resolve(Number(port))));
}

async function main(rounds: number): Promise<void> {
  const direct = await start(DIRECT);
  const floor = await start(SEALER, await start(OPENER));
  const ratios: number[] = [];
  for (let i = 0; i < rounds; i++) {
    const [plain, sealed] = [await upload(direct, MIB), await upload(floor, MIB)];
    ratios.push(sealed / plain);
    console.log(`direct ${plain.toFixed(0)} MB/s, sealed ${sealed.toFixed(0)} MB/s, × ${(sealed / plain).toFixed(2)}`);
  }
  console.log(`median × ${ratios.sort((a, b) => a - b)[rounds >> 1]!.toFixed(2)}`);
}

main(Number(process.argv[2] ?? 12)).finally(() => ends.forEach((end) => end()));
