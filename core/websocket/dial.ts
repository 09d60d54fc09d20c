/** The client's side: connects, does the opening handshake and returns a Connection. */
import { Buffer } from 'node:buffer';
import net from 'node:net';
import type { Duplex } from 'node:stream';
import tls from 'node:tls';
import { systemClock } from '../clock.ts';
import { Connection, type ConnectionOptions } from './connection.ts';
import { WebSocketError, type WebSocketErrorCode } from './errors.ts';
import { checkAnswer, type ClientOptions, makeOffer, parseResponseHead, type ResponseHead } from './handshake.ts';
import { withDefaults } from './limits.ts';

export interface DialOptions
  extends ClientOptions, Pick<ConnectionOptions, 'limits' | 'heartbeat' | 'clock' | 'zeroCopy'> {
  /** Milliseconds for everything until the connection is open. */
  timeoutMs?: number;
  /** For wss: further options of node:tls, e.g. `ca`. */
  tls?: tls.ConnectionOptions;
  /** Aborts the attempt as long as the connection is not open. */
  signal?: AbortSignal;
  /** A stream that is already connected, instead of a new socket; with wss it must already be encrypted. */
  stream?: Duplex;
}

/** Time before the next address of a name is tried, ms: node:net's 250 would abandon every slow path. */
const ATTEMPT_MS = 3_000;
const DEFAULT_TIMEOUT_MS = 10_000;
const HEAD_END = Buffer.from('\r\n\r\n');

/**
 * @param url ws: or wss:
 * @throws WebSocketError WS_URL, WS_CONNECT, WS_TIMEOUT, WS_ABORTED, WS_STATUS (with `status`), WS_HANDSHAKE;
 * TypeError for a header or subprotocol that cannot be sent
 */
export async function dial(url: string | URL, options: DialOptions = {}): Promise<Connection> {
  const target = parseUrl(url);
  const offer = makeOffer(target, options);
  if (options.signal?.aborted) throw new WebSocketError('WS_ABORTED', 'Connecting was given up');
  const stream = options.stream ?? open(target, options.tls);
  const limit = withDefaults(options.limits).handshakeBytes;
  const { head, rest } = await shakeHands(stream, offer.text, limit, target, options);
  try {
    const agreed = checkAnswer(head, offer);
    if (rest.length > 0) stream.unshift(rest);
    const tuning = typeof options.deflate === 'object' ? options.deflate : undefined;
    return new Connection(stream, { ...options, role: 'client', ...agreed, ...(tuning && { tuning }) });
  } catch (error) {
    stream.destroy();
    throw error;
  }
}

function parseUrl(url: string | URL): URL {
  let parsed;
  try {
    parsed = new URL(url);
  } catch (error) {
    throw new WebSocketError('WS_URL', `Not an address: ${String(url)}`, { cause: error });
  }
  if (!/^wss?:$/.test(parsed.protocol)) throw new WebSocketError('WS_URL', `Not a ws: or wss: address: ${parsed.href}`);
  if (parsed.hash) throw new WebSocketError('WS_URL', 'A WebSocket address has no fragment (#)'); // §3
  return parsed;
}

function open(url: URL, options: tls.ConnectionOptions = {}): Duplex {
  const secure = url.protocol === 'wss:';
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const port = Number(url.port) || (secure ? 443 : 80);
  const address = { host, port, autoSelectFamilyAttemptTimeout: ATTEMPT_MS };
  if (!secure) return net.connect({ ...address, noDelay: true });
  const servername = net.isIP(host) ? '' : host;
  const socket = tls.connect({ ...address, servername, ALPNProtocols: ['http/1.1'], ...options });
  socket.setNoDelay(true);
  return socket;
}

interface Answer {
  head: ResponseHead;
  /** Bytes behind the head. */
  rest: Buffer;
}

/** Sends the request and reads the answer's head. The stream is paused then, or destroyed on failure. */
function shakeHands(
  stream: Duplex,
  request: string,
  limit: number,
  url: URL,
  options: DialOptions,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const reader = new HeadReader(limit);
    const attempt = new Attempt(stream, url, options, reject);
    attempt.onData = (chunk) => {
      const answer = reader.push(chunk);
      if (!answer) return;
      stream.pause();
      attempt.end();
      resolve(answer);
    };
    stream.write(request);
  });
}

/** The time until the answer: whatever ends it early destroys the stream and rejects. */
class Attempt {
  /** Receives what arrives; an error that it throws fails the attempt. */
  onData: (chunk: Buffer) => void = () => {};
  readonly #stream: Duplex;
  readonly #reject: (error: unknown) => void;
  /** Removes every listener and the timer. */
  readonly end: () => void;

  constructor(stream: Duplex, url: URL, options: DialOptions, reject: (error: unknown) => void) {
    const { timeoutMs = DEFAULT_TIMEOUT_MS, signal, clock = systemClock } = options;
    this.#stream = stream;
    this.#reject = reject;
    const failed = (cause: Error) => this.#fail('WS_CONNECT', `Cannot reach ${url.host}: ${reasonOf(cause)}`, cause);
    const ended = () => this.#fail('WS_CONNECT', `${url.host} ended the connection without an answer`);
    const aborted = () => this.#fail('WS_ABORTED', 'Connecting was given up');
    const timer = clock.setTimeout(() => {
      this.#fail('WS_TIMEOUT', `${url.host} did not open a WebSocket in ${timeoutMs / 1000} s`);
    }, timeoutMs);
    signal?.addEventListener('abort', aborted);
    stream.on('error', () => {}); // Also between the handshake and the connection.
    stream.on('data', this.#data).on('error', failed).on('end', ended).on('close', ended);
    this.end = () => {
      clock.clearTimeout(timer);
      signal?.removeEventListener('abort', aborted);
      stream.off('data', this.#data).off('error', failed).off('end', ended).off('close', ended);
    };
  }

  readonly #data = (chunk: Buffer): void => {
    try {
      this.onData(chunk);
    } catch (error) {
      this.#failWith(error);
    }
  };
  #fail(code: WebSocketErrorCode, message: string, cause?: unknown): void {
    this.#failWith(new WebSocketError(code, message, cause === undefined ? {} : { cause }));
  }
  #failWith(error: unknown): void {
    this.end();
    this.#stream.destroy();
    this.#reject(error);
  }
}

/** The error for a name with several addresses has one error for each address and no message of its own. */
function reasonOf(cause: Error): string {
  if (!(cause instanceof AggregateError)) return cause.message || cause.name;
  return [...new Set(cause.errors.map((error: Error) => error.message))].join(', ') || cause.name;
}

/** Gathers chunks up to the empty line. 1xx answers before the real one are skipped (RFC 9110 §15.2). */
class HeadReader {
  readonly #limit: number;
  #bytes: Buffer = Buffer.alloc(0);

  constructor(limit: number) {
    this.#limit = limit;
  }

  push(chunk: Buffer): Answer | null {
    this.#bytes = Buffer.concat([this.#bytes, chunk]);
    for (;;) {
      const end = this.#bytes.indexOf(HEAD_END);
      if (end > this.#limit || (end < 0 && this.#bytes.length > this.#limit)) {
        throw new WebSocketError('WS_HANDSHAKE', `The server's answer has a head of more than ${this.#limit} bytes`);
      }
      if (end < 0) return null;
      const head = parseResponseHead(this.#bytes.toString('latin1', 0, end));
      this.#bytes = this.#bytes.subarray(end + HEAD_END.length);
      if (head.status >= 200 || head.status === 101) return { head, rest: this.#bytes };
    }
  }
}
