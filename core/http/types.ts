/**
 * The one handler signature. A request is served by the same code whether it came over the local socket (node:http) or
 * through the tunnel (a stream): handlers see only this part, which node:http's IncomingMessage and ServerResponse also
 * have.
 */
import type { Duplex, Readable } from 'node:stream';
import type { IncomingHttpHeaders } from 'node:http';

/** Which way the request came. Never taken from a header. */
export type Wire = 'local' | 'tunnel';

/** The request head and body. The request itself is the body's Readable, as in node:http. */
export interface HttpRequest extends Readable {
  readonly method: string;
  /** Origin-form: path and query, always beginning with "/". */
  readonly url: string;
  readonly httpVersion: string;
  /** Lower-case names; duplicates joined as node:http does. */
  readonly headers: IncomingHttpHeaders;
  /** name, value, name, value … as received. */
  readonly rawHeaders: string[];
  readonly wire: Wire;
  /** Whom the request came from: the socket's address, or what the relay tells (only for wire = tunnel). For logs. */
  readonly peer: string;
}

export type HeaderValue = string | number | readonly string[];
/** Names in any case; a list gives several lines (Set-Cookie). */
export type HeaderMap = Record<string, HeaderValue>;

/** The answer. Emits `close` (always, once), `finish` (all handed over) and `drain` (after write gave false). */
export interface HttpResponse {
  readonly headersSent: boolean;
  readonly writableEnded: boolean;
  readonly destroyed: boolean;
  /** Sends the head. Throws when it was sent before. */
  writeHead(status: number, headers?: HeaderMap): unknown;
  /** false: wait for `drain`. `written` is called when the chunk is not read any more, or not at all. */
  write(chunk: Uint8Array | string, written?: (error?: Error | null) => void): boolean;
  end(chunk?: Uint8Array | string): unknown;
  /** Aborts the answer: the other side sees a broken reply, never a clean end. */
  destroy(error?: Error): unknown;
  /** Sends 1xx information, e.g. 103. */
  inform?(status: number, headers: HeaderMap): void;
  /**
   * Answers an upgrade request with 101 and these headers and gives the raw byte stream. Bytes that the peer sent behind
   * its request head are the first to be read. Only once, only before writeHead.
   */
  upgrade(headers: HeaderMap): Duplex;
  on(event: 'close' | 'finish' | 'drain', listener: () => void): unknown;
  once(event: 'close' | 'finish' | 'drain', listener: () => void): unknown;
  off(event: 'close' | 'finish' | 'drain', listener: () => void): unknown;
}

/** Serves one request; a rejected promise becomes a 500 (or an abort, when the head was sent). */
export type Handler = (req: HttpRequest, res: HttpResponse) => void | Promise<void>;
