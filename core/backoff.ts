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
  /** The next wait, ms; 0 after a healthy connection, and before the first. */
  #delay = 0;

  /** @param random 0 ≤ x < 1 */
  constructor(random: () => number = Math.random) {
    this.#random = random;
  }

  /** What went before says nothing of the line as it is now. */
  reset(): void {
    this.#delay = 0;
  }

  /** ms to the next try when the last one never left this machine: nobody has load to be spared, and the network may be back. */
  offline(): number {
    return this.#spread(FIRST_MS);
  }

  /** @param upMs how long the connection was up, 0 when it never was. @returns ms to wait before the next try */
  next(upMs: number, peerRestarts = false): number {
    if (upMs >= HEALTHY_MS) this.#delay = 0;
    if (this.#delay === 0) {
      this.#delay = FIRST_MS;
      if (upMs > 0) return this.#random() * (peerRestarts ? RESTART_MS : AT_ONCE_MS);
    }
    const delay = this.#delay;
    this.#delay = Math.min(2 * delay, MAX_MS);
    return this.#spread(delay);
  }

  /** From half of it to all of it, so that many clients spread and none waits longer than MAX_MS. */
  #spread(delay: number): number {
    return delay * (0.5 + this.#random() / 2);
  }
}
