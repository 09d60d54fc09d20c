/** The settings of RELAY_TLS=auto, from words to what the manager needs. A wrong one is a sentence. Pure but for `isSupported`. */
import { networkInterfaces } from 'node:os';
import { TLSSocket } from 'node:tls';
import { type Identifier, isPublicAddress, MAX_IDENTIFIERS, parseIdentifier, publicWeakness } from './identifier.ts';
import type { AcmeSettings } from './manager.ts';

export const LETS_ENCRYPT = 'https://acme-v02.api.letsencrypt.org/directory';
/** Of a server's own addresses of one family: more are rarely meant. */
const MAX_OWN_ADDRESSES = 2;

export interface AcmeWords {
  /** RELAY_DOMAIN, parsed; empty: this machine's own addresses. */
  identifiers: Identifier[];
  /** RELAY_HOST. */
  host: string | undefined;
  /** RELAY_ACME_DIRECTORY. */
  directory: string | null;
  /** RELAY_ACME_EMAIL. */
  email: string | null;
  /** RELAY_STATE. */
  stateFile: string | null;
}

/** Throws an Error whose message is the sentence. @param addresses of this machine */
export function readAcmeSettings(words: AcmeWords, addresses: readonly string[]): AcmeSettings {
  const directory = words.directory ?? LETS_ENCRYPT;
  if (!URL.canParse(directory) || new URL(directory).protocol !== 'https:') {
    throw new Error(`RELAY_ACME_DIRECTORY must be an https address such as ${LETS_ENCRYPT}, not "${directory}".`);
  }
  const email = words.email ?? '';
  if (email && !/^[^\s@,:]+@[^\s@,:]+$/.test(email)) {
    throw new Error(`RELAY_ACME_EMAIL must be one email address, not "${email}".`);
  }
  if (words.stateFile === null) {
    throw new Error(
      'RELAY_TLS=auto needs RELAY_STATE: the certificate is kept beside that file, or each start would ask for another.',
    );
  }
  const identifiers = words.identifiers.length ? words.identifiers : ownIdentifiers(words.host, addresses);
  if (identifiers.length > MAX_IDENTIFIERS) {
    throw new Error(
      `RELAY_DOMAIN lists ${identifiers.length} names: one certificate is for ${MAX_IDENTIFIERS} at most.`,
    );
  }
  // An authority of one's own may sign for private names.
  const isPublic = words.directory === null || new URL(directory).hostname.endsWith('.letsencrypt.org');
  const weakness = isPublic ? identifiers.map(publicWeakness).find((text) => text !== null) : null;
  if (weakness) throw new Error(`RELAY_DOMAIN: ${weakness}`);
  return { identifiers, directory, email, file: words.stateFile.replace(/(?:\.json)?$/, '.acme.json') };
}

/** Without RELAY_DOMAIN: the address that the relay listens on, or all of this machine that are public. */
function ownIdentifiers(host: string | undefined, addresses: readonly string[]): Identifier[] {
  const listened = host && host !== '0.0.0.0' && host !== '::' ? parseIdentifier(host) : null;
  if (listened) return [listened];
  const own = [...new Set(addresses)].filter(isPublicAddress).map((address) => parseIdentifier(address)!);
  const family = (six: boolean) => own.filter(({ value }) => value.includes(':') === six).slice(0, MAX_OWN_ADDRESSES);
  const identifiers = [...family(false), ...family(true)];
  if (identifiers.length > 0) return identifiers;
  throw new Error(
    'RELAY_TLS=auto: this machine has no public address of its own, so RELAY_DOMAIN must name the host name or the address by which the internet reaches it.',
  );
}

/** Addresses of this machine's interfaces. */
export const interfaceAddresses = (): string[] =>
  Object.values(networkInterfaces()).flatMap((list) => list ?? []).filter(({ internal }) => !internal)
    .map(({ address }) => address);

/** Choosing a certificate by protocol came with Node 20.17 and 22.5 (and is not in Deno). */
export const isSupported = (): boolean => 'setKeyCert' in TLSSocket.prototype;
