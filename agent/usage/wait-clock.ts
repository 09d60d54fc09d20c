/**
 * When a time of day has passed, although clocks are set and machines sleep. A wall clock that leapt is believed once it has stood for
 * a while: after sleep it is right at once and stays so, and one that somebody set by mistake is set back. What has passed by the
 * monotonic clock has passed, whatever the other says.
 */
import type { Clock } from '../../core/clock.ts';

/** The two clocks may differ by so much between two looks, ms. */
const TOLERANCE_MS = 5_000;
/** So long a wall clock that leapt must have stood, ms. */
const SETTLE_MS = 60_000;

export class WaitClock {
  readonly #clock: Clock;
  #wall: number;
  #monotonic: number;
  /** Monotonic time of the last leap. */
  #leaptAt = -Infinity;
  /** Waits, with both times at which each was first looked at. */
  readonly #begun = new Map<string, { wall: number; monotonic: number }>();

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#wall = clock.now();
    this.#monotonic = clock.monotonic();
  }

  /** To be called often, with all that waits. */
  look(waits: readonly string[]): void {
    const wall = this.#clock.now();
    const monotonic = this.#clock.monotonic();
    if (Math.abs(wall - this.#wall - (monotonic - this.#monotonic)) > TOLERANCE_MS) this.#leaptAt = monotonic;
    this.#wall = wall;
    this.#monotonic = monotonic;
    for (const key of this.#begun.keys()) if (!waits.includes(key)) this.#begun.delete(key);
    for (const key of waits) if (!this.#begun.has(key)) this.#begun.set(key, { wall, monotonic });
  }

  /** @param at ms since the Unix epoch */
  isOver(key: string, at: number): boolean {
    const begun = this.#begun.get(key);
    if (begun && this.#monotonic - begun.monotonic >= at - begun.wall && begun.wall < at) return true;
    return this.#wall >= at && this.#monotonic - this.#leaptAt >= SETTLE_MS;
  }
}
