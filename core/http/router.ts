/** Routes by method and path. Patterns are literal segments and `:name` segments; each name gets the decoded segment. */
import { fail, HttpError } from './reply.ts';
import type { Handler, HttpRequest, HttpResponse } from './types.ts';

export interface Route {
  readonly params: Record<string, string>;
  readonly query: URLSearchParams;
  /** The path without query, as received. */
  readonly path: string;
}

export type RouteHandler = (req: HttpRequest, res: HttpResponse, route: Route) => void | Promise<void>;

interface Entry {
  method: string;
  pattern: string;
  segments: string[];
  handler: RouteHandler;
}

/** Routes are matched in the order in which they were added. HEAD is served by the GET route. */
export class Router {
  readonly #entries: Entry[] = [];
  readonly #onError: (error: unknown, req: HttpRequest) => void;

  /** @param onError receives unexpected errors, for the log */
  constructor(onError: (error: unknown, req: HttpRequest) => void = () => {}) {
    this.#onError = onError;
  }

  add(method: string, pattern: string, handler: RouteHandler): this {
    this.#entries.push({ method, pattern, segments: pattern.split('/').slice(1), handler });
    return this;
  }
  get = (pattern: string, handler: RouteHandler): this => this.add('GET', pattern, handler);
  post = (pattern: string, handler: RouteHandler): this => this.add('POST', pattern, handler);
  put = (pattern: string, handler: RouteHandler): this => this.add('PUT', pattern, handler);
  delete = (pattern: string, handler: RouteHandler): this => this.add('DELETE', pattern, handler);

  /** Every route, for tests that request each one without a login. */
  get routes(): { method: string; pattern: string }[] {
    return this.#entries.map(({ method, pattern }) => ({ method, pattern }));
  }

  /** Answers 404 for an unknown path, 405 with Allow for a known path and another method. */
  readonly handle: Handler = async (req, res) => {
    try {
      await this.#dispatch(req, res);
    } catch (error) {
      fail(res, error, (unexpected) => this.#onError(unexpected, req));
    }
  };

  async #dispatch(req: HttpRequest, res: HttpResponse): Promise<void> {
    const at = req.url.indexOf('?');
    const path = at < 0 ? req.url : req.url.slice(0, at);
    const segments = path.split('/').slice(1);
    const allowed = new Set<string>();
    for (const entry of this.#entries) {
      const params = match(entry.segments, segments);
      if (!params) continue;
      allowed.add(entry.method);
      if (entry.method === req.method || (entry.method === 'GET' && req.method === 'HEAD')) {
        return await entry.handler(req, res, {
          params,
          path,
          query: new URLSearchParams(at < 0 ? '' : req.url.slice(at)),
        });
      }
    }
    if (!allowed.size) throw new HttpError(404, 'not_found', 'There is nothing at this address.');
    throw new HttpError(405, 'method_not_allowed', `Use ${[...allowed].join(' or ')} here.`, {
      allow: [...allowed].join(', '),
    });
  }
}

function match(pattern: string[], segments: string[]): Record<string, string> | null {
  if (pattern.length !== segments.length) return null;
  const params: Record<string, string> = Object.create(null);
  for (let i = 0; i < pattern.length; i++) {
    const want = pattern[i]!;
    const got = segments[i]!;
    if (!want.startsWith(':')) {
      if (want !== got) return null;
      continue;
    }
    if (got === '') return null;
    try {
      params[want.slice(1)] = decodeURIComponent(got);
    } catch {
      return null;
    }
  }
  return params;
}
