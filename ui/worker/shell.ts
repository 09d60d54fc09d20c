/**
 * The dashboard's files, kept for a start without a network. A build has a version made of its files' hashes, and a cache of
 * its own: a page is always of one build, never half of an older one.
 */
import type { FetchEvent } from './scope.ts';

export interface ShellOptions {
  /** Of the build. */
  version: string;
  /** Paths of the build's files, "/" among them. */
  files: readonly string[];
  caches: CacheStorage;
  origin: string;
  fetch: typeof fetch;
}

const PREFIX = 'shell-';
/** Names below it hold a hash of their content. */
const HASHED = '/assets/';

export class Shell {
  readonly #options: ShellOptions;
  readonly #files: ReadonlySet<string>;

  constructor(options: ShellOptions) {
    this.#options = options;
    this.#files = new Set(options.files);
  }

  get #name(): string {
    return `${PREFIX}${this.#options.version}`;
  }

  /** Fetches every file, or rejects: then this build is not installed and the one before goes on. */
  async install(): Promise<void> {
    const cache = await this.#options.caches.open(this.#name);
    // "reload": what the browser's own cache has may be of another build.
    await cache.addAll(this.#options.files.map((path) => new Request(path, { cache: 'reload' })));
  }

  /** Drops older builds but the one before: pages of it may still be open, and load their parts from there. */
  async activate(): Promise<void> {
    const names = (await this.#options.caches.keys()).filter((name) => name.startsWith(PREFIX) && name !== this.#name);
    await Promise.all(names.slice(0, -1).map((name) => this.#options.caches.delete(name)));
  }

  /** Answers requests for the build's own files; everything else goes to the network untouched. */
  serve(event: Pick<FetchEvent, 'request' | 'respondWith'>): void {
    const { request } = event;
    const url = new URL(request.url);
    if (request.method !== 'GET' || url.origin !== this.#options.origin) return;
    const path = request.mode === 'navigate' && isPage(url.pathname) ? '/' : url.pathname;
    if (this.#files.has(path)) event.respondWith(this.#answer(path, request));
    else if (path.startsWith(HASHED)) event.respondWith(this.#older(path, request));
  }

  /** A part of a page of the build before: its name has the hash of what it holds, so that it cannot be another's. */
  async #older(path: string, request: Request): Promise<Response> {
    for (const name of await this.#options.caches.keys()) {
      const found = name.startsWith(PREFIX) ? await (await this.#options.caches.open(name)).match(path) : undefined;
      if (found) return found;
    }
    return await this.#options.fetch(request);
  }

  async #answer(path: string, request: Request): Promise<Response> {
    const cache = await this.#options.caches.open(this.#name);
    return await cache.match(path) ?? await this.#options.fetch(request);
  }
}

/** The dashboard is one page; what the servers answer themselves is none of it. */
const isPage = (path: string): boolean => path === '/' || path === '/index.html';
