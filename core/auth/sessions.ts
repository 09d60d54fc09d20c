/** Who is logged in. One table owns every session's beginning and end. */
import { Buffer } from 'node:buffer';
import { randomBytes } from 'node:crypto';
import type { Clock, Timer } from '../clock.ts';
import { openSession, signSession } from './cookie.ts';

export const SESSION_MS = 24 * 60 * 60 * 1000;
/** Sessions at once; the one that was seen least recently ends when another begins. */
export const MAX_SESSIONS = 1000;
/** A clock may be set back by this much before sessions from "the future" are refused. */
const SKEW_MS = 60_000;
const SWEEP_MS = 30_000;
/** Cookies whose signature was checked; more are simply checked again. */
const MAX_VERIFIED = 1000;

/** All times are milliseconds since the epoch. */
export interface Session {
  readonly id: string;
  readonly createdAt: number;
  readonly expiresAt: number;
  lastSeenAt: number;
  /** Where it was last seen from. */
  address: string;
  /** "Safari on iPhone" */
  readonly browser: string;
}

/** What of it is kept across restarts. */
export interface SessionsRecord {
  /** Base64url; the cookies' HMAC key. */
  key: string;
  sessions: Session[];
}

export class Sessions {
  readonly #clock: Clock;
  readonly #table = new Map<string, Session>();
  readonly #verified = new Map<string, string>();
  readonly #endListeners: ((session: Session) => void)[] = [];
  readonly #changeListeners: (() => void)[] = [];
  #key: Buffer;
  #timer: Timer | null;

  /** @param record what an earlier run kept */
  constructor(clock: Clock, record: SessionsRecord | null = null) {
    this.#clock = clock;
    this.#key = record ? Buffer.from(record.key, 'base64url') : randomBytes(32);
    for (const session of record?.sessions ?? []) if (this.#lives(session)) this.#table.set(session.id, session);
    this.#timer = clock.setTimeout(this.#sweep, SWEEP_MS);
  }

  /** Told of every session that ended, by whatever cause: its sockets must close. */
  onEnd(listener: (session: Session) => void): void {
    this.#endListeners.push(listener);
  }
  /** Told when the record changed. */
  onChange(listener: () => void): void {
    this.#changeListeners.push(listener);
  }

  /** Begins a session; its cookie value is `cookie`. */
  create(address: string, browser: string): { session: Session; cookie: string } {
    const now = this.#clock.now();
    const id = randomBytes(16).toString('base64url');
    const session = { id, createdAt: now, expiresAt: now + SESSION_MS, lastSeenAt: now, address, browser };
    if (this.#table.size >= MAX_SESSIONS) this.end(this.list().at(-1)!.id);
    this.#table.set(id, session);
    this.#changed();
    return { session, cookie: signSession(this.#key, id, now) };
  }

  /** The living session that this cookie value stands for. */
  find(cookie: string): Session | null {
    const id = this.#verified.get(cookie) ?? this.#verify(cookie);
    const session = id === null ? undefined : this.#table.get(id);
    return session && this.#lives(session) ? session : null;
  }

  /** Seen last first. */
  list(): Session[] {
    return [...this.#table.values()].filter((session) => this.#lives(session))
      .sort((a, b) => b.lastSeenAt - a.lastSeenAt);
  }

  /** @returns false when there is no such session */
  end(id: string): boolean {
    const session = this.#table.get(id);
    if (session) this.#endThese([session]);
    return session !== undefined;
  }

  /** Ends every session and makes every cookie ever issued worthless. */
  endAll(): void {
    this.#key = randomBytes(32);
    this.#verified.clear();
    this.#endThese([...this.#table.values()]);
  }

  record(): SessionsRecord {
    return { key: this.#key.toString('base64url'), sessions: this.list() };
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

  #lives(session: Session): boolean {
    const now = this.#clock.now();
    return now < session.expiresAt && session.createdAt <= now + SKEW_MS;
  }

  /** One change of the record however many end: each is a write to the disk. */
  #endThese(sessions: readonly Session[]): void {
    for (const session of sessions) this.#table.delete(session.id);
    this.#changed();
    for (const session of sessions) for (const listener of this.#endListeners) listener(session);
  }

  #changed(): void {
    for (const listener of this.#changeListeners) listener();
  }

  readonly #sweep = (): void => {
    const over = [...this.#table.values()].filter((session) => !this.#lives(session));
    if (over.length) this.#endThese(over);
    this.#timer = this.#clock.setTimeout(this.#sweep, SWEEP_MS);
  };
}

/** A name for people: "Firefox on Linux". From the User-Agent, which anybody can write: for display only. */
export function browserName(userAgent: string | undefined): string {
  const agent = (userAgent ?? '').slice(0, 512);
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
