/**
 * Requests to addresses that somebody else named (a webhook, a push service): only to public addresses, whatever the name
 * resolves to, and never redirected. The address is checked when the connection is made, so nothing can change between.
 */
import { Buffer } from 'node:buffer';
import { lookup as resolve, type LookupAddress } from 'node:dns';
import { type ClientRequest, type IncomingMessage, request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { BlockList, isIP, isIPv6 } from 'node:net';

/** Bytes of an answer that are read, unless more are asked for. */
export const MAX_ANSWER = 4096;

/** RFC 6890 and its registries: networks that lead to this machine, to its neighbours, or nowhere. */
const PRIVATE_NETWORKS: [string, number][] = [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 3],
  ['::', 127],
  ['64:ff9b::', 96], // NAT64: an IPv4 address of any kind inside
  ['64:ff9b:1::', 48],
  ['100::', 64],
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['fc00::', 7],
  ['fe80::', 9],
  ['ff00::', 8],
];

const blocked = new BlockList();
for (const [network, bits] of PRIVATE_NETWORKS) blocked.addSubnet(network, bits, isIPv6(network) ? 'ipv6' : 'ipv4');

/** Does this IP address lead to the open internet? An IPv4 address in an IPv6 one counts as itself. */
export function isPublicAddress(address: string): boolean {
  const plain = address.replace(/^::ffff:(?=\d+\.\d+\.\d+\.\d+$)/i, '');
  const family = isIP(plain);
  if (!family || plain.toLowerCase().startsWith('::ffff:')) return false;
  return !blocked.check(plain, family === 6 ? 'ipv6' : 'ipv4');
}

export interface PublicRequest {
  /** http: or https:. */
  url: string;
  headers: Record<string, string>;
  body: string | Uint8Array;
  timeoutMs: number;
  /** Addresses that are not public are allowed, too: the owner's own service in the same network. */
  allowPrivate?: boolean;
  /** Bytes of the answer that are read; MAX_ANSWER when left out. */
  maxAnswer?: number;
  /** Gives up: the request then rejects with TIMEOUT. */
  signal?: AbortSignal;
}

export interface PublicAnswer {
  status: number;
  headers: IncomingMessage['headers'];
  /** The beginning of the body. */
  text: string;
}

/** `code` is Node's word (ECONNREFUSED …), or PRIVATE_ADDRESS, or TIMEOUT. The message holds no address. */
export class RequestFailure extends Error {
  readonly code: string;
  constructor(code: string) {
    super(code === 'PRIVATE_ADDRESS' ? 'its address is not on the internet' : code);
    this.code = code;
  }
}

/** Sends one POST. Rejects with RequestFailure when there is no answer; every status is an answer, redirects too. */
export function postPublic(options: PublicRequest): Promise<PublicAnswer> {
  const url = new URL(options.url);
  const host = url.hostname.replace(/^\[|\]$/g, '');
  // A literal address is connected to without asking for its name.
  if (isIP(host) && !options.allowPrivate && !isPublicAddress(host)) {
    return Promise.reject(new RequestFailure('PRIVATE_ADDRESS'));
  }
  return new Promise((resolve, reject) => {
    const send = url.protocol === 'https:' ? requestHttps : requestHttp;
    const request: ClientRequest = send(url, {
      method: 'POST',
      headers: { ...options.headers, 'content-length': Buffer.byteLength(options.body) },
      agent: false,
      lookup: options.allowPrivate ? undefined : lookupPublic,
      signal: AbortSignal.timeout(options.timeoutMs),
    });
    followSignal(request, options.signal);
    request.once('error', (error) => reject(new RequestFailure(codeOf(error))));
    request.once('response', (response) => {
      readBeginning(response, options.maxAnswer ?? MAX_ANSWER).then(
        (text) => resolve({ status: response.statusCode ?? 0, headers: response.headers, text }),
        (error) => reject(new RequestFailure(codeOf(error))),
      ).finally(() => request.destroy());
    });
    request.end(options.body);
  });
}

/** The signal may outlive many requests: each takes its listener with it. */
function followSignal(request: ClientRequest, signal?: AbortSignal): void {
  if (!signal) return;
  const giveUp = () => void request.destroy(Object.assign(new Error('given up'), { name: 'AbortError' }));
  if (signal.aborted) return giveUp();
  signal.addEventListener('abort', giveUp, { once: true });
  request.once('close', () => signal.removeEventListener('abort', giveUp));
}

type LookupOptions = { all?: boolean; family?: number | 'IPv4' | 'IPv6'; hints?: number };
type LookupCallback = (error: Error | null, address: string | LookupAddress[], family?: number) => void;

/** Like dns.lookup, and fails when any of the name's addresses is not public: a mixed answer is an attack or a mistake. */
function lookupPublic(host: string, options: LookupOptions, callback: LookupCallback): void {
  resolve(host, { ...options, all: true } as { all: true }, (error, addresses) => {
    if (error) return callback(error, '');
    const isPublic = addresses.length > 0 && addresses.every(({ address }) => isPublicAddress(address));
    if (!isPublic) return callback(new RequestFailure('PRIVATE_ADDRESS'), '');
    if (options.all) callback(null, addresses);
    else callback(null, addresses[0]!.address, addresses[0]!.family);
  });
}

async function readBeginning(response: IncomingMessage, limit: number): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response) {
    chunks.push(chunk as Buffer);
    size += (chunk as Buffer).length;
    if (size >= limit) break;
  }
  return Buffer.concat(chunks).toString('utf8', 0, limit);
}

function codeOf(error: unknown): string {
  const { name, code } = error as { name?: string; code?: string };
  return name === 'TimeoutError' || name === 'AbortError' || code === 'ABORT_ERR' ? 'TIMEOUT' : code ?? 'UNKNOWN';
}
