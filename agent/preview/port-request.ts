/**
 * A request or an upgrade of a preview, asked of the port as if its user sat at this machine: the Host and Origin that the
 * program expects, its own cookies, nothing that says who asks.
 */
import type { IncomingMessage } from 'node:http';
import { Agent, type ClientRequest, request } from 'node:http';
import type { Duplex } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { headerMap } from '../../core/http/header-list.ts';
import { forwardRequestFields, forwardResponseFields } from '../../core/http/proxy-headers.ts';
import type { HeaderMap, HttpRequest, HttpResponse } from '../../core/http/types.ts';
import { isOwnCookie } from '../../core/preview/fields.ts';
import { refusePreview } from '../../core/preview/entry.ts';

export interface PortTarget {
  /** A loopback address. */
  address: string;
  port: number;
  /** Path and query. */
  url: string;
}

/** Each request has a connection of its own, so that none can be mistaken for another's rest. */
const agent = new Agent({ keepAlive: false });

/** Fields that the proxy before this one has added (the program is asked by this machine), and what announces trailers: none follow. */
const LEFT_OUT = /^(?:x-forwarded-.*|x-relay-.*|trailer)$/i;
/** Methods whose body node:http does not frame by itself. */
const BODILESS = new Set(['GET', 'HEAD', 'OPTIONS', 'DELETE']);

/**
 * @param answer the fields that the browser gets of the program's answer
 * @returns ends it
 */
export function askPort(
  target: PortTarget,
  req: HttpRequest,
  res: HttpResponse,
  answer: (headers: HeaderMap) => HeaderMap,
): () => void {
  return new PortExchange(target, req, res, answer).start();
}

class PortExchange {
  readonly #target: PortTarget;
  readonly #req: HttpRequest;
  readonly #res: HttpResponse;
  readonly #answer: (headers: HeaderMap) => HeaderMap;
  readonly #upstream: ClientRequest;

  constructor(target: PortTarget, req: HttpRequest, res: HttpResponse, answer: (headers: HeaderMap) => HeaderMap) {
    this.#target = target;
    this.#req = req;
    this.#res = res;
    this.#answer = answer;
    const { address: host, port, url: path } = target;
    this.#upstream = request({ host, port, path, method: req.method, headers: requestFields(req, port), agent });
  }

  start(): () => void {
    const upstream = this.#upstream;
    upstream.on('response', (reply) => void this.#onReply(reply));
    upstream.on('upgrade', (reply, socket, head) => this.#onUpgrade(reply, socket, head));
    upstream.on('error', () => this.#fail());
    this.#res.once('close', () => upstream.destroy());
    this.#upload();
    return () => {
      upstream.destroy();
      this.#res.destroy();
    };
  }

  #upload(): void {
    const req = this.#req;
    req.on('error', () => this.#upstream.destroy());
    const hasLength = req.headers['content-length'] !== undefined;
    if (req.headers.upgrade !== undefined || (!hasLength && BODILESS.has(req.method))) {
      req.resume();
      this.#upstream.end();
    } else req.pipe(this.#upstream);
  }

  async #onReply(reply: IncomingMessage): Promise<void> {
    reply.on('error', () => {});
    try {
      this.#res.writeHead(reply.statusCode!, this.#answer(this.#replyFields(reply)));
    } catch {
      return this.#fail(); // Its status or a field is none that HTTP allows.
    }
    // What breaks breaks the reply: half of it never looks whole.
    await pipeline(reply, this.#res as unknown as NodeJS.WritableStream).catch(() => void this.#res.destroy());
  }

  #onUpgrade(reply: IncomingMessage, socket: Duplex, head: Uint8Array): void {
    let browser: Duplex;
    try {
      browser = this.#res.upgrade({
        ...this.#answer(this.#replyFields(reply)),
        connection: 'Upgrade',
        upgrade: String(reply.headers.upgrade ?? ''),
      });
    } catch {
      socket.destroy();
      return this.#fail();
    }
    if (head.length) socket.unshift(head);
    for (const [from, to] of [[browser, socket], [socket, browser]] as const) {
      from.on('error', () => to.destroy());
      from.on('close', () => to.destroy());
      from.pipe(to);
    }
  }

  /** A redirection to the program's own address stays on the preview's. */
  #replyFields({ rawHeaders }: IncomingMessage): HeaderMap {
    const headers = headerMap(forwardResponseFields(rawHeaders));
    for (const name of Object.keys(headers)) {
      if (/^trailer$/i.test(name)) delete headers[name];
      else if (/^(?:location|content-location)$/i.test(name)) {
        headers[name] = ownPath(String(headers[name]), this.#target.port);
      }
    }
    return headers;
  }

  #fail(): void {
    this.#upstream.destroy();
    if (this.#res.destroyed || this.#res.writableEnded) return;
    refusePreview(this.#res, 502, `Nothing usable came from port ${this.#target.port}. Is the program still running?`);
  }
}

/** Fields for the program, by name. */
function requestFields(req: HttpRequest, port: number): Record<string, string | string[]> {
  const own = `localhost:${port}`;
  const via = { address: '', proto: 'http' as const, host: '' };
  const upgrade = req.headers.upgrade !== undefined;
  const raw = forwardRequestFields(req.rawHeaders, { via, upgrade, dropCookies: isOwnCookie, credentials: true });
  // Without a prototype: a page may name a field "constructor".
  const headers: Record<string, string | string[]> = Object.create(null);
  for (let i = 0; i < raw.length; i += 2) {
    const name = raw[i]!.toLowerCase();
    if (name === 'host' || LEFT_OUT.test(name)) continue;
    const value = name === 'origin' ? `http://${own}` : name === 'referer' ? atOrigin(raw[i + 1]!, own) : raw[i + 1]!;
    const before = headers[name];
    headers[name] = before === undefined ? value : typeof before === 'string' ? [before, value] : [...before, value];
  }
  return { ...headers, host: own };
}

/** The same page at the program's own address. */
function atOrigin(address: string, host: string): string {
  if (!URL.canParse(address)) return `http://${host}/`;
  const { pathname, search } = new URL(address);
  return `http://${host}${pathname}${search}`;
}

const LOOPBACK = new Set(['localhost', '127.0.0.1', '[::1]']);

function ownPath(location: string, port: number): string {
  if (!URL.canParse(location)) return location;
  const url = new URL(location);
  const isOwn = LOOPBACK.has(url.hostname) && (Number(url.port) || 80) === port;
  return isOwn ? `${url.pathname}${url.search}${url.hash}` : location;
}
