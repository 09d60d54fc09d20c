/** Replies of the API: JSON bodies, and errors with a code for programs. */
import { Buffer } from 'node:buffer';
import { ERROR_STATUS, type ErrorCode, type ErrorParams, Failure } from '../api/errors.ts';
import type { HeaderMap, HttpResponse } from './types.ts';

/** An error for the client. `message` is a sentence that says what is wrong and how to mend it. */
export class HttpError extends Error {
  readonly status: number;
  readonly code: ErrorCode;
  readonly headers: HeaderMap;
  readonly params: ErrorParams;
  constructor(status: number, code: ErrorCode, message: string, headers: HeaderMap = {}, params: ErrorParams = {}) {
    super(message);
    this.status = status;
    this.code = code;
    this.headers = headers;
    this.params = params;
  }
}

/** The client has gone before the end of its request's body: nobody is left to answer, and nothing has failed here. */
export class ClientGone extends Error {
  constructor(cause: unknown) {
    super('The client left before the end of its request.', { cause });
  }
}

/** Sends a JSON body with its length. Caches never store API replies. */
export function json(res: HttpResponse, status: number, body: unknown, headers: HeaderMap = {}): void {
  const bytes = Buffer.from(JSON.stringify(body));
  res.writeHead(status, {
    'content-type': 'application/json; charset=utf-8',
    'content-length': bytes.length,
    'cache-control': 'no-store',
    ...headers,
  });
  res.end(bytes);
}

/** Sends `{"error": sentence, "code": word, "params": what it names}`; aborts the reply when its head was sent before, or when the client has gone. */
export function fail(res: HttpResponse, error: unknown, onUnexpected: (error: unknown) => void = () => {}): void {
  if (error instanceof ClientGone) return void res.destroy();
  const known = toHttpError(error);
  if (!known) onUnexpected(error);
  if (res.headersSent) return void res.destroy();
  const { status, code, message, headers, params } = known ??
    new HttpError(500, 'internal', 'Something went wrong on the server; its log says what.');
  json(res, status, { error: message, code, ...(Object.keys(params).length ? { params } : {}) }, headers);
}

/** The reply for an error meant for the client; null for an unexpected error. */
function toHttpError(error: unknown): HttpError | null {
  if (error instanceof HttpError) return error;
  if (!(error instanceof Failure)) return null;
  const headers: HeaderMap = error.retryAfterS ? { 'retry-after': String(error.retryAfterS) } : {};
  return new HttpError(ERROR_STATUS[error.code], error.code, error.message, headers, error.params);
}
