/** No more notices than a person can read. */
import type { Recipient } from './delivery-state.ts';

/** Notices per recipient and window. */
export const MAX_RATE = { count: 12, windowMs: 600_000 };
/** Recipients whose rate is known. */
const MAX_RECIPIENT = 500;

interface Rate {
  startedAt: number;
  count: number;
}

export class RecipientRates {
  readonly #rates = new Map<string, Rate>();

  /** Counts a notice. Returns when it may be sent: `now`, or the end of the window when there were too many. */
  count({ channel, to }: Recipient, now: number): number {
    const name = `${channel} ${to}`;
    let rate = this.#rates.get(name);
    if (!rate || now - rate.startedAt >= MAX_RATE.windowMs || now < rate.startedAt) {
      if (!rate && this.#rates.size >= MAX_RECIPIENT) this.#rates.delete(this.#rates.keys().next().value!);
      rate = { startedAt: now, count: 0 };
      this.#rates.set(name, rate);
    }
    return rate.count++ < MAX_RATE.count ? now : rate.startedAt + MAX_RATE.windowMs;
  }
}
