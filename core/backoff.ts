/** When to try again: soon after a loss, then less and less often. Pure but for the injected randomness. */

/** First retry after a connection that was healthy, ms: at once, but not all clients in the same instant. */
const AT_ONCE_MS = 1_000;
/** The same when the other end has said that it restarts, ms: it needs a moment, and all its clients come together. */
const RESTART_MS = 4_000;
const FIRST_MS = 5_000;
const MAX_MS = 60_000;
/** A connection counts as healthy after this, ms. */
const HEALTHY_MS = 60_000;

export class Backoff {
  readonly #random: () => number;
  /** Failures since the last healthy connection. */
  #failures = 0;

  /** @param random 0 ≤ x < 1 */
  constructor(random: () => number = Math.random) {
    this.#random = random;
  }

  /** @param upMs how long the connection was up, 0 when it never was. @returns ms to wait before the next try */
  next(upMs: number, peerRestarts = false): number {
    if (upMs >= HEALTHY_MS) this.#failures = 0;
    const failures = this.#failures++;
    if (failures === 0 && upMs > 0) return this.#random() * (peerRestarts ? RESTART_MS : AT_ONCE_MS);
    // From half the delay to all of it, so that many clients spread and none waits longer than MAX_MS.
    const doublings = Math.min(Math.max(failures - 1, 0), 10);
    const delay = Math.min(FIRST_MS * 2 ** doublings, MAX_MS);
    return delay * (0.5 + this.#random() / 2);
  }
}
