/** REST calls. Only to this page's own origin: every path begins with one slash, and no parameter can change that. */
import type { ErrorBody } from '../core/wire/types.ts';

/** A refused or failed call. `code` is the server's machine word, or `offline`, `timeout`, `bad_reply`. */
export class ApiError extends Error {
  readonly status: number;
  readonly code: string;
  /** Seconds after which the server allows another try; 0 when it said nothing. */
  readonly retryAfter: number;
  constructor(status: number, code: string, message: string, retryAfter = 0) {
    super(message);
    this.status = status;
    this.code = code;
    this.retryAfter = retryAfter;
  }
  /** True when the same call may well succeed later: nothing was said against its content. */
  get passing(): boolean {
    return this.status === 0 || this.status === 408 || this.status === 502 || this.status === 503 ||
      this.status === 504;
  }
}

export interface CallOptions {
  /** Milliseconds until the call is given up. */
  timeout?: number;
  signal?: AbortSignal;
}

export interface Api {
  get<T>(path: string, options?: CallOptions): Promise<T>;
  /** The answer as it is, for a file. */
  file(path: string, options?: CallOptions): Promise<Blob>;
  post<T>(path: string, body?: unknown, options?: CallOptions): Promise<T>;
  put<T>(path: string, body?: unknown, options?: CallOptions): Promise<T>;
  delete<T>(path: string, options?: CallOptions): Promise<T>;
  /** Like post, tried again while the way is broken. Only for commands that may arrive twice. */
  command<T>(path: string, body?: unknown): Promise<T>;
}

/** Waits between the tries of `command`, milliseconds. */
export const RETRY_DELAYS = [500, 1500, 3000, 5000];
const DEFAULT_TIMEOUT = 30_000;

/** @param onSignedOut is told when a call is answered 401 */
export function createApi(
  deps: { fetch: typeof fetch; onSignedOut: () => void; sleep?: (ms: number) => Promise<void> },
): Api {
  const sleep = deps.sleep ?? ((ms) => new Promise((resolve) => setTimeout(resolve, ms)));

  async function call<T>(method: string, path: string, body?: unknown, options: CallOptions = {}): Promise<T> {
    const { response, content } = await exchange(deps.fetch, method, path, body, options, (answer) => answer.text());
    if (!response.ok) throw refused(path, response, content);
    const data = parse(content);
    if (data === undefined && content !== '') {
      throw new ApiError(response.status, 'bad_reply', 'The server sent no JSON.');
    }
    return data as T;
  }

  async function file(path: string, options: CallOptions = {}): Promise<Blob> {
    const { response, content } = await exchange(
      deps.fetch,
      'GET',
      path,
      undefined,
      options,
      (answer) => answer.blob(),
    );
    if (!response.ok) throw refused(path, response, await content.text());
    return content;
  }

  function refused(path: string, response: Response, text: string): ApiError {
    if (response.status === 401 && !path.startsWith('/api/auth/')) deps.onSignedOut();
    return refusal(response, parse(text));
  }

  return {
    get: (path, options) => call('GET', path, undefined, options),
    file,
    post: (path, body, options) => call('POST', path, body ?? {}, options),
    put: (path, body, options) => call('PUT', path, body ?? {}, options),
    delete: (path, options) => call('DELETE', path, undefined, options),
    async command(path, body) {
      for (const delay of RETRY_DELAYS) {
        try {
          return await call('POST', path, body ?? {});
        } catch (error) {
          if (!(error instanceof ApiError) || !error.passing) throw error;
          await sleep(delay);
        }
      }
      return await call('POST', path, body ?? {});
    },
  };
}

async function exchange<T>(
  doFetch: typeof fetch,
  method: string,
  path: string,
  body: unknown,
  options: CallOptions,
  read: (response: Response) => Promise<T>,
): Promise<{ response: Response; content: T }> {
  if (!/^\/(?![/\\])/.test(path)) throw new ApiError(0, 'bad_path', `Not a path of this server: ${path}`);
  const abort = new AbortController();
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    abort.abort();
  }, options.timeout ?? DEFAULT_TIMEOUT);
  options.signal?.addEventListener('abort', () => abort.abort());
  try {
    const response = await doFetch(path, {
      method,
      credentials: 'same-origin',
      cache: 'no-store',
      redirect: 'error',
      signal: abort.signal,
      headers: body === undefined ? {} : { 'content-type': 'application/json' },
      body: body === undefined ? null : JSON.stringify(body),
    });
    return { response, content: await read(response) };
  } catch {
    if (late) throw new ApiError(0, 'timeout', 'The server did not answer in time.');
    if (options.signal?.aborted) throw new ApiError(0, 'aborted', 'Given up.');
    throw new ApiError(0, 'offline', 'The server cannot be reached.');
  } finally {
    clearTimeout(timer);
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Answers of the relay whose own words are for programs. */
const PLAIN: Partial<Record<string, string>> = {
  tunnel_down: 'The machine is away. This works again as soon as it is back.',
};

function refusal(response: Response, data: unknown): ApiError {
  const { error, code } = (data && typeof data === 'object' ? data : {}) as Partial<ErrorBody>;
  const retryAfter = Number(response.headers.get('retry-after') ?? 0) || 0;
  return new ApiError(
    response.status,
    code ?? `http_${response.status}`,
    (code && PLAIN[code]) ?? error ?? `The server answered ${response.status}.`,
    retryAfter,
  );
}

/** An id for a command: repeating the command with it does nothing new. Works on plain http too. */
export function newId(): string {
  if (typeof crypto.randomUUID === 'function') return crypto.randomUUID();
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6]! & 0x0f) | 0x40;
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}
