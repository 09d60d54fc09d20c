/**
 * The session cookie: `id.issued.mac`, where mac is HMAC-SHA256 over purpose, id and time with a key that is used for
 * nothing else. It proves that this server issued the id; whether the session still lives is the session table's word.
 */
import { Buffer } from 'node:buffer';
import { createHmac, timingSafeEqual } from 'node:crypto';

const PURPOSE = 'agent-monitor session cookie 1';
/** id: 22 characters of base64url; issued: milliseconds in decimal; mac: 43 characters of base64url. */
const SHAPE = /^[\w-]{22}\.\d{1,15}\.[\w-]{43}$/;
const PLAIN_NAME = 'am_session';

/** Over TLS the name itself keeps the cookie from being set by another host or without Secure (RFC 6265bis, 4.1.3). */
export const cookieName = (secure: boolean): string => secure ? `__Host-${PLAIN_NAME}` : PLAIN_NAME;

/** @param issuedAt milliseconds since the epoch */
export function signSession(key: Buffer, id: string, issuedAt: number): string {
  const payload = `${id}.${issuedAt}`;
  return `${payload}.${macOf(key, payload)}`;
}

/** @returns null unless every character is the one that signSession wrote */
export function openSession(key: Buffer, value: string): { id: string; issuedAt: number } | null {
  if (!SHAPE.test(value)) return null;
  const end = value.lastIndexOf('.');
  const payload = value.slice(0, end);
  // As text: base64url has spare bits in its last character, which must count too.
  const given = Buffer.from(value.slice(end + 1));
  if (!timingSafeEqual(given, Buffer.from(macOf(key, payload)))) return null;
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

/** The value of the one cookie of this name; null when there is none or, which nobody honest sends, more than one. */
export function readCookie(header: string | undefined, name: string): string | null {
  if (!header) return null;
  let found: string | null = null;
  for (const part of header.split(';')) {
    const at = part.indexOf('=');
    if (at < 0 || part.slice(0, at).trim() !== name) continue;
    if (found !== null) return null;
    found = part.slice(at + 1).trim();
  }
  return found;
}

/** The session's cookie in either form: it ends at this server and goes nowhere behind it. */
export const isSessionCookie = (name: string): boolean => name === cookieName(true) || name === cookieName(false);
