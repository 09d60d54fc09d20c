/** Serves files that are known at start from memory: headers are computed once, compressed copies are made by the build. */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { chooseCoding, type Coding } from './content-coding.ts';
import { HttpError } from './reply.ts';
import type { Handler, HeaderMap } from './types.ts';

export interface Asset {
  /** As requested: begins with "/". */
  path: string;
  body: Uint8Array;
  br?: Uint8Array | undefined;
  gz?: Uint8Array | undefined;
}

/** Names below this path contain a hash of their content, which therefore never changes. */
export const HASHED_DIRECTORY = '/assets/';

/** The service worker; its scope is the whole origin, so it stands at the top. */
export const WORKER_PATH = '/sw.js';
/** It fetches the page's files and sends decisions, both to its own origin. */
export const WORKER_CSP =
  "default-src 'none'; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";
/** Policy of the dashboard's page: it loads only from its own origin. */
export const PAGE_CSP = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data: blob:",
  "media-src 'self'",
  "font-src 'self'",
  "connect-src 'self'",
  "manifest-src 'self'",
  "worker-src 'self'",
  "frame-ancestors 'none'",
  "base-uri 'none'",
  "form-action 'self'",
].join('; ');

const TYPES: Record<string, string> = {
  html: 'text/html; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  css: 'text/css; charset=utf-8',
  json: 'application/json; charset=utf-8',
  svg: 'image/svg+xml',
  png: 'image/png',
  ico: 'image/x-icon',
  woff2: 'font/woff2',
  wasm: 'application/wasm',
  webmanifest: 'application/manifest+json',
  txt: 'text/plain; charset=utf-8',
  map: 'application/json',
};

interface Variant {
  body: Uint8Array;
  etag: string;
  headers: HeaderMap;
  notModified: HeaderMap;
}

interface Served {
  br: Variant | null;
  gzip: Variant | null;
  identity: Variant;
}

/** Reads every file below a directory of the build. Links are not followed. Throws when the directory is missing. */
export function readAssets(directory: string): Asset[] {
  const names: string[] = [];
  const walk = (below: string) => {
    for (const entry of readdirSync(join(directory, below), { withFileTypes: true })) {
      const name = `${below}/${entry.name}`;
      if (entry.isDirectory()) walk(name);
      else if (entry.isFile() && !/\.(br|gz)$/.test(name)) names.push(name);
    }
  };
  walk('');
  const copy = (name: string) => existsSync(join(directory, name)) ? readFileSync(join(directory, name)) : undefined;
  return names.map((name) => ({
    path: name,
    body: readFileSync(join(directory, name)),
    br: copy(`${name}.br`),
    gz: copy(`${name}.gz`),
  }));
}

/**
 * Serves assets by their exact path, `/index.html` also as `/`. Anything else is a 404: no path is ever looked up on the
 * disk. Ranges are not offered (a whole reply is a correct answer to a Range, RFC 9110 section 14.2).
 */
export function serveStatic(assets: readonly Asset[]): Handler {
  const served = new Map<string, Served>();
  for (const asset of assets) {
    served.set(asset.path, prepare(asset));
    if (asset.path === '/index.html') served.set('/', served.get(asset.path)!);
  }
  return (req, res) => {
    const at = req.url.indexOf('?');
    const found = served.get(at < 0 ? req.url : req.url.slice(0, at));
    if (!found) throw new HttpError(404, 'not_found', 'There is nothing at this address.');
    if (req.method !== 'GET' && req.method !== 'HEAD') {
      throw new HttpError(405, 'method_not_allowed', 'Use GET or HEAD here.', { allow: 'GET, HEAD' });
    }
    const variant = choose(found, req.headers['accept-encoding']);
    if (matches(req.headers['if-none-match'], variant.etag)) {
      res.writeHead(304, variant.notModified);
      return void res.end();
    }
    res.writeHead(200, variant.headers);
    if (req.method === 'HEAD') res.end();
    else res.end(variant.body);
  };
}

function prepare(asset: Asset): Served {
  const extension = asset.path.slice(asset.path.lastIndexOf('.') + 1);
  const hash = createHash('sha256').update(asset.body).digest('base64url').slice(0, 22);
  const variant = (body: Uint8Array, coding: Coding | 'identity'): Variant => {
    const etag = coding === 'identity' ? `"${hash}"` : `"${hash}-${coding}"`;
    const notModified: HeaderMap = {
      etag,
      'cache-control': asset.path.startsWith(HASHED_DIRECTORY) ? 'public, max-age=31536000, immutable' : 'no-cache',
      vary: 'accept-encoding',
      ...policyOf(asset.path, extension),
    };
    const headers: HeaderMap = {
      ...notModified,
      'content-type': TYPES[extension] ?? 'application/octet-stream',
      'content-length': body.length,
      ...(coding === 'identity' ? {} : { 'content-encoding': coding }),
    };
    return { body, etag, headers, notModified };
  };
  return {
    br: asset.br ? variant(asset.br, 'br') : null,
    gzip: asset.gz ? variant(asset.gz, 'gzip') : null,
    identity: variant(asset.body, 'identity'),
  };
}

/** The smallest representation that Accept-Encoding allows. */
function choose(served: Served, accept: string | undefined): Variant {
  const offered = (['br', 'gzip'] as const).filter((coding) => served[coding]);
  const coding = chooseCoding(accept, offered);
  return (coding && served[coding]) ?? served.identity;
}

/** If-None-Match, weak comparison (RFC 9110 section 13.1.2). */
function matches(header: string | undefined, etag: string): boolean {
  if (header === undefined) return false;
  return header.split(',').some((entry) => entry.trim() === '*' || entry.trim().replace(/^W\//, '') === etag);
}

/** Pages and the service worker have policies of their own; all else may do nothing, whoever opens it. */
function policyOf(path: string, extension: string): Record<string, string> {
  if (extension === 'html') return { 'content-security-policy': PAGE_CSP };
  return path === WORKER_PATH ? { 'content-security-policy': WORKER_CSP } : {};
}
