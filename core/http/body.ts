/** Request bodies, read with a bound. */
import { Buffer } from 'node:buffer';
import { jsonFault } from './json.ts';
import { HttpError } from './reply.ts';
import type { HttpRequest } from './types.ts';

/** Largest JSON body, bytes. */
export const JSON_LIMIT = 1024 * 1024;

/**
 * Reads a JSON body. Throws HttpError 415 (not JSON by its content-type, or compressed), 413 (over `limit` bytes) or 400.
 * An empty body is `{}` so that actions without arguments need none.
 */
export async function readJson(req: HttpRequest, limit = JSON_LIMIT): Promise<unknown> {
  const encoding = req.headers['content-encoding'];
  if (encoding && encoding !== 'identity') {
    throw new HttpError(415, 'encoding_unsupported', 'Send the request body uncompressed.');
  }
  const declared = Number(req.headers['content-length'] ?? 0);
  if (declared > limit) throw tooLarge(limit);
  const hasBody = declared > 0 || req.headers['transfer-encoding'] !== undefined;
  if (hasBody && !/^application\/json\s*(;|$)/i.test(req.headers['content-type'] ?? '')) {
    throw new HttpError(415, 'not_json', 'Send the request body as content-type: application/json.');
  }
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of req) {
    size += chunk.length;
    if (size > limit) throw tooLarge(limit);
    chunks.push(chunk);
  }
  if (size === 0) return {};
  const [text, value] = parse(Buffer.concat(chunks));
  const fault = jsonFault(text);
  if (fault) throw new HttpError(400, 'bad_json', `The request body ${fault}.`);
  return value;
}

function parse(bytes: Buffer): [string, unknown] {
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    return [text, JSON.parse(text)];
  } catch {
    throw new HttpError(400, 'bad_json', 'The request body is not valid JSON in UTF-8.');
  }
}

const tooLarge = (limit: number) => new HttpError(413, 'too_large', `The request body is larger than ${limit} bytes.`);
