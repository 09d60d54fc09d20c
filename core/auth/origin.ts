/** Refuses requests that another website made a browser send (CSRF, cross-site WebSocket hijacking) before any effect. */
import { Failure } from '../api/errors.ts';
import type { HttpRequest } from '../http/types.ts';

const SAFE_METHODS = new Set(['GET', 'HEAD']);
/** Bodies that a page may send to another site without a preflight request (Fetch standard, CORS-safelisted). */
const FORM_TYPES = /^\s*(?:text\/plain|application\/x-www-form-urlencoded|multipart\/form-data)\s*(?:;|$)/i;

/** Characters of a refused Origin that the refusal repeats. */
const MAX_SHOWN = 100;

export const isUpgrade = (req: HttpRequest): boolean => req.headers.upgrade !== undefined;

/**
 * Throws 403 for an upgrade without our own Origin, and for a state-changing request that comes neither from our own page
 * nor from a program (which sends no Origin). Reads no body.
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
    throw new Failure('origin_missing', 'This request must come from the dashboard itself: it has no Origin.');
  }
  const asked = ownOrigin(req, secure);
  const from = canonicalOrigin(origin);
  if (from !== null && from === asked) return;
  if (!secure && from !== null && from === canonicalOrigin(`https://${host}`)) {
    throw new Failure(
      'proxy_not_trusted',
      'The page came over https but this server was asked over http: name the proxy in TRUSTED_PROXIES and let it send X-Forwarded-Proto.',
    );
  }
  throw new Failure('origin_refused', refusalText(origin, asked ?? `the Host "${host}"`));
}

/** Paths whose answers are data, and nothing that another page embeds. */
const DATA_PATH = /^\/(?:api|m)(?:[/?]|$)/;

/**
 * Throws 403 for data that a page of another origin embeds or fetches, also of the same site (a preview on another port has our
 * cookies). What it cannot read it could still measure. A link may lead here.
 */
export function checkFetchSite(req: HttpRequest): void {
  const site = req.headers['sec-fetch-site'];
  if (site === undefined || site === 'same-origin' || site === 'none' || !DATA_PATH.test(req.url)) return;
  if (req.headers['sec-fetch-mode'] === 'navigate' && SAFE_METHODS.has(req.method)) return;
  throw new Failure(
    'origin_refused',
    'Requests from pages of another origin are refused. Use the dashboard at its own address.',
  );
}

/** The origin under which the browser asked; null: its Host is none. */
export const ownOrigin = ({ headers }: HttpRequest, secure: boolean): string | null =>
  canonicalOrigin(`${secure ? 'https' : 'http'}://${headers.host ?? ''}`);

/** Says what was compared, and what a proxy between the two may have changed. */
function refusalText(origin: string, asked: string): string {
  const from = origin.length > MAX_SHOWN ? `${origin.slice(0, MAX_SHOWN)}…` : origin;
  return `Requests from another site are refused: this one comes from a page of "${from}", and this server was asked as ` +
    `${asked}. A proxy between the two must pass on the browser's Host, and X-Forwarded-Proto.`;
}

/** Scheme, host and maybe a port, as an Origin header has them (RFC 6454 section 7). */
const ORIGIN = /^https?:\/\/(?:\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::\d{1,5})?$/i;

/**
 * An origin in the one form in which origins can be compared: lower case, without a default port (a proxy may send `Host:
 * name:443`) and without the dot that may end a full name. null if the text is no origin.
 */
export function canonicalOrigin(text: string): string | null {
  if (!ORIGIN.test(text) || !URL.canParse(text)) return null;
  const { protocol, hostname, port } = new URL(text);
  return `${protocol}//${hostname.replace(/\.$/, '')}${port && `:${port}`}`;
}

/**
 * Whether a page at this Host may use a server without login: only names that nobody outside can point at it (DNS
 * rebinding).
 * @param names further host names that are ours, lower case, without port
 */
export function isOwnHost(host: string | undefined, names: ReadonlySet<string>): boolean {
  const name = (host ?? '').toLowerCase().replace(/:\d+$/, '').replace(/\.$/, '');
  return name === 'localhost' || names.has(name) || name.startsWith('[') || /^\d+\.\d+\.\d+\.\d+$/.test(name);
}
