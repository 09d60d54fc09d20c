/** /api/auth/passkeys, /api/auth/passkey/…, /api/auth/step-up: login by passkey, and its confirmation of what cannot be taken back. */
import { Buffer } from 'node:buffer';
import type { PasskeyAssertion, PasskeyInfo, PasskeyList } from '../api/auth.ts';
import { parsePasskeyAssertion, parsePasskeyCreation, parseStepUpSwitch } from '../api/auth.ts';
import { Failure } from '../api/errors.ts';
import type { Clock } from '../clock.ts';
import { readJson } from '../http/body.ts';
import type { Client } from '../http/client-address.ts';
import { json } from '../http/reply.ts';
import type { Route, Router } from '../http/router.ts';
import type { HttpRequest, HttpResponse } from '../http/types.ts';
import type { Challenges } from './challenges.ts';
import type { Login } from './login.ts';
import { ownOrigin } from './origin.ts';
import type { Passkey, Passkeys } from './passkeys.ts';
import { browserName, type LoginSession, type LoginSessions } from './sessions.ts';
import { ALGORITHMS, challengeOf, type Expected, verifyAssertion, verifyRegistration } from './webauthn.ts';

/** How long a confirmation counts for its session, ms. */
export const STEP_UP_MS = 5 * 60_000;
/** Bytes of a body: an attestation object with an RSA key. */
const MAX_BODY = 16 * 1024;

/** Routes that need no login. */
export const PUBLIC_PASSKEY_ROUTES: readonly string[] = [
  'POST /api/auth/passkey/options',
  'POST /api/auth/passkey/login',
];

export interface PasskeyRouteOptions {
  login: Login;
  passkeys: Passkeys;
  sessions: LoginSessions;
  challenges: Challenges;
  clientOf: (req: HttpRequest) => Client;
  clock: Clock;
}

/** null: step-up is off. */
export type StepUp = 'needed' | 'done' | null;

export class PasskeyRoutes {
  readonly #options: PasskeyRouteOptions;
  /** Session id → until when its confirmation counts, by the monotonic clock. In memory only: a restart asks again. */
  readonly #confirmed = new Map<string, number>();

  constructor(options: PasskeyRouteOptions) {
    this.#options = options;
    options.sessions.onEnd(({ id }) => this.#confirmed.delete(id));
  }

  addRoutes(router: Router): void {
    router
      .get('/api/auth/passkeys', this.#list)
      .post('/api/auth/passkeys/options', this.#creationOptions)
      .post('/api/auth/passkeys', this.#add)
      .delete('/api/auth/passkeys/:id', this.#remove)
      .post('/api/auth/passkey/options', this.#loginOptions)
      .post('/api/auth/passkey/login', this.#logIn)
      .post('/api/auth/step-up/options', this.#stepUpOptions)
      .post('/api/auth/step-up', this.#confirm)
      .put('/api/auth/step-up', this.#switch);
  }

  /** What the session has confirmed, for what cannot be taken back. */
  stepUp(session: LoginSession | null): StepUp {
    if (!session || !this.#options.passkeys.stepUp) return null;
    return (this.#confirmed.get(session.id) ?? 0) > this.#options.clock.monotonic() ? 'done' : 'needed';
  }

  /** Throws Failure `step_up_required`. */
  checkStepUp(session: LoginSession | null): void {
    if (this.stepUp(session) === 'needed') {
      throw new Failure('step_up_required', 'Confirm this with your passkey first.');
    }
  }

  readonly #list = (req: HttpRequest, res: HttpResponse): void => {
    this.#session(req);
    const { passkeys } = this.#options;
    const body: PasskeyList = { passkeys: passkeys.list().map(infoOf), stepUp: passkeys.stepUp };
    json(res, 200, body);
  };

  readonly #creationOptions = (req: HttpRequest, res: HttpResponse): void => {
    const session = this.#session(req);
    this.#checkMayChange(req, session);
    const { rpId } = this.#place(req);
    json(res, 200, {
      challenge: this.#options.challenges.create(`passkey new ${session.id}`),
      rp: { id: rpId, name: 'Agent Monitor' },
      // One owner: the same user for every passkey of this host, so that an authenticator replaces its own.
      user: { id: Buffer.from('owner').toString('base64url'), name: rpId, displayName: 'Owner' },
      pubKeyCredParams: ALGORITHMS.map((alg) => ({ type: 'public-key', alg })),
      excludeCredentials: this.#allowed(rpId),
      authenticatorSelection: { residentKey: 'required', requireResidentKey: true, userVerification: 'required' },
      attestation: 'none',
    });
  };

  readonly #add = async (req: HttpRequest, res: HttpResponse): Promise<void> => {
    const { login, passkeys, sessions } = this.#options;
    const session = this.#session(req);
    this.#checkMayChange(req, session);
    const place = this.#place(req);
    const { name, ...answer } = parsePasskeyCreation(await readJson(req, MAX_BODY));
    if (!sessions.isAlive(session)) throw new Failure('login_required', 'Log in first.');
    const credential = this.#checked(
      req,
      () => verifyRegistration(answer, this.#expected(`passkey new ${session.id}`, place)),
    );
    this.#useChallenge(challengeOf(answer));
    const passkey = passkeys.add(credential, name, place.rpId);
    login.audit('passkey_added', { address: session.address, name });
    json(res, 201, infoOf(passkey));
  };

  readonly #remove = (req: HttpRequest, res: HttpResponse, { params }: Route): void => {
    const session = this.#session(req);
    this.checkStepUp(session);
    this.#options.passkeys.remove(params.id!);
    this.#options.login.audit('passkey_removed', { address: session.address });
    json(res, 200, { ok: true });
  };

  readonly #loginOptions = (req: HttpRequest, res: HttpResponse): void => {
    // Without ids: which passkeys there are is nobody's business before the login.
    json(res, 200, this.#question('passkey login', this.#place(req).rpId, []));
  };

  readonly #logIn = async (req: HttpRequest, res: HttpResponse): Promise<void> => {
    const { login, clientOf } = this.#options;
    if (!login.loginRequired) return json(res, 200, { authenticated: true });
    const client = clientOf(req);
    const { key, body } = await login.readTry(req, client, MAX_BODY);
    const answer = parsePasskeyAssertion(body);
    this.#assert(req, answer, 'passkey login');
    login.refund(key);
    login.begin(req, res, client, 'passkey_ok');
  };

  readonly #stepUpOptions = (req: HttpRequest, res: HttpResponse): void => {
    const session = this.#session(req);
    const { rpId } = this.#place(req);
    json(res, 200, this.#question(`step-up ${session.id}`, rpId, this.#allowed(rpId)));
  };

  readonly #confirm = async (req: HttpRequest, res: HttpResponse): Promise<void> => {
    const { login, clientOf, clock, sessions } = this.#options;
    const session = this.#session(req);
    const { key, body } = await login.readTry(req, clientOf(req), MAX_BODY);
    const answer = parsePasskeyAssertion(body);
    if (!sessions.isAlive(session)) throw new Failure('login_required', 'Log in first.');
    this.#assert(req, answer, `step-up ${session.id}`);
    login.refund(key);
    session.provenAt = clock.now();
    this.#confirmed.set(session.id, clock.monotonic() + STEP_UP_MS);
    json(res, 200, { until: clock.now() + STEP_UP_MS });
  };

  /** On and off alike need the passkey: on proves that it works, off that it is its owner who asks. */
  readonly #switch = async (req: HttpRequest, res: HttpResponse): Promise<void> => {
    const { login, passkeys, clock } = this.#options;
    const session = this.#session(req);
    const required = parseStepUpSwitch(await readJson(req, MAX_BODY));
    if ((this.#confirmed.get(session.id) ?? 0) <= clock.monotonic()) {
      throw new Failure('step_up_required', 'Confirm this with your passkey first.');
    }
    if (required && passkeys.list().length === 0) throw new Failure('no_passkey', 'Add a passkey first.');
    passkeys.stepUp = required;
    login.audit('step_up', { address: session.address, on: required });
    json(res, 200, { stepUp: required });
  };

  #question(purpose: string, rpId: string, allowCredentials: unknown[]) {
    const challenge = this.#options.challenges.create(purpose);
    return { challenge, rpId, allowCredentials, userVerification: 'required' };
  }
  #allowed(rpId: string): { type: 'public-key'; id: string }[] {
    const mine = this.#options.passkeys.list().filter((passkey) => passkey.rpId === rpId);
    return mine.map(({ id }) => ({ type: 'public-key', id }));
  }

  /** Checks an answer for this purpose and spends its challenge. Throws Failure `passkey_refused`. */
  #assert(req: HttpRequest, answer: PasskeyAssertion, purpose: string): void {
    const { passkeys } = this.#options;
    const place = this.#place(req);
    const passkey = passkeys.find(answer.id);
    const counter = this.#checked(req, () => {
      if (!passkey || passkey.rpId !== place.rpId) throw new Error('an unknown passkey');
      return verifyAssertion(answer, passkey, this.#expected(purpose, place));
    });
    this.#useChallenge(challengeOf(answer));
    passkeys.used(passkey!, counter);
  }

  /** What is wrong goes to the audit log; the client learns only that it was refused. */
  #checked<T>(req: HttpRequest, check: () => T): T {
    try {
      return check();
    } catch (error) {
      const { login, clientOf } = this.#options;
      const { address } = clientOf(req);
      const browser = browserName(req.headers['user-agent']);
      login.audit('passkey_refused', { address, browser, reason: (error as Error).message.slice(0, 200) });
      throw new Failure('passkey_refused', 'This passkey was not accepted. Try again, or use the password.');
    }
  }

  #useChallenge(challenge: string): void {
    if (!this.#options.challenges.use(challenge)) {
      throw new Failure('busy', 'Too many logins right now. Try again in a minute.', { retryAfterS: 60 });
    }
  }

  #expected(purpose: string, place: { origin: string; rpId: string }): Expected {
    return { ...place, isChallenge: (challenge) => this.#options.challenges.isOpen(purpose, challenge) };
  }

  /** The page's origin and its host name. Browsers give passkeys to names only, not to addresses. */
  #place(req: HttpRequest): { origin: string; rpId: string } {
    const origin = ownOrigin(req, this.#options.clientOf(req).secure);
    if (!origin) {
      throw new Failure(
        'bad_request',
        'The Host of this request is no host name. Open the dashboard by a name or address of its server.',
      );
    }
    return { origin, rpId: new URL(origin).hostname };
  }

  /** Who may add passkeys: not a cookie alone, which may be stolen. */
  #checkMayChange(req: HttpRequest, session: LoginSession): void {
    const { login, clientOf } = this.#options;
    login.checkPrivate(clientOf(req));
    login.checkProven(session);
    this.checkStepUp(session);
  }

  /** Throws Failure `login_required`: a relay without a login has no passkeys either. */
  #session(req: HttpRequest): LoginSession {
    const session = this.#options.login.session(req, this.#options.clientOf(req));
    if (!session) throw new Failure('login_required', 'Log in first.');
    return session;
  }
}

const infoOf = ({ id, name, rpId, createdAt, lastUsedAt }: Passkey): PasskeyInfo => ({
  id,
  name,
  rpId,
  createdAt,
  lastUsedAt,
});
