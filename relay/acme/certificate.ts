/** A certificate with its chain and key, as the relay serves and keeps it. Pure. */
import { createPrivateKey, X509Certificate } from 'node:crypto';
import type { Identifier } from './identifier.ts';
import { renewalId } from './x509.ts';

export interface Certificate {
  /** PEM, the server's own certificate first. */
  chain: string;
  /** PEM, PKCS #8. */
  key: string;
  /** Milliseconds since the epoch. */
  notBefore: number;
  notAfter: number;
  /** Its name at renewalInfo (RFC 9773), null when it has none. */
  renewalId: string | null;
  /** Those of the list that it is for. */
  covered(identifiers: readonly Identifier[]): Identifier[];
}

/** Certificates in a chain. */
const MAX_CHAIN = 10;
const PEM = /-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+?-----END CERTIFICATE-----/g;

/** Throws with a phrase for what is not a chain of certificates, or not for this key. Words around the PEM are dropped. */
export function readCertificate(text: string, key: string): Certificate {
  const blocks = text.match(PEM) ?? [];
  if (blocks.length === 0 || blocks.length > MAX_CHAIN) throw new Error('it has no chain of certificates');
  const [own] = blocks.map((block) => new X509Certificate(block));
  if (!own!.checkPrivateKey(createPrivateKey(key))) throw new Error('the certificate is for another key');
  const [notBefore, notAfter] = [Date.parse(own!.validFrom), Date.parse(own!.validTo)];
  if (!(notBefore < notAfter)) throw new Error('the certificate has no lifetime');
  return {
    chain: `${blocks.join('\n')}\n`,
    key,
    notBefore,
    notAfter,
    renewalId: renewalId(own!),
    covered: (identifiers) => identifiers.filter((identifier) => covers(own!, identifier)),
  };
}

const covers = (certificate: X509Certificate, { type, value }: Identifier): boolean =>
  (type === 'dns' ? certificate.checkHost(value, { subject: 'never' }) : certificate.checkIP(value)) !== undefined;
