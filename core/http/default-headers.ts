/** Headers that every reply of a server carries unless the reply overrides them; computed once, not per reply. */
import type { HeaderMap } from './types.ts';

/** Policy of everything but the page: API replies are data, never a document. */
export const API_CSP = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

/**
 * Policy of what somebody else wrote, a file or a machine's answer. No script, no request, no form, no frame, an origin of its
 * own: also for a PDF's viewer and an SVG opened as a page.
 */
export const UNTRUSTED_CSP =
  "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox; frame-ancestors 'self'";

/** A year; sent over TLS only, where it means something. */
const HSTS = 'max-age=31536000';

/** @param secure the browser came over TLS, ours or a trusted proxy's */
export function securityHeaders(secure: boolean): HeaderMap {
  return {
    'content-security-policy': API_CSP,
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'no-referrer',
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-resource-policy': 'same-origin',
    'cache-control': 'no-store',
    ...(secure ? { 'strict-transport-security': HSTS } : {}),
  };
}

/** A fixed list of headers that a reply's own headers override by name. */
export class HeaderDefaults {
  readonly #flat: string[];
  readonly #index: Map<string, number>;

  constructor(headers: HeaderMap) {
    this.#flat = Object.entries(headers).flatMap(([name, value]) => [name.toLowerCase(), String(value)]);
    this.#index = new Map(Object.keys(headers).map((name, at) => [name.toLowerCase(), at * 2]));
  }

  /** Adds a header, also to replies that have begun but not sent their head. */
  add(name: string, value: string): void {
    this.#index.set(name, this.#flat.length);
    this.#flat.push(name, value);
  }

  /** Returns name, value, name, value …: these defaults and the reply's own headers, which win. */
  merge(own: HeaderMap | undefined): string[] {
    if (!own) return this.#flat.slice();
    const replaced: number[] = [];
    const flat: string[] = [];
    for (const name in own) {
      const value = own[name]!;
      const at = this.#index.get(name.toLowerCase());
      if (at !== undefined) replaced.push(at);
      if (typeof value === 'object') { for (const entry of value) flat.push(name, entry); }
      else flat.push(name, typeof value === 'string' ? value : String(value));
    }
    if (replaced.length === 0) return this.#flat.concat(flat);
    const retained: string[] = [];
    for (let i = 0; i < this.#flat.length; i += 2) {
      if (!replaced.includes(i)) retained.push(this.#flat[i]!, this.#flat[i + 1]!);
    }
    return retained.concat(flat);
  }
}
