/** Answers of the API: JSON bodies and errors with a machine word. */
import { Buffer } from 'node:buffer';
import type { HeaderMap, HttpResponse } from './types.ts';

/** An error that is meant for the client. `message` is a sentence that says what is wrong and how to mend it. */
export class HttpError extends Error {
  readonly status: number;
  readonly code: string;
  readonly headers: HeaderMap;
  constructor(status: number, code: string, message: string, headers: HeaderMap = {}) {
    super(message);
    this.status = status;
    this.code = code;
    this.headers = headers;
  }
}

/** Sends a JSON body with its length. API answers are never stored by a cache. */
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

/** Sends `{"error": sentence, "code": word}`; aborts when the head is out already. */
export function fail(res: HttpResponse, error: unknown, onUnexpected: (error: unknown) => void = () => {}): void {
  if (!(error instanceof HttpError)) onUnexpected(error);
  if (res.headersSent) return void res.destroy();
  const known = error instanceof HttpError
    ? error
    : new HttpError(500, 'internal', 'Something went wrong on the server; its log says what.');
  json(res, known.status, { error: known.message, code: known.code }, known.headers);
}
