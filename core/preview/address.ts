/** Names of previews: `p<port>-<random>` below a domain of which every name leads to the server. Pure. */
import { randomBytes } from 'node:crypto';

/** Without l, o, 0 and 1, so that 32 letters are left and a name can be read out. */
const LETTERS = 'abcdefghijkmnpqrstuvwxyz23456789';
/** 100 bits: nobody finds a preview by trying names. */
const RANDOM_LENGTH = 20;

/** A new name for a preview of this port. */
export function createLabel(port: number): string {
  const random = [...randomBytes(RANDOM_LENGTH)].map((byte) => LETTERS[byte % LETTERS.length]).join('');
  return `p${port}-${random}`;
}

/**
 * What stands before `domain` in a Host, lower case; null: the Host does not lie below it. Whatever does is a preview's, open
 * or not: it never gets the dashboard.
 */
export function labelOf(host: string | undefined, domain: string): string | null {
  const name = (host ?? '').toLowerCase().replace(/:\d+$/, '').replace(/\.$/, '');
  return name.endsWith(`.${domain}`) ? name.slice(0, -domain.length - 1) : null;
}

/** The domain of previews on the machine's own address: browsers take every name below it for this machine. */
export const LOCAL_DOMAIN = 'localhost';

/** The port of an origin as it stands in an address: `:3457`, or nothing. */
export const portSuffix = (origin: string): string => {
  const { port } = new URL(origin);
  return port && `:${port}`;
};
