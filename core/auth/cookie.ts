/**
 * The session cookie: `id.issued.mac`, where mac is HMAC-SHA256 over purpose, id and time with a key that is used for
 * nothing else. It proves that this server issued the id; the session table decides whether the session is still valid.
 */
import { Buffer } from 'node:buffer';
import { createHmac, timingSafeEqual } from 'node:crypto';

const PURPOSE = 'agent-monitor session cookie 1';
/** id: 22 characters of base64url; issued: milliseconds in decimal; mac: 43 characters of base64url. */
const SHAPE = /^[\w-]{22}\.\d{1,15}\.[\w-]{43}$/;
const PLAIN_NAME = 'am_session';

/** Over TLS the name itself prevents another host, or a page without TLS, from setting the cookie (RFC 6265bis, 4.1.3). */
export const cookieName = (secure: boolean): string => secure ? `__Host-${PLAIN_NAME}` : PLAIN_NAME;

/** @param issuedAt milliseconds since the epoch */
export function signSession(key: Buffer, id: string, issuedAt: number): string {
  const payload = `${id}.${issuedAt}`;
  return `${payload}.${macOf(key, payload)}`;
}

/** @returns null unless the value is exactly one that signSession wrote */
export function openSession(key: Buffer, value: string): { id: string; issuedAt: number } | null {
  if (!SHAPE.test(value)) return null;
  const end = value.lastIndexOf('.');
  const payload = value.slice(0, end);
  // Compared as text: base64url has spare bits in its last character, which must match too.
  const input = Buffer.from(value.slice(end + 1));
  if (!timingSafeEqual(input, Buffer.from(macOf(key, payload)))) return null;
  const [id, issuedAt] = payload.split('.');
  return { id: id!, issuedAt: Number(issuedAt) };
}

const macOf = (key: Buffer, payload: string): string =>
  createHmac('sha256', key).update(`${PURPOSE}\0${payload}`).digest('base64url');

/** @param maxAgeMs 0 deletes the cookie */
export function setCookie(value: string, maxAgeMs: number, secure: boolean): string {
  const age = Math.floor(maxAgeMs / 1000);
  return `${cookieName(secure)}=${value}; Path=/; HttpOnly; SameSite=Strict; Max-Age=${age}${secure ? '; Secure' : ''}`;
}

/**
 * The values of all cookies with this name. Cookies know no ports, and over plain http no name keeps others from setting one:
 * a page on another port of this host may put one beside ours, under a longer path, so that it comes first and stays after a
 * login. Which one is ours its value proves.
 */
export function readCookies(header: string | undefined, name: string): string[] {
  const found: string[] = [];
  for (const part of header?.split(';') ?? []) {
    const at = part.indexOf('=');
    if (at >= 0 && part.slice(0, at).trim() === name) found.push(part.slice(at + 1).trim());
  }
  return found;
}

/** What the first of these values leads to; null: none leads anywhere. */
export function firstOf<T>(values: readonly string[], find: (value: string) => T | null): T | null {
  for (const value of values) {
    const found = find(value);
    if (found !== null) return found;
  }
  return null;
}
