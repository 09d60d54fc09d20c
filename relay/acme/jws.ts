/** JSON Web Signatures as ACME uses them (RFC 7515, RFC 8555 section 6.2): ES256, flattened JSON. Pure but for the signature. */
import { Buffer } from 'node:buffer';
import { createHash, createPublicKey, type KeyObject, sign } from 'node:crypto';

export interface PublicJwk {
  crv: string;
  kty: string;
  x: string;
  y: string;
}

export interface JwsHeader {
  url: string;
  nonce: string;
  /** The account's address; without it the whole public key is sent. */
  kid?: string;
}

const base64url = (data: string | Uint8Array): string => Buffer.from(data).toString('base64url');

/** The public half in the member order of RFC 7638, which its thumbprint depends on. @param key P-256 */
export function publicJwk(key: KeyObject): PublicJwk {
  const { crv, kty, x, y } = createPublicKey(key).export({ format: 'jwk' }) as unknown as PublicJwk;
  return { crv, kty, x, y };
}

/** RFC 7638: SHA-256 of the key, base64url. */
export const thumbprint = (key: KeyObject): string =>
  createHash('sha256').update(JSON.stringify(publicJwk(key))).digest('base64url');

/** RFC 8555 section 8.1: what proves that the holder of this account's key answers a challenge. */
export const keyAuthorization = (token: string, key: KeyObject): string => `${token}.${thumbprint(key)}`;

/** The body of a POST. @param payload undefined: POST-as-GET (RFC 8555 section 6.3) */
export function signJws(payload: unknown, header: JwsHeader, key: KeyObject): string {
  const { url, nonce, kid } = header;
  const protectedHeader = { alg: 'ES256', nonce, url, ...(kid ? { kid } : { jwk: publicJwk(key) }) };
  const head = base64url(JSON.stringify(protectedHeader));
  const body = payload === undefined ? '' : base64url(JSON.stringify(payload));
  // RFC 7518 section 3.4: r and s side by side, not DER.
  const signature = sign('sha256', Buffer.from(`${head}.${body}`), { key, dsaEncoding: 'ieee-p1363' });
  return JSON.stringify({ protected: head, payload: body, signature: base64url(signature) });
}
