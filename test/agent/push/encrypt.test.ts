/** RFC 8291's own example, a second reading of the format by decrypting as a browser does, and keys that are none. */
import { Buffer } from 'node:buffer';
import { createDecipheriv, createECDH, hkdfSync, randomBytes } from 'node:crypto';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { decodeKeys, encrypt, MAX_PAYLOAD } from '../../../agent/push/encrypt.ts';

const b = (text: string) => Buffer.from(text, 'base64url');
/** RFC 8291 section 5 and appendix A. */
const EXAMPLE = {
  text: 'When I grow up, I want to be a watermelon',
  senderPrivate: 'yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw',
  browserPublic: 'BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4',
  auth: 'BTBZMqHH6r4Tts7J_aSIgg',
  salt: 'DGv6ra1nlYgDCS1FRnbzlw',
  body:
    'DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A_' +
    'yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN',
};

test('the example of RFC 8291', () => {
  const keys = decodeKeys(EXAMPLE.browserPublic, EXAMPLE.auth);
  const body = encrypt(Buffer.from(EXAMPLE.text), keys, {
    privateKey: b(EXAMPLE.senderPrivate),
    salt: b(EXAMPLE.salt),
  });
  assert.is(body.toString('base64url'), EXAMPLE.body);
});

/** What a browser does with the body; throws when the tag does not fit. */
function decrypt(body: Buffer, browser: ReturnType<typeof createECDH>, auth: Buffer): Buffer {
  const [salt, idLength] = [body.subarray(0, 16), body[20]!];
  const sender = body.subarray(21, 21 + idLength);
  const derive = (key: Uint8Array, salt: Uint8Array, info: Uint8Array, length: number) =>
    Buffer.from(hkdfSync('sha256', key, salt, info, length));
  const info = Buffer.concat([Buffer.from('WebPush: info\0'), browser.getPublicKey(), sender]);
  const secret = derive(browser.computeSecret(sender), auth, info, 32);
  const cipher = createDecipheriv(
    'aes-128-gcm',
    derive(secret, salt, Buffer.from('Content-Encoding: aes128gcm\0'), 16),
    derive(secret, salt, Buffer.from('Content-Encoding: nonce\0'), 12),
  );
  cipher.setAuthTag(body.subarray(-16));
  const plain = Buffer.concat([cipher.update(body.subarray(21 + idLength, -16)), cipher.final()]);
  assert.is(plain.at(-1), 2);
  return plain.subarray(0, -1);
}

test('every length is read back, up to the largest; one more is refused', () => {
  const browser = createECDH('prime256v1');
  browser.generateKeys();
  const auth = randomBytes(16);
  const keys = decodeKeys(browser.getPublicKey('base64url'), auth.toString('base64url'));
  for (const length of [0, 1, 15, 16, 17, MAX_PAYLOAD]) {
    const payload = randomBytes(length);
    const body = encrypt(payload, keys);
    assert.ok(body.length <= 4096, `${body.length} bytes`);
    assert.equal(decrypt(body, browser, auth), payload);
    assert.not.equal(encrypt(payload, keys), body, 'a key and a salt of its own for each message');
  }
  assert.throws(() => encrypt(Buffer.alloc(MAX_PAYLOAD + 1), keys), /at most 3993 bytes/);
});

test('keys that are none are refused with a sentence', () => {
  const { browserPublic, auth } = EXAMPLE;
  const offCurve = b(browserPublic);
  offCurve[64]! ^= 1;
  const compressed = Buffer.concat([Buffer.from([2]), b(browserPublic).subarray(1, 33)]);
  for (const key of ['', 'AAAA', offCurve.toString('base64url'), compressed.toString('base64url')]) {
    assert.throws(() => decodeKeys(key, auth), /"p256dh" must be/);
  }
  for (const secret of ['', auth.slice(0, -2), `${auth}AA`]) {
    assert.throws(() => decodeKeys(browserPublic, secret), /"auth" must be 16 bytes/);
  }
});

test.run();
