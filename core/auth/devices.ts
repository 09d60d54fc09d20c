/** Devices that stay signed in: each holds a key that it cannot give away, and renews its login with it. One table owns them. */
import { Buffer } from 'node:buffer';
import { createPublicKey, type KeyObject, randomBytes, verify } from 'node:crypto';
import { Failure } from '../api/errors.ts';
import type { Clock } from '../clock.ts';

/** One more is refused. */
export const MAX_DEVICES = 100;
/** A key that was not used for so long is forgotten, ms. */
export const UNUSED_MS = 90 * 24 * 3600_000;
/** Bytes of a P-256 key as SubjectPublicKeyInfo, at most. */
const MAX_SPKI = 200;
/** r and s of P-256 (IEEE P1363). */
const SIGNATURE = 64;

/** Times are ms since the Unix epoch. */
export interface Device {
  readonly id: string;
  name: string;
  /** P-256, SubjectPublicKeyInfo, DER, base64url. */
  readonly publicKey: string;
  readonly createdAt: number;
  /** When its key was used last. */
  lastSeenAt: number;
  /** From where. */
  address: string;
}

export class Devices {
  readonly #clock: Clock;
  readonly #table = new Map<string, Device>();
  readonly #removeListeners: ((id: string) => void)[] = [];
  readonly #changeListeners: (() => void)[] = [];

  /** @param record stored by an earlier run */
  constructor(clock: Clock, record: readonly Device[] = []) {
    this.#clock = clock;
    for (const device of record) if (this.#isUsed(device)) this.#table.set(device.id, device);
  }

  /** `listener` is called for every device that goes: what it holds must end. */
  onRemove(listener: (id: string) => void): void {
    this.#removeListeners.push(listener);
  }
  onChange(listener: () => void): void {
    this.#changeListeners.push(listener);
  }

  /** Throws Failure `bad_request` for anything but a P-256 key, `too_many`. */
  add(publicKey: string, name: string, address: string): Device {
    if (!parseKey(publicKey)) throw new Failure('bad_request', '"publicKey" must be a P-256 key (SPKI, base64url).');
    if (this.list().length >= MAX_DEVICES) {
      throw new Failure('too_many', `${MAX_DEVICES} devices are signed in: sign out those that you do not use.`);
    }
    for (const [id, device] of this.#table) if (!this.#isUsed(device)) this.#table.delete(id);
    const now = this.#clock.now();
    const id = randomBytes(16).toString('base64url');
    const device = { id, name, publicKey, createdAt: now, lastSeenAt: now, address };
    this.#table.set(id, device);
    this.#changed();
    return device;
  }

  find(id: string): Device | null {
    const device = this.#table.get(id);
    return device && this.#isUsed(device) ? device : null;
  }

  /** Used last first. */
  list(): Device[] {
    return [...this.#table.values()].filter((device) => this.#isUsed(device))
      .sort((a, b) => b.lastSeenAt - a.lastSeenAt);
  }

  /** Throws Failure `no_device`. */
  rename(id: string, name: string): Device {
    const device = this.find(id);
    if (!device) throw new Failure('no_device', 'This device is signed out already.');
    device.name = name;
    this.#changed();
    return device;
  }

  /** The device whose key signed this text; null when it is none, or another's signature. */
  verify(id: string, text: string, signature: string, address: string): Device | null {
    const device = this.find(id);
    const key = device && parseKey(device.publicKey);
    const bytes = Buffer.from(signature, 'base64url');
    if (!key || bytes.length !== SIGNATURE) return null;
    if (!verify('sha256', Buffer.from(text), { key, dsaEncoding: 'ieee-p1363' }, bytes)) return null;
    device.lastSeenAt = this.#clock.now();
    device.address = address;
    return device;
  }

  /** @returns false when there is no such device */
  remove(id: string): boolean {
    return this.#removeThese([id]) > 0;
  }
  removeAll(): void {
    this.#removeThese([...this.#table.keys()]);
  }

  record(): Device[] {
    return this.list();
  }

  /** What they hold ends first; a save that fails must keep nothing open. */
  #removeThese(ids: readonly string[]): number {
    const gone = ids.filter((id) => this.#table.delete(id));
    try {
      for (const id of gone) for (const listener of this.#removeListeners) listener(id);
    } finally {
      if (gone.length) this.#changed();
    }
    return gone.length;
  }

  #isUsed({ lastSeenAt }: Device): boolean {
    return this.#clock.now() - lastSeenAt < UNUSED_MS;
  }
  #changed(): void {
    for (const listener of this.#changeListeners) listener();
  }
}

/** @returns null unless it is a key of P-256 in its one encoding */
function parseKey(publicKey: string): KeyObject | null {
  const der = Buffer.from(publicKey, 'base64url');
  if (der.length > MAX_SPKI) return null;
  try {
    const key = createPublicKey({ key: der, format: 'der', type: 'spki' });
    const isP256 = key.asymmetricKeyType === 'ec' && key.asymmetricKeyDetails?.namedCurve === 'prime256v1';
    return isP256 ? key : null;
  } catch {
    return null;
  }
}
