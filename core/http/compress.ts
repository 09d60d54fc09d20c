/**
 * Compresses replies where the client takes it. The end that makes a reply compresses it: the machine what goes through the
 * tunnel, which a relay then forwards as it came, and the relay its own. A reply that comes whole is compressed off the event
 * loop and sent with its length; any other one is streamed. Event streams are flushed event by event.
 *
 * BREACH needs a reply that a stranger's page can ask for and that repeats what it asked with: see `mayCompress` and SECURITY.md.
 */
import { EventEmitter } from 'node:events';
import type { Duplex, Transform } from 'node:stream';
import {
  brotliCompress,
  type BrotliOptions,
  constants,
  createBrotliCompress,
  createGzip,
  gzip,
  type ZlibOptions,
} from 'node:zlib';
import { chooseCoding, type Coding } from './content-coding.ts';
import { headerMap, isHeaderList } from './header-list.ts';
import type { Handler, HeaderList, HeaderMap, HttpRequest, HttpResponse } from './types.ts';

/** Shorter bodies fit the packet of their head, bytes. */
export const MIN_COMPRESSED = 1024;
/** Replies of one server that are compressed at a time: each costs up to 1 MiB and a thread. One more is sent as it is. */
export const MAX_COMPRESSED = 16;
/** A longer body is compressed as a stream, bytes. */
export const MAX_WHOLE = 4 * 1024 * 1024;

const TEXT = /^(?:text\/|application\/(?:[a-z0-9.+-]*\+)?(?:json|x-ndjson|xml)(?:;|$))/i;
const EVENTS = /^text\/event-stream(?:;|$)/i;
/** Fields of a reply that must stay as it is: a part, a version that later requests name, one that is compressed already. */
const UNCHANGEABLE = new Set(['content-encoding', 'content-range', 'accept-ranges', 'etag', 'content-digest']);

/** For 547 KB of a conversation: brotli 22 KB in 18 ms, gzip 30 KB in 27 ms. */
const BROTLI: BrotliOptions = {
  params: { [constants.BROTLI_PARAM_QUALITY]: 5, [constants.BROTLI_PARAM_LGWIN]: 18 },
};
const GZIP: ZlibOptions = { level: 6 };
/** Small windows: an event stream lasts as long as its page, and each of them 24 KiB instead of 260. */
const EVENT_GZIP: ZlibOptions = { windowBits: 12, memLevel: 4, chunkSize: 1024, flush: constants.Z_SYNC_FLUSH };

/** The same handler; its replies are compressed. */
export function compressReplies(handler: Handler): Handler {
  const slots = new Slots();
  return (req, res) => {
    const accept = mayCompress(req) ? req.headers['accept-encoding'] : undefined;
    if (!accept) return handler(req, res);
    return handler(req, new CompressedResponse(res, { accept, isHead: req.method === 'HEAD', slots }));
  };
}

/**
 * Not what the page of another site asks for: it may choose the question, and measure the length of the answer on the wire, so
 * that a secret which the answer repeats beside the question could be guessed piece by piece.
 */
const mayCompress = ({ headers }: HttpRequest): boolean =>
  /^(?:same-origin|none)$/.test(String(headers['sec-fetch-site'] ?? 'none'));

/** How many replies are being compressed. */
class Slots {
  #open = 0;

  /** The function that ends it, to be called once; null when there are too many. */
  take(): (() => void) | null {
    if (this.#open >= MAX_COMPRESSED) return null;
    this.#open++;
    return () => this.#open--;
  }
}

interface Options {
  accept: string;
  isHead: boolean;
  slots: Slots;
}

/** A head that waits for the length of its compressed body. */
interface WaitingHead {
  status: number;
  headers: HeaderMap;
  coding: Coding;
}

class CompressedResponse extends EventEmitter implements HttpResponse {
  headersSent = false;
  writableEnded = false;
  readonly #inner: HttpResponse;
  readonly #options: Options;
  /** Set between a head with a length and the body. */
  #head: WaitingHead | null = null;
  /** Compresses the body; null: it is sent as it is, or compressed whole. Destroyed when the reply is over. */
  #encoder: Transform | null = null;
  #release: (() => void) | null = null;

  constructor(inner: HttpResponse, options: Options) {
    super();
    this.#inner = inner;
    this.#options = options;
    inner.on('close', () => {
      this.#finish();
      this.emit('close');
    });
    inner.on('finish', () => this.emit('finish'));
    inner.on('drain', () => this.#encoder ? this.#encoder.resume() : this.emit('drain'));
  }

  get destroyed(): boolean {
    return this.#inner.destroyed;
  }
  get writableNeedDrain(): boolean {
    // As streams have it, for `pipeline`.
    const target = (this.#encoder ?? this.#inner) as { writableNeedDrain?: boolean };
    return target.writableNeedDrain ?? false;
  }

  writeHead(status: number, fields: HeaderMap | HeaderList = {}): this {
    if (this.headersSent) throw new Error('the head of this reply was sent before');
    const headers = isHeaderList(fields) ? headerMap(fields) : fields;
    const { accept, isHead, slots } = this.#options;
    const { coding, isEvents, length } = planOf(status, headers, accept);
    // The client has left: no event would come any more that frees a place.
    if (!coding || this.destroyed) this.#inner.writeHead(status, headers);
    else if (isHead) this.#inner.writeHead(status, compressedHead(headers, coding));
    else if (isEvents) this.#stream({ status, headers, coding }, createGzip(EVENT_GZIP));
    else if (!(this.#release = slots.take())) this.#inner.writeHead(status, headers);
    else if (length !== null && length <= MAX_WHOLE) this.#head = { status, headers, coding };
    else this.#stream({ status, headers, coding });
    this.headersSent = true;
    return this;
  }

  write(chunk: Uint8Array | string, written?: (error?: Error | null) => void): boolean {
    if (!this.headersSent) this.writeHead(200);
    // The body comes in pieces.
    if (this.#head) this.#stream(this.#head);
    if (this.destroyed) return true;
    return this.#encoder ? this.#encoder.write(chunk, written) : this.#inner.write(chunk, written);
  }

  end(chunk?: Uint8Array | string): this {
    if (this.writableEnded) return this;
    if (!this.headersSent) this.writeHead(200);
    this.writableEnded = true;
    if (this.#head) this.#endWhole(this.#head, chunk ?? '');
    else if (!this.#encoder) this.#inner.end(chunk);
    else if (chunk === undefined) this.#encoder.end();
    else this.#encoder.end(chunk);
    return this;
  }

  destroy(error?: Error): this {
    this.#finish();
    this.#inner.destroy(error);
    return this;
  }
  inform(status: number, headers: HeaderMap): void {
    this.#inner.inform?.(status, headers);
  }
  upgrade(headers: HeaderMap | HeaderList): Duplex {
    return this.#inner.upgrade(headers);
  }

  #endWhole({ status, headers, coding }: WaitingHead, body: Uint8Array | string): void {
    this.#head = null;
    // A thread works on it to the end, also for a client that has left.
    const release = this.#release;
    this.#release = null;
    compressWhole(coding, body, (error, bytes) => {
      release?.();
      if (this.destroyed) return;
      try {
        if (error) throw error;
        this.#inner.writeHead(status, { ...compressedHead(headers, coding), 'content-length': bytes.length });
        this.#inner.end(bytes);
      } catch (refused) {
        this.destroy(refused as Error); // The handler has gone on.
      }
    });
  }

  #stream({ status, headers, coding }: WaitingHead, encoder = encoderFor(coding)): void {
    this.#head = null;
    try {
      this.#inner.writeHead(status, compressedHead(headers, coding));
    } catch (error) {
      this.#finish();
      throw error;
    }
    this.#encoder = encoder;
    encoder.on('data', (bytes: Uint8Array) => this.#inner.write(bytes) || encoder.pause());
    encoder.on('drain', () => this.emit('drain'));
    encoder.on('end', () => {
      this.#finish();
      this.#inner.end();
    });
    encoder.on('error', (error) => this.destroy(error));
  }

  #finish(): void {
    this.#release?.();
    this.#release = null;
    this.#encoder?.destroy();
  }
}

/** What to do with a reply; `coding` null: send it as it is. */
function planOf(status: number, headers: HeaderMap, accept: string) {
  const fields = new Map(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), String(value)]));
  const type = fields.get('content-type') ?? '';
  const isEvents = EVENTS.test(type);
  const length = fields.has('content-length') ? Number(fields.get('content-length')) : null;
  const isChangeable = status >= 200 && status !== 204 && status !== 206 && status !== 304 &&
    TEXT.test(type) && (length === null || length >= MIN_COMPRESSED) &&
    ![...fields.keys()].some((name) => UNCHANGEABLE.has(name));
  return { isEvents, length, coding: isChangeable ? chooseCoding(accept, isEvents ? ['gzip'] : undefined) : null };
}

/** A head without the length of what is not compressed. Only this variant varies: everybody takes the plain one. */
function compressedHead(headers: HeaderMap, coding: Coding): HeaderMap {
  const head: HeaderMap = {};
  let vary = 'accept-encoding';
  for (const [name, value] of Object.entries(headers)) {
    if (name.toLowerCase() === 'vary') vary = `${value}, ${vary}`;
    else if (name.toLowerCase() !== 'content-length') head[name] = value;
  }
  return { ...head, vary, 'content-encoding': coding };
}

type Compressed = (error: Error | null, bytes: Uint8Array) => void;

function compressWhole(coding: Coding, body: Uint8Array | string, done: Compressed): void {
  if (coding === 'gzip') return gzip(body, GZIP, done);
  brotliCompress(body, BROTLI, done);
}

const encoderFor = (coding: Coding): Transform => coding === 'br' ? createBrotliCompress(BROTLI) : createGzip(GZIP);
