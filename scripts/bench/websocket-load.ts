/** The load of the WebSocket bench: bytes made beforehand, answers only counted, so that the server is what is measured. */
import { Buffer } from 'node:buffer';
import net from 'node:net';

export interface Load {
  size: number;
  connections: number;
  /** Messages that each connection has under way. */
  depth: number;
}

/** Bytes that an answer's frame takes. */
export const replyBytes = (size: number) => size + (size < 126 ? 2 : size < 65536 ? 4 : 10);
const requestBytes = (size: number) => replyBytes(size) + 4;

/** `count` masked binary frames in one buffer. */
export function frames(size: number, count: number): Buffer {
  const entry = Buffer.alloc(requestBytes(size), 0x5a);
  entry[0] = 0x82;
  if (size < 126) entry[1] = 0x80 | size;
  else if (size < 65536) {
    entry[1] = 0x80 | 126;
    entry.writeUInt16BE(size, 2);
  } else {
    entry[1] = 0x80 | 127;
    entry.writeBigUInt64BE(BigInt(size), 2);
  }
  return Buffer.concat(Array(count).fill(entry));
}

const HEAD = (path: string) =>
  [
    `GET ${path} HTTP/1.1`,
    'Host: localhost',
    'Upgrade: websocket',
    'Connection: Upgrade',
    'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
    'Sec-WebSocket-Version: 13',
    '',
    '',
  ].join('\r\n');

/** Where all sockets read to: the bytes are only counted. */
const sink = Buffer.alloc(256 << 10);

/** Connects and shakes hands; then every byte that comes is reported. */
export function connect(port: number, path: string, got: (count: number) => void): Promise<net.Socket> {
  return new Promise((resolve, reject) => {
    let open = false;
    let head = '';
    const callback = (count: number, buffer: Uint8Array): boolean => {
      if (open) got(count);
      else {
        head += Buffer.from(buffer.buffer, buffer.byteOffset, count).toString('latin1');
        if (head.endsWith('\r\n\r\n')) {
          open = true;
          if (head.startsWith('HTTP/1.1 101')) resolve(socket);
          else reject(new Error(head));
        }
      }
      return true;
    };
    const socket = net.connect({ port, host: '127.0.0.1', noDelay: true, onread: { buffer: sink, callback } });
    socket.on('error', reject);
    socket.write(HEAD(path));
  });
}

const SETTLE_MS = 150;

/** Messages a second, and microseconds of the server's processor that each took. */
export interface Figures {
  rate: number;
  cpu: number;
}

/** @returns what was measured over `ms` after `warmMs` of warming up. `cpuOf` tells the server's processor time so far. */
export async function run(
  port: number,
  load: Load,
  [warmMs, ms]: [number, number],
  cpuOf: () => Promise<number>,
): Promise<Figures> {
  const { size, connections, depth } = load;
  const batch = frames(size, depth);
  const request = requestBytes(size), reply = replyBytes(size);
  let done = 0;
  let stopped = false;
  const sockets = await Promise.all(Array.from({ length: connections }, async () => {
    let got = 0;
    const socket: net.Socket = await connect(port, `/${request}/${reply}`, (count) => {
      got += count;
      const whole = Math.floor(got / reply);
      if (whole === 0) return;
      got -= whole * reply;
      done += whole;
      if (!stopped) socket.write(batch.subarray(0, whole * request));
    });
    return socket;
  }));
  for (const socket of sockets) socket.write(batch);
  await sleep(warmMs);
  const cpuBefore = await cpuOf();
  const before = done, started = performance.now();
  await sleep(ms);
  const count = done - before;
  const rate = count / (performance.now() - started) * 1000;
  const cpu = (await cpuOf() - cpuBefore) / count;
  stopped = true;
  for (const socket of sockets) socket.destroy();
  await sleep(SETTLE_MS); // what is under way must not fall into the next measurement
  return { rate, cpu };
}

/** Handshakes with `parallel` clients that connect, shake hands and leave. */
export async function handshakes(
  port: number,
  parallel: number,
  ms: number,
  cpuOf: () => Promise<number>,
): Promise<Figures> {
  const cpuBefore = await cpuOf();
  const end = performance.now() + ms;
  let done = 0;
  await Promise.all(Array.from({ length: parallel }, async () => {
    while (performance.now() < end) {
      (await connect(port, '/1/1', () => {})).resetAndDestroy();
      done++;
    }
  }));
  return { rate: done / ms * 1000, cpu: (await cpuOf() - cpuBefore) / done };
}

export const sleep = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));
