/** The passkeys of this relay's owner, and whether step-up is on. One table owns them. */
import { Failure } from '../api/errors.ts';
import type { Clock } from '../clock.ts';
import type { Credential } from './webauthn.ts';

/** One more is refused. */
export const MAX_PASSKEYS = 20;

/** Times are ms since the Unix epoch. */
export interface Passkey extends Credential {
  name: string;
  /** The host that it is for. */
  rpId: string;
  createdAt: number;
  lastUsedAt: number;
}

export interface PasskeysRecord {
  passkeys: Passkey[];
  /** What cannot be taken back needs a passkey's confirmation. */
  stepUp: boolean;
}

export class Passkeys {
  readonly #clock: Clock;
  readonly #table = new Map<string, Passkey>();
  readonly #changeListeners: (() => void)[] = [];
  #stepUp = false;

  /** @param record stored by an earlier run */
  constructor(clock: Clock, record: PasskeysRecord | null = null) {
    this.#clock = clock;
    for (const passkey of record?.passkeys ?? []) this.#table.set(passkey.id, passkey);
    this.#stepUp = record?.stepUp ?? false;
  }

  onChange(listener: () => void): void {
    this.#changeListeners.push(listener);
  }

  /** Whether step-up is asked for. */
  get stepUp(): boolean {
    return this.#stepUp;
  }
  set stepUp(isOn: boolean) {
    this.#stepUp = isOn;
    this.#changed();
  }

  find(id: string): Passkey | null {
    return this.#table.get(id) ?? null;
  }
  list(): Passkey[] {
    return [...this.#table.values()];
  }

  /** Throws Failure `too_many`, or `passkey_refused` for one that is known. */
  add(credential: Credential, name: string, rpId: string): Passkey {
    if (this.#table.has(credential.id)) throw new Failure('passkey_refused', 'This passkey is known already.');
    if (this.#table.size >= MAX_PASSKEYS) {
      throw new Failure('too_many', `There are ${MAX_PASSKEYS} passkeys: remove those that you do not use.`);
    }
    const now = this.#clock.now();
    const passkey = { ...credential, name, rpId, createdAt: now, lastUsedAt: now };
    this.#table.set(passkey.id, passkey);
    this.#changed();
    return passkey;
  }

  /** It was used: its counter must never be seen again. */
  used(passkey: Passkey, counter: number): void {
    passkey.counter = counter;
    passkey.lastUsedAt = this.#clock.now();
    this.#changed();
  }

  /** Throws Failure `no_passkey`, or `step_up_on` for the last one that step-up needs. */
  remove(id: string): void {
    if (!this.#table.has(id)) throw new Failure('no_passkey', 'This passkey is removed already.');
    if (this.#stepUp && this.#table.size === 1) {
      throw new Failure('step_up_on', 'Confirmations need this passkey: turn them off first, or add another one.');
    }
    this.#table.delete(id);
    this.#changed();
  }

  record(): PasskeysRecord {
    return { passkeys: this.list(), stepUp: this.#stepUp };
  }

  #changed(): void {
    for (const listener of this.#changeListeners) listener();
  }
}
