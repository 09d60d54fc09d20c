/**
 * Forwards a browser's request or upgrade over a stream of the machine's tunnel, and the answer back, with backpressure in
 * both directions. Most requests are a single frame each way, so an exchange allocates nothing before it needs it.
 */
import { type Buffer, isAscii } from 'node:buffer';
import type { ErrorCode } from '../core/api/errors.ts';
import { type Clock, systemClock } from '../core/clock.ts';
import {
  fieldOf,
  forwardRequestFields,
  forwardResponseFields,
  forwardTrailers,
  type Via,
} from '../core/http/proxy-headers.ts';
import { HttpError, json } from '../core/http/reply.ts';
import { headerMap } from '../core/http/header-list.ts';
import type { HeaderList, HeaderMap, HttpRequest, HttpResponse } from '../core/http/types.ts';
import { HEAD_TIMEOUT_MS, RESET, type Stream, StreamDuplex, type StreamEvents } from '../core/tunnel/mod.ts';
import type { Machine } from './machines.ts';
import { UpgradedConnection } from './upgraded-connection.ts';

/** Up to this size copying a body into the head's write is cheaper than a second write, bytes. */
const MAX_COPIED_BODY = 4096;
/** 1xx answers forwarded for each request. They have no credit, so a machine could send them without end. */
const MAX_INFOS = 8;

export interface ForwardSettings {
  /** The request's target for the machine, when it is not the one that the relay was asked for. */
  target?: string;
  /** Whether to remove the cookie of this name: the machine must not see it. */
  dropCookies?: (name: string) => boolean;
  /** Authorization is meant for the machine. */
  credentials?: boolean;
  /** The fields that the browser gets of the machine's answer; default: all. */
  answer?: (fields: HeaderList) => HeaderList;
  /** Called with each connection that left HTTP. */
  onUpgrade?: (connection: UpgradedConnection) => void;
  clock?: Clock;
}

/** What node:http's request and response have beyond HttpRequest and HttpResponse; a tunnel stream lacks it. */
interface Trailers {
  rawTrailers?: string[];
  complete?: boolean;
  addTrailers?: (headers: HeaderMap) => void;
}

/** Forwards a request or an upgrade to the machine. Answers 502, 503 or 504 itself when the machine gives no answer. */
export function forward(
  machine: Machine | null,
  req: HttpRequest,
  res: HttpResponse,
  via: Via,
  settings: ForwardSettings = {},
): void {
  if (!machine?.available) return refuse(res, 502, 'tunnel_down', 'Tunnel not connected');
  const stream = machine.open();
  if (!stream) return refuse(res, 503, 'too_many_requests', 'Too many requests at a time go through the tunnel.');
  new Exchange(stream, req, res, settings).start(via);
}

function refuse(res: HttpResponse, status: number, code: ErrorCode, text: string): void {
  if (res.headersSent) return void res.destroy();
  json(res, status, { error: text, code });
}

/** `upgrade` among Connection's tokens (RFC 9110 section 7.6.1), by the rule of node:http. */
const ASKS_UPGRADE = /(?:^|,)[ \t]*upgrade[ \t]*(?:,|$)/i;
/** HTTP/1.0 has no upgrades; its field is ignored (RFC 9110 section 7.8). */
const asksUpgrade = ({ headers, httpVersion }: HttpRequest): boolean =>
  httpVersion !== '1.0' && headers.upgrade !== undefined && ASKS_UPGRADE.test(headers.connection ?? '');

/**
 * A request and its answer. Nothing that the machine sends may throw out of an event handler: the tunnel would treat that
 * as its own failure and close for everybody.
 */
class Exchange implements StreamEvents {
  readonly #stream: Stream;
  readonly #req: HttpRequest;
  readonly #res: HttpResponse;
  readonly #settings: ForwardSettings;
  readonly #clock: Clock;
  readonly #upgrade: boolean;
  #timer: ReturnType<Clock['setTimeout']> | null = null;
  /** Body bytes that the answer's Content-Length still announces; null without a Content-Length. */
  #expected: number | null = null;
  #trailers: string[] = [];
  #waiting = false;
  #infos = 0;
  #settled = false;

  constructor(stream: Stream, req: HttpRequest, res: HttpResponse, settings: ForwardSettings) {
    this.#stream = stream;
    this.#req = req;
    this.#res = res;
    this.#settings = settings;
    this.#clock = settings.clock ?? systemClock;
    this.#upgrade = asksUpgrade(req);
  }

  start(via: Via): void {
    const { method, url, rawHeaders } = this.#req;
    const { dropCookies, credentials, target = url } = this.#settings;
    const fields = forwardRequestFields(rawHeaders, { via, upgrade: this.#upgrade, dropCookies, credentials });
    fields.unshift(method, target, via.address);
    this.#stream.events = this;
    if (!this.#stream.open(fields, this.#upgrade)) {
      this.#stream.reset(RESET.cancel);
      return this.#fail(431, 'head_too_large', 'The request head is too large.');
    }
    this.#startTimer();
    this.#res.on('close', () => this.#onClosed());
    if (this.#upgrade) return; // The request's half stays open for the bytes behind the 101.
    const { headers } = this.#req;
    if (headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0) this.#upload();
    else this.#stream.end();
  }

  // ---- the request's body

  #upload(): void {
    const req = this.#req;
    this.#stream.transferOwnership();
    req.on('data', (chunk: Buffer) => {
      if (this.#timer !== null) this.#startTimer(); // The machine may answer only after the whole body.
      // After the stream has closed the rest is read and dropped, so that the connection can be reused.
      if (!this.#stream.write(chunk)) req.pause();
    });
    req.on('end', () => this.#stream.end(forwardTrailers((req as Trailers).rawTrailers ?? [])));
    req.on('error', () => this.#onClosed());
  }
  onDrain(): void {
    this.#req.resume();
  }

  // ---- the answer

  onInfo(status: number, raw: string[]): void {
    if (++this.#infos > MAX_INFOS) return;
    // HTTP/1.0 has no 1xx answers (RFC 9110 section 15.2).
    if (status <= 101 || status > 199 || this.#req.httpVersion === '1.0') return;
    ignoreErrors(() => this.#res.inform?.(status, headerMap(this.#answer(forwardResponseFields(raw)))));
  }

  onHead(status: number, raw: string[]): void {
    this.#stopTimer();
    if (status === 101) return this.#onUpgrade(raw);
    if (status < 200 || status > 599) return this.#failBadAnswer();
    const fields = this.#answer(forwardResponseFields(raw));
    const length = contentLength(raw);
    if (length === false) return this.#failBadAnswer();
    const hasNoBody = this.#req.method === 'HEAD' || status === 204 || status === 304;
    this.#expected = hasNoBody ? null : length;
    // Trailers come behind a chunked body only; node:http refuses to announce others.
    const hasNoTrailers = hasNoBody || length !== null || this.#req.httpVersion === '1.0';
    try {
      this.#res.writeHead(status, hasNoTrailers ? withoutField(fields, 'trailer') : fields);
    } catch {
      this.#failBadAnswer(); // A field name or value is invalid.
    }
  }
  #onUpgrade(raw: string[]): void {
    if (!this.#upgrade) return this.#failBadAnswer();
    let browser: ReturnType<HttpResponse['upgrade']>;
    try {
      browser = this.#res.upgrade(this.#answer(upgradeFields(raw)));
    } catch {
      return this.#failBadAnswer(); // As in onHead, or the request was no upgrade for node:http.
    }
    this.#settled = true;
    const isWebSocket = fieldOf(raw, 'upgrade').toLowerCase() === 'websocket';
    const connection = new UpgradedConnection(browser, new StreamDuplex(this.#stream), isWebSocket, this.#clock);
    this.#settings.onUpgrade?.(connection);
  }
  onData(chunk: Buffer, last: boolean, done?: (error?: Error | null) => void): void {
    if (this.#expected !== null && (this.#expected -= chunk.length) < 0) return this.#abort();
    if (last && !this.#expected) {
      this.#settled = true;
      const piece = smallAsText(chunk);
      this.#res.end(piece);
      return piece === chunk ? undefined : done?.();
    }
    if (done ? this.#res.write(chunk, done) : this.#res.write(chunk)) return this.#stream.accept();
    if (this.#waiting) return;
    this.#waiting = true;
    this.#res.once('drain', () => {
      this.#waiting = false;
      this.#stream.accept();
    });
  }
  onTrailers(raw: string[]): void {
    this.#trailers = forwardTrailers(raw);
  }
  onEnd(): void {
    if (this.#settled) return;
    if (!this.#res.headersSent) return this.#failBadAnswer();
    if (this.#expected) return this.#abort();
    this.#settled = true;
    const trailers = this.#trailers;
    if (trailers.length) {
      ignoreErrors(() => (this.#res as Trailers).addTrailers?.(headerMap(forwardResponseFields(trailers))));
    }
    this.#res.end();
  }
  onReset(code: number): void {
    this.#stopTimer();
    if (this.#settled) return void this.#req.resume();
    if (this.#res.headersSent) return this.#abort();
    if (code === RESET.lost) return this.#fail(502, 'tunnel_lost', 'The tunnel was lost before the answer came.');
    if (code === RESET.refused) return this.#fail(503, 'too_many_requests', 'The machine serves too many requests.');
    this.#fail(502, 'bad_answer', 'The machine gave no valid answer.');
  }

  #answer(fields: HeaderList): HeaderList {
    return this.#settings.answer?.(fields) ?? fields;
  }

  // ---- ends

  /** The browser's side has closed: the answer is finished, or the browser is gone. */
  #onClosed(): void {
    this.#stopTimer();
    this.#settled = true;
    this.#stream.reset(RESET.cancel);
  }
  #onTimeout(): void {
    this.#stream.reset(RESET.cancel);
    this.#fail(504, 'machine_slow', 'The machine did not answer in time.');
  }
  /** The machine's answer cannot be forwarded. */
  #failBadAnswer(): void {
    this.#stream.reset(RESET.protocol);
    this.#fail(502, 'bad_answer', 'The machine gave no valid answer.');
  }
  #fail(status: number, code: ErrorCode, text: string): void {
    if (this.#settled) return;
    this.#stopTimer();
    this.#settled = true;
    if (this.#res.headersSent) return void this.#res.destroy();
    try {
      json(this.#res, new HttpError(status, code, text).status, { error: text, code });
    } catch {
      this.#res.destroy();
    }
    this.#req.resume();
  }
  /** Breaks the answer off, so that the browser never takes a part of it for the whole. */
  #abort(): void {
    this.#settled = true;
    this.#stream.reset(RESET.cancel);
    this.#res.destroy();
  }
  #startTimer(): void {
    this.#stopTimer();
    this.#timer = this.#clock.setTimeout(() => this.#onTimeout(), HEAD_TIMEOUT_MS);
  }
  #stopTimer(): void {
    if (this.#timer === null) return;
    this.#clock.clearTimeout(this.#timer);
    this.#timer = null;
  }
}

/** Runs an action on a part of the answer that is dropped when node:http refuses it. */
function ignoreErrors(action: () => void): void {
  try {
    action();
  } catch {
    // The rest of the answer is still valid.
  }
}

/** @param unwanted in lower case */
function withoutField(fields: HeaderList, unwanted: string): HeaderList {
  for (let i = 0; i < fields.length; i += 2) {
    if (fields[i]!.length !== unwanted.length || fields[i]!.toLowerCase() !== unwanted) continue;
    return [...fields.slice(0, i), ...withoutField(fields.slice(i + 2), unwanted)];
  }
  return fields;
}

/** node:http writes the head together with a string but apart from bytes; for a small answer a second write costs most. */
const smallAsText = (chunk: Buffer): Buffer | string =>
  chunk.length <= MAX_COPIED_BODY && isAscii(chunk) ? chunk.toString('latin1') : chunk;

/** The declared length; null without one, false when it is no number or stands there twice. */
function contentLength(raw: readonly string[]): number | null | false {
  let length: string | null = null;
  for (let i = 0; i < raw.length; i += 2) {
    if (raw[i]!.length !== 14 || raw[i]!.toLowerCase() !== 'content-length') continue;
    if (length !== null) return false;
    length = raw[i + 1]!;
  }
  if (length === null) return null;
  return /^\d{1,15}$/.test(length) ? Number(length) : false;
}

/** A 101's fields: those of any answer, and Connection and Upgrade, which make it a 101. */
function upgradeFields(raw: readonly string[]): string[] {
  const fields = forwardResponseFields(raw);
  for (let i = 0; i < raw.length; i += 2) {
    const name = raw[i]!.toLowerCase();
    if (name === 'connection' || name === 'upgrade') fields.push(raw[i]!, raw[i + 1]!);
  }
  return fields;
}
