/** The password, sessions, devices, passkeys and machines: chosen or loaded at the start, saved at every change. */
import { Devices } from '../core/auth/devices.ts';
import { Passkeys } from '../core/auth/passkeys.ts';
import { generatePassword, hashPassword, type PasswordHash, verifyPassword } from '../core/auth/password.ts';
import { LoginSessions } from '../core/auth/sessions.ts';
import type { Clock, Timer } from '../core/clock.ts';
import type { Log } from '../core/log.ts';
import { generatePushKey, type PushKey } from '../core/tunnel/mod.ts';
import { MachineRecords } from './machine-records.ts';
import { type RelayState, StateFile } from './state-file.ts';

/** Interval at which `lastSeenAt` of the sessions is saved, ms. */
const SAVE_MS = 60_000;
/** How long a change waits that nobody is told of, ms. */
const SOON_MS = 1_000;
/** Pause before a failed save is repeated, ms. */
export const RETRY_MS = 5_000;

export interface LoginState {
  /** The password to require; null: none. */
  password: PasswordHash | null;
  /** The password, if this start generated it. */
  generated: string | null;
  /** Whether no state of an earlier start was found. */
  isFirstStart: boolean;
  sessions: LoginSessions;
  devices: Devices;
  passkeys: Passkeys;
  /** One for all machines of this relay (core/tunnel/SPEC.md, "Hello"). */
  pushKey: PushKey;
  machines: MachineRecords;
  /** Whether the latest change survives a restart. */
  isSaved(): boolean;
  /** Saves a last time. Later changes are saved still, as long as no other relay has taken the file over. */
  close(): void;
}

export async function openLoginState(
  options: { file: string | null; password: string | null; log: Log; clock: Clock },
): Promise<LoginState> {
  const { clock } = options;
  const file = new StateFile(options.file, options.log);
  const stored = file.load();
  const { password, generated } = await choosePassword(options.password, stored);
  // A changed password ends every session, and everything that could begin one without it.
  const valid = samePassword(stored, password) ? stored : null;
  const sessions = new LoginSessions(clock, valid?.sessions);
  const devices = new Devices(clock, valid?.devices);
  const passkeys = new Passkeys(clock, valid?.passkeys);
  const machines = new MachineRecords(clock, stored?.machines);
  const pushKey = stored?.pushKey ?? generatePushKey();
  const record = () => ({
    version: 1 as const,
    password,
    sessions: sessions.record(),
    devices: devices.record(),
    passkeys: passkeys.record(),
    pushKey,
    machines: machines.record(),
  });
  const saver = new Saver(() => file.save(record()), clock);
  for (const table of [sessions, devices, passkeys]) table.onChange(() => saver.save());
  machines.onChange((urgency) => urgency === 'now' ? saver.save() : saver.saveSoon());
  saver.save();
  return {
    password,
    generated,
    isFirstStart: stored === null,
    sessions,
    devices,
    passkeys,
    pushKey,
    machines,
    isSaved: () => saver.isSaved,
    close: () => saver.close(),
  };
}

/** Saves when it is told to and from time to time; after a failure soon again. */
class Saver {
  readonly #write: () => boolean;
  readonly #clock: Clock;
  #timer: Timer | null = null;
  /** The timer is that of saveSoon. */
  #isSoon = false;
  #closed = false;
  isSaved = true;

  constructor(write: () => boolean, clock: Clock) {
    this.#write = write;
    this.#clock = clock;
  }

  save(): void {
    this.#isSoon = false;
    this.#clock.clearTimeout(this.#timer);
    this.isSaved = this.#write();
    if (!this.#closed) this.#timer = this.#clock.setTimeout(() => this.save(), this.isSaved ? SAVE_MS : RETRY_MS);
  }

  /** Many changes within a second are one. */
  saveSoon(): void {
    if (this.#isSoon || this.#closed) return;
    this.#clock.clearTimeout(this.#timer);
    this.#isSoon = true;
    this.#timer = this.#clock.setTimeout(() => this.save(), SOON_MS);
  }

  close(): void {
    this.#closed = true;
    this.save();
  }
}

/** The password to require (null: none), and its text if it was generated just now. */
async function choosePassword(
  wanted: string | null,
  stored: RelayState | null,
): Promise<{ password: RelayState['password']; generated: string | null }> {
  if (wanted === '') return { password: null, generated: null };
  if (wanted === null) {
    // The password that an earlier start generated stays valid: a restart logs nobody out.
    if (stored?.password?.generated) return { password: stored.password, generated: null };
    const generated = generatePassword();
    return { password: { ...await hashPassword(generated), generated: true }, generated };
  }
  if (stored?.password && await verifyPassword(wanted, stored.password)) {
    return { password: { ...stored.password, generated: false }, generated: null };
  }
  return { password: { ...await hashPassword(wanted), generated: false }, generated: null };
}

const samePassword = (stored: RelayState | null, password: PasswordHash | null): boolean =>
  stored !== null && stored.password?.hash === password?.hash;
