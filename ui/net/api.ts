import { type ErrorBody, type ErrorCode, type ErrorParams, isErrorCode } from '../../core/api/errors.ts';
import { errorText } from '../i18n/t.ts';
import type { ApiErrorCode } from '../i18n/en/server-words.ts';
export type { ApiErrorCode };

/** A refused or failed call. */
export class ApiError extends Error {
  readonly status: number;
  readonly code: ApiErrorCode;
  /** Seconds after which the server allows another try; 0 when it said nothing. */
  readonly retryAfter: number;
  /** The field of the body that does not fit; empty: none, or an older server. */
  readonly field: string;
  /** @param sentence in English; the message is in the language of this device */
  constructor(status: number, code: ApiErrorCode, sentence: string, retryAfter = 0, params: ErrorParams = {}) {
    super(errorText(code, sentence, params));
    this.status = status;
    this.code = code;
    this.retryAfter = retryAfter;
    this.field = String(params.field ?? '');
  }
  /** True when the same call may well succeed later: nothing was said against its content. */
  get passing(): boolean {
    return this.status === 0 || this.status === 408 || this.status === 502 || this.status === 503 ||
      this.status === 504;
  }
}

export interface CallOptions {
  /** Milliseconds until the call is given up; without it as long as its body may take on a slow line. */
  timeout?: number;
  signal?: AbortSignal;
}

export interface RawOptions extends CallOptions {
  headers?: Record<string, string>;
  body?: Blob;
}

/** Bytes, with the head that came before them. */
export interface RawAnswer {
  headers: Headers;
  content: Blob;
}

export interface Api {
  get<T>(path: string, options?: CallOptions): Promise<T>;
  /** The answer as it is, for a file. */
  file(path: string, options?: CallOptions): Promise<Blob>;
  /** Bytes there and back: ranges and versions of files, parts of an upload. */
  raw(method: 'GET' | 'HEAD' | 'PUT', path: string, options?: RawOptions): Promise<RawAnswer>;
  post<T>(path: string, body?: unknown, options?: CallOptions): Promise<T>;
  put<T>(path: string, body?: unknown, options?: CallOptions): Promise<T>;
  delete<T>(path: string, options?: CallOptions): Promise<T>;
  /** Like post, tried again while the way is broken. Only for commands that may arrive twice. */
  command<T>(path: string, body?: unknown): Promise<T>;
}

/** What the server wants a proof of before it acts. */
const PROOFS: ReadonlySet<ApiErrorCode> = new Set<ApiErrorCode>(['proof_required', 'step_up_required']);

/** Waits between the tries of `command`, milliseconds. */
export const RETRY_DELAYS = [500, 1500, 3000, 5000];
const DEFAULT_TIMEOUT = 30_000;
/** A line slower than this, bytes a second, is no line. What is sent at this rate is waited for beside the answer. */
const MIN_RATE = 8 * 1024;

/** How long a call is waited for, ms: pictures on a slow line take minutes, and given up they would begin anew. */
const patience = (body: string | Blob | null): number =>
  DEFAULT_TIMEOUT + 1000 * Math.floor((typeof body === 'string' ? body.length : body?.size ?? 0) / MIN_RATE);

export interface ApiDeps {
  fetch: typeof fetch;
  /** A call was answered 401. */
  onSignedOut: () => void;
  /** Asks the user, or the device's key, for what the server wants first; true: ask the server again. */
  prove?: (code: ApiErrorCode) => Promise<boolean>;
  sleep?: (ms: number) => Promise<void>;
}

export function createApi(deps: ApiDeps): Api {
  const sleep = deps.sleep ?? ((ms) => new Promise((resolve) => setTimeout(resolve, ms)));

  async function once<T>(method: string, path: string, body?: unknown, options: CallOptions = {}): Promise<T> {
    const { response, content } = await exchange(deps.fetch, method, path, body, options, (answer) => answer.text());
    if (!response.ok) throw refused(path, response, content);
    const data = parse(content);
    if (data === undefined && content !== '') {
      throw new ApiError(response.status, 'bad_reply', 'The server sent no JSON.');
    }
    return data as T;
  }

  async function call<T>(...request: Parameters<typeof once>): Promise<T> {
    try {
      return await once(...request);
    } catch (error) {
      const wants = error instanceof ApiError && PROOFS.has(error.code) ? error.code : null;
      if (!wants || !await deps.prove?.(wants)) throw error;
      return await once(...request);
    }
  }

  async function raw(method: 'GET' | 'HEAD' | 'PUT', path: string, options: RawOptions = {}): Promise<RawAnswer> {
    const { response, content } = await exchange(deps.fetch, method, path, options.body, options, (got) => got.blob());
    if (!response.ok) throw refused(path, response, await content.text());
    return { headers: response.headers, content };
  }

  function refused(path: string, response: Response, text: string): ApiError {
    if (response.status === 401 && !path.startsWith('/api/auth/')) deps.onSignedOut();
    return refusal(response, parse(text));
  }

  return {
    get: (path, options) => call('GET', path, undefined, options),
    file: async (path, options) => (await raw('GET', path, options)).content,
    raw,
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
  options: RawOptions,
  read: (response: Response) => Promise<T>,
): Promise<{ response: Response; content: T }> {
  if (!/^\/(?![/\\])/.test(path)) throw new ApiError(0, 'bad_path', `Not a path of this server: ${path}`);
  const isJson = body !== undefined && !(body instanceof Blob);
  const content = isJson ? JSON.stringify(body) : body as Blob | undefined ?? null;
  const abort = new AbortController();
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    abort.abort();
  }, options.timeout ?? patience(content));
  options.signal?.addEventListener('abort', () => abort.abort());
  try {
    const response = await doFetch(path, {
      method,
      credentials: 'same-origin',
      cache: 'no-store',
      redirect: 'error',
      signal: abort.signal,
      headers: isJson ? { 'content-type': 'application/json' } : options.headers ?? {},
      body: content,
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
const PLAIN: Partial<Record<ErrorCode, string>> = {
  tunnel_down: 'The machine is away. This works again as soon as it is back.',
};

function refusal(response: Response, data: unknown): ApiError {
  const { error, code, params } = (data && typeof data === 'object' ? data : {}) as Partial<ErrorBody>;
  const retryAfter = Number(response.headers.get('retry-after') ?? 0) || 0;
  return new ApiError(
    response.status,
    isErrorCode(code) ? code : 'bad_reply',
    (isErrorCode(code) && PLAIN[code]) || (error ?? `The server answered ${response.status}.`),
    retryAfter,
    params,
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
