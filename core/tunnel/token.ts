/** Whether a token can be guessed. Its strength is the only protection against an offline attack on a recorded handshake. */
import { Buffer } from 'node:buffer';
import { hkdfSync, randomBytes } from 'node:crypto';
import { tokenKey } from './noise.ts';

/** Least strength, bits. */
const MIN_BITS = 128;
/** A token with fewer different characters is a pattern, however long it is. */
const MIN_DISTINCT = 8;

const CLASSES: [RegExp, number][] = [[/[0-9]/, 10], [/[a-z]/, 26], [/[A-Z]/, 26], [/[^0-9a-zA-Z]/, 20]];

/** An upper bound, bits: assumes that each character was drawn at random from the classes that appear. */
function strength(token: string): number {
  if (new Set(token).size < MIN_DISTINCT) return new Set(token).size * 4;
  const size = /^[0-9a-f]+$/i.test(token)
    ? 16
    : CLASSES.reduce((sum, [pattern, characters]) => pattern.test(token) ? sum + characters : sum, 0);
  return token.length * Math.log2(size);
}

/** A random token of 256 bits. */
export const generateToken = (): string => randomBytes(32).toString('base64url');

/** @returns null for a strong token, else a sentence for the log with a replacement to use */
export function tokenWeakness(token: string): string | null {
  if (strength(token) >= MIN_BITS) return null;
  return 'RELAY_TOKEN is short enough to be guessed by whoever records the connection. ' +
    `Set it on both sides to a random one, for example RELAY_TOKEN=${generateToken()}`;
}

/** How a machine's own token and a join code begin, so that neither is taken for a RELAY_TOKEN. */
const MACHINE_TOKEN = /^amt_[\w-]{43}$/;
const JOIN_CODE = /^amj_[\w-]{32}$/;

/** Whether it begins as those of one machine do: it would name a key, which a RELAY_TOKEN does not. */
export const isForJoining = (value: string): boolean => /^am[tj]_/.test(value);

/** A machine's own token: 256 random bits. */
export const generateMachineToken = (): string => `amt_${generateToken()}`;
/** A join code: 192 random bits. */
export const generateJoinCode = (): string => `amj_${randomBytes(24).toString('base64url')}`;

export const isMachineToken = (value: unknown): value is string =>
  typeof value === 'string' && MACHINE_TOKEN.test(value);
export const isJoinCode = (value: unknown): value is string => typeof value === 'string' && JOIN_CODE.test(value);

/** What proves a secret: the handshake's key, and the id by which the relay finds that key. */
export interface TunnelKey {
  /** Sent in the clear; missing for a RELAY_TOKEN. */
  id?: string;
  psk: Uint8Array;
}

/** Bytes of a key's id: enough that no two are ever the same. */
const KEY_ID_SIZE = 16;

/**
 * The key of a token or a join code. A machine's token and a code have so many random bits that a plain hash gives nothing
 * away; a RELAY_TOKEN may be a word, so it gets the slow derivation and no id: an id would let it be guessed quickly.
 */
export function tunnelKey(secret: string): TunnelKey {
  if (!isMachineToken(secret) && !isJoinCode(secret)) return { psk: tokenKey(secret) };
  const derive = (purpose: string, size: number) =>
    Buffer.from(hkdfSync('sha256', secret, '', `agent-monitor tunnel ${purpose}`, size));
  return { id: derive('key id', KEY_ID_SIZE).toString('base64url'), psk: derive('psk', 32) };
}
