/** Lets a browser into a preview, or says in a sentence why not. The same at the relay and on the machine itself. */
import { Failure } from '../api/errors.ts';
import { firstOf, readCookies } from '../auth/cookie.ts';
import type { Client } from '../http/client-address.ts';
import type { HttpRequest, HttpResponse } from '../http/types.ts';
import type { Entrance, Entrances } from './entrances.ts';
import { checkPreviewOrigin, previewCookie, previewCookieName } from './fields.ts';

/** Where a ticket becomes a cookie. What a preview serves at this address cannot be reached. */
const ENTER_PATH = '/.agent-monitor-preview';

/** Path and query that a ticket is used at. */
export const enterPath = (ticket: string): string => `${ENTER_PATH}?ticket=${ticket}`;

export interface EntryOptions {
  entrances: Entrances;
  clientOf: (req: HttpRequest) => Client;
  now: () => number;
  onEnter: (entrance: Entrance, client: Client) => void;
}

export class PreviewEntry {
  readonly #options: EntryOptions;

  constructor(options: EntryOptions) {
    this.#options = options;
  }

  /**
   * @param label what the Host names; null: it names none (a port of its own)
   * @returns the entrance that the browser has, or null when the request was answered. Throws Failure 403 for another origin
   */
  admit(req: HttpRequest, res: HttpResponse, label: string | null): Entrance | null {
    const { entrances, clientOf } = this.#options;
    const client = clientOf(req);
    checkPreviewOrigin(req, client.secure);
    const [path, query = ''] = split(req.url);
    if (path === ENTER_PATH) return this.#enter(req, res, { label, client, query });
    const cookies = readCookies(req.headers.cookie, previewCookieName(client.secure));
    const entrance = firstOf(cookies, (cookie) => entrances.find(label, cookie));
    if (!entrance) refusePreview(res, 401, 'This preview is not open in this browser. Open it on the dashboard.');
    return entrance;
  }

  #enter(
    req: HttpRequest,
    res: HttpResponse,
    { label, client, query }: { label: string | null; client: Client; query: string },
  ): null {
    const { entrances, now, onEnter } = this.#options;
    if (req.method !== 'GET') throw new Failure('method_not_allowed', 'A preview is entered by GET.');
    const entered = entrances.enter(label, new URLSearchParams(query).get('ticket') ?? '');
    if (!entered) {
      refusePreview(res, 401, 'This address was used already, or is too old. Open the preview again on the dashboard.');
      return null;
    }
    onEnter(entered.entrance, client);
    const { expiresAt } = entered.entrance;
    res.writeHead(303, {
      location: '/',
      'set-cookie': previewCookie(entered.cookie, expiresAt - now(), client.secure),
      'content-length': 0,
    });
    res.end();
    return null;
  }
}

/** Answers with a sentence for people. */
export function refusePreview(res: HttpResponse, status: number, text: string): void {
  if (res.headersSent) return void res.destroy();
  const body = `${text}\n`;
  res.writeHead(status, {
    'content-type': 'text/plain; charset=utf-8',
    'content-length': new TextEncoder().encode(body).length,
    'cache-control': 'no-store',
  });
  res.end(body);
}

function split(url: string): [string, string?] {
  const at = url.indexOf('?');
  return at < 0 ? [url] : [url.slice(0, at), url.slice(at + 1)];
}
