/** Time and timers, injected so that tests need not wait. Every timer has an owner that clears it. */

export type Timer = { readonly unref?: () => unknown } | number | object;

export interface Clock {
  /** Milliseconds since the Unix epoch. */
  now(): number;
  /** Milliseconds that never decrease; the zero point is arbitrary. */
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

/** Resolves after `ms`; for short waits that nobody ends before. */
export const pause = (clock: Clock, ms: number): Promise<void> =>
  new Promise((resolve) => void clock.setTimeout(resolve, ms));

/**
 * A clock whose wall time never goes back: when `clock` is set back, it goes on by monotonic time until `clock` is past it
 * again. What is limited in time then neither ends at once nor lasts longer because somebody sets the clock.
 */
export function steadyClock(clock: Clock): Clock {
  let now = clock.now();
  let at = clock.monotonic();
  return {
    now() {
      const monotonic = clock.monotonic();
      now = Math.max(clock.now(), now + monotonic - at);
      at = monotonic;
      return Math.floor(now);
    },
    monotonic: () => clock.monotonic(),
    setTimeout: (action, ms) => clock.setTimeout(action, ms),
    clearTimeout: (timer) => clock.clearTimeout(timer),
  };
}
