/**
 * The handler signature. The same code serves a request whether it came over a local socket (node:http) or through the
 * tunnel (a stream): handlers use only this subset of node:http's IncomingMessage and ServerResponse.
 */
import type { Duplex, Readable } from 'node:stream';
import type { IncomingHttpHeaders } from 'node:http';

/** How the request arrived. Never taken from a header. */
export type Transport = 'local' | 'tunnel';

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
  /** Whether all of the body has arrived. */
  readonly complete: boolean;
  readonly transport: Transport;
  /** The client's address: the socket's, or for the transport `tunnel` the one that the relay reports. For logs. */
  readonly peer: string;
}

export type HeaderValue = string | number | readonly string[];
/** Names in any case; a list gives several lines (Set-Cookie). */
export type HeaderMap = Record<string, HeaderValue>;
/** name, value, name, value … in the order in which they are sent. A proxy makes no objects of the fields that it passes on. */
export type HeaderList = readonly string[];

/** The reply. Emits `close` (always, once), `finish` (all data was passed on) and `drain` (after write returned false). */
export interface HttpResponse {
  readonly headersSent: boolean;
  readonly writableEnded: boolean;
  readonly destroyed: boolean;
  /** Sends the head. Throws when it was sent before. */
  writeHead(status: number, headers?: HeaderMap | HeaderList): unknown;
  /** Returns false when the buffer is full: wait for `drain`. `written` is called when the chunk is no longer read, or never. */
  write(chunk: Uint8Array | string, written?: (error?: Error | null) => void): boolean;
  end(chunk?: Uint8Array | string): unknown;
  /** Aborts the reply: the client sees a broken reply, never a clean end. */
  destroy(error?: Error): unknown;
  /** Sends 1xx information, e.g. 103. */
  inform?(status: number, headers: HeaderMap): void;
  /**
   * Answers an upgrade request with 101 and these headers and returns the raw byte stream. Bytes that the peer sent behind
   * its request head are read first. Only once, and only before writeHead.
   */
  upgrade(headers: HeaderMap | HeaderList): Duplex;
  on(event: 'close' | 'finish' | 'drain', listener: () => void): unknown;
  once(event: 'close' | 'finish' | 'drain', listener: () => void): unknown;
  off(event: 'close' | 'finish' | 'drain', listener: () => void): unknown;
}

/** Serves one request; a rejected promise becomes a 500 (or an abort, when the head was sent). */
export type Handler = (req: HttpRequest, res: HttpResponse) => void | Promise<void>;
