/** At most `limit` tries per window and key, remembered for a bounded number of keys. */
import type { Clock } from '../clock.ts';

export interface LimiterOptions {
  limit: number;
  windowMs: number;
  clock: Clock;
  /** Keys remembered; the one that was used least recently is forgotten first. */
  maxKeys?: number;
}

export class Limiter {
  readonly #options: Required<LimiterOptions>;
  /** Key → monotonic times of its tries, oldest first. The map's order is that of the last use. */
  readonly #tries = new Map<string, number[]>();

  constructor(options: LimiterOptions) {
    this.#options = { maxKeys: 10_000, ...options };
  }

  /** Counts a try. @returns 0 when it may be made, else the milliseconds until one may */
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

  /** Takes back the latest try: it turned out not to be one that counts. */
  refund(key: string): void {
    this.#tries.get(key)?.pop();
  }
}

/** What one party can easily have many of counts as one: IPv6 addresses by their /64. */
export function limiterKey(address: string): string {
  if (!address.includes(':')) return address;
  const [left = '', right = ''] = address.split('%')[0]!.split('::');
  const head = left ? left.split(':') : [];
  const tail = right ? right.split(':') : [];
  const gap = Array<string>(Math.max(0, 8 - head.length - tail.length)).fill('0');
  const groups = address.includes('::') ? [...head, ...gap, ...tail] : head;
  return `${groups.slice(0, 4).map((group) => group.toLowerCase().replace(/^0+(?=.)/, '')).join(':')}::/64`;
}
