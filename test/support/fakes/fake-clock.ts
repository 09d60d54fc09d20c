/** A clock that stands still until it is told to go on. */
import type { Clock } from '../../../core/clock.ts';

export interface FakeClock extends Clock {
  /** Time passes, on both clocks; timers fire in their order. */
  advance(ms: number): void;
  /** Somebody sets the wall clock; no time passes. */
  setWall(now: number): void;
  /** Timers that are set. */
  readonly pending: number;
}

export function fakeClock(start = 1_700_000_000_000): FakeClock {
  let elapsed = 0;
  let offset = start;
  const timers = new Set<{ at: number; action: () => void }>();
  return {
    now: () => offset + elapsed,
    monotonic: () => elapsed,
    setTimeout(action, ms) {
      const timer = { at: elapsed + ms, action };
      timers.add(timer);
      return timer;
    },
    clearTimeout: (timer) => void timers.delete(timer as { at: number; action: () => void }),
    advance(ms) {
      const end = elapsed + ms;
      for (;;) {
        const next = [...timers].filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0];
        if (!next) break;
        timers.delete(next);
        elapsed = Math.max(elapsed, next.at);
        next.action();
      }
      elapsed = end;
    },
    setWall: (now) => void (offset = now - elapsed),
    get pending() {
      return timers.size;
    },
  };
}
