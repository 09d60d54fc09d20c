/** Login and everything about sessions that a browser can ask for. Knows nothing of what is behind the door. */
import { randomBytes } from 'node:crypto';
import type { Clock } from '../clock.ts';
import { JSON_LIMIT, readJson } from '../http/body.ts';
import type { Client } from '../http/client.ts';
import { HttpError, json } from '../http/reply.ts';
import type { Route, Router } from '../http/router.ts';
import type { HttpRequest, HttpResponse } from '../http/types.ts';
import type { AuthCheck, PairCode, SessionInfo } from '../wire/auth.ts';
import { cookieName, readCookie, setCookie } from './cookie.ts';
import { Limiter, limiterKey } from './limiter.ts';
import { BusyError, type PasswordHash, verifyPassword } from './password.ts';
import { browserName, type Session, SESSION_MS, type Sessions } from './sessions.ts';

/** Wrong passwords and pairing codes by one address in TRY_WINDOW_MS. */
export const TRIES = 10;
export const TRY_WINDOW_MS = 15 * 60 * 1000;
export const PAIR_MS = 60_000;
/** Pairing codes at once; the oldest is forgotten. */
const MAX_PAIR_CODES = 16;

/** Writes one line of the audit log. */
export type Audit = (event: string, fields: Record<string, unknown>) => void;

/** A session's connections end with it, so the client must not send its next request over this one. */
const LAST_REPLY = { connection: 'close' };

export interface GateOptions {
  /** null: no login. */
  password: PasswordHash | null;
  sessions: Sessions;
  clientOf: (req: HttpRequest) => Client;
  clock: Clock;
  audit: Audit;
}

/** Routes of the gate that need no login. */
export const PUBLIC_ROUTES: readonly string[] = [
  'POST /api/auth/login',
  'POST /api/auth/logout',
  'GET /api/auth/check',
  'POST /api/auth/pair/claim',
];

export class Gate {
  readonly #options: GateOptions;
  readonly #limiter: Limiter;
  /** Code → when it ends, by the monotonic clock. */
  readonly #codes = new Map<string, number>();
  /** Addresses whose refusal is on the audit log already. */
  readonly #toldOf = new Set<string>();

  constructor(options: GateOptions) {
    this.#options = options;
    this.#limiter = new Limiter({ limit: TRIES, windowMs: TRY_WINDOW_MS, clock: options.clock });
  }

  get loginRequired(): boolean {
    return this.#options.password !== null;
  }

  /** The session of this request; null: not logged in. */
  session(req: HttpRequest, client: Client): Session | null {
    const cookie = readCookie(req.headers.cookie, cookieName(client.secure));
    const session = cookie === null ? null : this.#options.sessions.find(cookie);
    if (session) {
      session.lastSeenAt = this.#options.clock.now();
      session.address = client.address;
    }
    return session;
  }

  addRoutes(router: Router): void {
    router
      .post('/api/auth/login', this.#login)
      .post('/api/auth/logout', this.#logout)
      .get('/api/auth/check', this.#check)
      .get('/api/auth/sessions', this.#list)
      .delete('/api/auth/sessions/:id', this.#revoke)
      .post('/api/auth/sign-out-everywhere', this.#revokeAll)
      .post('/api/auth/pair', this.#pair)
      .post('/api/auth/pair/claim', this.#claim);
  }

  /** A code that logs in whoever claims it first within PAIR_MS. */
  newPairCode(): PairCode {
    const code = randomBytes(18).toString('base64url');
    const { clock } = this.#options;
    if (this.#codes.size >= MAX_PAIR_CODES) this.#codes.delete(this.#codes.keys().next().value!);
    this.#codes.set(code, clock.monotonic() + PAIR_MS);
    return { code, expiresAt: clock.now() + PAIR_MS };
  }

  readonly #login = async (req: HttpRequest, res: HttpResponse): Promise<void> => {
    const { password: expected, clientOf, audit } = this.#options;
    if (!expected) return json(res, 200, { authenticated: true });
    const client = clientOf(req);
    // Counted before the body is read: a refused address costs nothing but this line.
    const key = this.#take(client);
    const password = field(await readJson(req, JSON_LIMIT + 4096), 'password');
    const isText = typeof password === 'string';
    // Anything else takes as long, so that the time tells nothing.
    const right = await this.#verify(isText ? password : '', expected, key);
    if (!isText) throw new HttpError(400, 'no_password', 'Send {"password": "…"} with the password as text.');
    if (!right) {
      audit('login_failed', { address: client.address, browser: browserName(req.headers['user-agent']) });
      throw new HttpError(401, 'wrong_password', 'This password is not right.');
    }
    this.#limiter.refund(key);
    this.#begin(req, res, client, 'login_ok');
  };

  readonly #claim = async (req: HttpRequest, res: HttpResponse): Promise<void> => {
    const { clientOf, clock, audit } = this.#options;
    if (!this.loginRequired) return json(res, 200, { authenticated: true });
    const client = clientOf(req);
    const key = this.#take(client);
    const code = field(await readJson(req, 4096), 'code');
    const ends = typeof code === 'string' ? this.#codes.get(code) : undefined;
    if (ends !== undefined) this.#codes.delete(code as string);
    if (ends === undefined || clock.monotonic() >= ends) {
      audit('pair_failed', { address: client.address });
      throw new HttpError(401, 'pair_code_gone', 'This code was used or is older than a minute. Ask for a new one.');
    }
    this.#limiter.refund(key);
    this.#begin(req, res, client, 'pair_ok');
  };

  readonly #logout = (req: HttpRequest, res: HttpResponse): void => {
    const { clientOf, sessions, audit } = this.#options;
    const client = clientOf(req);
    const session = this.session(req, client);
    json(res, 200, { authenticated: false }, { 'set-cookie': setCookie('', 0, client.secure), ...LAST_REPLY });
    if (!session) return;
    sessions.end(session.id);
    audit('logout', { address: client.address, browser: session.browser });
  };

  readonly #check = (req: HttpRequest, res: HttpResponse): void => {
    const client = this.#options.clientOf(req);
    const body: AuthCheck = {
      authenticated: !this.loginRequired || this.session(req, client) !== null,
      loginRequired: this.loginRequired,
      secure: client.secure,
    };
    json(res, 200, body);
  };

  readonly #list = (req: HttpRequest, res: HttpResponse): void => {
    const own = this.session(req, this.#options.clientOf(req))?.id;
    const sessions: SessionInfo[] = this.#options.sessions.list().map((s) => ({ ...s, current: s.id === own }));
    json(res, 200, { sessions });
  };

  readonly #revoke = (req: HttpRequest, res: HttpResponse, { params }: Route): void => {
    const { sessions, clientOf, audit } = this.#options;
    const session = sessions.list().find(({ id }) => id === params.id);
    if (!session) throw new HttpError(404, 'no_session', 'This device is signed out already.');
    json(res, 200, { ok: true }, LAST_REPLY);
    sessions.end(session.id);
    audit('session_revoked', { address: clientOf(req).address, revoked: session.browser, from: session.address });
  };

  readonly #revokeAll = (req: HttpRequest, res: HttpResponse): void => {
    const { sessions, clientOf, audit } = this.#options;
    const client = clientOf(req);
    json(res, 200, { authenticated: false }, { 'set-cookie': setCookie('', 0, client.secure), ...LAST_REPLY });
    sessions.endAll();
    audit('session_revoked_all', { address: client.address });
  };

  readonly #pair = (_req: HttpRequest, res: HttpResponse): void => {
    json(res, 200, this.newPairCode());
  };

  /** Counts a try of this address; throws 429 when it has none left. */
  #take(client: Client): string {
    const key = limiterKey(client.address);
    const wait = this.#limiter.take(key);
    if (wait === 0) {
      this.#toldOf.delete(key);
      return key;
    }
    if (!this.#toldOf.has(key)) {
      if (this.#toldOf.size >= 1000) this.#toldOf.clear();
      this.#toldOf.add(key);
      this.#options.audit('login_throttled', { address: client.address });
    }
    const seconds = Math.ceil(wait / 1000);
    const minutes = Math.ceil(seconds / 60);
    const text = `Too many wrong passwords from this address. Try again in ${minutes} minute${
      minutes === 1 ? '' : 's'
    }.`;
    throw new HttpError(429, 'too_many_tries', text, { 'retry-after': seconds });
  }

  async #verify(password: string, expected: PasswordHash, key: string): Promise<boolean> {
    try {
      return await verifyPassword(password, expected);
    } catch (error) {
      if (!(error instanceof BusyError)) throw error;
      this.#limiter.refund(key);
      throw new HttpError(503, 'busy', 'Many people log in right now. Try again in a moment.', { 'retry-after': 2 });
    }
  }

  /** A new id at each login: whatever cookie the browser came with is worth nothing afterwards. */
  #begin(req: HttpRequest, res: HttpResponse, client: Client, event: string): void {
    const { sessions, audit } = this.#options;
    const old = this.session(req, client);
    const browser = browserName(req.headers['user-agent']);
    const { cookie } = sessions.create(client.address, browser);
    audit(event, { address: client.address, browser });
    const headers = { 'set-cookie': setCookie(cookie, SESSION_MS, client.secure) };
    json(res, 200, { authenticated: true }, old ? { ...headers, ...LAST_REPLY } : headers);
    if (old) sessions.end(old.id);
  }
}

/** One field of a JSON body that may be anything. */
const field = (body: unknown, name: string): unknown =>
  typeof body === 'object' && body !== null ? (body as Record<string, unknown>)[name] : undefined;
