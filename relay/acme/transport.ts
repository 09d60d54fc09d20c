/** One HTTPS request to a certificate authority, bounded in time and size. */
import { Buffer } from 'node:buffer';
import type { IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { AcmeError } from './problem.ts';

export interface AcmeRequest {
  method: 'GET' | 'HEAD' | 'POST';
  url: string;
  /** A JWS. */
  body?: string;
}

export interface AcmeResponse {
  status: number;
  headers: Record<string, string | undefined>;
  body: string;
}

/** Rejects with an AcmeError of the kind `unreachable`, or with the signal's reason. */
export type Transport = (request: AcmeRequest, signal: AbortSignal) => Promise<AcmeResponse>;

/** A chain of certificates is some KiB. */
export const MAX_RESPONSE_BYTES = 256 * 1024;
/** From the name look-up to the last byte, ms. */
export const REQUEST_MS = 30_000;

/**
 * Redirects are not followed; the authority's certificate is checked (NODE_EXTRA_CA_CERTS adds roots).
 * @param ca the only root to trust, for tests
 */
export function createTransport(version: string, ca?: string): Transport {
  const common = { 'user-agent': `agent-monitor-relay/${version || 'dev'}`, 'accept-language': 'en' };
  return async ({ method, url, body }, signal) => {
    const headers = body === undefined ? common : {
      ...common,
      'content-type': 'application/jose+json',
      'content-length': String(Buffer.byteLength(body)),
    };
    const limit = AbortSignal.any([signal, AbortSignal.timeout(REQUEST_MS)]);
    try {
      return await exchange(url, { method, headers, signal: limit, agent: false, ...(ca ? { ca } : {}) }, body);
    } catch (error) {
      signal.throwIfAborted();
      throw new AcmeError('unreachable', describe(url, error as NodeJS.ErrnoException));
    }
  };
}

function exchange(url: string, options: Parameters<typeof httpsRequest>[1], body?: string): Promise<AcmeResponse> {
  return new Promise((resolve, reject) => {
    const req = httpsRequest(url, options, (res) => {
      readBody(res).then((text) => resolve({ status: res.statusCode ?? 0, headers: flat(res), body: text }), reject);
    });
    req.on('error', reject);
    req.end(body);
  });
}

async function readBody(res: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of res) {
    size += (chunk as Buffer).length;
    if (size > MAX_RESPONSE_BYTES) throw new Error(`its answer is over ${MAX_RESPONSE_BYTES} bytes`);
    chunks.push(chunk as Buffer);
  }
  return Buffer.concat(chunks).toString();
}

const flat = (res: IncomingMessage): AcmeResponse['headers'] =>
  Object.fromEntries(
    Object.entries(res.headers).map(([name, value]) => [name, Array.isArray(value) ? value.join(', ') : value]),
  );

/** OpenSSL's codes for a certificate that no known root has signed. */
const UNTRUSTED = /SELF_SIGNED|UNABLE_TO_(?:GET_ISSUER|VERIFY)|CERT_UNTRUSTED/;

function describe(url: string, error: NodeJS.ErrnoException): string {
  const { host } = new URL(url);
  if (UNTRUSTED.test(error.code ?? '')) {
    return `The certificate of ${host} is not trusted here: name the file of its root in NODE_EXTRA_CA_CERTS.`;
  }
  const why = error.name === 'TimeoutError' ? `no answer in ${REQUEST_MS / 1000} s` : error.code ?? error.message;
  return `The certificate authority ${host} cannot be reached (${why}): see that this server may connect to it.`;
}
