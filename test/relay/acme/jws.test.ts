import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { createPrivateKey, createPublicKey, generateKeyPairSync, verify } from 'node:crypto';
import { keyAuthorization, publicJwk, signJws, thumbprint } from '../../../relay/acme/jws.ts';

/** RFC 7517 appendix A.2, first key. */
const RFC_KEY = createPrivateKey({
  format: 'jwk',
  key: {
    kty: 'EC',
    crv: 'P-256',
    x: 'MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4',
    y: '4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM',
    d: '870MB6gfuTJ4HtUnUvYMyJpr5eUZNP4Bk43bVdj3eAE',
  },
});

test('the public half has the members of RFC 7638 in their order and nothing private', () => {
  assert.is(
    JSON.stringify(publicJwk(RFC_KEY)),
    '{"crv":"P-256","kty":"EC","x":"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4","y":"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM"}',
  );
});

test('the thumbprint is the SHA-256 of that text', () => {
  // Printed by `openssl dgst -sha256 -binary | base64` for the text above.
  assert.is(thumbprint(RFC_KEY), 'cn-I_WNMClehiVp51i_0VpOENW1upEerA8sEam5hn-s');
  assert.is(keyAuthorization('abc', RFC_KEY), 'abc.cn-I_WNMClehiVp51i_0VpOENW1upEerA8sEam5hn-s');
});

const HEADERS = [
  { label: 'a new account', header: { url: 'https://a/new', nonce: 'n1' }, payload: { contact: [] } },
  { label: 'a known account', header: { url: 'https://a/o', nonce: 'n2', kid: 'https://a/acct/1' }, payload: {} },
  { label: 'a request without payload', header: { url: 'https://a/o', nonce: 'n3', kid: 'k' }, payload: undefined },
];
for (const { label, header, payload } of HEADERS) {
  test(`${label}: the signature holds and the head says what it must`, () => {
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const jws = JSON.parse(signJws(payload, header, privateKey));
    assert.equal(Object.keys(jws).sort(), ['payload', 'protected', 'signature']);
    const head = JSON.parse(Buffer.from(jws.protected, 'base64url').toString());
    const { kid, ...rest } = header as typeof header & { kid?: string };
    assert.equal(head, { alg: 'ES256', ...rest, ...(kid ? { kid } : { jwk: publicJwk(privateKey) }) });
    assert.is(jws.payload, payload === undefined ? '' : Buffer.from(JSON.stringify(payload)).toString('base64url'));
    const signature = Buffer.from(jws.signature, 'base64url');
    assert.is(signature.length, 64);
    const data = Buffer.from(`${jws.protected}.${jws.payload}`);
    const key = { key: createPublicKey(privateKey), dsaEncoding: 'ieee-p1363' as const };
    assert.ok(verify('sha256', data, key, signature));
    assert.not.ok(verify('sha256', Buffer.from(`${jws.protected}.e30x`), key, signature));
  });
}

test.run();
