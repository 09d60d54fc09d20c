/** A TCP forwarder that keeps every byte of both directions, as somebody on the network would see them. */
import { Buffer } from 'node:buffer';
import { connect, createServer, type Socket } from 'node:net';

/** More than this is not kept: a test that needs more asks for less. */
const KEEP_BYTES = 64 * 1024 * 1024;

export interface Capture {
  readonly port: number;
  /** Everything seen, raw, and once more with the client's WebSocket masks taken off. */
  contains(needle: string): boolean;
  readonly bytes: number;
  /** Cuts every connection now. */
  cut(): void;
  close(): Promise<void>;
}

export async function startCapture(targetPort: number): Promise<Capture> {
  const seen: { up: Buffer[]; down: Buffer[] }[] = [];
  const sockets = new Set<Socket>();
  let bytes = 0;
  const server = createServer((client) => {
    const target = connect(targetPort, '127.0.0.1');
    const log = { up: [] as Buffer[], down: [] as Buffer[] };
    seen.push(log);
    const pipe = (from: Socket, to: Socket, retained: Buffer[]) => {
      sockets.add(from);
      from.on('data', (chunk) => {
        bytes += chunk.length;
        if (bytes <= KEEP_BYTES) retained.push(chunk);
        to.write(chunk);
      });
      from.on('end', () => to.end());
      from.on('error', () => to.destroy());
      from.on('close', () => {
        sockets.delete(from);
        to.destroy();
      });
    };
    pipe(client, target, log.up);
    pipe(target, client, log.down);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const cut = () => sockets.forEach((socket) => socket.destroy());
  return {
    port: (server.address() as { port: number }).port,
    get bytes() {
      return bytes;
    },
    contains(needle) {
      const forms = [Buffer.from(needle), Buffer.from(Buffer.from(needle).toString('base64').replace(/=+$/, ''))];
      return seen.some((log) =>
        [Buffer.concat(log.up), Buffer.concat(log.down), unmask(Buffer.concat(log.up))]
          .some((buffer) => forms.some((form) => buffer.includes(form)))
      );
    },
    cut,
    close: () => {
      cut();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

/** The payloads of a client's WebSocket frames (RFC 6455 section 5.2) behind its request head. */
function unmask(stream: Buffer): Buffer {
  const out: Buffer[] = [];
  let at = stream.indexOf('\r\n\r\n') + 4;
  while (at + 6 <= stream.length) {
    const short = stream[at + 1]! & 0x7f;
    const lengthBytes = short === 126 ? 2 : short === 127 ? 8 : 0;
    const length = short === 126
      ? stream.readUInt16BE(at + 2)
      : short === 127
      ? Number(stream.readBigUInt64BE(at + 2))
      : short;
    const maskAt = at + 2 + lengthBytes;
    const start = maskAt + 4;
    const end = Math.min(start + length, stream.length);
    const payload = Buffer.from(stream.subarray(start, end));
    for (let i = 0; i < payload.length; i++) payload[i]! ^= stream[maskAt + (i & 3)]!;
    out.push(payload);
    at = start + length;
  }
  return Buffer.concat(out);
}
