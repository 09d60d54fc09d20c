/** Requests that another web page made a browser send (CSRF, cross-site WebSocket hijacking) are refused before any effect. */
import { HttpError } from '../http/reply.ts';
import type { HttpRequest } from '../http/types.ts';

const SAFE_METHODS = new Set(['GET', 'HEAD']);
/** Bodies that a page may send to another site without being asked for permission (Fetch standard, CORS-safelisted). */
const FORM_TYPES = /^\s*(?:text\/plain|application\/x-www-form-urlencoded|multipart\/form-data)\s*(?:;|$)/i;

export const isUpgrade = (req: HttpRequest): boolean => req.headers.upgrade !== undefined;

/**
 * Throws 403 for an upgrade without our own Origin, and for a request that may change something and is not from our own page
 * or from a program (which sends no Origin). Reads no body.
 * @param secure the browser speaks TLS
 */
export function checkOrigin(req: HttpRequest, secure: boolean): void {
  const upgrade = isUpgrade(req);
  if (!upgrade && SAFE_METHODS.has(req.method)) return;
  const { origin, host = '' } = req.headers;
  if (origin === undefined) {
    const site = req.headers['sec-fetch-site'];
    const crossSite = site !== undefined && site !== 'same-origin' && site !== 'none';
    if (!upgrade && !crossSite && !FORM_TYPES.test(req.headers['content-type'] ?? '')) return;
    throw new HttpError(403, 'origin_missing', 'This request must come from the dashboard itself: it has no Origin.');
  }
  const own = `://${host.toLowerCase()}`;
  if (origin.toLowerCase() === (secure ? 'https' : 'http') + own) return;
  if (!secure && origin.toLowerCase() === `https${own}`) {
    throw new HttpError(
      403,
      'proxy_not_trusted',
      'The page came over https but this server was asked over http: name the proxy in TRUSTED_PROXIES and let it send X-Forwarded-Proto.',
    );
  }
  throw new HttpError(403, 'origin_refused', 'Requests from another site are refused.');
}

/**
 * Whether a page at this Host may use a server that asks for no login: only names that nobody can point at it from outside
 * (DNS rebinding).
 * @param names further host names that are ours, lower case, without port
 */
export function isOwnHost(host: string | undefined, names: ReadonlySet<string>): boolean {
  const name = (host ?? '').toLowerCase().replace(/:\d+$/, '');
  return name === 'localhost' || names.has(name) || name.startsWith('[') || /^\d+\.\d+\.\d+\.\d+$/.test(name);
}
