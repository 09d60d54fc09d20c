/** An ACME client's side of RFC 8555 section 6 and 7.1 to 7.3: directory, nonces, signed requests, the account. */
import type { KeyObject } from 'node:crypto';
import type { Clock } from '../../core/clock.ts';
import { signJws } from './jws.ts';
import { AcmeError, describeProblem, isObject, parseProblem, parseRetryAfter } from './problem.ts';
import { sleep } from './sleep.ts';
import type { AcmeResponse, Transport } from './transport.ts';

export interface Directory {
  newNonce: string;
  newAccount: string;
  newOrder: string;
  /** RFC 9773; null: not offered. */
  renewalInfo: string | null;
  /** Names of the profiles that an order may ask for; null: the authority does not tell. */
  profiles: string[] | null;
}

export interface Account {
  url: string;
  /** What the authority knows: an email address, or ''. */
  contact: string;
}

/** An answer whose status is a success. */
export interface Answer {
  /** The parsed body; {} when it is no JSON object. */
  json: Record<string, unknown>;
  body: string;
  /** The Location header. */
  location: string | undefined;
  retryAfterMs: number | null;
}

/** Tries with a fresh nonce: an authority may refuse good ones (RFC 8555 section 6.5). */
export const MAX_NONCE_TRIES = 12;
/** Nonces that are kept for later requests. */
const MAX_NONCES = 8;
const MAX_URL = 2048;

export interface ClientSettings {
  directoryUrl: string;
  /** The account's private key, P-256. */
  key: KeyObject;
  transport: Transport;
  clock: Clock;
  /** Ends everything that runs. */
  signal: AbortSignal;
}

export class AcmeClient {
  readonly key: KeyObject;
  readonly #settings: ClientSettings;
  #directory: Directory | null = null;
  #nonces: string[] = [];
  #account: string | null = null;

  constructor(settings: ClientSettings) {
    this.#settings = settings;
    this.key = settings.key;
  }

  /** Asked for once in a client's life. Throws AcmeError. */
  async directory(): Promise<Directory> {
    if (this.#directory) return this.#directory;
    const { json } = this.#accept(await this.#send('GET', this.#settings.directoryUrl));
    const { meta } = json;
    const profiles = isObject(meta) && isObject(meta.profiles) ? Object.keys(meta.profiles) : null;
    return this.#directory = {
      newNonce: urlIn(json.newNonce),
      newAccount: urlIn(json.newAccount),
      newOrder: urlIn(json.newOrder),
      renewalInfo: json.renewalInfo === undefined ? null : urlIn(json.renewalInfo),
      profiles,
    };
  }

  /**
   * Makes the account, or finds the one that this key has (RFC 8555 section 7.3), and sees to its contact.
   * @param known as it was returned before. @param email '' for none
   */
  async openAccount(known: Account | null, email: string): Promise<Account> {
    const contact = email ? [`mailto:${email}`] : [];
    if (known) {
      this.#account = known.url;
      if (known.contact === email) return known;
      await this.post(known.url, { contact });
      return { url: known.url, contact: email };
    }
    const { newAccount } = await this.directory();
    const answer = await this.post(newAccount, { termsOfServiceAgreed: true, contact });
    this.#account = urlIn(answer.location);
    return { url: this.#account, contact: email };
  }

  /** A signed request. @param payload undefined: POST-as-GET. Throws AcmeError when the authority does not do it. */
  async post(url: string, payload?: unknown): Promise<Answer> {
    for (let tries = 1;; tries++) {
      const response = await this.#signed(url, payload);
      if (tries >= MAX_NONCE_TRIES || response.status !== 400) return this.#accept(response);
      // Its answer brought a fresh nonce, which the next try uses.
      if (parseProblem(jsonOf(response)).type !== 'badNonce') return this.#accept(response);
    }
  }

  /** Without signature: only renewalInfo is asked this way. Throws AcmeError. */
  async get(url: string): Promise<Answer> {
    return this.#accept(await this.#send('GET', urlIn(url)));
  }

  /** Asks again and again until `done`. Throws AcmeError after `limitMs`. @param url is asked by POST-as-GET */
  async poll<T>(url: string, read: (answer: Answer) => T, done: (value: T) => boolean, limitMs: number): Promise<T> {
    const { clock, signal } = this.#settings;
    const end = clock.monotonic() + limitMs;
    for (let pause = FIRST_POLL_MS;; pause = Math.min(pause * 1.5, MAX_POLL_MS)) {
      const answer = await this.post(url);
      const value = read(answer);
      if (done(value)) return value;
      if (clock.monotonic() >= end) throw new AcmeError('unreachable', 'The authority did not finish in time.');
      const asked = answer.retryAfterMs ?? pause;
      await sleep(clock, Math.min(Math.max(asked, FIRST_POLL_MS), MAX_POLL_MS), signal);
    }
  }

  #send(method: 'GET' | 'HEAD' | 'POST', url: string, body?: string): Promise<AcmeResponse> {
    const { transport, signal } = this.#settings;
    return transport({ method, url, ...(body === undefined ? {} : { body }) }, signal);
  }

  async #signed(url: string, payload: unknown): Promise<AcmeResponse> {
    const nonce = this.#nonces.pop() ?? await this.#freshNonce();
    const { newAccount } = await this.directory();
    const kid = url === newAccount ? null : this.#account;
    const body = signJws(payload, { url, nonce, ...(kid ? { kid } : {}) }, this.key);
    const response = await this.#send('POST', url, body);
    this.#keepNonce(response);
    return response;
  }

  async #freshNonce(): Promise<string> {
    const { newNonce } = await this.directory();
    const response = await this.#send('HEAD', newNonce);
    this.#keepNonce(response);
    const nonce = this.#nonces.pop();
    if (!nonce) throw new AcmeError('unreachable', `The authority gave no nonce (status ${response.status}).`);
    return nonce;
  }

  #keepNonce({ headers }: AcmeResponse): void {
    const nonce = headers['replay-nonce'];
    if (nonce && /^[\w-]{1,256}$/.test(nonce) && this.#nonces.length < MAX_NONCES) this.#nonces.push(nonce);
  }

  #accept(response: AcmeResponse): Answer {
    const { status, headers, body } = response;
    const retryAfterMs = parseRetryAfter(headers['retry-after'], this.#settings.clock.now());
    if (status >= 200 && status < 300) {
      return { json: jsonOf(response), body, location: headers.location, retryAfterMs };
    }
    const problem = parseProblem(jsonOf(response));
    const text = describeProblem(problem, status);
    // RFC 8555 section 6.6: the type, whatever the status; and an authority under load says 503 with Retry-After.
    if (problem.type === 'rateLimited' || status === 429) throw new AcmeError('limited', text, problem, retryAfterMs);
    const refused = status >= 400 && status < 500;
    throw new AcmeError(refused ? 'refused' : 'unreachable', text, problem, retryAfterMs);
  }
}

/** How long to wait between two looks at what the authority is doing, ms, whatever it says. */
const FIRST_POLL_MS = 1_000;
const MAX_POLL_MS = 30_000;

function jsonOf({ body }: AcmeResponse): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(body);
    return isObject(value) ? value : {};
  } catch {
    return {};
  }
}

/** An address that the authority names: https and of sane length, or it is not used. */
export function urlIn(value: unknown): string {
  if (typeof value === 'string' && value.length <= MAX_URL && URL.canParse(value)) {
    if (new URL(value).protocol === 'https:') return value;
  }
  throw new AcmeError(
    'unreachable',
    'The answer is not that of a certificate authority: RELAY_ACME_DIRECTORY must be the address of its ACME directory.',
  );
}
