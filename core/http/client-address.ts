/** The client of a request: the socket's address, or the address that a trusted proxy in front reports. */
import { BlockList, isIP } from 'node:net';
import { Failure } from '../api/errors.ts';
import type { Log } from '../log.ts';
import { plainAddress } from './address.ts';
import type { HttpRequest } from './types.ts';

export interface Client {
  /** The client's address; the proxy's if the client is not identified. */
  address: string;
  /**
   * false: a trusted proxy forwarded the request without a usable address. Limits that count by address must refuse such a
   * client (`checkIdentified`): they would count all clients of the proxy as one, so any of them could lock out the others.
   */
  identified: boolean;
  /** The browser speaks TLS, to this server or to a trusted proxy. */
  secure: boolean;
}

/** Hops that X-Forwarded-For is followed back. */
const MAX_HOPS = 10;
/** Elements of a header that are looked at, empty ones too. */
const MAX_ELEMENTS = 2 * MAX_HOPS;
/** Characters of a header that are logged. */
const MAX_SHOWN = 200;

const familyOf = (address: string) => isIP(address) === 6 ? 'ipv6' : 'ipv4';

/** Whether an address is one of these addresses and networks (`10.0.0.0/8`). */
export function createProxyCheck(trusted: readonly string[]): (address: string) => boolean {
  const proxies = new BlockList();
  for (const entry of trusted) {
    const [address = '', bits] = entry.split('/');
    if (bits === undefined) proxies.addAddress(address, familyOf(address));
    else proxies.addSubnet(address, Number(bits), familyOf(address));
  }
  return (address) => isIP(address) !== 0 && proxies.check(address, familyOf(address));
}

/**
 * @param trusted addresses and networks whose X-Forwarded-For and X-Forwarded-Proto count; nobody else's do
 * @param ownTls this server itself speaks TLS
 * @param log gets one line for the first header of each kind that a trusted proxy sends and that cannot be used
 */
export function createClientOf(
  trusted: readonly string[],
  ownTls: boolean,
  log: Pick<Log, 'warn'> | null = null,
): (req: HttpRequest) => Client {
  if (trusted.length === 0) return (req) => ({ address: req.peer, identified: true, secure: ownTls });
  const isProxy = createProxyCheck(trusted);
  const warn = warnOnce(log);
  return (req) => {
    if (!isProxy(req.peer)) return { address: req.peer, identified: true, secure: ownTls };
    const isForwardedTls = forwardedTls(req);
    if (isForwardedTls === null) warn('x-forwarded-proto', req, 'names neither http nor https: it counts as http');
    const secure = ownTls || isForwardedTls === true;
    const address = forwardedAddress(req, isProxy);
    if (address !== null) return { address, identified: true, secure };
    warn('x-forwarded-for', req, 'names no address: logins and machines that come this way are refused');
    return { address: req.peer, identified: false, secure };
  };
}

/** Throws 403 for a client that a limit could not tell from others. */
export function checkIdentified(client: Client): void {
  if (client.identified) return;
  throw new Failure(
    'client_unknown',
    `The proxy ${client.address} in front of this server does not say who its clients are: let it send X-Forwarded-For with the client's address.`,
  );
}

function warnOnce(log: Pick<Log, 'warn'> | null): (name: string, req: HttpRequest, what: string) => void {
  const warned = new Set<string>();
  return (name, req, what) => {
    if (warned.has(name)) return;
    warned.add(name);
    const value = String(req.headers[name] ?? '').slice(0, MAX_SHOWN);
    log?.warn(`the proxy's ${name} ${what}`, { proxy: req.peer, value });
  };
}

/** What the nearest proxy says of its own client's connection; null if it cannot be understood. */
function forwardedTls(req: HttpRequest): boolean | null {
  const value = lastOf(String(req.headers['x-forwarded-proto'] ?? ''));
  // Traefik forwards upgrades as ws and wss.
  if (value === 'https' || value === 'wss') return true;
  return value === 'http' || value === 'ws' || value === '' ? false : null;
}

/** The last element of a list header, lower case and without quotes; '' if there is none. */
function lastOf(header: string): string {
  for (const element of fromEnd(header)) return withoutQuotes(element).toLowerCase();
  return '';
}

/** The last MAX_ELEMENTS elements of a list header, last first; empty ones do not count (RFC 9110 section 5.6.1). */
function* fromEnd(header: string): Generator<string, void, void> {
  let end = header.length;
  for (let count = 0; end > 0 && count < MAX_ELEMENTS; count++) {
    const comma = header.lastIndexOf(',', end - 1);
    const element = header.slice(comma + 1, end).trim();
    if (element !== '') yield element;
    end = comma;
  }
}

/** Headers by which a proxy shows that it forwards a request of somebody else. */
const FORWARDING = ['x-forwarded-for', 'x-forwarded-proto', 'x-forwarded-host', 'x-real-ip', 'forwarded', 'via'];

/**
 * The nearest hop that is not a proxy of ours: everything left of it is only what that hop claims. If all are, the farthest
 * of them is the client; if nothing is forwarded, the peer itself. null if a hop is no address.
 */
function forwardedAddress(req: HttpRequest, isProxy: (address: string) => boolean): string | null {
  let farthest: string | null = null;
  let hops = 0;
  for (const element of fromEnd(String(req.headers['x-forwarded-for'] ?? ''))) {
    farthest = hopAddress(element);
    if (farthest === null || ++hops > MAX_HOPS) return null;
    if (!isProxy(farthest)) return farthest;
  }
  return farthest ?? (FORWARDING.some((name) => req.headers[name] !== undefined) ? null : req.peer);
}

/** `address`, `address:port` or `[address]:port`, maybe in quotes: what proxies write as one hop. */
const HOP = /^(?:\[([0-9a-f:.]+)(?:%[\w.-]+)?\]|([\d.]+))(?::\d{1,5})?$/i;

/** The address of one hop; null if it is none. */
function hopAddress(text: string): string | null {
  const hop = withoutQuotes(text);
  const match = HOP.exec(hop);
  // An IPv6 address without brackets has no port. Its zone means something only on the proxy.
  const address = plainAddress(match?.[1] ?? match?.[2] ?? hop.replace(/%[\w.-]+$/, ''));
  return isIP(address) === 0 ? null : address.toLowerCase();
}

const withoutQuotes = (text: string): string => /^"(.*)"$/.exec(text)?.[1]?.trim() ?? text;

/** An address or a network in CIDR notation. */
export function isNetwork(text: string): boolean {
  const [address = '', bits, more] = text.split('/');
  const family = isIP(address);
  if (family === 0 || more !== undefined) return false;
  return bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= (family === 4 ? 32 : 128));
}
