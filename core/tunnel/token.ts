/** Whether a token can be guessed. Its strength is all that keeps a recorded handshake from being tried offline. */
import { randomBytes } from 'node:crypto';

/** Least strength, bits. */
const MIN_BITS = 128;
/** Fewer different characters than this is a pattern, however long. */
const MIN_DISTINCT = 8;

const CLASSES: [RegExp, number][] = [[/[0-9]/, 10], [/[a-z]/, 26], [/[A-Z]/, 26], [/[^0-9a-zA-Z]/, 20]];

/** An upper bound, bits: as if each character had been drawn at random from the classes that appear. */
function strength(token: string): number {
  if (new Set(token).size < MIN_DISTINCT) return new Set(token).size * 4;
  const size = /^[0-9a-f]+$/i.test(token)
    ? 16
    : CLASSES.reduce((n, [sort, count]) => sort.test(token) ? n + count : n, 0);
  return token.length * Math.log2(size);
}

/** A token nobody guesses: 256 bits. */
export const generateToken = (): string => randomBytes(32).toString('base64url');

/** @returns null for a strong token, else a sentence for the log with a replacement to use */
export function tokenWeakness(token: string): string | null {
  if (strength(token) >= MIN_BITS) return null;
  return 'RELAY_TOKEN is short enough to be guessed by whoever records the connection. ' +
    `Set it on both sides to a random one, for example RELAY_TOKEN=${generateToken()}`;
}
