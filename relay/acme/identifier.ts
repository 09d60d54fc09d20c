/** What a certificate is for: host names and IP addresses (RFC 8555 section 9.7.7, RFC 8738). Pure. */
import { Buffer } from 'node:buffer';
import { BlockList, isIP, isIPv4 } from 'node:net';

export interface Identifier {
  type: 'dns' | 'ip';
  /** A host name in lower case, or an address: IPv6 in the form of RFC 5952. */
  value: string;
}

/** One certificate holds no more: the least that known authorities allow. */
export const MAX_IDENTIFIERS = 25;
/** RFC 1035 section 2.3.4. */
const MAX_NAME_LENGTH = 253;
const LABEL = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;
/** Top-level names that the public DNS does not have (RFC 6761, RFC 6762, RFC 8375, ICANN's decision on `internal`). */
const PRIVATE_TOPS = new Set(['localhost', 'local', 'internal', 'test', 'example', 'invalid', 'onion', 'lan', 'home']);

/** @param text a host name, or an address with or without brackets. @returns null when it is neither */
export function parseIdentifier(text: string): Identifier | null {
  const value = text.toLowerCase().replace(/^\[(.*)\]$/, '$1');
  if (isIP(value)) return { type: 'ip', value: canonicalAddress(value) };
  const isName = value.length <= MAX_NAME_LENGTH && value.split('.').every((label) => LABEL.test(label));
  return isName && !/^\d+$/.test(value.split('.').at(-1)!) ? { type: 'dns', value } : null;
}

/** IPv6 in its shortest form, as RFC 8738 section 3 wants it; IPv4 is that already. */
export const canonicalAddress = (address: string): string =>
  isIPv4(address) ? address : new URL(`http://[${address.split('%')[0]}]/`).hostname.slice(1, -1);

/** The address's 4 or 16 bytes in network order. */
export function addressBytes(address: string): Buffer {
  if (isIPv4(address)) return Buffer.from(address.split('.').map(Number));
  const [head = '', tail] = canonicalAddress(address).split('::');
  const words = (part: string) => part.split(':').filter(Boolean).map((word) => Number.parseInt(word, 16));
  const [before, after] = [words(head), words(tail ?? '')];
  const all = [...before, ...new Array<number>(8 - before.length - after.length).fill(0), ...after];
  return Buffer.from(all.flatMap((word) => [word >> 8, word & 0xff]));
}

/** The name by which a tls-alpn-01 client asks for it: for an address its reverse name (RFC 8738 section 6). */
export function serverName({ type, value }: Identifier): string {
  if (type === 'dns') return value;
  if (isIPv4(value)) return `${value.split('.').reverse().join('.')}.in-addr.arpa`;
  return `${[...addressBytes(value).toString('hex')].reverse().join('.')}.ip6.arpa`;
}

/** Blocks of the IANA special-purpose registries that are not globally reachable. */
const SPECIAL_V4 = [
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.0.2.0/24',
  '192.88.99.0/24',
  '192.168.0.0/16',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '224.0.0.0/3',
];
/** Inside 2000::/3, the only block from which public addresses are given. */
const SPECIAL_V6 = ['2001::/23', '2001:db8::/32', '2002::/16', '3fff::/20'];

const special = new BlockList();
const publicV6 = new BlockList();
for (const block of SPECIAL_V4) addBlock(special, block, 'ipv4');
for (const block of SPECIAL_V6) addBlock(special, block, 'ipv6');
addBlock(publicV6, '2000::/3', 'ipv6');

function addBlock(list: BlockList, block: string, family: 'ipv4' | 'ipv6'): void {
  const [address, bits] = block.split('/') as [string, string];
  list.addSubnet(address, Number(bits), family);
}

/** Whether the internet can reach this address. */
export function isPublicAddress(address: string): boolean {
  if (isIPv4(address)) return !special.check(address, 'ipv4');
  const plain = canonicalAddress(address);
  return publicV6.check(plain, 'ipv6') && !special.check(plain, 'ipv6');
}

/** @returns why no public authority gives a certificate for it, with the mend; null when one may */
export function publicWeakness({ type, value }: Identifier): string | null {
  if (type === 'ip') {
    if (isPublicAddress(value)) return null;
    return `${value} is a private address, for which no public authority gives a certificate: ` +
      `list the address or name by which the internet reaches this server.`;
  }
  const labels = value.split('.');
  if (labels.length > 1 && !PRIVATE_TOPS.has(labels.at(-1)!)) return null;
  return `${value} is a name that the public DNS does not have, so no public authority gives a certificate for it: ` +
    `list a name of your own domain, or the server's public IP address.`;
}

export const sameIdentifiers = (a: readonly Identifier[], b: readonly Identifier[]): boolean => {
  const key = (list: readonly Identifier[]) => list.map(({ type, value }) => `${type}:${value}`).sort().join();
  return key(a) === key(b);
};

/** `name, 203.0.113.7` for people. */
export const listIdentifiers = (list: readonly Identifier[]): string => list.map(({ value }) => value).join(', ');
