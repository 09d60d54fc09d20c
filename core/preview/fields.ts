/**
 * Fields of requests to a preview and of its answers. What a preview serves was written by anybody: it must not set the
 * dashboard's cookies, speak for more than its own origin, or see what lets somebody in. Pure.
 */
import { Failure } from '../api/errors.ts';
import { canonicalOrigin, isUpgrade, ownOrigin } from '../auth/origin.ts';
import type { HeaderMap, HttpRequest } from '../http/types.ts';

const PLAIN_NAME = 'am_preview';

/** The cookie that lets a browser into a preview; another name than the login's, which means nothing here. */
export const previewCookieName = (secure: boolean): string => secure ? `__Host-${PLAIN_NAME}` : PLAIN_NAME;

/** @param maxAgeMs how long the preview is open */
export function previewCookie(value: string, maxAgeMs: number, secure: boolean): string {
  const age = Math.max(0, Math.floor(maxAgeMs / 1000));
  // Lax: the page that leads here may be of another site. Every other request of another origin is refused.
  return `${previewCookieName(secure)}=${value}; Path=/; HttpOnly; SameSite=Lax; Max-Age=${age}${
    secure ? '; Secure' : ''
  }`;
}

/** Cookies of ours, under any prefix that browsers know: login and preview. */
const OWN_COOKIE = /^(?:__(?:host|secure)-)?am_(?:session|preview)$/i;

/** Whether a cookie is ours: it neither reaches what is served nor comes from there. */
export const isOwnCookie = (name: string): boolean => OWN_COOKIE.test(name.trim());

/**
 * Fields that speak for more than this answer and its origin: other origins may read it, cookies of the whole site are deleted,
 * the browser asks elsewhere from now on, or reports to somewhere.
 */
const DROPPED = new RegExp(`^(?:${
  [
    'access-control-.*|clear-site-data|strict-transport-security|expect-ct|public-key-pins.*|alt-svc|nel|report-to',
    'reporting-endpoints|set-cookie2|cross-origin-resource-policy|x-relay-.*|x-frame-options|origin-agent-cluster',
  ].join('|')
})$`);

/** Nobody frames a preview but itself: a page around it could make its visitor click. */
const FRAMES = "frame-ancestors 'self'";

/** The fields of an answer that a browser gets. What is said here wins over a server's defaults. */
export function previewAnswer(headers: HeaderMap): HeaderMap {
  const answer: Record<string, HeaderMap[string]> = {};
  const policies = [FRAMES];
  for (const [name, value] of Object.entries(headers)) {
    const lower = name.toLowerCase();
    if (lower === 'content-security-policy') policies.push(...listOf(value));
    else if (lower === 'set-cookie') answer[lower] = listOf(value).map(ownHostCookie).filter((line) => line !== '');
    else if (!DROPPED.test(lower)) answer[lower] = value;
  }
  answer['content-security-policy'] = policies;
  answer['cross-origin-resource-policy'] = 'same-origin';
  // Without one a server's own default would take the Origin from forms.
  answer['referrer-policy'] ??= 'same-origin';
  answer['cache-control'] ??= 'no-cache';
  return answer;
}

const listOf = (value: HeaderMap[string]): string[] => typeof value === 'object' ? [...value] : [String(value)];

/** A Set-Cookie line for this host alone; '' when it has no name (browsers would send it as any) or one of ours. */
function ownHostCookie(line: string): string {
  const [pair = '', ...attributes] = line.split(';');
  const at = pair.indexOf('=');
  const name = pair.slice(0, Math.max(0, at)).trim();
  if (name === '' || isOwnCookie(name)) return '';
  return [pair, ...attributes.filter((attribute) => !/^\s*domain\s*(?:=|$)/i.test(attribute))].join(';');
}

/**
 * Throws 403 for what a page of another origin made a browser ask, also of the same site: only a link may lead here.
 * @param secure the browser speaks TLS
 */
export function checkPreviewOrigin(req: HttpRequest, secure: boolean): void {
  const { origin } = req.headers;
  const own = ownOrigin(req, secure);
  if (origin === undefined ? isUpgrade(req) : own === null || canonicalOrigin(origin) !== own) throw refused();
  const site = req.headers['sec-fetch-site'];
  if (site === undefined || site === 'same-origin' || site === 'none') return;
  const isLink = ['GET', 'HEAD'].includes(req.method) && req.headers['sec-fetch-mode'] === 'navigate' &&
    req.headers['sec-fetch-dest'] === 'document';
  if (!isLink) throw refused();
}

const refused = () => new Failure('origin_refused', 'A preview answers pages of its own origin only.');
