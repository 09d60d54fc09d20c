/** What the routes read of a request: its body through a resource's parser, numbers of its query, and who asks. */
import { browserName, hasBrowserName } from '../../core/auth/sessions.ts';
import { ValidationError } from '../../core/api/schema.ts';
import { readJson } from '../../core/http/body.ts';
import type { HttpRequest } from '../../core/http/types.ts';

/** The JSON body as `parse` makes it. Throws HttpError (no JSON, too large) or what `parse` throws. */
export async function readBody<T>(req: HttpRequest, parse: (value: unknown) => T, limit?: number): Promise<T> {
  return parse(await readJson(req, limit));
}

/** A whole number of the query; undefined when it is left out. Throws ValidationError. */
export function queryInteger(query: URLSearchParams, name: string): number | undefined {
  const input = query.get(name);
  if (input === null) return undefined;
  if (/^\d{1,15}$/.test(input)) return Number(input);
  throw new ValidationError(`"${name}" must be a whole number from 0.`);
}

/** Who asks, for the record: "Safari on iPhone", "a program". The relay has checked that they may. */
export function whoAsks(req: HttpRequest): string {
  const agent = req.headers['user-agent'] ?? '';
  const name = hasBrowserName(agent) ? browserName(agent) : 'a program';
  return req.transport === 'local' ? `${name}, on the machine itself` : name;
}
