/** Delays between reconnection attempts: short after a loss, then longer and longer. Pure but for the injected randomness. */

/** First retry after an established connection, ms: at once, but not all clients at the same instant. */
const FIRST_RETRY_MS = 1_000;
/** The same when the peer has announced a restart, ms: it needs a moment, and all its clients reconnect together. */
const RESTART_MS = 4_000;
const FIRST_MS = 5_000;
const MAX_MS = 60_000;
/** A connection counts as healthy after this, ms. */
const HEALTHY_MS = 60_000;

export class Backoff {
  readonly #random: () => number;
  /** Least width of the range that a wait is drawn from, ms: what the peer asks for when it has many clients. */
  spreadMs = 0;
  /** The next wait, ms; 0 after a healthy connection, and before the first. */
  #delay = 0;

  /** @param random 0 ≤ x < 1 */
  constructor(random: () => number = Math.random) {
    this.#random = random;
  }

  /** Starts over: earlier failures say nothing about the network as it is now. */
  reset(): void {
    this.#delay = 0;
  }

  /** ms to the next attempt when the last one never left this machine: it burdens no server, and the network may be back. */
  offline(): number {
    return this.#spread(FIRST_MS);
  }

  /** @param upMs how long the connection was up, 0 when it never was. @returns ms to wait before the next attempt */
  next(upMs: number, peerRestarts = false): number {
    if (upMs >= HEALTHY_MS) this.#delay = 0;
    if (this.#delay === 0) {
      this.#delay = FIRST_MS;
      if (upMs > 0) return this.#random() * Math.max(this.spreadMs, peerRestarts ? RESTART_MS : FIRST_RETRY_MS);
    }
    const delay = this.#delay;
    this.#delay = Math.min(2 * delay, MAX_MS);
    return this.#spread(delay);
  }

  /** A random delay between half of it and all of it, or more where that is narrower than `spreadMs`. */
  #spread(delay: number): number {
    return delay / 2 + this.#random() * Math.max(delay / 2, this.spreadMs);
  }
}
