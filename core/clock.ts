/** Time and timers as an argument, so that tests need not wait. Every timer has an owner that clears it. */

export type Timer = { readonly unref?: () => unknown } | number | object;

export interface Clock {
  /** Milliseconds since the Unix epoch. */
  now(): number;
  /** Milliseconds that never go back; the zero point means nothing. */
  monotonic(): number;
  setTimeout(action: () => void, ms: number): Timer;
  clearTimeout(timer: Timer | null | undefined): void;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  setTimeout: (action, ms) => setTimeout(action, ms),
  clearTimeout: (timer) => clearTimeout(timer as Parameters<typeof clearTimeout>[0]),
};
