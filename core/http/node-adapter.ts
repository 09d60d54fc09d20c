/** node:http's request and response as the HttpRequest and HttpResponse that handlers know. */
import { EventEmitter } from 'node:events';
import { IncomingMessage, ServerResponse, STATUS_CODES, validateHeaderName, validateHeaderValue } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Socket } from 'node:net';
import { plainAddress } from './address.ts';
import { abortConnection } from './abort-connection.ts';
import { HeaderDefaults } from './default-headers.ts';
import type { HeaderList, HeaderMap, HttpRequest, HttpResponse, Transport } from './types.ts';

const NO_DEFAULTS = new HeaderDefaults({});
/** Deno's node:http writes a list of fields as it is; Node's checks it. */
const IS_UNCHECKED = 'Deno' in globalThis;

export class LocalRequest extends IncomingMessage implements HttpRequest {
  declare method: string;
  declare url: string;
  /** Called once, when a handler first reads the body. */
  onFirstRead: (() => void) | null = null;
  #peer: string;

  constructor(socket: Socket) {
    super(socket);
    // Now, because a closed socket has no address: a client that vanishes stays the client that it was.
    this.#peer = plainAddress(socket.remoteAddress);
  }
  get transport(): Transport {
    return 'local';
  }
  /** The socket's address, '' if it was closed before; or what a handler that knows better (a trusted proxy) sets. */
  get peer(): string {
    return this.#peer;
  }
  set peer(address: string) {
    this.#peer = address;
  }
  override _read(size: number): void {
    const first = this.onFirstRead;
    if (first) {
      this.onFirstRead = null;
      first();
    }
    super._read(size);
  }
}

export class LocalResponse extends ServerResponse<LocalRequest> implements HttpResponse {
  defaults: HeaderDefaults = NO_DEFAULTS;
  /** Its head says that the connection ends with it: nothing behind its request may be processed (RFC 9112 section 9.6). */
  isLast = false;

  override writeHead(status: number, ...rest: unknown[]): this {
    const headers = rest.at(-1) as HeaderMap | HeaderList | undefined;
    const flat = this.defaults.merge(typeof headers === 'object' ? headers : undefined);
    if (IS_UNCHECKED) checkFields(flat);
    this.isLast = saysClose(flat);
    return super.writeHead(status, flat);
  }
  /** Not named like anything of node:http's, which would call it: Node 24 has a writeInformation of its own. */
  inform(status: number, headers: HeaderMap): void {
    if (status === 103) this.writeEarlyHints(headers as Record<string, string | string[]>);
    else if (status === 100) this.writeContinue();
    else if (status === 102) this.writeProcessing();
  }
  /** Whether the end of the connection would look like the end of this reply. */
  get endsWithConnection(): boolean {
    return this.req.httpVersion === '1.0' && this.headersSent && !this.writableFinished;
  }
  override destroy(error?: Error): this {
    if (this.socket && this.endsWithConnection) abortConnection(this.socket, true);
    return super.destroy(error);
  }
  upgrade(): Duplex {
    throw new Error('this request asks for no upgrade');
  }
}

function saysClose(flat: HeaderList): boolean {
  for (let i = 0; i < flat.length; i += 2) {
    if (flat[i + 1] === 'close' && flat[i]!.toLowerCase() === 'connection') return true;
  }
  return false;
}

/** Fields that this response decides itself: it is one reply on a connection that ends with it. */
const CONNECTION_FIELDS = new Set(['connection', 'keep-alive', 'transfer-encoding', 'upgrade']);

/** The reply to an upgrade request: 101 and the raw socket, or an ordinary reply after which the connection ends. */
export class UpgradeResponse extends EventEmitter implements HttpResponse {
  defaults: HeaderDefaults = NO_DEFAULTS;
  headersSent = false;
  writableEnded = false;
  readonly #socket: Socket;
  readonly #head: Uint8Array;
  readonly #isHead: boolean;
  #isUpgraded = false;

  /** @param head what the peer sent behind its request */
  constructor(socket: Socket, head: Uint8Array, isHead: boolean) {
    super();
    this.#socket = socket;
    this.#head = head;
    this.#isHead = isHead;
    socket.on('error', () => {}); // The socket's `close` follows, which is what counts.
    socket.once('close', () => this.emit('close'));
    socket.on('drain', () => this.emit('drain'));
  }
  get destroyed(): boolean {
    return this.#socket.destroyed;
  }
  /** Whether the end of the connection would look like the end of this reply: one that has no length, and is not sent. */
  get endsWithConnection(): boolean {
    return this.headersSent && !this.#isUpgraded && !this.#socket.writableFinished;
  }
  writeHead(status: number, headers?: HeaderMap | HeaderList): this {
    const flat = this.defaults.merge(headers);
    const own: string[] = [];
    for (let i = 0; i < flat.length; i += 2) {
      if (!CONNECTION_FIELDS.has(flat[i]!.toLowerCase())) own.push(flat[i]!, flat[i + 1]!);
    }
    this.#writeHead(status, [...own, 'date', new Date().toUTCString(), 'connection', 'close']);
    return this;
  }
  write(chunk: Uint8Array | string): boolean {
    if (!this.headersSent) this.writeHead(200);
    return this.#isHead || this.#socket.write(chunk);
  }
  end(chunk?: Uint8Array | string): this {
    if (this.writableEnded) return this;
    if (chunk !== undefined && chunk.length) this.write(chunk);
    else if (!this.headersSent) this.writeHead(200);
    this.writableEnded = true;
    this.#socket.once('finish', () => this.emit('finish'));
    this.#socket.destroySoon();
    return this;
  }
  destroy(error?: Error): this {
    if (this.headersSent && !this.#socket.writableFinished) abortConnection(this.#socket, true);
    this.#socket.destroy(error);
    return this;
  }
  upgrade(headers: HeaderMap | HeaderList): Duplex {
    this.#writeHead(101, NO_DEFAULTS.merge(headers));
    this.#isUpgraded = true;
    this.writableEnded = true;
    this.#socket.removeAllListeners('drain'); // The new owner's business from here on.
    if (this.#head.length) this.#socket.unshift(this.#head);
    return this.#socket;
  }
  #writeHead(status: number, flat: string[]): void {
    if (this.headersSent) throw new Error('the head of this reply was sent before');
    this.#socket.write(rawHead(status, flat), 'latin1');
    this.headersSent = true;
  }
}

/** A reply head as text (RFC 9112 section 4). Throws when a name or value would break out of its line. */
export function rawHead(status: number, flat: string[]): string {
  checkFields(flat);
  let text = `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\n`;
  for (let i = 0; i < flat.length; i += 2) text += `${flat[i]}: ${flat[i + 1]}\r\n`;
  return `${text}\r\n`;
}

/** Throws unless every name is a token and no value has control characters (RFC 9110 section 5). */
function checkFields(flat: readonly string[]): void {
  for (let i = 0; i < flat.length; i += 2) {
    validateHeaderName(flat[i]!);
    validateHeaderValue(flat[i]!, flat[i + 1]!);
  }
}
