/** Whether this browser is signed in, and what follows from it. */
import type { AuthCheck } from '../../core/api/auth.ts';
import { signal } from '../state/signal.ts';
import type { Signal } from '../state/signal.ts';
import { ApiError } from './api.ts';
import type { Api } from './api.ts';
import type { DeviceKey } from '../worker/device-key.ts';
import { isRenewalDue } from '../worker/device-key.ts';
import { claimPairing } from './pairing.ts';

/** `unreachable`: the first question has not been answered. */
export type AuthState = 'asking' | 'in' | 'out' | 'unreachable';

export interface Auth {
  readonly state: Signal<AuthState>;
  /** The server wants a login at all (a local one may not): then there is something to sign out of. */
  readonly hasLogin: Signal<boolean>;
  /** Asks the server whether a login is needed: begins, or shows the login page. */
  begin(): Promise<void>;
  /** Shows the login page when the session is over; changes nothing else. */
  check(): Promise<void>;
  /** Asks when the page began without an answer. */
  confirm(): Promise<void>;
  /** Somebody logged in on this page just now. */
  loggedIn(): Promise<void>;
  signedOut(): void;
  /** The server ended the live feed because its session is over: the device's key may begin another one. */
  sessionEnded(): Promise<void>;
  /** Ends the session on the server, then here. */
  signOut(): Promise<void>;
}

export interface AuthDeps {
  api: Api;
  /** null: this browser keeps no key. */
  deviceKey: DeviceKey | null;
  now(): number;
  onSignedIn(): void;
  /** The server is asked who this is: what else a start needs may be asked beside it. */
  onAsked?(): void;
  onSignedOut(): void;
  /** There is something to show while no server answers. */
  canBeginOffline?(): boolean;
  /** Something failed that the user should read about. */
  onError(error: unknown): void;
}

const BEGIN_TIMEOUT = 10_000;
const CHECK_TIMEOUT = 5_000;

export const createAuth = (deps: AuthDeps): Auth => new PageAuth(deps);

class PageAuth implements Auth {
  readonly state = signal<AuthState>('asking');
  readonly hasLogin = signal(false);
  readonly #deps: AuthDeps;
  /** Nobody has said yet that this browser is signed in. */
  #isGuess = false;

  constructor(deps: AuthDeps) {
    this.#deps = deps;
  }

  begin = async (): Promise<void> => {
    const { api, deviceKey, onError } = this.#deps;
    const isPaired = await claimPairing(api).catch(onError);
    if (isPaired) await deviceKey?.attach();
    try {
      const asked = this.#ask(BEGIN_TIMEOUT);
      this.#deps.onAsked?.();
      this.#guess();
      const answer = await asked;
      this.hasLogin.value = answer.loginRequired !== false;
      if (answer.authenticated === false && !await this.#renew()) return this.signedOut();
      this.#confirmed();
      this.#renewIfDue(answer);
    } catch (error) {
      this.#refused(error);
    }
  };

  check = async (): Promise<void> => {
    const answer = await this.#ask(CHECK_TIMEOUT).catch(() => null);
    if (!answer) return;
    this.#isGuess = false;
    this.hasLogin.value = answer.loginRequired !== false;
    this.#renewIfDue(answer);
    const isOut = answer.authenticated === false && this.state.value === 'in';
    if (isOut && !await this.#renew()) this.signedOut();
  };

  confirm = async (): Promise<void> => this.#isGuess ? await this.check() : undefined;

  signedIn = (): void => {
    this.state.value = 'in';
    this.#deps.onSignedIn();
  };

  loggedIn = async (): Promise<void> => {
    await this.#deps.deviceKey?.attach();
    this.signedIn();
  };

  signedOut = (): void => {
    if (this.state.value === 'out') return;
    this.#deps.onSignedOut();
    this.state.value = 'out';
  };

  sessionEnded = async (): Promise<void> => {
    // Another window may have renewed the login: were every window to renew it too, they would end one another's for ever.
    const { authenticated } = await this.#ask(CHECK_TIMEOUT).catch((): Partial<AuthCheck> => ({}));
    if (authenticated || await this.#renew()) this.#deps.onSignedIn();
    else this.signedOut();
  };

  signOut = async (): Promise<void> => {
    await this.#deps.api.post('/api/auth/logout');
    await this.#deps.deviceKey?.forget();
    this.signedOut();
  };

  #renew(): Promise<boolean> {
    return this.#deps.deviceKey?.renew() ?? Promise.resolve(false);
  }
  #renewIfDue(answer: Partial<AuthCheck>): void {
    if (isRenewalDue(answer, this.#deps.now())) void this.#renew();
  }

  #ask(timeout: number): Promise<Partial<AuthCheck>> {
    return this.#deps.api.get('/api/auth/check', { timeout });
  }

  /** A page that has been here shows what was known last while it asks; most are signed in. */
  #guess(): void {
    if (this.state.value !== 'asking' || !this.#deps.canBeginOffline?.()) return;
    this.#isGuess = true;
    this.hasLogin.value = true;
    this.signedIn();
  }

  #confirmed(): void {
    const wasGuess = this.#isGuess && this.state.value === 'in';
    this.#isGuess = false;
    if (!wasGuess) this.signedIn();
  }

  /** A server without a login answers 404. */
  #refused(error: unknown): void {
    const status = error instanceof ApiError ? error.status : 0;
    if (status === 404) {
      this.hasLogin.value = false;
      return this.#confirmed();
    }
    if (status !== 401 && this.#isGuess) return;
    if (status !== 401) return void (this.state.value = 'unreachable');
    this.hasLogin.value = true;
    this.signedOut();
  }
}
