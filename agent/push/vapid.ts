/** Who sends a push message, for the push service: a signed token for its origin (RFC 8292). Pure but for the clock given. */
import { Buffer } from 'node:buffer';
import { createPrivateKey, type KeyObject, sign } from 'node:crypto';
import type { PushKey } from '../../core/tunnel/push-key.ts';

/** How long a token is good for, s. RFC 8292 section 2 allows 24 h; services refuse what is too close to that. */
const TOKEN_S = 12 * 3600;

/**
 * The Authorization field for a push service (RFC 8292 section 3).
 * @param endpoint the subscription's address; only its origin goes into the token
 * @param subject `mailto:…` or an https address at which the service reaches whoever runs this
 * @param nowMs ms since the Unix epoch
 */
export function authorization(key: PushKey, endpoint: string, subject: string, nowMs: number): string {
  const claims = { aud: new URL(endpoint).origin, exp: Math.floor(nowMs / 1000) + TOKEN_S, sub: subject };
  const signed = `${part({ typ: 'JWT', alg: 'ES256' })}.${part(claims)}`;
  const signature = sign('sha256', Buffer.from(signed), { key: privateKeyOf(key), dsaEncoding: 'ieee-p1363' });
  return `vapid t=${signed}.${signature.toString('base64url')}, k=${key.publicKey}`;
}

const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');

function privateKeyOf({ publicKey, privateKey }: PushKey): KeyObject {
  const point = Buffer.from(publicKey, 'base64url');
  return createPrivateKey({
    format: 'jwk',
    key: {
      kty: 'EC',
      crv: 'P-256',
      d: privateKey,
      x: point.subarray(1, 33).toString('base64url'),
      y: point.subarray(33).toString('base64url'),
    },
  });
}
