/** A stream as the HttpRequest and HttpResponse of a Handler: the machine's end of HTTP through the tunnel. */
import { Buffer } from 'node:buffer';
import { EventEmitter } from 'node:events';
import { type IncomingHttpHeaders, validateHeaderName, validateHeaderValue } from 'node:http';
import { type Duplex, Readable } from 'node:stream';
import type { HeaderList, HeaderMap, HttpRequest, HttpResponse, Transport } from '../http/types.ts';
import { headerList, isHeaderList } from '../http/header-list.ts';
import { joinFields } from '../http/proxy-headers.ts';
import { StreamDuplex } from './duplex.ts';
import { RESET } from './frame.ts';
import type { OpenHead } from './mux.ts';
import type { Stream } from './stream.ts';

export class TunnelRequest extends Readable implements HttpRequest {
  readonly method: string;
  readonly url: string;
  readonly peer: string;
  readonly rawHeaders: string[];
  /** name, value … of the trailers; complete at `end`. */
  rawTrailers: string[] = [];
  /** The whole body has arrived. */
  complete = false;
  readonly #stream: Stream;
  #headers: IncomingHttpHeaders | null = null;

  constructor(stream: Stream, head: OpenHead) {
    super();
    this.method = head.method;
    this.url = head.target;
    this.peer = head.peer;
    this.rawHeaders = head.fields;
    this.#stream = stream;
  }
  get transport(): Transport {
    return 'tunnel';
  }
  get httpVersion(): string {
    return '1.1';
  }
  get headers(): IncomingHttpHeaders {
    return this.#headers ??= joinFields(this.rawHeaders);
  }
  override _read(): void {
    this.#stream.accept();
  }
  /** Delivers body bytes of the stream. Credit is returned as the handler reads. */
  deliver(chunk: Uint8Array): void {
    if (this.push(chunk)) this.#stream.accept();
  }
}

/** Whether the reply has no body whatever the handler writes (RFC 9110 section 6.4.1). */
const isBodiless = (method: string, status: number) => method === 'HEAD' || status === 204 || status === 304;

export class TunnelResponse extends EventEmitter implements HttpResponse {
  headersSent = false;
  writableEnded = false;
  destroyed = false;
  readonly #stream: Stream;
  readonly #request: TunnelRequest;
  readonly #isUpgrade: boolean;
  #bodiless = false;
  #needsDrain = false;
  #closed = false;
  #trailers: string[] = [];

  constructor(stream: Stream, request: TunnelRequest, isUpgrade: boolean) {
    super();
    this.#stream = stream;
    this.#request = request;
    this.#isUpgrade = isUpgrade;
  }

  get writableNeedDrain(): boolean {
    return this.#needsDrain;
  }

  writeHead(status: number, headers?: HeaderMap | HeaderList): this {
    if (!Number.isInteger(status) || status < 200 || status > 599) throw new RangeError(`invalid status ${status}`);
    this.#sendHead(status, headers);
    this.#bodiless = isBodiless(this.#request.method, status);
    return this;
  }
  write(chunk: Uint8Array | string): boolean {
    if (!this.headersSent) this.writeHead(200);
    if (this.#bodiless || this.writableEnded || this.destroyed) return true;
    const ready = this.#stream.write(typeof chunk === 'string' ? Buffer.from(chunk) : chunk);
    this.#needsDrain = !ready;
    return ready;
  }
  end(chunk?: Uint8Array | string): this {
    if (this.writableEnded) return this;
    if (chunk !== undefined) this.write(chunk);
    else if (!this.headersSent) this.writeHead(200);
    this.writableEnded = true;
    this.#stream.finish(this.#trailers);
    return this;
  }
  /** Adds trailers; only before `end`. */
  addTrailers(headers: HeaderMap): void {
    this.#trailers.push(...flatten(headers));
  }
  inform(status: number, headers: HeaderMap): void {
    if (status >= 102 && status < 200) this.#stream.info(status, flatten(headers));
  }
  destroy(): this {
    this.#stream.reset(RESET.cancel);
    this.close();
    return this;
  }
  upgrade(headers: HeaderMap | HeaderList): Duplex {
    if (!this.#isUpgrade) throw new Error('this request asks for no upgrade');
    this.#sendHead(101, headers);
    this.writableEnded = true;
    this.#stream.events = {};
    const duplex = new StreamDuplex(this.#stream);
    duplex.once('close', () => this.close());
    return duplex;
  }

  /** The stream is over; `close` is emitted once. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.destroyed = true;
    this.emit('close');
  }
  drained(): void {
    this.#needsDrain = false;
    this.emit('drain');
  }
  /** The whole answer has been sent. */
  sent(): void {
    this.emit('finish');
    // The end of the answer refused the rest of the request.
    if (!this.#request.complete) this.#request.destroy();
    this.close();
  }

  #sendHead(status: number, headers: HeaderMap | HeaderList | undefined): void {
    if (this.headersSent) throw new Error('the head of this reply was sent before');
    const fields = headers ? flatten(headers) : [];
    if (!this.#stream.over && !this.#stream.head(status, fields)) {
      throw new Error('the head of this reply is too large or has characters that HTTP does not allow');
    }
    this.headersSent = true;
  }
}

/** name, value, name, value … Throws like node:http for a name or value that a head cannot carry. */
function flatten(headers: HeaderMap | HeaderList): HeaderList {
  const fields = isHeaderList(headers) ? headers : headerList(headers);
  for (let i = 0; i < fields.length; i += 2) {
    validateHeaderName(fields[i]!);
    validateHeaderValue(fields[i]!, fields[i + 1]!);
  }
  return fields;
}
