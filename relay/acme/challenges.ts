/** The answers to challenges that are open right now (RFC 8555 section 8.3, RFC 8737); both listeners look here. */
import { createHash, generateKeyPairSync, randomBytes } from 'node:crypto';
import { createSecureContext, type SecureContext } from 'node:tls';
import { type Identifier, serverName } from './identifier.ts';
import type { ChallengeType } from './problem.ts';
import { createSelfSigned } from './x509.ts';

/** The protocol name by which an authority asks for a challenge's certificate, RFC 8737 section 6.2. */
export const ACME_TLS = 'acme-tls/1';
export const HTTP_CHALLENGE_PATH = '/.well-known/acme-challenge/';
/** RFC 8555 section 8.1: base64url; the rest of a path must not come from outside. */
const TOKEN = /^[\w-]{1,256}$/;
/** An order has one open challenge a name. */
const MAX_OPEN = 64;
const HOUR_MS = 3600_000;

export interface OpenChallenge {
  type: ChallengeType;
  identifier: Identifier;
  token: string;
  keyAuthorization: string;
}

export class Challenges {
  readonly #http = new Map<string, string>();
  readonly #tls = new Map<string, SecureContext>();

  /** Answers it from now on. @returns ends that. Throws for a token that no authority may send. */
  open({ type, identifier, token, keyAuthorization }: OpenChallenge, now: number): () => void {
    if (!TOKEN.test(token)) throw new Error('a challenge token is not base64url');
    if (this.#http.size + this.#tls.size >= MAX_OPEN) throw new Error('too many challenges are open');
    if (type === 'http-01') {
      this.#http.set(token, keyAuthorization);
      return () => void this.#http.delete(token);
    }
    const name = serverName(identifier);
    const context = challengeContext(identifier, keyAuthorization, now);
    this.#tls.set(name, context);
    return () => {
      if (this.#tls.get(name) === context) this.#tls.delete(name);
    };
  }

  /** @param path of a request, without query. @returns the body of the answer, or null */
  httpAnswer(path: string): string | null {
    if (!path.startsWith(HTTP_CHALLENGE_PATH)) return null;
    return this.#http.get(path.slice(HTTP_CHALLENGE_PATH.length)) ?? null;
  }

  /** @param name the server name that a client asks for. @returns the certificate for the protocol ACME_TLS, or null */
  tlsAnswer(name: string): SecureContext | null {
    return this.#tls.get(name.toLowerCase()) ?? null;
  }
}

/** The certificate of RFC 8737 section 3, with a key that is used for nothing else. */
function challengeContext(identifier: Identifier, keyAuthorization: string, now: number): SecureContext {
  const { privateKey: key } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const cert = createSelfSigned({
    identifiers: [identifier],
    key,
    commonName: 'ACME challenge',
    serial: randomBytes(16),
    notBefore: now - HOUR_MS,
    notAfter: now + 24 * HOUR_MS,
    acmeDigest: createHash('sha256').update(keyAuthorization).digest(),
  });
  return createSecureContext({ cert, key: key.export({ type: 'pkcs8', format: 'pem' }) });
}
