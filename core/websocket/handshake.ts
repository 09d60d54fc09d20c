/** The opening handshake (RFC 6455 §4) as pure functions from message heads to a decision. */
import { createHash, randomBytes } from 'node:crypto';
import type { HeaderMap } from '../http/types.ts';
import type { DeflateParams } from './deflate.ts';
import { WebSocketError } from './errors.ts';
import {
  acceptDeflate,
  type DeflateOptions,
  type Extension,
  isToken,
  offerDeflate,
  parseExtensions,
  readDeflateAnswer,
} from './extension.ts';

/** §1.3 */
const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
/** §4.1: the base64 form of 16 bytes. */
const KEY = /^[+/0-9A-Za-z]{22}==$/;
export const VERSION = '13';

/** The part of a request that the handshake reads; node:http's IncomingMessage has it. */
export interface RequestHead {
  readonly method?: string | undefined;
  readonly httpVersion: string;
  /** name, value, name, value … */
  readonly rawHeaders: string[];
}

export interface ServerOptions {
  /** Subprotocols that the server speaks, best first. The first one that the client offers is selected. */
  protocols?: readonly string[];
  /** Off when not given. */
  deflate?: DeflateOptions | boolean;
  /** Decides by the Origin header (undefined: none was sent, so no browser). Every origin is accepted when not given. */
  checkOrigin?: (origin: string | undefined) => boolean;
  /** Further headers of the 101. */
  headers?: HeaderMap;
}

export interface Refusal {
  status: number;
  /** Sentence for people. */
  message: string;
  /** Error code of the JSON body. */
  code: string;
  headers: HeaderMap;
}

export interface Agreement {
  /** Headers of the 101. */
  headers: HeaderMap;
  /** The selected subprotocol; '' if there is none. */
  protocol: string;
  deflate: DeflateParams | null;
}

/** Sec-WebSocket-Accept for a Sec-WebSocket-Key (§4.2.2). */
export const acceptKey = (key: string): string => createHash('sha1').update(key + GUID).digest('base64');

/** The server's check of an upgrade request (§4.2). @returns the negotiated result, or the refusal */
export function checkUpgrade(request: RequestHead, options: ServerOptions = {}): Agreement | Refusal {
  const headers = groupHeaders(request.rawHeaders);
  const refusal = checkHead(request, headers) ?? checkVersion(headers) ?? checkOrigin(headers, options);
  if (refusal) return refusal;
  const [key = '', ...more] = headers.get('sec-websocket-key') ?? [];
  if (more.length > 0 || !KEY.test(key)) {
    return refuse(400, 'There must be one Sec-WebSocket-Key of 16 bytes in base64.');
  }
  const protocol = chooseProtocol(headers.get('sec-websocket-protocol') ?? [], options.protocols ?? []);
  if (protocol === null) return refuse(400, 'Sec-WebSocket-Protocol is not a list of different tokens.');
  const offers = parseOffers(headers.get('sec-websocket-extensions'));
  if (offers === null) return refuse(400, 'Sec-WebSocket-Extensions cannot be read.');
  const deflate = options.deflate ? acceptDeflate(offers, options.deflate === true ? {} : options.deflate) : null;
  return {
    headers: {
      ...options.headers,
      Upgrade: 'websocket',
      Connection: 'Upgrade',
      'Sec-WebSocket-Accept': acceptKey(key),
      ...(protocol && { 'Sec-WebSocket-Protocol': protocol }),
      ...(deflate && { 'Sec-WebSocket-Extensions': deflate.header }),
    },
    protocol,
    deflate: deflate?.params ?? null,
  };
}

export const isRefusal = (result: Agreement | Refusal): result is Refusal => 'status' in result;

type Grouped = Map<string, string[]>;

/** Lower-case name → values in order. */
function groupHeaders(raw: readonly string[]): Grouped {
  const all: Grouped = new Map();
  for (let i = 0; i + 1 < raw.length; i += 2) {
    const name = raw[i]!.toLowerCase();
    const values = all.get(name);
    if (values) values.push(raw[i + 1]!);
    else all.set(name, [raw[i + 1]!]);
  }
  return all;
}

/** Whether a list header contains this token, in any case. */
const lists = (values: string[] | undefined, token: string) =>
  values !== undefined && values.join(',').split(',').some((item) => item.trim().toLowerCase() === token);

function checkHead(request: RequestHead, headers: Grouped): Refusal | null {
  if (request.method !== 'GET') return refuse(405, 'A WebSocket is opened by GET.', { Allow: 'GET' });
  if (!(Number(request.httpVersion) >= 1.1)) return refuse(400, 'A WebSocket needs HTTP/1.1.');
  const hosts = headers.get('host');
  if (hosts?.length !== 1 || hosts[0] === '') return refuse(400, 'There must be one Host.');
  if (!lists(headers.get('upgrade'), 'websocket')) {
    return refuse(426, 'This address only speaks WebSocket.', UPGRADE_REQUIRED);
  }
  if (!lists(headers.get('connection'), 'upgrade')) return refuse(400, 'Connection does not say "Upgrade".');
  const length = headers.get('content-length');
  if (headers.has('transfer-encoding') || (length && (length.length > 1 || length[0] !== '0'))) {
    return refuse(400, 'An upgrade request has no body.');
  }
  return null;
}

const UPGRADE_REQUIRED: HeaderMap = { Upgrade: 'websocket', 'Sec-WebSocket-Version': VERSION };

/** §4.4: the answer to another version names the supported one. */
function checkVersion(headers: Grouped): Refusal | null {
  const versions = headers.get('sec-websocket-version');
  if (versions?.length === 1 && versions[0] === VERSION) return null;
  if (!versions) return refuse(400, 'Sec-WebSocket-Version is missing.', { 'Sec-WebSocket-Version': VERSION });
  return refuse(426, `Only WebSocket version ${VERSION} is spoken here.`, UPGRADE_REQUIRED);
}

function checkOrigin(headers: Grouped, options: ServerOptions): Refusal | null {
  const origins = headers.get('origin') ?? [];
  if (origins.length > 1 || (options.checkOrigin && !options.checkOrigin(origins[0]))) {
    return refuse(403, 'This origin may not connect.', {}, 'origin');
  }
  return null;
}

/** @returns '' if no protocol matches, null if the offer is not a list of different tokens (§4.1) */
function chooseProtocol(values: string[], spoken: readonly string[]): string | null {
  if (values.length === 0) return '';
  const offered = values.join(',').split(',').map((item) => item.trim());
  const different = new Set(offered);
  if (different.size !== offered.length || !offered.every(isToken)) return null;
  return spoken.find((name) => different.has(name)) ?? '';
}

function parseOffers(values: string[] | undefined): Extension[] | null {
  return values ? parseExtensions(values.join(',')) : [];
}

function refuse(status: number, message: string, headers: HeaderMap = {}, code = 'upgrade'): Refusal {
  return { status, message, code, headers };
}

export interface ClientOptions {
  protocols?: readonly string[];
  deflate?: DeflateOptions | boolean;
  /** Further request headers: Authorization, Cookie, Origin … */
  headers?: Record<string, string>;
}

export interface Offer {
  key: string;
  protocols: readonly string[];
  deflate: DeflateOptions | null;
  /** The request head, as sent. */
  text: string;
}

/** Headers that the handshake itself sends. */
const OWN_HEADERS = /^(?:host|upgrade|connection|sec-websocket-.*|content-length|transfer-encoding)$/i;

/**
 * The request of §4.1.
 * @throws TypeError for a header or protocol that cannot be sent
 */
export function makeOffer(url: URL, options: ClientOptions = {}, key = randomBytes(16).toString('base64')): Offer {
  const { protocols = [], headers = {} } = options;
  const deflate = options.deflate ? (options.deflate === true ? {} : options.deflate) : null;
  if (!protocols.every(isToken) || new Set(protocols).size !== protocols.length) {
    throw new TypeError(`Subprotocols must be different tokens, not ${JSON.stringify(protocols)}`);
  }
  const lines = [
    `GET ${url.pathname}${url.search} HTTP/1.1`,
    `Host: ${url.host}`,
    'Upgrade: websocket',
    'Connection: Upgrade',
    `Sec-WebSocket-Key: ${key}`,
    `Sec-WebSocket-Version: ${VERSION}`,
    ...(protocols.length ? [`Sec-WebSocket-Protocol: ${protocols.join(', ')}`] : []),
    ...(deflate ? [`Sec-WebSocket-Extensions: ${offerDeflate(deflate)}`] : []),
    ...credentials(url, headers),
    ...Object.entries(headers).map(([name, value]) => headerLine(name, value)),
  ];
  return { key, protocols, deflate, text: `${lines.join('\r\n')}\r\n\r\n` };
}

function headerLine(name: string, value: string): string {
  if (!isToken(name) || OWN_HEADERS.test(name)) throw new TypeError(`The header ${JSON.stringify(name)} cannot be set`);
  if (!/^[\t\x20-\x7e\x80-\xff]*$/.test(value)) throw new TypeError(`The value of the header ${name} cannot be sent`);
  return `${name}: ${value}`;
}

/** ws://user:password@host → Basic (RFC 7617), unless the caller sends an Authorization header. */
function credentials(url: URL, headers: Record<string, string>): string[] {
  if (!url.username && !url.password) return [];
  if (Object.keys(headers).some((name) => name.toLowerCase() === 'authorization')) return [];
  const pair = `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`;
  return [`Authorization: Basic ${btoa(String.fromCharCode(...new TextEncoder().encode(pair)))}`];
}

export interface ResponseHead {
  status: number;
  rawHeaders: string[];
}

/**
 * The part of a response before the empty line, strictly: CRLF, no folding, no blank before a colon.
 * @throws WebSocketError WS_HANDSHAKE
 */
export function parseResponseHead(text: string): ResponseHead {
  const [first, ...lines] = text.split('\r\n');
  const status = /^HTTP\/1\.1 ([1-5]\d\d)(?: [^\r\n\0]*)?$/.exec(first!)?.[1];
  if (!status) throw bad('the answer is not HTTP/1.1');
  const rawHeaders = lines.flatMap((line) => {
    const colon = line.indexOf(':');
    const name = line.slice(0, Math.max(colon, 0));
    if (!isToken(name) || /[\r\n\0]/.test(line)) throw bad('a header line is malformed');
    return [name, line.slice(colon + 1).trim()];
  });
  return { status: Number(status), rawHeaders };
}

/**
 * The client's checks (§4.1). Redirects are not followed: the client reaches the requested address or none.
 * @throws WebSocketError WS_STATUS, WS_HANDSHAKE
 */
export function checkAnswer(head: ResponseHead, offer: Offer): { protocol: string; deflate: DeflateParams | null } {
  const headers = groupHeaders(head.rawHeaders);
  if (head.status !== 101) {
    throw new WebSocketError('WS_STATUS', `The server answered ${head.status} in place of opening a WebSocket`, {
      status: head.status,
      location: headers.get('location')?.[0],
    });
  }
  const entry = (name: string) => {
    const values = headers.get(name) ?? [];
    if (values.length > 1) throw bad(`${name} was sent twice`);
    return values[0];
  };
  if (entry('upgrade')?.toLowerCase() !== 'websocket') throw bad('Upgrade is not "websocket"');
  if (!lists(headers.get('connection'), 'upgrade')) throw bad('Connection does not say "Upgrade"');
  if (entry('sec-websocket-accept') !== acceptKey(offer.key)) throw bad('Sec-WebSocket-Accept does not fit the key');
  if (headers.has('transfer-encoding') || (entry('content-length') ?? '0') !== '0') throw bad('a 101 has no body');
  const protocol = entry('sec-websocket-protocol');
  if (protocol !== undefined && !offer.protocols.includes(protocol)) throw bad('the subprotocol was not offered');
  return { protocol: protocol ?? '', deflate: agreedDeflate(headers.get('sec-websocket-extensions'), offer) };
}

function agreedDeflate(values: string[] | undefined, offer: Offer): DeflateParams | null {
  if (!values) return null;
  const answers = parseExtensions(values.join(','));
  const params = answers?.length === 1 && offer.deflate ? readDeflateAnswer(answers[0]!, offer.deflate) : null;
  if (!params) throw bad('the extensions are not what was offered');
  return params;
}

const bad = (message: string) => new WebSocketError('WS_HANDSHAKE', `The server's handshake is wrong: ${message}`);
