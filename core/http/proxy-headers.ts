/** Header fields through a proxy (RFC 9110 section 7.6): which are forwarded, removed and added. Pure. */
import type { IncomingHttpHeaders } from 'node:http';

/** Fields about one connection, not about the message (RFC 9110 section 7.6.1, RFC 9112 section 9). Trailer is about the message. */
const HOP_BY_HOP = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-authentication-info',
  'proxy-connection',
  'te',
  'transfer-encoding',
  'upgrade',
  'http2-settings',
]);
/** What the client proves to the proxy, which knows it by its cookie: nothing for whoever is behind it. */
const CREDENTIALS = 'authorization';
const FORWARDED_NAMES = new Set(['forwarded', 'via', 'x-real-ip', 'x-client-ip', 'true-client-ip']);
const X_FORWARDED = /^x-(?:forwarded|relay|original)-/;
/** Whether a field is about the client, so that only the relay may set it. */
const isForwarded = (name: string): boolean =>
  FORWARDED_NAMES.has(name) || (name.startsWith('x-') && X_FORWARDED.test(name));

/**
 * Fields that mean something only in a head (RFC 9110 section 6.5.1): about framing and routing, identity and cookies,
 * conditions, the kind of content, caching, and what a browser may do with it. Fields that may be trailers by their own
 * definition (ETag, Content-Digest, Server-Timing, and names that nobody has defined) are not among them.
 */
const HEAD_ONLY = new RegExp(`^(?:${
  [
    'host|expect|te|trailer|max-forwards|origin|referer|range|if-.+|accept(?:-.+)?|user-agent|pragma|cache-control',
    'authorization|www-authenticate|authentication-info|proxy-.+|cookie2?|set-cookie2?',
    'content-(?:length|type|encoding|language|location|range|disposition|security-policy.*)',
    'age|date|expires|location|refresh|retry-after|vary|warning|allow|server|alt-svc|link|sourcemap',
    'access-control-.+|cross-origin-.+|clear-site-data|strict-transport-security|service-worker-.+|origin-agent-cluster',
    'permissions-policy|referrer-policy|report(?:-to|ing-endpoints)|nel|x-(?:frame-options|content-type-options|xss-.+)',
    'x-(?:accel-.+|sendfile|lighttpd-.+|powered-by|dns-prefetch-control|http-method.*|method-.+|permitted-.+)|sec-.+',
  ].join('|')
})$`);

export interface Via {
  /** The client's address. */
  address: string;
  proto: 'http' | 'https';
  /** The Host that the client asked for. */
  host: string;
  /** What the proxy says of the client: name, value … Names begin with X-Relay-, which is removed from what clients send. */
  said?: readonly string[];
}

export interface ForwardOptions {
  via: Via;
  /** The request asks for an upgrade: Upgrade and Sec-WebSocket-* are forwarded. */
  upgrade: boolean;
  /** Whether to remove the cookie of this name. */
  dropCookies?: (name: string) => boolean;
  /** Authorization is meant for whoever is behind the proxy. */
  credentials?: boolean | undefined;
}

/** Fields of a request for the machine behind the proxy. `raw` and the result are name, value, name, value … */
export function forwardRequestFields(raw: readonly string[], options: ForwardOptions): string[] {
  const named = connectionNamed(raw);
  const fields: string[] = [];
  for (let i = 0; i < raw.length; i += 2) {
    const name = raw[i]!.toLowerCase();
    let value = raw[i + 1]!;
    if (HOP_BY_HOP.has(name) || named?.has(name) || isForwarded(name)) continue;
    if (name === CREDENTIALS && !options.credentials) continue;
    // The proxy answers 100-continue itself, when the body is read.
    if (name === 'expect' || (!options.upgrade && name.startsWith('sec-websocket-'))) continue;
    if (name === 'cookie' && options.dropCookies) {
      value = withoutCookies(value, options.dropCookies);
      if (value === '') continue;
    }
    fields.push(raw[i]!, value);
  }
  if (options.upgrade) fields.push('Connection', 'Upgrade', 'Upgrade', fieldOf(raw, 'upgrade'));
  const { address, proto, host, said } = options.via;
  if (said) fields.push(...said);
  fields.push('X-Forwarded-For', address, 'X-Forwarded-Proto', proto, 'X-Forwarded-Host', host);
  return fields;
}

/** Trailers of a request or an answer, without the fields that mean something only in a head. */
export function forwardTrailers(raw: readonly string[]): string[] {
  const fields: string[] = [];
  for (let i = 0; i < raw.length; i += 2) {
    const name = raw[i]!.toLowerCase();
    if (HOP_BY_HOP.has(name) || isForwarded(name) || HEAD_ONLY.test(name)) continue;
    fields.push(raw[i]!, raw[i + 1]!);
  }
  return fields;
}

/** Fields of a response for the client, without the framing fields that the proxy sets itself. */
export function forwardResponseFields(raw: readonly string[]): string[] {
  const named = connectionNamed(raw);
  const fields: string[] = [];
  for (let i = 0; i < raw.length; i += 2) {
    const name = raw[i]!;
    const lower = name.toLowerCase();
    if (!HOP_BY_HOP.has(lower) && !named?.has(lower)) fields.push(name, raw[i + 1]!);
  }
  return fields;
}

/** Names that the Connection field lists as connection-specific; null when there are none. */
function connectionNamed(raw: readonly string[]): Set<string> | null {
  let named: Set<string> | null = null;
  for (let i = 0; i < raw.length; i += 2) {
    if (raw[i]!.length !== 10 || raw[i]!.toLowerCase() !== 'connection') continue;
    for (const token of raw[i + 1]!.split(',')) {
      const name = token.trim().toLowerCase();
      // These two belong to the message; a client must not be able to remove them between two hops.
      if (name && name !== 'host' && name !== 'content-length') (named ??= new Set()).add(name);
    }
  }
  return named;
}

/** The first value of this field; `wanted` in lower case. "" without one. */
export const fieldOf = (raw: readonly string[], wanted: string): string => {
  for (let i = 0; i < raw.length; i += 2) if (raw[i]!.toLowerCase() === wanted) return raw[i + 1]!;
  return '';
};

const withoutCookies = (value: string, drop: (name: string) => boolean): string =>
  value.split(';').filter((pair) => !drop(pair.split('=', 1)[0]!.trim())).join(';').trim();

/** Fields of which node:http uses the first when there are several. */
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
