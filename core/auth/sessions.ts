/** The login sessions. One table owns the beginning and end of every session. */
import { Buffer } from 'node:buffer';
import { randomBytes } from 'node:crypto';
import type { Clock, Timer } from '../clock.ts';
import { openSession, signSession } from './cookie.ts';

export const SESSION_MS = 24 * 60 * 60 * 1000;
/** Sessions at once; the one seen least recently ends when another begins. */
export const MAX_SESSIONS = 1000;
/** Sessions of one device: the one that it renews, and those whose cookies requests on their way may still carry. */
export const MAX_DEVICE_SESSIONS = 4;
/** How far the clock may be set back before sessions from "the future" are refused, ms. */
const SKEW_MS = 60_000;
const SWEEP_MS = 30_000;
/** Cookies whose verified signature is cached; more are verified again. */
const MAX_VERIFIED = 1000;

/** All times are milliseconds since the epoch. */
export interface LoginSession {
  readonly id: string;
  readonly createdAt: number;
  readonly expiresAt: number;
  lastSeenAt: number;
  /** Where it was last seen from. */
  address: string;
  /** "Safari on iPhone" */
  readonly browser: string;
  /** The device whose key renews it (devices.ts); missing: it ends for good. */
  device?: string;
  /** When its holder last proved more than the cookie: by password, passkey, pairing code or device key. */
  provenAt?: number;
}

/** The part of the table that is stored across restarts. */
export interface LoginSessionsRecord {
  /** Base64url; the cookies' HMAC key. */
  key: string;
  sessions: LoginSession[];
}

export class LoginSessions {
  readonly #clock: Clock;
  readonly #table = new Map<string, LoginSession>();
  readonly #verified = new Map<string, string>();
  readonly #endListeners: ((session: LoginSession) => void)[] = [];
  readonly #changeListeners: (() => void)[] = [];
  #key: Buffer;
  #timer: Timer | null;

  /** @param record stored by an earlier run */
  constructor(clock: Clock, record: LoginSessionsRecord | null = null) {
    this.#clock = clock;
    this.#key = record ? Buffer.from(record.key, 'base64url') : randomBytes(32);
    for (const session of record?.sessions ?? []) if (!this.#isOver(session)) this.#table.set(session.id, session);
    this.#timer = clock.setTimeout(this.#sweep, SWEEP_MS);
  }

  /** `listener` is called for every session that ends, for any reason: its sockets must close. */
  onEnd(listener: (session: LoginSession) => void): void {
    this.#endListeners.push(listener);
  }
  /** `listener` is called whenever the record changes. */
  onChange(listener: () => void): void {
    this.#changeListeners.push(listener);
  }

  /**
   * Begins a session. @returns it and the value of its cookie
   * @param device whose key was proven just now
   */
  create(address: string, browser: string, device?: string): { session: LoginSession; cookie: string } {
    const now = this.#clock.now();
    const id = randomBytes(16).toString('base64url');
    const times = { createdAt: now, expiresAt: now + SESSION_MS, lastSeenAt: now, provenAt: now };
    const session: LoginSession = { id, ...times, address, browser, ...(device ? { device } : {}) };
    const others = device ? this.#ofDevice(device) : [];
    if (others.length >= MAX_DEVICE_SESSIONS) this.#endThese(others.slice(0, 1 - MAX_DEVICE_SESSIONS));
    if (this.#table.size >= MAX_SESSIONS) this.end(this.list().at(-1)!.id);
    this.#table.set(id, session);
    this.#changed();
    return { session, cookie: signSession(this.#key, id, now) };
  }

  /** The valid session of this cookie value; null if there is none. */
  find(cookie: string): LoginSession | null {
    const id = this.#verified.get(cookie) ?? this.#verify(cookie);
    const session = id === null ? undefined : this.#table.get(id);
    return session && this.#lives(session) ? session : null;
  }

  /** Whether this session goes on: it may have ended while a body was read. */
  isAlive(session: LoginSession): boolean {
    return this.#table.get(session.id) === session && this.#lives(session);
  }

  /** The valid sessions, most recently seen first. */
  list(): LoginSession[] {
    return [...this.#table.values()].filter((session) => this.#lives(session))
      .sort((a, b) => b.lastSeenAt - a.lastSeenAt);
  }

  /** @returns false when there is no such session */
  end(id: string): boolean {
    const session = this.#table.get(id);
    if (session) this.#endThese([session]);
    return session !== undefined;
  }

  /** Ends every session of a device. */
  endDevice(device: string): void {
    this.#endThese(this.#ofDevice(device));
  }

  /** Binds a session to a device from now on. */
  bind(session: LoginSession, device: string): void {
    session.device = device;
    this.#changed();
  }

  /** The oldest first. */
  #ofDevice(device: string): LoginSession[] {
    return [...this.#table.values()].filter((session) => session.device === device);
  }

  /** Ends every session and makes every cookie ever issued worthless. */
  endAll(): void {
    this.#key = randomBytes(32);
    this.#verified.clear();
    this.#endThese([...this.#table.values()]);
  }

  record(): LoginSessionsRecord {
    const sessions = [...this.#table.values()].filter((session) => !this.#isOver(session));
    return { key: this.#key.toString('base64url'), sessions: sessions.sort((a, b) => b.lastSeenAt - a.lastSeenAt) };
  }

  close(): void {
    this.#clock.clearTimeout(this.#timer);
    this.#timer = null;
  }

  #verify(cookie: string): string | null {
    const opened = openSession(this.#key, cookie);
    if (!opened || this.#table.get(opened.id)?.createdAt !== opened.issuedAt) return null;
    if (this.#verified.size >= MAX_VERIFIED) this.#verified.clear();
    this.#verified.set(cookie, opened.id);
    return opened.id;
  }

  /** A session of the future is refused but not deleted: it is good again when the clock is right again. */
  #lives(session: LoginSession): boolean {
    return !this.#isOver(session) && session.createdAt <= this.#clock.now() + SKEW_MS;
  }
  #isOver(session: LoginSession): boolean {
    return this.#clock.now() >= session.expiresAt;
  }

  /**
   * Closes what the sessions hold open, then changes the record: a save that fails must not keep a socket open. One change,
   * however many sessions end: each change is a write to disk.
   */
  #endThese(sessions: readonly LoginSession[]): void {
    for (const session of sessions) this.#table.delete(session.id);
    const errors: unknown[] = [];
    for (const session of sessions) {
      for (const listener of this.#endListeners) attempt(() => listener(session), errors);
    }
    attempt(() => this.#changed(), errors);
    if (errors.length) throw errors[0];
  }

  #changed(): void {
    for (const listener of this.#changeListeners) listener();
  }

  readonly #sweep = (): void => {
    this.#timer = this.#clock.setTimeout(this.#sweep, SWEEP_MS);
    const over = [...this.#table.values()].filter((session) => this.#isOver(session));
    if (over.length) this.#endThese(over);
  };
}

/** Runs an action whose failure must not keep the next one from running. */
function attempt(action: () => void, errors: unknown[]): void {
  try {
    action();
  } catch (error) {
    errors.push(error);
  }
}

/** The User-Agent of the command line client (cli/client/connect.ts): its version and the name of its host. */
const OWN_CLIENT = /^agent-monitor\/[\w.-]{1,32} \(([\w.-]{1,64})\)$/;

/** Whether it is a program by its User-Agent that has a name for people: a browser, or the command line client. */
export const hasBrowserName = (userAgent: string): boolean =>
  /^Mozilla\//.test(userAgent) || OWN_CLIENT.test(userAgent);

/** A name for people: "Firefox on Linux". From the User-Agent, which anybody can write: for display only. */
export function browserName(userAgent: string | undefined): string {
  const agent = (userAgent ?? '').slice(0, 512);
  const host = OWN_CLIENT.exec(agent)?.[1];
  if (host) return `agent-monitor on ${host}`;
  const first = (names: [string, string][]) => names.find(([mark]) => agent.includes(mark))?.[1];
  const browser = first([
    ['Edg/', 'Edge'],
    ['OPR/', 'Opera'],
    ['SamsungBrowser/', 'Samsung Internet'],
    ['Firefox/', 'Firefox'],
    ['FxiOS/', 'Firefox'],
    ['CriOS/', 'Chrome'],
    ['Chrome/', 'Chrome'],
    ['Safari/', 'Safari'],
    ['curl/', 'curl'],
  ]);
  const system = first([
    ['iPhone', 'iPhone'],
    ['iPad', 'iPad'],
    ['Android', 'Android'],
    ['Windows', 'Windows'],
    ['CrOS', 'ChromeOS'],
    ['Mac OS X', 'macOS'],
    ['Linux', 'Linux'],
  ]);
  return [browser ?? 'Unknown browser', ...(system ? [system] : [])].join(' on ');
}
