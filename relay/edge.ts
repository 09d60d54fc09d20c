/**
 * The relay's way from a browser's request to a stream of the machine's tunnel and back: requests and upgrades, with
 * backpressure in both directions. Most requests are one frame each way, so nothing is made before it is needed.
 */
import { type Buffer, isAscii } from 'node:buffer';
import { type Clock, systemClock } from '../core/clock.ts';
import { forwardRequestFields, forwardResponseFields, forwardTrailers, type Via } from '../core/http/forward.ts';
import { HttpError, json } from '../core/http/reply.ts';
import type { HeaderMap, HttpRequest, HttpResponse } from '../core/http/types.ts';
import { HEAD_TIMEOUT_MS, RESET, type Stream, StreamDuplex, type StreamEvents } from '../core/tunnel/mod.ts';
import type { Machine } from './machines.ts';

/** Up to here a copy is cheaper than a second piece. */
const SMALL_BODY = 4096;
/** 1xx answers to one request that are passed on: they have no credit. */
const MAX_INFOS = 8;
/** How long a browser may take to end a connection that left HTTP and is over. */
const LINGER_MS = 2_000;

export interface ForwardSettings {
  /** Cookies by name that the machine must not see. */
  dropCookies?: (name: string) => boolean;
  clock?: Clock;
}

/** What node:http's request and response have beside the handler's part, where there is node:http. */
interface Trailers {
  rawTrailers?: string[];
  complete?: boolean;
  addTrailers?: (headers: HeaderMap) => void;
}

/** Serves one request or upgrade by the machine. Answers 502, 503 or 504 by itself when the machine does not. */
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
  const exchange = new Exchange(stream, req, res, settings.clock ?? systemClock);
  exchange.start(via, settings.dropCookies);
}

function refuse(res: HttpResponse, status: number, code: string, text: string): void {
  if (res.headersSent) return void res.destroy();
  json(res, status, { error: text, code });
}

/** `upgrade` as one of Connection's tokens (RFC 9110 section 7.6.1), just as node:http sees it. */
const ASKS_UPGRADE = /(?:^|,)[ \t]*upgrade[ \t]*(?:,|$)/i;

/**
 * One request and its answer. Nothing that the machine sends may throw out of here: the tunnel would take it for its own
 * failure and end for everybody.
 */
class Exchange implements StreamEvents {
  readonly #stream: Stream;
  readonly #req: HttpRequest;
  readonly #res: HttpResponse;
  readonly #clock: Clock;
  readonly #upgrade: boolean;
  #timer: ReturnType<Clock['setTimeout']> | null = null;
  /** Body bytes that the answer's Content-Length still promises; null when it promises nothing. */
  #expected: number | null = null;
  #trailers: string[] = [];
  #waiting = false;
  #infos = 0;
  #settled = false;

  constructor(stream: Stream, req: HttpRequest, res: HttpResponse, clock: Clock) {
    this.#stream = stream;
    this.#req = req;
    this.#res = res;
    this.#clock = clock;
    this.#upgrade = req.headers.upgrade !== undefined && ASKS_UPGRADE.test(req.headers.connection ?? '');
  }

  start(via: Via, dropCookies: ForwardSettings['dropCookies']): void {
    const { method, url, rawHeaders } = this.#req;
    const fields = forwardRequestFields(rawHeaders, { via, upgrade: this.#upgrade, dropCookies });
    fields.unshift(method, url, via.address);
    this.#stream.events = this;
    if (!this.#stream.open(fields, this.#upgrade)) {
      this.#stream.reset(RESET.cancel);
      return this.#fail(431, 'head_too_large', 'The request head is too large.');
    }
    this.#startTimer();
    this.#res.on('close', () => this.#onClosed());
    if (this.#upgrade) return; // Its half stays open for what follows the 101.
    const { headers } = this.#req;
    if (headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0) this.#upload();
    else this.#stream.end();
  }

  // ---- the request's body

  #upload(): void {
    const req = this.#req;
    this.#stream.give();
    req.on('data', (chunk: Buffer) => {
      if (this.#timer !== null) this.#startTimer(); // An answer may wait for all of a body that is on its way.
      // After the stream is over the rest is read and dropped, so that the connection can be used again.
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
    // HTTP/1.0 has no answers before the answer (RFC 9110 section 15.2).
    if (status <= 101 || status > 199 || this.#req.httpVersion === '1.0') return;
    tolerant(() => this.#res.inform?.(status, forwardResponseFields(raw)));
  }

  onHead(status: number, raw: string[]): void {
    this.#stopTimer();
    if (status === 101) return this.#onUpgrade(raw);
    if (status < 200 || status > 599) return this.#bad();
    const headers = forwardResponseFields(raw);
    const length = contentLength(raw);
    if (length === false) return this.#bad();
    this.#expected = this.#req.method === 'HEAD' || status === 204 || status === 304 ? null : length;
    try {
      this.#res.writeHead(status, headers);
    } catch {
      this.#bad(); // A name or value that cannot stand in a head.
    }
  }
  #onUpgrade(raw: string[]): void {
    if (!this.#upgrade) return this.#bad();
    let browser: ReturnType<HttpResponse['upgrade']>;
    try {
      browser = this.#res.upgrade(upgradeFields(raw));
    } catch {
      return this.#bad(); // As in onHead; or this connection cannot leave HTTP.
    }
    this.#settled = true;
    const machine = new StreamDuplex(this.#stream);
    join(browser, machine, this.#clock);
  }
  onData(chunk: Buffer, last: boolean, done?: (error?: Error | null) => void): void {
    if (this.#expected !== null && (this.#expected -= chunk.length) < 0) return this.#abort();
    if (last && !this.#expected) {
      this.#settled = true;
      const piece = inOnePiece(chunk);
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
    this.#trailers = raw;
  }
  onEnd(): void {
    if (this.#settled) return;
    if (!this.#res.headersSent) return this.#bad();
    if (this.#expected) return this.#abort();
    this.#settled = true;
    const trailers = this.#trailers;
    if (trailers.length) tolerant(() => (this.#res as Trailers).addTrailers?.(forwardResponseFields(trailers)));
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

  // ---- ends

  /** The browser's side is over: finished, or gone. */
  #onClosed(): void {
    this.#stopTimer();
    this.#settled = true;
    this.#stream.reset(RESET.cancel);
  }
  #late(): void {
    this.#stream.reset(RESET.cancel);
    this.#fail(504, 'machine_slow', 'The machine did not answer in time.');
  }
  /** The machine's answer cannot be passed on. */
  #bad(): void {
    this.#stream.reset(RESET.protocol);
    this.#fail(502, 'bad_answer', 'The machine gave no valid answer.');
  }
  #fail(status: number, code: string, text: string): void {
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
  /** Cut in the middle: the browser must never take it for the whole. */
  #abort(): void {
    this.#settled = true;
    this.#stream.reset(RESET.cancel);
    this.#res.destroy();
  }
  #startTimer(): void {
    this.#stopTimer();
    this.#timer = this.#clock.setTimeout(() => this.#late(), HEAD_TIMEOUT_MS);
  }
  #stopTimer(): void {
    if (this.#timer === null) return;
    this.#clock.clearTimeout(this.#timer);
    this.#timer = null;
  }
}

/** For what may be left out of an answer when node:http does not take it. */
function tolerant(action: () => void): void {
  try {
    action();
  } catch {
    // The answer itself is not touched.
  }
}

/** node:http writes a head and a text in one piece, a head and bytes in two: for a small answer that is what costs most. */
const inOnePiece = (chunk: Buffer): Buffer | string =>
  chunk.length <= SMALL_BODY && isAscii(chunk) ? chunk.toString('latin1') : chunk;

/** The declared length; null without one, false when it is no number or there are several that differ. */
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

/** A 101 keeps what makes it one. */
function upgradeFields(raw: readonly string[]): HeaderMap {
  const headers = forwardResponseFields(raw);
  for (let i = 0; i < raw.length; i += 2) {
    const name = raw[i]!.toLowerCase();
    if (name === 'connection' || name === 'upgrade') headers[raw[i]!] = raw[i + 1]!;
  }
  return headers;
}

/** Bytes both ways until both halves have ended; whichever side breaks takes the other with it. */
function join(browser: ReturnType<HttpResponse['upgrade']>, machine: StreamDuplex, clock: Clock): void {
  browser.on('error', () => {});
  browser.on('close', () => machine.destroy());
  // After a clean end the browser may still have to read what it was sent.
  machine.on('close', () => {
    if (browser.destroyed) return;
    if (!browser.writableEnded) return void browser.destroy();
    browser.resume(); // Nobody reads it any more, but its end must be seen.
    if (browser.writableFinished) linger(browser, clock);
    else browser.once('finish', () => linger(browser, clock));
  });
  browser.pipe(machine);
  machine.pipe(browser);
}

/** All is sent and nothing more is wanted: who does not end its side now is cut off. */
function linger(browser: ReturnType<HttpResponse['upgrade']>, clock: Clock): void {
  const timer = clock.setTimeout(() => void browser.destroy(), LINGER_MS);
  browser.once('close', () => clock.clearTimeout(timer));
}
