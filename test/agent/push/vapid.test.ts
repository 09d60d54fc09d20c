import { Buffer } from 'node:buffer';
import { createPublicKey, verify } from 'node:crypto';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { authorization } from '../../../agent/push/vapid.ts';
import { checkPushKey, generatePushKey } from '../../../core/tunnel/push-key.ts';

const NOW = Date.UTC(2026, 10, 28);

function parts(field: string): { header: object; claims: Record<string, unknown>; isValid: boolean; key: string } {
  const [, token, key] = /^vapid t=([\w.-]+), k=([\w-]+)$/.exec(field)!;
  const [head, body, signature] = token!.split('.') as [string, string, string];
  const point = Buffer.from(key!, 'base64url');
  const publicKey = createPublicKey({
    format: 'jwk',
    key: {
      kty: 'EC',
      crv: 'P-256',
      x: point.subarray(1, 33).toString('base64url'),
      y: point.subarray(33).toString('base64url'),
    },
  });
  const read = (text: string) => JSON.parse(Buffer.from(text, 'base64url').toString());
  const options = { key: publicKey, dsaEncoding: 'ieee-p1363' } as const;
  const isValid = verify('sha256', Buffer.from(`${head}.${body}`), options, Buffer.from(signature, 'base64url'));
  return { header: read(head), claims: read(body), isValid, key: key! };
}

test('a token names the service, ends within a day and is signed by the key that stands beside it', () => {
  const key = generatePushKey();
  const field = authorization(key, 'https://push.example:8443/send/secret-path', 'mailto:me@example.org', NOW);
  const { header, claims, isValid, key: shown } = parts(field);
  assert.equal(header, { typ: 'JWT', alg: 'ES256' });
  assert.equal(claims, { aud: 'https://push.example:8443', exp: NOW / 1000 + 43_200, sub: 'mailto:me@example.org' });
  assert.ok(isValid);
  assert.is(shown, key.publicKey);
  assert.not.match(field, /secret-path/);
});

test('a kept key is the same key; halves that do not belong together are refused', () => {
  const [first, second] = [generatePushKey(), generatePushKey()];
  assert.equal(checkPushKey(first), first);
  assert.throws(() => checkPushKey({ ...first, publicKey: second.publicKey }), /do not belong together/);
  assert.throws(() => checkPushKey({ ...first, privateKey: '' }), /no key of P-256/);
  for (let i = 0; i < 300; i++) { // a scalar that begins with a zero byte is padded
    const key = generatePushKey();
    assert.is(Buffer.from(key.privateKey, 'base64url').length, 32);
    assert.equal(checkPushKey(key), key);
  }
});

test.run();
