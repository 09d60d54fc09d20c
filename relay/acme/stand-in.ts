/** The certificate that the relay signs for itself. */
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import type { TlsFiles } from '../../core/http/tls.ts';
import type { Identifier } from './identifier.ts';
import { createSelfSigned } from './x509.ts';

const HOUR_MS = 3600_000;
const LIFE_MS = 365 * 24 * HOUR_MS;

/** For the time before the first one: a TLS listener needs a certificate before an authority can connect to it. */
export function createStandIn(identifiers: readonly Identifier[], now: number): TlsFiles {
  const { privateKey: key } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const cert = createSelfSigned({
    identifiers,
    key,
    commonName: 'Agent Monitor relay, waiting for its certificate',
    serial: randomBytes(16),
    notBefore: now - HOUR_MS,
    notAfter: now + LIFE_MS,
  });
  return { cert, key: key.export({ type: 'pkcs8', format: 'pem' }) as string };
}
