/** What the relay remembers across restarts: the password's hash and the sessions. One small file, replaced as a whole. */
import { Buffer } from 'node:buffer';
import { closeSync, fsyncSync, openSync, readFileSync, renameSync, rmSync, writeSync } from 'node:fs';
import process from 'node:process';
import type { PasswordHash } from '../core/auth/password.ts';
import type { Session, SessionsRecord } from '../core/auth/sessions.ts';
import type { Log } from '../core/log.ts';

export interface RelayState {
  version: 1;
  /** null: no login. */
  password: (PasswordHash & { generated: boolean }) | null;
  sessions: SessionsRecord;
}

export class StateFile {
  readonly #file: string | null;
  readonly #log: Log;
  /** Told once; then the relay goes on in memory. */
  #failed = false;

  /** @param file null: nothing is kept */
  constructor(file: string | null, log: Log) {
    this.#file = file;
    this.#log = log;
  }

  /** null at the first start. A file that cannot be understood is set aside, never overwritten. */
  load(): RelayState | null {
    if (!this.#file) return null;
    let text;
    try {
      text = readFileSync(this.#file, 'utf8');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') this.#fail(error);
      return null;
    }
    const state = parseState(text);
    if (state) return state;
    const aside = `${this.#file}.corrupt-${Date.now()}`;
    try {
      renameSync(this.#file, aside);
      this.#log.warn('The file of sessions is damaged and was set aside; everybody has to log in again.', {
        file: aside,
      });
    } catch (error) {
      this.#fail(error);
    }
    return null;
  }

  save(state: RelayState): void {
    if (!this.#file || this.#failed) return;
    const fresh = `${this.#file}.${process.pid}.new`;
    try {
      rmSync(fresh, { force: true });
      const bytes = Buffer.from(JSON.stringify(state));
      const fd = openSync(fresh, 'wx', 0o600);
      try {
        // A full disk gives a short count, not an error.
        if (writeSync(fd, bytes) !== bytes.length) throw new Error('the disk is full');
        fsyncSync(fd);
      } finally {
        closeSync(fd);
      }
      renameSync(fresh, this.#file);
    } catch (error) {
      rmSync(fresh, { force: true });
      this.#fail(error);
    }
  }

  #fail(error: unknown): void {
    this.#failed = true;
    this.#log.warn(
      'Logins are kept in memory only and end with this process: RELAY_STATE must name a file that can be written.',
      { file: this.#file, error: (error as Error).message },
    );
  }
}

/** @returns null unless every field is of its kind */
function parseState(text: string): RelayState | null {
  try {
    const state = JSON.parse(text) as RelayState;
    const { version, password, sessions } = state;
    const strings = (...values: unknown[]) => values.every((value) => typeof value === 'string');
    const numbers = (...values: unknown[]) => values.every((value) => typeof value === 'number');
    const isSession = (s: Session) =>
      strings(s.id, s.address, s.browser) && numbers(s.createdAt, s.expiresAt, s.lastSeenAt);
    const isHash = password === null || strings(password.salt, password.hash);
    return version === 1 && isHash && strings(sessions.key) && sessions.sessions.every(isSession) ? state : null;
  } catch {
    return null;
  }
}
