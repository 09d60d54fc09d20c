/** Reads request bodies with a bound. */
import { Buffer } from 'node:buffer';
import { jsonFault } from './json.ts';
import { ClientGone, HttpError } from './reply.ts';
import type { HttpRequest } from './types.ts';

/** Largest JSON body, bytes. */
export const MAX_JSON = 1024 * 1024;

const JSON_TYPE = /^application\/json\s*(?:;|$)/i;

/**
 * Reads a body. The request is not destroyed when this throws, as leaving `for await (… of req)` would do: that destroys the
 * connection, so the client would never see the reply.
 * @param tooLarge the error for a body over `limit` bytes; 413 by default
 * @throws ClientGone when the client leaves before its end
 */
export async function readBody(
  req: HttpRequest,
  limit: number,
  tooLarge: () => Error = () => tooLargeError(limit),
): Promise<Buffer> {
  if (Number(req.headers['content-length'] ?? 0) > limit) throw tooLarge();
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of bodyOf(req)) {
    size += chunk.length;
    if (size > limit) throw tooLarge();
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** The body's chunks. Leaving the loop early does not destroy the request. Throws ClientGone when the body breaks off. */
export async function* bodyOf(req: HttpRequest): AsyncGenerator<Buffer, void> {
  const chunks = req.iterator({ destroyOnReturn: false });
  const next = () =>
    chunks.next().catch((error: unknown) => {
      throw new ClientGone(error);
    });
  try {
    for (let chunk = await next(); !chunk.done; chunk = await next()) yield chunk.value as Buffer;
  } finally {
    // Its listeners would keep the rest from being dropped.
    await chunks.return?.();
  }
}

/**
 * Reads a JSON body. Throws HttpError 415 (not JSON by its content-type, or compressed), 413 (over `limit` bytes) or 400.
 * An empty body is `{}` so that actions without arguments need none. Whether there is a body is known from its bytes, never
 * from framing fields: a request through the tunnel has none.
 */
export async function readJson(req: HttpRequest, limit = MAX_JSON): Promise<unknown> {
  const encoding = req.headers['content-encoding'];
  if (encoding && encoding !== 'identity') {
    throw new HttpError(415, 'encoding_unsupported', 'Send the request body uncompressed.');
  }
  const bytes = await readBody(req, limit);
  if (bytes.length === 0) return {};
  if (!JSON_TYPE.test(req.headers['content-type'] ?? '')) {
    throw new HttpError(415, 'not_json', 'Send the request body as content-type: application/json.');
  }
  const [text, value] = parse(bytes);
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

const tooLargeError = (limit: number) =>
  new HttpError(413, 'too_large', `The request body is larger than ${limit} bytes.`);
