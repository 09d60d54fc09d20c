/** Access to the local server: the guard, and a login when HOST opens the server to other machines. */
import process from 'node:process';
import { Login, PUBLIC_ROUTES } from '../../core/auth/login.ts';
import { hashPassword, type PasswordHash } from '../../core/auth/password.ts';
import { LoginSessions } from '../../core/auth/sessions.ts';
import { type Clock, steadyClock } from '../../core/clock.ts';
import { createClientOf } from '../../core/http/client-address.ts';
import { fail, HttpError } from '../../core/http/reply.ts';
import { Router } from '../../core/http/router.ts';
import { labelOf, LOCAL_DOMAIN } from '../../core/preview/address.ts';
import type { LocalRequest } from '../../core/http/node-adapter.ts';
import type { HttpRequest, HttpResponse } from '../../core/http/types.ts';
import type { Log } from '../../core/log.ts';
import type { Config } from '../config.ts';
import { HOOKS_PATH, PROOF_PATH } from './local-token.ts';
import { checkLocalRequest, checkPeerUser } from './local-guard.ts';
import { type PeerSocket, PeerUsers } from './peer-user.ts';
import type { ReadTable } from './socket-table.ts';

export interface LocalAccess {
  /** Call it with every connection when it is made, before a byte of it is processed. */
  onConnection(socket: PeerSocket): void;
  /** Answers requests that are refused and requests about the login. @returns whether it answered */
  serves(req: LocalRequest, res: HttpResponse): Promise<boolean>;
  /** Refuses every connection whose look-up is not over. */
  close(): void;
}

export interface LocalAccessOptions {
  clock: Clock;
  log: Log;
  /** Warns people that other users of this machine may use the server; '' takes the warning back. */
  warn: (text: string) => void;
  platform?: string;
  readTable?: ReadTable;
}

export async function createLocalAccess(config: Config, options: LocalAccessOptions): Promise<LocalAccess> {
  const { warn, platform = process.platform } = options;
  const isOpen = config.host !== '';
  // Only Linux tells whose a connection is. There, whoever cannot be found out is refused.
  const peerUsers = isOpen || platform !== 'linux' ? null : new PeerUsers(options);
  warn(isOpen || peerUsers ? '' : openToAllUsers(platform));
  const password = config.dashboardPassword ? await hashPassword(config.dashboardPassword) : null;
  if (password && !isOpen) options.log.warn(PASSWORD_UNUSED);
  return new GuardedAccess(options, { peerUsers, isOpen, login: new LocalLogin(password, isOpen, options) });
}

/** Where the token of the data directory is asked for, or proven, instead of a login. */
const OWN_PROOF = new RegExp(`^(?:${PROOF_PATH}|${HOOKS_PATH}(?:/.*)?)$`);

interface Guards {
  /** null: the users of the machine are not told apart. */
  peerUsers: PeerUsers | null;
  /** HOST opens the server to other machines. */
  isOpen: boolean;
  login: LocalLogin;
}

class GuardedAccess implements LocalAccess {
  readonly #log: Log;
  readonly #guards: Guards;

  constructor({ log }: LocalAccessOptions, guards: Guards) {
    this.#log = log;
    this.#guards = guards;
  }

  onConnection = (socket: PeerSocket): void => this.#guards.peerUsers?.add(socket);

  async serves(req: LocalRequest, res: HttpResponse): Promise<boolean> {
    const { peerUsers, isOpen, login } = this.#guards;
    try {
      // First of all, so that a stranger learns nothing else.
      if (peerUsers) checkPeerUser(await peerUsers.of(req.socket), process.getuid!());
      // A preview lets in by its own cookie.
      if (!isOpen && labelOf(req.headers.host, LOCAL_DOMAIN) !== null) return false;
      checkLocalRequest(req, isOpen);
      login.check(req, res);
    } catch (error) {
      fail(res, error, (unexpected) => this.#log.error('the local login failed', { error: String(unexpected) }));
      return true;
    }
    if (!req.url.startsWith('/api/auth/')) return false;
    void login.handle(req, res);
    return true;
  }

  close(): void {
    this.#guards.peerUsers?.close();
    this.#guards.login.close();
  }
}

/** The login that HOST demands; without a password nobody has to log in. */
class LocalLogin {
  readonly #login: Login;
  readonly #sessions: LoginSessions;
  readonly #clientOf = createClientOf([], false);
  readonly #router = new Router();
  /** Responses of each session: logging out ends them, open sockets too. */
  readonly #responses = new Map<string, Set<HttpResponse>>();

  constructor(password: PasswordHash | null, isRequired: boolean, { clock: wall, log }: LocalAccessOptions) {
    const clock = steadyClock(wall);
    this.#sessions = new LoginSessions(clock);
    this.#sessions.onEnd(({ id }) => {
      for (const res of this.#responses.get(id) ?? []) res.destroy();
      this.#responses.delete(id);
    });
    this.#login = new Login({
      password,
      isRequired,
      sessions: this.#sessions,
      clientOf: this.#clientOf,
      clock,
      audit: (event, fields) => log.info(event, fields as Record<string, string>),
    });
    this.#login.addRoutes(this.#router);
  }

  /** Throws HttpError 401 unless the request is public or of a session; the response then ends with that session. */
  check(req: HttpRequest, res: HttpResponse): void {
    const path = req.url.split('?')[0]!;
    const isPublic = !path.startsWith('/api') || OWN_PROOF.test(path) ||
      PUBLIC_ROUTES.includes(`${req.method} ${path}`);
    if (isPublic || !this.#login.loginRequired) return;
    const session = this.#login.session(req, this.#clientOf(req));
    if (!session) throw new HttpError(401, 'login_required', 'Log in first.');
    if (path.startsWith('/api/auth/')) return; // A sign-out must not cut off its own answer.
    const responses = this.#responses.get(session.id) ?? new Set();
    this.#responses.set(session.id, responses.add(res));
    res.once('close', () => responses.delete(res));
  }

  /** Serves /api/auth/. */
  handle(req: HttpRequest, res: HttpResponse): void | Promise<void> {
    return this.#router.handle(req, res);
  }

  close(): void {
    this.#sessions.close();
  }
}

const PASSWORD_UNUSED =
  'DASHBOARD_PASSWORD is set, but no password is asked for: without HOST only programs of your own user on this machine ' +
  'reach this server. Set HOST to open it to other machines, or leave DASHBOARD_PASSWORD out.';

const openToAllUsers = (platform: string) =>
  `Every user of this machine can use this server: ${platform} does not tell whose a connection is. Run it on a machine ` +
  'that only you use, or set HOST to an address of this machine and DASHBOARD_PASSWORD, so that everybody has to log in.';
