/** A push message, sealed to one browser: RFC 8291 over the content coding aes128gcm of RFC 8188. Pure. */
import { Buffer } from 'node:buffer';
import { createCipheriv, createECDH, hkdfSync, randomBytes } from 'node:crypto';

/** Most bytes of a payload: every push service takes 4,096 bytes of ciphertext (RFC 8030 section 7.2). */
export const MAX_PAYLOAD = 3993;
/** The record size of the header: one record holds the whole message. */
const RECORD_SIZE = 4096;
const SALT_BYTES = 16;
const AUTH_BYTES = 16;
/** An uncompressed point of P-256. */
const POINT_BYTES = 65;

/** What a browser gives for its subscription, decoded: its public key (p256dh) and its shared secret (auth). */
export interface BrowserKeys {
  p256dh: Buffer;
  auth: Buffer;
}

/** Fresh for every message; tests give those of the RFC's example. */
export interface Ephemeral {
  privateKey?: Buffer;
  salt?: Buffer;
}

/**
 * Decodes the keys of a subscription (base64url). Throws a sentence when they are none: a wrong length, or a point that is
 * not on the curve.
 */
export function decodeKeys(p256dh: string, auth: string): BrowserKeys {
  const keys = { p256dh: Buffer.from(p256dh, 'base64url'), auth: Buffer.from(auth, 'base64url') };
  if (keys.auth.length !== AUTH_BYTES) throw new Error('"auth" must be 16 bytes as base64url.');
  if (keys.p256dh.length !== POINT_BYTES) throw new Error('"p256dh" must be a public key of P-256 as base64url.');
  const probe = createECDH('prime256v1');
  probe.generateKeys();
  try {
    probe.computeSecret(keys.p256dh);
  } catch {
    throw new Error('"p256dh" must be a point of the curve P-256.');
  }
  return keys;
}

/**
 * Seals `payload` (at most MAX_PAYLOAD bytes) for the browser with these keys.
 * @returns the body of the request to the push service, content-encoding aes128gcm
 */
export function encrypt(payload: Uint8Array, { p256dh, auth }: BrowserKeys, ephemeral: Ephemeral = {}): Buffer {
  if (payload.length > MAX_PAYLOAD) throw new RangeError(`A push message has at most ${MAX_PAYLOAD} bytes.`);
  const sender = createECDH('prime256v1');
  if (ephemeral.privateKey) sender.setPrivateKey(ephemeral.privateKey);
  else sender.generateKeys();
  const senderKey = sender.getPublicKey();
  const salt = ephemeral.salt ?? randomBytes(SALT_BYTES);
  // RFC 8291 section 3.4: the auth secret joins in, so that the push service cannot swap the browser's key for its own.
  const context = Buffer.concat([Buffer.from('WebPush: info\0'), p256dh, senderKey]);
  const secret = derive(sender.computeSecret(p256dh), auth, context, 32);
  const key = derive(secret, salt, Buffer.from('Content-Encoding: aes128gcm\0'), 16);
  const nonce = derive(secret, salt, Buffer.from('Content-Encoding: nonce\0'), 12);
  const cipher = createCipheriv('aes-128-gcm', key, nonce);
  // RFC 8188 section 2: the delimiter 2 says that this record is the last.
  const sealed = [cipher.update(payload), cipher.update(Buffer.from([2])), cipher.final(), cipher.getAuthTag()];
  return Buffer.concat([header(salt, senderKey), ...sealed]);
}

const derive = (secret: Uint8Array, salt: Uint8Array, info: Uint8Array, length: number): Buffer =>
  Buffer.from(hkdfSync('sha256', secret, salt, info, length));

/** RFC 8188 section 2.1: salt, record size, and the sender's public key as the key id. */
function header(salt: Buffer, senderKey: Buffer): Buffer {
  const sizes = Buffer.alloc(5);
  sizes.writeUInt32BE(RECORD_SIZE, 0);
  sizes.writeUInt8(senderKey.length, 4);
  return Buffer.concat([salt, sizes, senderKey]);
}
