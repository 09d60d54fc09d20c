/** Headers that every reply of a server carries unless the reply overrides them; computed once, not per reply. */
import { headerList, isHeaderList } from './header-list.ts';
import type { HeaderList, HeaderMap } from './types.ts';

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

/** A fixed list of at most 31 headers that a reply's own headers override by name. */
export class HeaderDefaults {
  readonly #flat: string[];
  /** Name → its place among them. */
  readonly #index: Map<string, number>;

  constructor(headers: HeaderMap) {
    this.#flat = Object.entries(headers).flatMap(([name, value]) => [name.toLowerCase(), String(value)]);
    this.#index = new Map(Object.keys(headers).map((name, at) => [name.toLowerCase(), at]));
  }

  /** Adds a header, also to replies that have begun but not sent their head. */
  add(name: string, value: string): void {
    this.#index.set(name, this.#flat.length / 2);
    this.#flat.push(name, value);
  }

  /** Returns name, value, name, value …: these defaults and the reply's own headers, which win. */
  merge(own: HeaderMap | HeaderList | undefined): string[] {
    if (!own) return this.#flat.slice();
    const list = isHeaderList(own) ? own : headerList(own);
    const merged: string[] = [];
    const replaced = this.#replacedBy(list);
    for (let i = 0; i < this.#flat.length; i += 2) {
      if ((replaced & (1 << (i / 2))) === 0) merged.push(this.#flat[i]!, this.#flat[i + 1]!);
    }
    for (let i = 0; i < list.length; i++) merged.push(list[i]!);
    return merged;
  }
  /** A bit for the place of each default that stands in the list. */
  #replacedBy(list: HeaderList): number {
    let replaced = 0;
    for (let i = 0; i < list.length; i += 2) {
      const at = this.#index.get(list[i]!.toLowerCase());
      if (at !== undefined) replaced |= 1 << at;
    }
    return replaced;
  }
}
