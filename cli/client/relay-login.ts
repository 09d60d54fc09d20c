/** Logs in at a relay, makes a device of this program, and renews the login by the device's key. */
import type { AuthCheck, DeviceRegistration } from '../../core/api/auth.ts';
import { credentialsFile, type Env, readCredentials, type RelayLogin, writeCredentials } from './credentials.ts';
import { createKey, type DeviceKey, proofOf } from './device-key.ts';
import { ApiError } from './errors.ts';
import { type Answer, exchange } from './http.ts';
import { printable } from './printable.ts';

/** A login lasts at most so long when the relay does not say, ms. */
const SESSION_MS = 24 * 60 * 60 * 1000;

export interface RelayCall {
  origin: string;
  ca: string;
  userAgent: string;
  signal: AbortSignal;
}

/** @returns the Cookie header's value. Throws ApiError `wrong_password`, `too_many_tries` … */
export async function logIn(relay: RelayCall, password: string): Promise<string> {
  return cookieOf(await call(relay, 'POST', '/api/auth/login', { body: { password } }));
}

/** Registers a key right after a login. @returns null at a relay without devices: the login cannot be renewed there */
export async function registerDevice(relay: RelayCall, cookie: string): Promise<DeviceKey | null> {
  const { key, publicKey } = createKey();
  const answer = await call(relay, 'POST', '/api/auth/device', { body: { publicKey }, cookie });
  if (answer.status === 404 || answer.status === 405) return null;
  if (answer.status !== 201) throw refusal(answer);
  const { device } = JSON.parse(answer.text) as DeviceRegistration;
  return { id: device.id, key };
}

/** When the login ends, ms since the epoch. */
export async function expiryOf(relay: RelayCall, cookie: string): Promise<number> {
  const answer = await call(relay, 'GET', '/api/auth/check', { cookie });
  if (answer.status !== 200) throw refusal(answer);
  return (JSON.parse(answer.text) as AuthCheck).expiresAt ?? Date.now() + SESSION_MS;
}

/**
 * A new cookie by the device's key, which is kept for the next command, too.
 * @returns null when the relay does not know the device any more: only the password helps
 */
export async function renewLogin(relay: RelayCall, device: DeviceKey, env: Env): Promise<string | null> {
  const asked = await call(relay, 'POST', '/api/auth/device/challenge', { body: {} });
  if (asked.status !== 200) throw refusal(asked);
  const { challenge } = JSON.parse(asked.text) as { challenge: string };
  const answer = await call(relay, 'POST', '/api/auth/device/renew', {
    body: proofOf(relay.origin, device, challenge),
  });
  if (refusal(answer).code === 'device_unknown') return null;
  const cookie = cookieOf(answer);
  await keep(env, { ...relay, cookie, device });
  return cookie;
}

/** Another command may have logged in or out meanwhile: only the login of this very device is replaced. */
async function keep(
  env: Env,
  { origin, cookie, device }: Pick<RelayLogin, 'origin' | 'cookie'> & { device: DeviceKey },
) {
  const file = credentialsFile(env);
  const credentials = readCredentials(file);
  const login = credentials.relays.find((entry) => entry.origin === origin && entry.device?.id === device.id);
  if (!login) return;
  login.cookie = cookie;
  login.expiresAt = Date.now() + SESSION_MS;
  // Two commands at a time may disturb each other: this one has its cookie, and the next one renews again.
  await writeCredentials(file, credentials).catch(() => {});
}

function call(
  { origin, ...relay }: RelayCall,
  method: string,
  path: string,
  { body, cookie = '' }: { body?: unknown; cookie?: string },
): Promise<Answer> {
  const headers = { 'user-agent': relay.userAgent, origin, ...(cookie ? { cookie } : {}) };
  return exchange({ method, url: new URL(path, origin), headers, body, signal: relay.signal, ca: relay.ca });
}

function cookieOf(answer: Answer): string {
  const lines = answer.headers['set-cookie'] ?? [];
  const cookie = lines.map((line) => line.split(';')[0]!).find((pair) => /am_session=./.test(pair));
  if (answer.status === 200 && cookie) return cookie;
  throw refusal(answer);
}

function refusal({ status, text }: Answer): ApiError {
  try {
    const { error, code } = JSON.parse(text) as { error: string; code: string };
    if (error && code) return new ApiError(printable(error), { status, code });
  } catch { /* no answer of ours: said below */ }
  return new ApiError(`The relay answered ${status} to the login.`, { status, code: 'bad_answer' });
}
