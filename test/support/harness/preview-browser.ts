/** Asks a preview as a browser would, with any Host: fetch may not set it. */
import { Buffer } from 'node:buffer';
import { type IncomingHttpHeaders, request } from 'node:http';
import type { Duplex } from 'node:stream';

export interface PreviewReply {
  status: number;
  headers: IncomingHttpHeaders;
  body: string;
}

export interface PreviewAsk {
  method?: string;
  headers?: Record<string, string>;
  body?: string | Buffer;
}

/** @param host what the address bar has; it leads to 127.0.0.1 at `port` */
export function ask(port: number, host: string, path: string, options: PreviewAsk = {}): Promise<PreviewReply> {
  const { method = 'GET', headers = {}, body } = options;
  return new Promise((resolve, reject) => {
    const req = request(
      { host: '127.0.0.1', port, path, method, agent: false, headers: { host, ...headers } },
      (res) => {
        const parts: Buffer[] = [];
        res.on('data', (part: Buffer) => parts.push(part));
        res.on('error', reject);
        res.on('end', () => {
          resolve({ status: res.statusCode!, headers: res.headers, body: Buffer.concat(parts).toString() });
        });
      },
    );
    req.on('error', reject);
    req.end(body);
  });
}

export interface PreviewSocket {
  socket: Duplex;
  headers: IncomingHttpHeaders;
  /** Texts that came, each of at most 125 bytes. */
  texts: string[];
  send(text: string): void;
  closed: Promise<void>;
}

/** A WebSocket of the page at `host`; the status where it is refused. */
export function openSocket(
  port: number,
  host: string,
  headers: Record<string, string>,
): Promise<PreviewSocket | number> {
  const fields = {
    host,
    connection: 'Upgrade',
    upgrade: 'websocket',
    'sec-websocket-version': '13',
    'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
    ...headers,
  };
  return new Promise((resolve, reject) => {
    const req = request({ host: '127.0.0.1', port, path: '/socket', agent: false, headers: fields });
    req.on('error', reject);
    req.on('response', (res) => {
      res.resume();
      resolve(res.statusCode!);
    });
    req.on('upgrade', (res, socket, head) => {
      const texts: string[] = [];
      let rest = Buffer.from(head);
      const read = () => {
        while (rest.length >= 2 && rest.length >= 2 + rest[1]!) {
          if ((rest[0]! & 0x0f) === 1) texts.push(rest.subarray(2, 2 + rest[1]!).toString());
          rest = rest.subarray(2 + rest[1]!);
        }
      };
      read();
      socket.on('error', () => {});
      socket.on('data', (chunk: Buffer) => {
        rest = Buffer.concat([rest, chunk]);
        read();
      });
      const closed = new Promise<void>((end) => socket.once('close', () => end()));
      const send = (text: string) => {
        const bytes = Buffer.from(text);
        socket.write(Buffer.concat([Buffer.from([0x81, 0x80 | bytes.length, 0, 0, 0, 0]), bytes]));
      };
      resolve({ socket, headers: res.headers, texts, send, closed });
    });
    req.end();
  });
}

/** The Host and path of an address that opens a preview. */
export function partsOf(url: string): { host: string; path: string } {
  const { host, pathname, search } = new URL(url);
  return { host, path: pathname + search };
}

/** Uses the ticket. @returns the Cookie that the browser has from then on */
export async function enterPreview(port: number, url: string): Promise<{ host: string; cookie: string }> {
  const { host, path } = partsOf(url);
  const { status, headers, body } = await ask(port, host, path);
  if (status !== 303) throw new Error(`not let in: ${status} ${body}`);
  return { host, cookie: headers['set-cookie']![0]!.split(';')[0]! };
}
