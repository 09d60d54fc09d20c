/** A clock that stands still until it is told to go on; what a timer starts is waited for before the next one fires. */
import type { Clock } from '../../../core/clock.ts';

export interface PipelineClock extends Clock {
  /** Goes on by `ms` and fires what is due, in order. */
  advance(ms: number): Promise<void>;
  /** Timers that are set. */
  readonly pending: number;
}

/** @param settle resolves when what the timers started is done */
export function pipelineClock(
  settle: () => Promise<unknown> = () => new Promise((resolve) => setImmediate(resolve)),
): PipelineClock {
  let now = 1_700_000_000_000;
  const timers = new Set<{ at: number; action: () => void }>();
  return {
    now: () => now,
    monotonic: () => now,
    setTimeout: (action, ms) => {
      const timer = { at: now + ms, action };
      timers.add(timer);
      return timer;
    },
    clearTimeout: (timer) => void timers.delete(timer as { at: number; action: () => void }),
    get pending() {
      return timers.size;
    },
    advance: async (ms) => {
      const end = now + ms;
      for (;;) {
        await settle();
        const due = [...timers].filter((timer) => timer.at <= end).sort((a, b) => a.at - b.at)[0];
        if (!due) break;
        timers.delete(due);
        now = Math.max(now, due.at);
        due.action();
      }
      now = end;
    },
  };
}
