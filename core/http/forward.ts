/** Header fields on their way through a proxy (RFC 9110 section 7.6): which stay, which go, what is added. Pure. */
import type { IncomingHttpHeaders } from 'node:http';
import type { HeaderMap } from './types.ts';

/** About one connection, not about the message (RFC 9110 section 7.6.1, RFC 9112 section 9). */
const HOP_BY_HOP = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-authentication-info',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'http2-settings',
]);
/** What only a relay may say of the client. */
const FORWARDED = /^(?:forwarded|via|x-forwarded-.*|x-relay-.*|x-real-ip|x-client-ip|true-client-ip|x-original-.*)$/;
const WEBSOCKET = /^sec-websocket-/;

/** Routing, framing and proof of who asks. */
const HEAD_ONLY = new Set(['host', 'content-length', 'expect', 'cookie', 'authorization', 'origin', 'range']);

export interface Via {
  /** The client's address. */
  address: string;
  proto: 'http' | 'https';
  /** The Host that the client asked for. */
  host: string;
}

export interface ForwardOptions {
  via: Via;
  /** The request asks to leave HTTP: Upgrade and Sec-WebSocket-* go along. */
  upgrade: boolean;
  /** Cookies by name that stay behind. */
  dropCookies?: (name: string) => boolean;
}

/** Fields of a request for the machine behind the proxy. `raw` is name, value, name, value … and so is the result. */
export function forwardRequestFields(raw: readonly string[], options: ForwardOptions): string[] {
  const named = connectionNamed(raw);
  const fields: string[] = [];
  for (let i = 0; i < raw.length; i += 2) {
    const name = raw[i]!.toLowerCase();
    let value = raw[i + 1]!;
    if (HOP_BY_HOP.has(name) || named?.has(name) || FORWARDED.test(name)) continue;
    // The proxy has answered 100-continue itself, or will when the body is read.
    if (name === 'expect' || (!options.upgrade && WEBSOCKET.test(name))) continue;
    if (name === 'cookie' && options.dropCookies) {
      value = withoutCookies(value, options.dropCookies);
      if (value === '') continue;
    }
    fields.push(raw[i]!, value);
  }
  if (options.upgrade) fields.push('Connection', 'Upgrade', 'Upgrade', fieldOf(raw, 'upgrade'));
  const { address, proto, host } = options.via;
  fields.push('X-Forwarded-For', address, 'X-Forwarded-Proto', proto, 'X-Forwarded-Host', host);
  return fields;
}

/** What comes behind a request's body: nothing there may say what only a head says (RFC 9110 section 6.5.1). */
export function forwardTrailers(raw: readonly string[]): string[] {
  const fields: string[] = [];
  for (let i = 0; i < raw.length; i += 2) {
    const name = raw[i]!.toLowerCase();
    if (HOP_BY_HOP.has(name) || FORWARDED.test(name) || WEBSOCKET.test(name) || HEAD_ONLY.has(name)) continue;
    fields.push(raw[i]!, raw[i + 1]!);
  }
  return fields;
}

/** Fields of a response for the client, as writeHead takes them. Framing fields that the proxy decides itself are gone. */
export function forwardResponseFields(raw: readonly string[]): HeaderMap {
  const named = connectionNamed(raw);
  const headers: Record<string, string | string[]> = {};
  for (let i = 0; i < raw.length; i += 2) {
    const name = raw[i]!;
    const lower = name.toLowerCase();
    if (HOP_BY_HOP.has(lower) || named?.has(lower)) continue;
    const value = raw[i + 1]!;
    const before = Object.hasOwn(headers, name) ? headers[name] : undefined;
    headers[name] = before === undefined ? value : typeof before === 'string' ? [before, value] : [...before, value];
  }
  return headers;
}

/** Names that the Connection field declares to be about the connection; null when there are none. */
function connectionNamed(raw: readonly string[]): Set<string> | null {
  let named: Set<string> | null = null;
  for (let i = 0; i < raw.length; i += 2) {
    if (raw[i]!.length !== 10 || raw[i]!.toLowerCase() !== 'connection') continue;
    for (const token of raw[i + 1]!.split(',')) {
      const name = token.trim().toLowerCase();
      // These two are about the message; a client must not be able to make them vanish between two hops.
      if (name && name !== 'host' && name !== 'content-length') (named ??= new Set()).add(name);
    }
  }
  return named;
}

const fieldOf = (raw: readonly string[], wanted: string): string => {
  for (let i = 0; i < raw.length; i += 2) if (raw[i]!.toLowerCase() === wanted) return raw[i + 1]!;
  return '';
};

const withoutCookies = (value: string, drop: (name: string) => boolean): string =>
  value.split(';').filter((pair) => !drop(pair.split('=', 1)[0]!.trim())).join(';').trim();

/** Fields that node:http keeps the first of when there are several. */
const FIRST_WINS = new Set(
  ('age authorization content-length content-type etag expires from host if-modified-since if-unmodified-since ' +
    'last-modified location max-forwards proxy-authorization referer retry-after server user-agent').split(' '),
);

/** Raw fields as node:http's `headers`: lower-case names, duplicates joined, Set-Cookie always a list. */
export function joinFields(raw: readonly string[]): IncomingHttpHeaders {
  const headers: Record<string, string | string[]> = {};
  for (let i = 0; i < raw.length; i += 2) {
    const name = raw[i]!.toLowerCase();
    const value = raw[i + 1]!;
    const before = Object.hasOwn(headers, name) ? headers[name] : undefined;
    if (name === 'set-cookie') headers[name] = before ? [...before, value] : [value];
    else if (before === undefined) headers[name] = value;
    else if (!FIRST_WINS.has(name)) headers[name] = before + (name === 'cookie' ? '; ' : ', ') + value;
  }
  return headers;
}
