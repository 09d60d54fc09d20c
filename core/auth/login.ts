/** Login, and the session routes that a browser can use. Independent of what is protected by it. */
import { randomBytes } from 'node:crypto';
import type { Clock } from '../clock.ts';
import { MAX_JSON } from '../http/body.ts';
import type { Client } from '../http/client-address.ts';
import { ERROR_STATUS, type ErrorCode, Failure } from '../api/errors.ts';
import { json } from '../http/reply.ts';
import type { Route, Router } from '../http/router.ts';
import type { HeaderMap, HttpRequest, HttpResponse } from '../http/types.ts';
import { type AuthCheck, PAIR_MS, type PairCode, type SessionInfo } from '../api/auth.ts';
import { cookieName, firstOf, readCookies, setCookie } from './cookie.ts';
import type { Passkeys } from './passkeys.ts';
import type { Devices } from './devices.ts';
import { BusyError, type PasswordHash, verifyPassword } from './password.ts';
import { browserName, type LoginSession, type LoginSessions, SESSION_MS } from './sessions.ts';
import { Tries, type Try } from './tries.ts';

/** How long a proof of more than the cookie counts, ms. */
export const PROVEN_MS = 5 * 60_000;
/** Pairing codes at once; the oldest is dropped first. */
const MAX_PAIR_CODES = 16;

/** Writes one line of the audit log. */
export type Audit = (event: string, fields: Record<string, unknown>) => void;

export interface LoginOptions {
  /** null: no login. */
  password: PasswordHash | null;
  /** false: everybody is let in without; a password that is sent all the same is compared. Default: true. */
  isRequired?: boolean;
  sessions: LoginSessions;
  clientOf: (req: HttpRequest) => Client;
  clock: Clock;
  audit: Audit;
  /** Whether the latest change of the sessions survives a restart. Default: nothing is stored, so nothing comes back. */
  isSaved?: () => boolean;
  /** Keys that renew logins; a device goes with the sign-out of its login. Default: there are none. */
  devices?: Devices;
  /** Default: there are none. */
  passkeys?: Passkeys;
}

const LOOPBACK = /^(?:127(?:\.\d{1,3}){3}|::1)$/;

/** Routes that need no login. */
export const PUBLIC_ROUTES: readonly string[] = [
  'POST /api/auth/login',
  'POST /api/auth/logout',
  'GET /api/auth/check',
  'POST /api/auth/pair/claim',
];

export class Login {
  readonly #options: LoginOptions;
  readonly #tries: Tries;
  /** Code → its expiry, by the monotonic clock. */
  readonly #codes = new Map<string, number>();
  #mayPair: (session: LoginSession | null) => void = () => {};

  constructor(options: LoginOptions) {
    this.#options = options;
    options.devices?.onRemove((id) => options.sessions.endDevice(id));
    this.#tries = new Tries(options.clock, ({ address }) => options.audit('login_throttled', { address }));
  }

  /** Writes one line of the audit log. */
  get audit(): Audit {
    return this.#options.audit;
  }

  get loginRequired(): boolean {
    return this.#options.password !== null && this.#options.isRequired !== false;
  }

  /** The session of this request; null: not logged in. */
  session(req: HttpRequest, client: Client): LoginSession | null {
    const cookies = readCookies(req.headers.cookie, cookieName(client.secure));
    const session = firstOf(cookies, (cookie) => this.#options.sessions.find(cookie));
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

  /** @param check throws for a session that may not let in another device */
  guardPairing(check: (session: LoginSession | null) => void): void {
    this.#mayPair = check;
  }

  /** Creates a code that logs in the first client that claims it within PAIR_MS. */
  newPairCode(): PairCode {
    const code = randomBytes(18).toString('base64url');
    const { clock } = this.#options;
    if (this.#codes.size >= MAX_PAIR_CODES) this.#codes.delete(this.#codes.keys().next().value!);
    this.#codes.set(code, clock.monotonic() + PAIR_MS);
    return { code, expiresAt: clock.now() + PAIR_MS, lifetimeMs: PAIR_MS };
  }

  readonly #login = async (req: HttpRequest, res: HttpResponse): Promise<void> => {
    const { password: expected, clientOf, audit } = this.#options;
    if (!expected) return json(res, 200, { authenticated: true });
    const client = clientOf(req);
    const { key, body } = await this.readTry(req, client, MAX_JSON + 4096);
    const password = field(body, 'password');
    const isText = typeof password === 'string';
    // A missing password takes as long as a wrong one, so that the time reveals nothing.
    const right = await this.#verify(isText ? password : '', expected, key);
    if (!isText) throw new Failure('no_password', 'Send {"password": "…"} with the password as text.');
    if (!right) {
      audit('login_failed', { address: client.address, browser: browserName(req.headers['user-agent']) });
      throw new Failure('wrong_password', 'This password is not right.');
    }
    this.refund(key);
    this.begin(req, res, client, 'login_ok');
  };

  readonly #claim = async (req: HttpRequest, res: HttpResponse): Promise<void> => {
    const { clientOf, clock, audit } = this.#options;
    if (!this.loginRequired) return json(res, 200, { authenticated: true });
    const client = clientOf(req);
    const { key, body } = await this.readTry(req, client, 4096);
    const code = field(body, 'code');
    const ends = typeof code === 'string' ? this.#codes.get(code) : undefined;
    if (ends !== undefined) this.#codes.delete(code as string);
    if (ends === undefined || clock.monotonic() >= ends) {
      audit('pair_failed', { address: client.address });
      throw new Failure('pair_code_gone', 'This code was used or is older than a minute. Ask for a new one.');
    }
    this.refund(key);
    this.begin(req, res, client, 'pair_ok');
  };

  readonly #logout = (req: HttpRequest, res: HttpResponse): void => {
    const { clientOf, audit } = this.#options;
    const client = clientOf(req);
    const session = this.session(req, client);
    if (session) {
      this.#signOut(session);
      audit('logout', { address: client.address, browser: session.browser });
    }
    this.answerSignOut(res, { authenticated: false }, { 'set-cookie': setCookie('', 0, client.secure) });
  };

  readonly #check = (req: HttpRequest, res: HttpResponse): void => {
    const client = this.#options.clientOf(req);
    const session = this.session(req, client);
    const body: AuthCheck = {
      authenticated: !this.loginRequired || session !== null,
      loginRequired: this.loginRequired,
      secure: client.secure,
      ...(session ? { expiresAt: session.expiresAt } : {}),
      ...(this.#options.passkeys?.list().length ? { passkeys: true } : {}),
    };
    json(res, 200, body);
  };

  readonly #list = (req: HttpRequest, res: HttpResponse): void => {
    const own = this.session(req, this.#options.clientOf(req))?.id;
    const sessions: SessionInfo[] = this.#options.sessions.list().map(({ provenAt: _, ...session }) => ({
      ...session,
      current: session.id === own,
    }));
    json(res, 200, { sessions });
  };

  readonly #revoke = (req: HttpRequest, res: HttpResponse, { params }: Route): void => {
    const { sessions, clientOf, audit } = this.#options;
    const session = sessions.list().find(({ id }) => id === params.id);
    // A repeated try after a 507 must not look as if all were well.
    if (!session && this.isSaved()) throw new Failure('no_session', 'This device is signed out already.');
    if (!session) return this.answerSignOut(res, { ok: true });
    this.#signOut(session);
    audit('session_revoked', { address: clientOf(req).address, revoked: session.browser, from: session.address });
    this.answerSignOut(res, { ok: true });
  };

  readonly #revokeAll = (req: HttpRequest, res: HttpResponse): void => {
    const { sessions, clientOf, audit } = this.#options;
    const client = clientOf(req);
    this.#options.devices?.removeAll();
    sessions.endAll();
    audit('session_revoked_all', { address: client.address });
    this.answerSignOut(res, { authenticated: false }, { 'set-cookie': setCookie('', 0, client.secure) });
  };

  /** Ends a login: the key that would renew it goes too. */
  #signOut({ id, device }: LoginSession): void {
    if (device) this.#options.devices?.remove(device);
    this.#options.sessions.end(id);
  }

  /** Answers after everything else: a client that has a 200 must not find the session alive after a restart. */
  answerSignOut(res: HttpResponse, body: unknown, headers: HeaderMap = {}): void {
    if (this.isSaved()) return json(res, 200, body, headers);
    const code = 'sign_out_not_saved' satisfies ErrorCode;
    const error = 'Signed out, but the relay cannot save it: after a restart the old login would work again. ' +
      'Free space on its disk or make RELAY_STATE writable, then sign out everywhere.';
    json(res, ERROR_STATUS[code], { error, code }, headers);
  }
  /** Whether the latest change survives a restart. */
  isSaved(): boolean {
    return this.#options.isSaved?.() ?? true;
  }

  /**
   * Throws Failure `proof_required` unless the session's holder proved more than its cookie a moment ago: what a stolen cookie
   * is used for here would outlive it.
   */
  checkProven(session: LoginSession): void {
    if (this.#options.clock.now() - (session.provenAt ?? session.createdAt) < PROVEN_MS) return;
    throw new Failure('proof_required', 'For this the login must be fresh: sign out on this device and log in again.');
  }

  /**
   * Throws Failure `https_required`: a cookie that came in the clear may be anybody's, and a key or a passkey would outlive it.
   * No browser makes either over plain http, but at the machine itself.
   */
  checkPrivate({ secure, address }: Client): void {
    if (secure || LOOPBACK.test(address)) return;
    throw new Failure('https_required', 'Keys and passkeys need https. Open the dashboard by its https address.');
  }

  readonly #pair = (req: HttpRequest, res: HttpResponse): void => {
    this.checkMayPair(this.session(req, this.#options.clientOf(req)));
    json(res, 200, this.newPairCode());
  };

  /** Throws unless this session may let in what outlives it: another device, a machine. */
  checkMayPair(session: LoginSession | null): void {
    // Where a key renews the login, its device can prove it at any time.
    if (session?.device) this.checkProven(session);
    this.#mayPair(session);
  }

  /** The body of a try of this address, which counts from now on (Tries.read). @param limit bytes of the body */
  readTry(req: HttpRequest, client: Client, limit: number): Promise<Try> {
    return this.#tries.read(req, client, limit);
  }

  /** The latest try turned out right. */
  refund(key: string): void {
    this.#tries.refund(key);
  }

  async #verify(password: string, expected: PasswordHash, key: string): Promise<boolean> {
    try {
      return await verifyPassword(password, expected);
    } catch (error) {
      if (!(error instanceof BusyError)) throw error;
      this.refund(key);
      throw new Failure('busy', 'Many people log in right now. Try again in a moment.', { retryAfterS: 2 });
    }
  }

  /**
   * Begins a session and answers with its cookie. Each login gets a new id: the cookie that the browser sent before is
   * worthless afterwards.
   * @param device whose key was proven: a cookie of the same device stays until its own end, for requests on their way
   */
  begin(req: HttpRequest, res: HttpResponse, client: Client, event: string, device?: string): void {
    const { sessions, audit } = this.#options;
    const old = this.session(req, client);
    const browser = browserName(req.headers['user-agent']);
    const { cookie } = sessions.create(client.address, browser, device);
    audit(event, { address: client.address, browser });
    const headers = { 'set-cookie': setCookie(cookie, SESSION_MS, client.secure) };
    if (old && !(device && old.device === device)) sessions.end(old.id);
    json(res, 200, { authenticated: true }, headers);
  }
}

/** A field of a JSON body of unknown shape. */
const field = (body: unknown, name: string): unknown =>
  typeof body === 'object' && body !== null ? (body as Record<string, unknown>)[name] : undefined;
