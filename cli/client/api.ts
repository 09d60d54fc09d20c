/** The API of one server, with the credentials for it: JSON calls and the addresses of its WebSockets. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { AgentInfo } from '../../core/api/agents.ts';
import type { DecisionRecord, Message, MessagePage } from '../../core/api/messages.ts';
import { LOCAL_TOKEN_FIELD } from '../../agent/access/local-token.ts';
import { type Connection, dial, type DialOptions, WebSocketError } from '../../core/websocket/mod.ts';
import { abortedError, ApiError } from './errors.ts';
import { exchange } from './http.ts';
import { printable } from './printable.ts';

/** Waits between the tries of `command`, ms. */
const RETRY_DELAYS = [300, 700, 1_500, 3_000, 5_000];
/** After this no further try is begun, ms: a server that does not answer takes long to be given up. */
const MAX_TRYING_MS = 40_000;
/** Longest wait that a server can ask for, ms. */
const MAX_PAUSE_MS = 15_000;
/** Messages of one page. */
const PAGE = 200;

export interface ServerOptions {
  /** Scheme, host and port. */
  origin: string;
  /** Value of the Cookie header; empty: none is needed. */
  cookie: string;
  /** PEM of the authorities that are trusted; empty: those that Node knows. */
  ca: string;
  userAgent: string;
  signal: AbortSignal;
  /** What to do when the server asks for a login. */
  loginHint: string;
  /** What to do when nothing answers. */
  offlineHint: string;
  /** The proof for this machine's server (agent/access/local-token.ts); without it nothing that needs it is done. */
  localToken?: string;
  /** Renews a login that has ended. @returns the new cookie; null: that cannot be done */
  renew?: () => Promise<string | null>;
}

type SocketOptions = Pick<DialOptions, 'limits' | 'heartbeat' | 'deflate' | 'signal'>;

export class Api {
  readonly origin: string;
  readonly signal: AbortSignal;
  readonly #options: ServerOptions;
  #cookie: string;
  /** Calls that find the login ended at the same time renew it once. */
  #renewal: Promise<boolean> | null = null;

  constructor(options: ServerOptions) {
    this.#options = options;
    this.origin = options.origin;
    this.#cookie = options.cookie;
    this.signal = options.signal;
  }

  /** Tried again while the way is broken, as `command`. */
  get<T>(path: string): Promise<T> {
    return this.#persistently(() => this.call('GET', path));
  }

  post<T>(path: string, body: unknown = {}): Promise<T> {
    return this.call('POST', path, body);
  }

  /** Like post, tried again while the way is broken. Only for commands that may arrive twice. */
  command<T>(path: string, body: unknown = {}): Promise<T> {
    return this.#persistently(() => this.call('POST', path, body));
  }

  async #persistently<T>(call: () => Promise<T>): Promise<T> {
    const started = performance.now();
    for (const delay of RETRY_DELAYS) {
      try {
        return await call();
      } catch (error) {
        const isLate = performance.now() - started > MAX_TRYING_MS;
        if (!(error instanceof ApiError) || !error.isPassing || isLate) throw error;
        await this.pause(Math.max(delay, Math.min(error.retryAfterS * 1000, MAX_PAUSE_MS)));
      }
    }
    return await call();
  }

  /** Waits; rejects when the command is given up meanwhile. */
  pause(ms: number): Promise<void> {
    return sleep(ms, undefined, { signal: this.signal }).catch(() => Promise.reject(abortedError()));
  }

  /** @throws ApiError */
  async call<T>(method: string, path: string, body?: unknown): Promise<T> {
    try {
      return await this.#callOnce<T>(method, path, body);
    } catch (error) {
      const isOver = error instanceof ApiError && error.code === 'login_required';
      if (!isOver || !await this.#renewed()) throw this.withHint(error);
    }
    return await this.#callOnce<T>(method, path, body).catch((error) => Promise.reject(this.withHint(error)));
  }

  async #callOnce<T>(method: string, path: string, body: unknown): Promise<T> {
    const { ca, signal } = this.#options;
    const url = new URL(path, this.origin);
    const { status, headers, text } = await exchange({ method, url, headers: this.#headers(), body, signal, ca });
    if (status >= 200 && status < 300) return parse<T>(text, status);
    throw refusal(status, text, Number(headers['retry-after'] ?? 0) || 0);
  }

  /** @returns whether there is a new cookie */
  #renewed(): Promise<boolean> {
    const { renew } = this.#options;
    if (!renew) return Promise.resolve(false);
    return this.#renewal ??= renew().then((cookie) => {
      if (cookie !== null) this.#cookie = cookie;
      return cookie !== null;
    }).finally(() => this.#renewal = null);
  }

  /** Every message after `after`, oldest first, page by page. */
  async *messagesAfter(agent: string, after: number): AsyncGenerator<Message[]> {
    for (let last = after;;) {
      const { messages } = await this.get<MessagePage>(
        `${agentPath(agent)}/messages?after=${last}&limit=${PAGE}`,
      );
      if (messages.length) yield messages;
      if (messages.length < PAGE) return;
      last = messages.at(-1)!.seq;
    }
  }

  agents(): Promise<AgentInfo[]> {
    return this.get('/api/agents');
  }

  /** Opens a WebSocket. Rejects with WebSocketError, or ApiError when the login could not be renewed just now. */
  async dial(path: string, options: SocketOptions): Promise<Connection> {
    try {
      return await this.#dialOnce(path, options);
    } catch (error) {
      const isOver = error instanceof WebSocketError && error.status === 401;
      if (!isOver || !await this.#renewed()) throw error;
    }
    return await this.#dialOnce(path, options);
  }

  #dialOnce(path: string, options: SocketOptions): Promise<Connection> {
    const { ca } = this.#options;
    const url = new URL(path, this.origin);
    url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
    return dial(url, {
      ...options,
      headers: { ...this.#headers(), origin: this.origin },
      ...(ca ? { tls: { ca } } : {}),
    });
  }

  /** The same error, with what to do about it where this program knows that. */
  withHint(error: unknown): unknown {
    if (!(error instanceof ApiError)) return error;
    const { loginHint, offlineHint } = this.#options;
    const hint = error.code === 'login_required' ? loginHint : error.code === 'no_server' ? offlineHint : '';
    if (!hint || error.message.endsWith(hint)) return error;
    const { status, code, retryAfterS } = error;
    return new ApiError(`${error.message} ${hint}`, { status, code, retryAfterS });
  }

  #headers(): Record<string, string> {
    const { userAgent, localToken } = this.#options;
    const token: Record<string, string> = localToken ? { [LOCAL_TOKEN_FIELD]: localToken } : {};
    return { 'user-agent': userAgent, ...token, ...(this.#cookie ? { cookie: this.#cookie } : {}) };
  }
}

/** Path of an agent's resources. */
export const agentPath = (id: string): string => `/api/agents/${encodeURIComponent(id)}`;

function parse<T>(text: string, status: number): T {
  try {
    return JSON.parse(text) as T;
  } catch {
    throw new ApiError('The answer is not that of an Agent Monitor server.', { status, code: 'bad_answer' });
  }
}

interface RefusalBody {
  error?: unknown;
  code?: unknown;
  decision?: DecisionRecord;
}

function refusal(status: number, text: string, retryAfterS: number): ApiError {
  const { error, code, decision } = refusalBody(text);
  if (typeof code !== 'string' || typeof error !== 'string') {
    const what = status >= 300 && status < 400 ? 'sent the client elsewhere' : `answered ${status}`;
    return new ApiError(`The server ${what}, but not as an Agent Monitor server does. Check its address.`, {
      status,
      code: status >= 500 ? 'bad_answer' : 'not_this_server',
    });
  }
  // Sentences name agents and files, and are printed on terminals.
  return new ApiError(printable(error), { status, code, retryAfterS, decision: decision ?? null });
}

function refusalBody(text: string): RefusalBody {
  try {
    return (JSON.parse(text) ?? {}) as RefusalBody;
  } catch {
    return {};
  }
}
