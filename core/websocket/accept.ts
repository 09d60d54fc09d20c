/** The server's side of the opening handshake, over an HttpRequest or over a socket of node:http. */
import type { Duplex } from 'node:stream';
import { STATUS_CODES } from 'node:http';
import { Socket } from 'node:net';
import type { HeaderMap, HttpRequest, HttpResponse } from '../http/types.ts';
import { Connection, type ConnectionOptions } from './connection.ts';
import {
  type Agreement,
  checkUpgrade,
  isRefusal,
  type Refusal,
  type RequestHead,
  type ServerOptions,
} from './handshake.ts';

export interface AcceptOptions
  extends ServerOptions, Pick<ConnectionOptions, 'limits' | 'heartbeat' | 'clock' | 'zeroCopy'> {}

/** A refused client that does not end the connection within this time is disconnected, ms. */
const REFUSAL_MS = 2000;

/** Answers an upgrade request: 101 and the connection, or the fitting status and null. */
export function accept(req: HttpRequest, res: HttpResponse, options: AcceptOptions = {}): Connection | null {
  const result = checkUpgrade(req, options);
  if (isRefusal(result)) {
    const body = refusalBody(result);
    res.writeHead(result.status, refusalHeaders(result, body));
    res.end(body);
    return null;
  }
  return connect(res.upgrade(result.headers), result, options);
}

/** Like `accept`, for the `upgrade` event of a node:http server. */
export function acceptSocket(
  req: RequestHead,
  socket: Duplex,
  head: Uint8Array,
  options: AcceptOptions = {},
): Connection | null {
  const result = checkUpgrade(req, options);
  if (isRefusal(result)) {
    const body = refusalBody(result);
    socket.on('error', () => socket.destroy());
    socket.end(headText(result.status, refusalHeaders(result, body)) + body, 'latin1');
    const timer = setTimeout(() => socket.destroy(), REFUSAL_MS);
    socket.once('close', () => clearTimeout(timer));
    socket.resume();
    return null;
  }
  socket.write(headText(101, result.headers), 'latin1');
  if (head.length > 0) socket.unshift(head);
  return connect(socket, result, options);
}

function connect(stream: Duplex, agreed: Agreement, options: AcceptOptions): Connection {
  if (stream instanceof Socket) {
    stream.setNoDelay(true);
    stream.setTimeout(0);
  }
  const tuning = typeof options.deflate === 'object' ? options.deflate : undefined;
  const { protocol, deflate } = agreed;
  return new Connection(stream, { ...options, role: 'server', protocol, deflate, ...(tuning && { tuning }) });
}

const refusalBody = ({ message, code }: Refusal) => JSON.stringify({ error: message, code });

function refusalHeaders(refusal: Refusal, body: string): HeaderMap {
  return {
    ...refusal.headers,
    'Content-Type': 'application/json',
    'Content-Length': body.length,
    Connection: refusal.status === 426 ? 'close, Upgrade' : 'close',
  };
}

function headText(status: number, headers: HeaderMap): string {
  let text = `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n`;
  for (const [name, value] of Object.entries(headers)) {
    for (const each of Array.isArray(value) ? value : [value]) text += `${name}: ${each}\r\n`;
  }
  return `${text}\r\n`;
}
