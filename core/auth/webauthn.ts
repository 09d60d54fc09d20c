/**
 * What a passkey's authenticator answers (WebAuthn level 3, sections 7.1 and 7.2): checks of registrations and assertions.
 * Pure but for the challenge, which the caller looks at. Attestation is not asked for and not looked at: nobody here needs to
 * know the make of an authenticator.
 */
import { Buffer } from 'node:buffer';
import { createHash, createPublicKey, type KeyObject, verify } from 'node:crypto';
import type { PasskeyAnswer, PasskeyAssertion, PasskeyCreation } from '../api/auth.ts';
import { type CborMap, type CborValue, decodeCbor } from './cbor.ts';

/** COSE algorithms (RFC 9053): ES256, EdDSA, RS256; the first that an authenticator knows is used. */
export const ALGORITHMS = [-7, -8, -257] as const;
/** Bytes of a credential's id (section 4). */
const MAX_ID = 1023;
const FLAG = { present: 1, verified: 4, backupEligible: 8, backedUp: 16, credential: 64, extensions: 128 } as const;
/** rpIdHash, flags, counter. */
const HEAD = 37;
/** RSA moduli of authenticators, bytes: 2048 to 4096 bits. */
const MODULUS = { min: 256, max: 512 };

export interface Expected {
  /** The origin of the page, as this server was asked. */
  origin: string;
  /** The host name that the passkey is for. */
  rpId: string;
  /** Whether the challenge is one that was asked for this, in time and for the first time. */
  isChallenge: (challenge: string) => boolean;
}

export interface Credential {
  /** base64url */
  id: string;
  /** SubjectPublicKeyInfo, DER, base64url. */
  publicKey: string;
  /** Signatures that it has made, if it counts them. */
  counter: number;
}

/** Checks a new passkey (section 7.1). @throws an Error that says what is wrong, for the log */
export function verifyRegistration(answer: PasskeyCreation, expected: Expected): Credential {
  checkClientData(answer, 'webauthn.create', expected);
  const { value, end } = decodeCbor(bytesOf(answer.attestationObject));
  const authData = value instanceof Map ? value.get('authData') : null;
  if (!Buffer.isBuffer(authData) || end !== bytesOf(answer.attestationObject).length) fail('no attestation object');
  const { counter, credential } = parseAuthData(authData as Buffer, expected.rpId);
  if (!credential) return fail('no credential');
  if (credential.id !== answer.id) fail('another credential than the one named');
  return { ...credential, counter };
}

/**
 * Checks an assertion (section 7.2). @returns the new counter. @throws an Error that says what is wrong, for the log
 * @param known the credential that the answer names
 */
export function verifyAssertion(answer: PasskeyAssertion, known: Credential, expected: Expected): number {
  if (answer.id !== known.id) fail('another credential');
  checkClientData(answer, 'webauthn.get', expected);
  const authData = bytesOf(answer.authenticatorData);
  const { counter } = parseAuthData(authData, expected.rpId);
  const key = createPublicKey({ key: bytesOf(known.publicKey), format: 'der', type: 'spki' });
  const signed = Buffer.concat([authData, sha256(bytesOf(answer.clientDataJSON))]);
  if (!verify(key.asymmetricKeyType === 'ed25519' ? null : 'sha256', signed, key, bytesOf(answer.signature))) {
    fail('the signature is not right');
  }
  // A counter that does not go up: the authenticator was cloned, or the answer is an old one.
  if ((counter !== 0 || known.counter !== 0) && counter <= known.counter) fail('the counter went back');
  return counter;
}

/** The challenge that an answer says it answers; '' when it says none. */
export const challengeOf = ({ clientDataJSON }: PasskeyAnswer): string => {
  const { challenge } = parseClientData(clientDataJSON);
  return typeof challenge === 'string' ? challenge : '';
};

function checkClientData(answer: PasskeyAnswer, type: string, { origin, isChallenge }: Expected): void {
  const data = parseClientData(answer.clientDataJSON);
  if (data.type !== type) fail('an answer to another question');
  if (data.origin !== origin) fail(`a page of ${String(data.origin).slice(0, 100)} asked`);
  if (data.crossOrigin === true || data.topOrigin !== undefined) fail('a page inside another site asked');
  if (!isChallenge(challengeOf(answer))) fail('the challenge is not open');
}

function parseClientData(text: string): Record<string, unknown> {
  const data: unknown = JSON.parse(bytesOf(text).toString());
  return typeof data === 'object' && data !== null ? data as Record<string, unknown> : fail('no client data');
}

interface AuthData {
  counter: number;
  credential: Omit<Credential, 'counter'> | null;
}

/** Section 6.1. The person was there and was verified, and the passkey is for this host. */
function parseAuthData(bytes: Buffer, rpId: string): AuthData {
  if (bytes.length < HEAD) fail('authenticator data cut short');
  const flags = bytes[32]!;
  const has = (flag: number) => (flags & flag) !== 0;
  if (!bytes.subarray(0, 32).equals(sha256(Buffer.from(rpId)))) fail('for another host');
  if (!has(FLAG.present) || !has(FLAG.verified)) fail('the person was not verified');
  if (has(FLAG.backedUp) && !has(FLAG.backupEligible)) fail('backed up though it cannot be');
  let end = HEAD;
  let credential: AuthData['credential'] = null;
  if (has(FLAG.credential)) ({ credential, end } = parseCredential(bytes, end));
  if (has(FLAG.extensions)) end += decodeCbor(bytes.subarray(end)).end;
  if (end !== bytes.length) fail('authenticator data of another length');
  return { counter: bytes.readUInt32BE(33), credential };
}

/** Section 6.5.1: AAGUID (16), length (2), id, key. */
function parseCredential(bytes: Buffer, at: number): { credential: Omit<Credential, 'counter'>; end: number } {
  if (bytes.length < at + 18) fail('credential data cut short');
  const idAt = at + 18;
  const keyAt = idAt + bytes.readUInt16BE(at + 16);
  if (keyAt - idAt > MAX_ID || keyAt === idAt || keyAt >= bytes.length) fail('a credential id of another length');
  const { value, end } = decodeCbor(bytes.subarray(keyAt));
  if (!(value instanceof Map)) return fail('no key');
  const publicKey = coseKey(value).export({ type: 'spki', format: 'der' }).toString('base64url');
  return { credential: { id: bytes.toString('base64url', idAt, keyAt), publicKey }, end: keyAt + end };
}

/** RFC 9052 section 7, RFC 9053 sections 2 and 7. */
function coseKey(map: CborMap): KeyObject {
  const text = (label: number, isSize: (size: number) => boolean) => encoded(map.get(label), isSize);
  const is32 = (size: number) => size === 32;
  switch (`${map.get(1)} ${map.get(3)} ${map.get(1) === 3 ? '' : map.get(-1)}`) {
    case '2 -7 1':
      return fromJwk({ kty: 'EC', crv: 'P-256', x: text(-2, is32), y: text(-3, is32) });
    case '1 -8 6':
      return fromJwk({ kty: 'OKP', crv: 'Ed25519', x: text(-2, is32) });
    case '3 -257 ': {
      const n = text(-1, (size) => size >= MODULUS.min && size <= MODULUS.max);
      return fromJwk({ kty: 'RSA', n, e: text(-2, (size) => size >= 1 && size <= 4) });
    }
    default:
      return fail('a key of another kind');
  }
}

const fromJwk = (key: Record<string, string>): KeyObject => createPublicKey({ key, format: 'jwk' });
const encoded = (value: CborValue | undefined, isSize: (size: number) => boolean): string =>
  Buffer.isBuffer(value) && isSize(value.length) ? value.toString('base64url') : fail('a key with a bad part');
const bytesOf = (text: string): Buffer => Buffer.from(text, 'base64url');
const sha256 = (bytes: Buffer): Buffer => createHash('sha256').update(bytes).digest();

function fail(reason: string): never {
  throw new Error(reason);
}
