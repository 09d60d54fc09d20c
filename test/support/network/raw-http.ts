/** Sends bytes to a server and returns what comes back, with nothing in between that would repair either. */
import type { Socket } from 'node:net';
import { transport } from './transport.ts';

export interface RawReply {
  /** Everything that came, latin1. */
  text: string;
  /** Status of the first reply; 0 when there was none. */
  status: number;
  /** The server ended the connection. */
  closed: boolean;
  /** Until the connection ended or `quietMs` passed without a byte. */
  ms: number;
}

/** Sends the bytes and waits until the server closes, or sends nothing for `quietMs`. */
export function rawHttp(
  port: number,
  bytes: string | Uint8Array,
  quietMs = 1000,
  connectTo: (port: number) => Socket = transport().connect,
): Promise<RawReply> {
  return new Promise((resolve) => {
    const started = performance.now();
    let text = '';
    const socket = connectTo(port);
    const done = (closed: boolean) => {
      clearTimeout(timer);
      socket.destroy();
      resolve({ text, status: statusOf(text), closed, ms: performance.now() - started });
    };
    let timer = setTimeout(() => done(false), quietMs);
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1');
      clearTimeout(timer);
      timer = setTimeout(() => done(false), quietMs);
    });
    socket.on('error', () => {}); // `close` follows.
    socket.on('close', () => done(true));
    socket.write(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes);
  });
}

const statusOf = (text: string): number => Number(/^HTTP\/1\.1 (\d{3})/.exec(text)?.[1] ?? 0);

/** A request as text: `request('GET', '/x', { cookie: 'a=b' })`. Content-Length is set for a body. */
export function request(
  method: string,
  target: string,
  headers: Record<string, string | string[]> = {},
  body = '',
): string {
  const fields = { host: 'relay.test', connection: 'close', ...headers };
  const lines = Object.entries(fields).flatMap(([name, value]) =>
    [value].flat().map((entry) => `${name}: ${entry}\r\n`)
  );
  const length = body && !('transfer-encoding' in headers) ? `content-length: ${Buffer.byteLength(body)}\r\n` : '';
  return `${method} ${target} HTTP/1.1\r\n${lines.join('')}${length}\r\n${body}`;
}

/** How many replies are on the connection. */
export const countReplies = (text: string): number => text.split(/HTTP\/1\.1 \d{3} /).length - 1;

/** The fields of the first reply by lower-case name; several of one name joined by newlines. */
export function fieldsOf(text: string): Record<string, string> {
  const fields: Record<string, string> = {};
  for (const line of text.split('\r\n\r\n')[0]!.split('\r\n').slice(1)) {
    const at = line.indexOf(':');
    const name = line.slice(0, at).toLowerCase();
    const value = line.slice(at + 1).trim();
    fields[name] = name in fields ? `${fields[name]}\n${value}` : value;
  }
  return fields;
}
