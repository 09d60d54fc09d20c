/** Passwords: scrypt, with a bound on concurrent derivations, and a comparison in constant time. */
import { Buffer } from 'node:buffer';
import { availableParallelism } from 'node:os';
import { createHash, randomBytes, scrypt, timingSafeEqual } from 'node:crypto';

/** RFC 7914: N = 2^15, r = 8, p = 1: 32 MiB and about 80 ms per guess. */
const COST = { N: 2 ** 15, r: 8, p: 1, maxmem: 64 * 1024 * 1024 };
const HASH_BYTES = 32;
const SALT_BYTES = 16;
/** Concurrent derivations; each takes 32 MiB and a processor: half of the processors stay free for logged-in users. */
export const MAX_RUNNING = Math.min(2, Math.max(1, Math.floor(availableParallelism() / 2)));
/** Derivations that may wait for a slot. */
export const MAX_WAITING = 32;

/** A password at rest; base64url. */
export interface PasswordHash {
  salt: string;
  hash: string;
}

/** Too many derivations are waiting; try again soon. */
export class BusyError extends Error {}

let running = 0;
const waiting: (() => void)[] = [];

/** Derives a key. Rejects with BusyError when MAX_WAITING others wait. */
async function derive(password: string, salt: Buffer): Promise<Buffer> {
  if (running >= MAX_RUNNING) {
    if (waiting.length >= MAX_WAITING) throw new BusyError('too many logins at once');
    await new Promise<void>((resolve) => waiting.push(resolve));
  }
  running++;
  try {
    // Hashed first, so that a long password takes no longer than a short one.
    const digest = createHash('sha256').update(password, 'utf8').digest();
    return await new Promise((resolve, reject) => {
      scrypt(digest, salt, HASH_BYTES, COST, (error, key) => error ? reject(error) : resolve(key));
    });
  } finally {
    running--;
    waiting.shift()?.();
  }
}

export async function hashPassword(password: string): Promise<PasswordHash> {
  const salt = randomBytes(SALT_BYTES);
  return { salt: salt.toString('base64url'), hash: (await derive(password, salt)).toString('base64url') };
}

export async function verifyPassword(password: string, stored: PasswordHash): Promise<boolean> {
  const expected = Buffer.from(stored.hash, 'base64url');
  const actual = await derive(password, Buffer.from(stored.salt, 'base64url'));
  return expected.length === actual.length && timingSafeEqual(expected, actual);
}

/** A random password: 20 characters without look-alikes (2^98 possibilities), in groups that are easy to type. */
export function generatePassword(): string {
  const alphabet = 'abcdefghjkmnpqrstuvwxyz23456789'; // 31: no i, l, o, 0, 1
  let text = '';
  while (text.length < 20) {
    for (const byte of randomBytes(32)) {
      if (byte < 248 && text.length < 20) text += alphabet[byte % 31]; // 248 = 8 × 31: no remainder is likelier
    }
  }
  return text.replace(/(.{5})(?=.)/g, '$1-');
}
