/** Rate limiter: at most `limit` tries per window and key, for a bounded number of keys. */
import type { Clock } from '../clock.ts';

export { limiterKey } from '../http/address.ts';

export interface LimiterOptions {
  limit: number;
  windowMs: number;
  clock: Clock;
  /** Most keys that are tracked; the least recently used one is dropped first. */
  maxKeys?: number;
}

export class Limiter {
  readonly #options: Required<LimiterOptions>;
  /** Key → monotonic times of its tries, oldest first. The map is ordered by last use. */
  readonly #tries = new Map<string, number[]>();

  constructor(options: LimiterOptions) {
    this.#options = { maxKeys: 10_000, ...options };
  }

  /** @returns 0 if a try would be allowed now, else the milliseconds until one is */
  wait(key: string): number {
    const { limit, windowMs, clock } = this.#options;
    const now = clock.monotonic();
    const tries = (this.#tries.get(key) ?? []).filter((at) => now - at < windowMs);
    return tries.length >= limit ? windowMs - (now - tries[0]!) : 0;
  }

  /** Counts a try. @returns 0 if it is allowed, else the milliseconds until one is */
  take(key: string): number {
    const { limit, windowMs, clock, maxKeys } = this.#options;
    const now = clock.monotonic();
    const tries = (this.#tries.get(key) ?? []).filter((at) => now - at < windowMs);
    this.#tries.delete(key);
    this.#tries.set(key, tries);
    if (tries.length >= limit) return windowMs - (now - tries[0]!);
    tries.push(now);
    if (this.#tries.size > maxKeys) this.#tries.delete(this.#tries.keys().next().value!);
    return 0;
  }

  /** Removes the latest try, which turned out not to count. */
  refund(key: string): void {
    this.#tries.get(key)?.pop();
  }
}
