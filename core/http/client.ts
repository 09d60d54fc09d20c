/** Who a request comes from: its socket's address, or what a trusted proxy in front says. */
import { BlockList, isIP } from 'node:net';
import { plainAddress } from './message.ts';
import type { HttpRequest } from './types.ts';

export interface Client {
  address: string;
  /** The browser speaks TLS, to this server or to a trusted proxy. */
  secure: boolean;
}

/** Hops that X-Forwarded-For is followed back. */
const MAX_HOPS = 10;

/**
 * @param trusted addresses and networks (`10.0.0.0/8`) whose X-Forwarded-For and X-Forwarded-Proto count; nobody else's do
 * @param ownTls this server itself speaks TLS
 */
export function createClientOf(trusted: readonly string[], ownTls: boolean): (req: HttpRequest) => Client {
  if (trusted.length === 0) return (req) => ({ address: req.peer, secure: ownTls });
  const proxies = new BlockList();
  for (const entry of trusted) {
    const [address = '', bits] = entry.split('/');
    const family = isIP(address) === 6 ? 'ipv6' : 'ipv4';
    if (bits === undefined) proxies.addAddress(address, family);
    else proxies.addSubnet(address, Number(bits), family);
  }
  const isProxy = (address: string) => proxies.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4');
  return (req) => {
    if (!isProxy(req.peer)) return { address: req.peer, secure: ownTls };
    const proto = String(req.headers['x-forwarded-proto'] ?? '').split(',').at(-1)!.trim().toLowerCase();
    const address = lastUntrusted(String(req.headers['x-forwarded-for'] ?? ''), isProxy) ?? req.peer;
    return { address, secure: ownTls || proto === 'https' };
  };
}

/** The nearest hop that is not a proxy of ours: everything left of it is only what that hop claims. */
function lastUntrusted(header: string, isProxy: (address: string) => boolean): string | null {
  let end = header.length;
  for (let hop = 0; hop < MAX_HOPS && end > 0; hop++) {
    const comma = header.lastIndexOf(',', end - 1);
    const address = plainAddress(header.slice(comma + 1, end).trim());
    if (!isIP(address)) return null;
    if (!isProxy(address)) return address;
    end = comma;
  }
  return null;
}

/** An address or a network in CIDR notation. */
export function isNetwork(text: string): boolean {
  const [address = '', bits, more] = text.split('/');
  const family = isIP(address);
  if (family === 0 || more !== undefined) return false;
  return bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= (family === 4 ? 32 : 128));
}
