/** One HTTP exchange with a server of ours: JSON in, JSON out, bounded in time and size. No redirect is followed. */
import { Buffer } from 'node:buffer';
import http from 'node:http';
import https from 'node:https';
import { abortedError, ApiError } from './errors.ts';

/** Bytes of an answer. */
const MAX_ANSWER = 64 * 1024 * 1024;
const DEFAULT_TIMEOUT_MS = 30_000;

export interface Call {
  method: string;
  url: URL;
  headers: Record<string, string>;
  body?: unknown;
  timeoutMs?: number;
  signal?: AbortSignal;
  /** PEM of the authorities that are trusted, instead of those that Node knows; empty: those. */
  ca?: string;
}

export interface Answer {
  status: number;
  headers: http.IncomingHttpHeaders;
  text: string;
}

/** Rejects with ApiError: no answer, not in time, too long, given up. */
export function exchange(
  { method, url, headers, body, timeoutMs = DEFAULT_TIMEOUT_MS, signal, ca }: Call,
): Promise<Answer> {
  if (signal?.aborted) return Promise.reject(abortedError());
  const payload = body === undefined ? null : Buffer.from(JSON.stringify(body));
  return new Promise((resolve, reject) => {
    const request = (url.protocol === 'https:' ? https : http).request(url, {
      method,
      agent: false,
      headers: { accept: 'application/json', ...headers, ...(payload ? contentOf(payload) : {}) },
      ...(ca ? { ca } : {}),
    });
    const fail = (error: ApiError): void => {
      end();
      request.destroy();
      reject(error);
    };
    const onAbort = () => fail(abortedError());
    const timer = setTimeout(
      () => fail(noAnswer(`${url.host} did not answer in ${timeoutMs / 1000} s.`, 'timeout')),
      timeoutMs,
    );
    const end = () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
    };
    signal?.addEventListener('abort', onAbort);
    request.on('error', (error) => fail(unreachable(url, error)));
    request.on('response', (response) => {
      collect(response).then((text) => {
        end();
        resolve({ status: response.statusCode ?? 0, headers: response.headers, text });
      }, (error) => fail(error instanceof ApiError ? error : noAnswer(`The answer of ${url.host} was cut off.`)));
    });
    request.end(payload);
  });
}

const contentOf = (payload: Buffer) => ({ 'content-type': 'application/json', 'content-length': payload.length });

const noAnswer = (message: string, code = 'offline'): ApiError => new ApiError(message, { status: 0, code });

async function collect(response: http.IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MAX_ANSWER) throw new ApiError('The answer is too long.', { status: 200, code: 'bad_answer' });
    chunks.push(chunk);
  }
  if (!response.complete) throw new Error('cut off');
  return Buffer.concat(chunks).toString('utf8');
}

/** Errors of TLS whose own words do not say what to do. */
const CERTIFICATE = /CERT|SELF_SIGNED|UNABLE_TO_(?:VERIFY|GET)|ALTNAME/;

/** @param error of node:net or node:tls */
function unreachable({ host, hostname }: URL, error: Error): ApiError {
  const { code = '', message } = (error instanceof AggregateError ? error.errors[0] : error) as NodeJS.ErrnoException;
  if (code === 'ECONNREFUSED') return noAnswer(`Nothing answers at ${host}: the connection was refused.`, 'no_server');
  if (code === 'ENOTFOUND') return noAnswer(`There is no server by the name ${hostname}.`, 'no_server');
  if (CERTIFICATE.test(code)) {
    const mend = 'Log in with --ca and the file of its authority, or set NODE_EXTRA_CA_CERTS.';
    return noAnswer(`The certificate of ${host} is not trusted (${message}). ${mend}`, 'no_server');
  }
  return noAnswer(`${host} cannot be reached: ${message || code}.`);
}
