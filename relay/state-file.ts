/**
 * The relay's state across restarts: the password's hash, the sessions, devices and passkeys, the key of push messages, the
 * machines and their tokens' keys. A small file that is replaced as a whole, and only by the relay that wrote it last: an old relay that still drains must not undo a sign-out at the new one.
 */
import { randomBytes } from 'node:crypto';
import { readFileSync, renameSync, statSync } from 'node:fs';
import type { Device } from '../core/auth/devices.ts';
import type { Passkey, PasskeysRecord } from '../core/auth/passkeys.ts';
import type { PasswordHash } from '../core/auth/password.ts';
import type { LoginSession, LoginSessionsRecord } from '../core/auth/sessions.ts';
import type { PushKey } from '../core/tunnel/mod.ts';
import type { Log } from '../core/log.ts';
import { writeAtomic } from './atomic-file.ts';
import { checkRegularFile } from './regular-file.ts';
import type { MachineRecord } from './machine-records.ts';

export interface RelayState {
  version: 1;
  /** null: no login. */
  password: (PasswordHash & { generated: boolean }) | null;
  sessions: LoginSessionsRecord;
  /** Missing in files of older relays, like all that follow. */
  devices?: Device[];
  passkeys?: PasskeysRecord;
  pushKey?: PushKey;
  machines?: MachineRecord[];
}

/** The file's content. `revision` differs with each write; files of older relays have none. */
type StoredState = RelayState & { revision?: string };

/** `#seen` while there is no file. */
const NO_FILE = 'no file';
/** Revision of a file that cannot be parsed. */
const DAMAGED = 'damaged';

export class StateFile {
  readonly #file: string | null;
  readonly #log: Log;
  /** The revision that this relay read or wrote last. */
  #seen = NO_FILE;
  /** The last failure, so that a repeated one is logged once; '' after a success. */
  #failure = '';

  /** @param file null: nothing is stored */
  constructor(file: string | null, log: Log) {
    this.#file = file;
    this.#log = log;
  }

  /**
   * Returns null at the first start. A damaged file is renamed, never overwritten. The file is written back at once, so that
   * no other relay replaces it from now on.
   */
  load(): RelayState | null {
    if (!this.#file) return null;
    try {
      const text = readIfThere(this.#file);
      if (text === null) return null;
      const state = parseState(text);
      this.#seen = revisionOf(text);
      if (state) this.save(state);
      else this.#setAside(this.#file);
      return state;
    } catch (error) {
      this.#fail(error);
      return null;
    }
  }

  /**
   * Never throws.
   * @returns whether a restart finds this state, or none at all; false: it would find an older one
   */
  save(state: RelayState): boolean {
    if (!this.#file) return true;
    const revision = randomBytes(9).toString('base64url');
    const stored: StoredState = { ...state, revision };
    try {
      writeAtomic(this.#file, JSON.stringify(stored), () => this.#assertUnchanged(this.#file!));
    } catch (error) {
      this.#fail(error);
      return isAbsent(this.#file);
    }
    this.#seen = revision;
    if (this.#failure) this.#log.info('Logins are saved again.', { file: this.#file });
    this.#failure = '';
    return true;
  }

  /** Throws unless the file is as this relay left it, or was removed. */
  #assertUnchanged(file: string): void {
    const text = readIfThere(file);
    if (text === null) return;
    const revision = revisionOf(text);
    if (revision === DAMAGED) throw new Error('the file is damaged and could not be set aside');
    // Relays before revisions replace the file in any case, so theirs is replaced too.
    if (revision !== this.#seen && revision !== '') {
      throw new Error('another relay has written the file since; each needs a file of its own');
    }
  }

  #setAside(file: string): void {
    const renamed = `${file}.corrupt-${Date.now()}`;
    renameSync(file, renamed);
    this.#seen = NO_FILE;
    const text =
      'The file of sessions is damaged and was set aside; everybody has to log in again, and machines have to join again.';
    this.#log.warn(text, { file: renamed });
  }

  #fail(error: unknown): void {
    const { message } = error as Error;
    if (message === this.#failure) return;
    this.#failure = message;
    const text = 'Logins are kept in memory only until RELAY_STATE can be written; the relay goes on trying.';
    this.#log.warn(text, { file: this.#file, error: message });
  }
}

/** false also when that cannot be found out. */
function isAbsent(file: string): boolean {
  try {
    statSync(file);
    return false;
  } catch (error) {
    return ['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '');
  }
}

/** @returns null when there is no such file. Throws for what is no regular file. */
function readIfThere(file: string): string | null {
  checkRegularFile(file);
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

function revisionOf(text: string): string {
  const state = parseState(text);
  return state ? state.revision ?? '' : DAMAGED;
}

/** @returns null unless every field has its type */
function parseState(text: string): StoredState | null {
  try {
    const state = JSON.parse(text) as StoredState;
    const { version, revision = '', password, sessions, devices = [], passkeys, pushKey, machines = [] } = state;
    const strings = (...values: unknown[]) => values.every((value) => typeof value === 'string');
    const numbers = (...values: unknown[]) => values.every((value) => typeof value === 'number');
    const isSession = (s: LoginSession) =>
      strings(s.id, s.address, s.browser) && numbers(s.createdAt, s.expiresAt, s.lastSeenAt);
    const isDevice = (d: Device) => strings(d.id, d.name, d.publicKey, d.address) && numbers(d.createdAt, d.lastSeenAt);
    const isPasskey = (p: Passkey) =>
      strings(p.id, p.publicKey, p.name, p.rpId) && numbers(p.counter, p.createdAt, p.lastUsedAt);
    const isMachine = (m: MachineRecord) =>
      strings(m.id, m.name, m.hostName, m.version, m.address) && numbers(m.lastSeenAt, m.since) &&
      (!m.key || strings(m.key.id, m.key.psk));
    const isKnown = devices.every(isDevice) && machines.every(isMachine) &&
      (!passkeys || (passkeys.passkeys.every(isPasskey) && typeof passkeys.stepUp === 'boolean')) &&
      (!pushKey || strings(pushKey.publicKey, pushKey.privateKey));
    const isHash = password === null || strings(password.salt, password.hash);
    const isValid = version === 1 && isHash && strings(revision, sessions.key) && sessions.sessions.every(isSession);
    return isValid && isKnown ? state : null;
  } catch {
    return null;
  }
}
