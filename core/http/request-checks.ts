/**
 * Checks of a request head before anything acts on it. node:http has refused bad framing by then (RFC 9112 sections 6
 * and 7); these are the rules that it leaves to the server.
 */
import type { ErrorCode } from '../api/errors.ts';
import type { HttpRequest } from './types.ts';

/** Fields a request head may have. */
export const MAX_FIELDS = 100;

export interface Refusal {
  status: number;
  code: ErrorCode;
  message: string;
}

const METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);
/** Origin-form in visible ASCII without a fragment (RFC 9112 section 3.2.1). */
const TARGET = /^\/[!"$-~]*$/;
/** A name or address with an optional port. */
const HOST = /^(?:[a-z0-9._-]+|\[[0-9a-f:.]+\])(?::\d{1,5})?$/i;

const refusal = (status: number, code: ErrorCode, message: string): Refusal => ({ status, code, message });
const TOO_MANY_FIELDS = refusal(431, 'too_many_fields', `A request may have at most ${MAX_FIELDS} header fields.`);
const BAD_METHOD = refusal(405, 'method_not_allowed', 'This method is not served here.');
const BAD_VERSION = refusal(400, 'bad_version', 'Use HTTP/1.1.');
const BAD_TARGET = refusal(400, 'bad_target', 'The request target must be a path in visible ASCII.');
const BAD_HOST = refusal(400, 'bad_host', 'A request needs exactly one valid Host field.');
const BAD_FRAMING = refusal(400, 'bad_framing', 'The body must be framed by Content-Length or by chunked encoding.');

/** @returns null if the head is acceptable */
export function checkHead(req: HttpRequest): Refusal | null {
  const raw = req.rawHeaders;
  if (raw.length > 2 * MAX_FIELDS) return TOO_MANY_FIELDS;
  if (!METHODS.has(req.method)) return BAD_METHOD;
  if (req.httpVersion !== '1.1' && req.httpVersion !== '1.0') return BAD_VERSION;
  if (!TARGET.test(req.url)) return BAD_TARGET;
  let hosts = 0;
  let coding: string | null = null;
  for (let i = 0; i < raw.length; i += 2) {
    const name = raw[i]!;
    if (name.length === 4 && name.toLowerCase() === 'host') {
      if (++hosts > 1 || !HOST.test(raw[i + 1]!)) return BAD_HOST;
    } else if (name.length === 17 && name.toLowerCase() === 'transfer-encoding') {
      if (coding !== null) return BAD_FRAMING;
      coding = raw[i + 1]!;
    }
  }
  if (hosts !== 1) return BAD_HOST;
  // Servers disagree about the framing of another coding, and of any coding in HTTP/1.0.
  if (coding !== null && (coding.toLowerCase() !== 'chunked' || req.httpVersion === '1.0')) return BAD_FRAMING;
  return null;
}

/** Whether a body follows the head. */
export const hasBody = (req: HttpRequest): boolean =>
  req.headers['transfer-encoding'] !== undefined || Number(req.headers['content-length'] ?? 0) > 0;
