/** Timers that run when the test says so. */
import type { Timer } from '../../../ui/state/signal.ts';

export class Timers {
  time = 1_000_000;
  #due = new Map<number, { at: number; action: () => void }>();
  #ids = 0;

  now = (): number => this.time;
  random = (): number => 1;
  setTimeout = (action: () => void, ms: number): Timer => {
    this.#due.set(++this.#ids, { at: this.time + ms, action });
    return this.#ids as unknown as Timer;
  };
  clearTimeout = (timer: Timer): void => void this.#due.delete(timer as unknown as number);

  get pending(): number {
    return this.#due.size;
  }

  /** Lets time pass; what falls due runs in its order. */
  pass(ms: number): void {
    const end = this.time + ms;
    for (;;) {
      const next = [...this.#due].filter(([, { at }]) => at <= end).sort(([, a], [, b]) => a.at - b.at)[0];
      if (!next) break;
      this.time = next[1].at;
      this.#due.delete(next[0]);
      next[1].action();
    }
    this.time = end;
  }
}

/** Lets promises settle. */
export const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
