/**
 * The key that push messages are signed with (RFC 8292). A relay makes one for all of its machines, since a page can have one
 * subscription only and that belongs to one key; HELLO carries it. A machine has one of its own for the local dashboard.
 */
import { Buffer } from 'node:buffer';
import { createECDH } from 'node:crypto';

export interface PushKey {
  /** The uncompressed point of P-256, base64url: what a page subscribes with (`applicationServerKey`). */
  publicKey: string;
  /** The private scalar, 32 bytes, base64url. A secret. */
  privateKey: string;
}

/** A new key. Browsers' subscriptions belong to it: it is made once and kept. */
export function generatePushKey(): PushKey {
  const ecdh = createECDH('prime256v1');
  ecdh.generateKeys();
  const scalar = ecdh.getPrivateKey();
  return {
    publicKey: ecdh.getPublicKey('base64url'),
    privateKey: Buffer.concat([Buffer.alloc(32 - scalar.length), scalar]).toString('base64url'),
  };
}

/** The key as it was kept, checked. Throws a sentence when the two halves do not belong together. */
export function checkPushKey({ publicKey, privateKey }: PushKey): PushKey {
  const ecdh = createECDH('prime256v1');
  try {
    ecdh.setPrivateKey(Buffer.from(privateKey, 'base64url'));
  } catch {
    throw new Error('The private key of the push messages is no key of P-256.');
  }
  if (ecdh.getPublicKey('base64url') !== publicKey) {
    throw new Error('The two halves of the key of the push messages do not belong together.');
  }
  return { publicKey, privateKey };
}

/** The key that a peer sent; null unless it is one. */
export function readPushKey(value: unknown): PushKey | null {
  const { publicKey, privateKey } = (typeof value === 'object' && value !== null ? value : {}) as Partial<PushKey>;
  if (typeof publicKey !== 'string' || typeof privateKey !== 'string') return null;
  try {
    return checkPushKey({ publicKey, privateKey });
  } catch {
    return null;
  }
}
