/**
 * PKCS #10 requests and self-signed certificates, which node:crypto reads but does not make, for P-256 keys; and what of an
 * authority's certificate node:crypto does not tell. Pure but for the randomness in signatures.
 */
import { Buffer } from 'node:buffer';
import { createPublicKey, type KeyObject, sign, X509Certificate } from 'node:crypto';
import {
  bitString,
  boolean,
  integer,
  objectIdentifier,
  octetString,
  readElement,
  readElements,
  sequence,
  set,
  TAG,
  tagged,
  time,
  utf8String,
} from './der.ts';
import { addressBytes, type Identifier } from './identifier.ts';

const OID = {
  commonName: '2.5.4.3',
  subjectAltName: '2.5.29.17',
  authorityKeyIdentifier: '2.5.29.35',
  /** PKCS #9 extensionRequest, RFC 2985 section 5.4.2. */
  extensionRequest: '1.2.840.113549.1.9.14',
  ecdsaWithSha256: '1.2.840.10045.4.3.2',
  /** id-pe-acmeIdentifier, RFC 8737 section 6.1. */
  acmeIdentifier: '1.3.6.1.5.5.7.1.31',
} as const;

const SIGNATURE_ALGORITHM = sequence(objectIdentifier(OID.ecdsaWithSha256));
/** CONTEXT tags of GeneralName, RFC 5280 section 4.2.1.6. */
const DNS_NAME = 2;
const IP_ADDRESS = 7;

const publicKeyInfo = (key: KeyObject): Buffer => createPublicKey(key).export({ type: 'spki', format: 'der' });
const signed = (body: Buffer, key: KeyObject): Buffer =>
  sequence(body, SIGNATURE_ALGORITHM, bitString(sign('sha256', body, key)));

function extension(oid: string, critical: boolean, value: Buffer): Buffer {
  return sequence(objectIdentifier(oid), ...(critical ? [boolean(true)] : []), octetString(value));
}

/** @param critical RFC 5280: when the subject is empty */
function subjectAltName(identifiers: readonly Identifier[], critical: boolean): Buffer {
  const names = identifiers.map(({ type, value }) =>
    type === 'dns' ? tagged(DNS_NAME, false, Buffer.from(value)) : tagged(IP_ADDRESS, false, addressBytes(value))
  );
  return extension(OID.subjectAltName, critical, sequence(...names));
}

/** A PKCS #10 request in DER (RFC 2986) with an empty subject: authorities read the names only. @param key private, P-256 */
export function createRequest(identifiers: readonly Identifier[], key: KeyObject): Buffer {
  const extensions = sequence(subjectAltName(identifiers, true));
  const attributes = tagged(0, true, sequence(objectIdentifier(OID.extensionRequest), set(extensions)));
  return signed(sequence(integer(0), sequence(), publicKeyInfo(key), attributes), key);
}

export interface SelfSigned {
  identifiers: readonly Identifier[];
  /** Private, P-256. */
  key: KeyObject;
  /** Of the subject, who is the issuer too. */
  commonName: string;
  /** Big-endian bytes, at most 20. */
  serial: Uint8Array;
  /** Milliseconds since the epoch. */
  notBefore: number;
  notAfter: number;
  /** SHA-256 of the key authorization: makes it a tls-alpn-01 certificate (RFC 8737 section 3). */
  acmeDigest?: Uint8Array;
}

/** A certificate in PEM form (RFC 5280) that its own key has signed. */
export function createSelfSigned(settings: SelfSigned): string {
  const { identifiers, key, commonName, serial, notBefore, notAfter, acmeDigest } = settings;
  const name = sequence(set(sequence(objectIdentifier(OID.commonName), utf8String(commonName))));
  const extensions = [subjectAltName(identifiers, false)];
  if (acmeDigest) extensions.push(extension(OID.acmeIdentifier, true, octetString(acmeDigest)));
  const body = sequence(
    tagged(0, true, integer(2)), // version 3
    integer(serial),
    SIGNATURE_ALGORITHM,
    name,
    sequence(time(notBefore), time(notAfter)),
    name,
    publicKeyInfo(key),
    tagged(3, true, sequence(...extensions)),
  );
  return pem('CERTIFICATE', signed(body, key));
}

export function pem(label: string, der: Buffer): string {
  const lines = der.toString('base64').replace(/.{64}(?=.)/g, '$&\n');
  return `-----BEGIN ${label}-----\n${lines}\n-----END ${label}-----\n`;
}

/**
 * The name by which a certificate is asked for at renewalInfo (RFC 9773 section 4.1): key identifier of its authority, a dot,
 * serial number. null when it names no authority key. Throws when it is not DER.
 */
export function renewalId(certificate: X509Certificate): string | null {
  const body = readElements(readElement(certificate.raw, 0).content)[0]!;
  const fields = readElements(body.content);
  const serial = fields.find(({ tag }) => tag === TAG.integer);
  const extensions = fields.find(({ tag }) => tag === 0xa3);
  const value = extensions && findExtension(extensions.content, OID.authorityKeyIdentifier);
  const keyId = value && readElements(readElement(value, 0).content).find(({ tag }) => tag === 0x80);
  return serial && keyId ? `${keyId.content.toString('base64url')}.${serial.content.toString('base64url')}` : null;
}

/** @param list content of the `[3]` element. @returns the extension's value */
function findExtension(list: Buffer, oid: string): Buffer | null {
  const wanted = objectIdentifier(oid);
  for (const { content } of readElements(readElement(list, 0).content)) {
    const [id, ...rest] = readElements(content);
    if (id && wanted.subarray(2).equals(id.content)) return rest.at(-1)?.content ?? null;
  }
  return null;
}
