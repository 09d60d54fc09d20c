/**
 * The key with which this browser renews its login (core/auth/SPEC.md, "Devices"): made here, kept in IndexedDB, never given
 * out by the browser. Pages and the service worker use it alike; nothing here needs a page.
 */
import type { AuthCheck, DeviceRegistration } from '../../core/api/auth.ts';
import { signedByDevice } from '../../core/api/auth.ts';
import { encodeBase64Url } from './base64url.ts';
import type { KeyValueStore } from './storage.ts';

export interface DeviceKey {
  /** Right after a login: registers a key, or proves the one that is here. Never rejects; without a key the login ends by itself. */
  attach(): Promise<void>;
  /** Gets a new cookie. @returns false: there is no key here, or it could not be proven now. Never rejects. */
  renew(): Promise<boolean>;
  /** Forgets the key: its device is signed out. */
  forget(): Promise<void>;
}

interface StoredKey {
  id: string;
  privateKey: CryptoKey;
}

export interface DeviceKeyDeps {
  store: KeyValueStore;
  fetch: typeof fetch;
  origin: string;
  subtle: SubtleCrypto;
}

/** Under which the key is kept. */
const KEY = 'device-key';
const P256 = { name: 'ECDSA', namedCurve: 'P-256' } as const;
const ES256 = { name: 'ECDSA', hash: 'SHA-256' } as const;

export const createDeviceKey = (deps: DeviceKeyDeps): DeviceKey => new BrowserKey(deps);

class BrowserKey implements DeviceKey {
  readonly #deps: DeviceKeyDeps;
  /** Several requests meet the end of the login at once: they share one renewal. */
  #renewal: Promise<boolean> | null = null;

  constructor(deps: DeviceKeyDeps) {
    this.#deps = deps;
  }

  async attach(): Promise<void> {
    if (await this.renew()) return;
    await this.#register().catch(() => {});
  }

  renew(): Promise<boolean> {
    return this.#renewal ??= this.#prove().catch(() => false).finally(() => this.#renewal = null);
  }

  async forget(): Promise<void> {
    await this.#deps.store.set(KEY, null).catch(() => {});
  }

  async #register(): Promise<void> {
    const { subtle, store } = this.#deps;
    const pair = await subtle.generateKey(P256, false, ['sign', 'verify']);
    const publicKey = encodeBase64Url(await subtle.exportKey('spki', pair.publicKey));
    const response = await this.#post('/api/auth/device', { publicKey });
    if (!response.ok) return;
    const { device } = await response.json() as DeviceRegistration;
    await store.set(KEY, { id: device.id, privateKey: pair.privateKey } satisfies StoredKey);
  }

  async #prove(): Promise<boolean> {
    const stored = await this.#deps.store.get(KEY) as StoredKey | null | undefined;
    if (!stored) return false;
    const asked = await this.#post('/api/auth/device/challenge', {});
    const { challenge } = await asked.json() as { challenge: string };
    const text = new TextEncoder().encode(signedByDevice(this.#deps.origin, stored.id, challenge));
    const signature = encodeBase64Url(await this.#deps.subtle.sign(ES256, stored.privateKey, text));
    const response = await this.#post('/api/auth/device/renew', { device: stored.id, challenge, signature });
    const { code } = await response.json() as { code?: string };
    if (code === 'device_unknown') await this.forget();
    return response.ok;
  }

  #post(path: string, body: unknown): Promise<Response> {
    return this.#deps.fetch(path, {
      method: 'POST',
      credentials: 'same-origin',
      cache: 'no-store',
      redirect: 'error',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
  }
}

/** The part of a login's day that must be left, or it is renewed, ms. */
export const RENEW_BEFORE_MS = 12 * 3600_000;

/** Whether a login should be renewed now rather than when it is over. */
export const isRenewalDue = ({ expiresAt }: Partial<AuthCheck>, now: number): boolean =>
  expiresAt !== undefined && expiresAt - now < RENEW_BEFORE_MS;

/** A fetch that renews the login and asks once more where it is over. That is said before a request has any effect. */
export function renewingFetch(doFetch: typeof fetch, key: DeviceKey): typeof fetch {
  return async (input, init) => {
    const response = await doFetch(input, init);
    if (typeof input !== 'string' || !await isLoginOver(response) || !await key.renew()) return response;
    return await doFetch(input, init);
  };
}

/** Not every 401 is: a wrong password is one, too. */
async function isLoginOver(response: Response): Promise<boolean> {
  if (response.status !== 401) return false;
  const body = await response.clone().json().catch(() => null) as { code?: unknown } | null;
  return body?.code === 'login_required';
}
