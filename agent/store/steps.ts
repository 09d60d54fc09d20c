/** Long work in steps: whoever runs it may serve others between two of them. */
import { setImmediate } from 'node:timers';

export type Steps<T> = Generator<void, T, void>;

export function allAtOnce<T>(steps: Steps<T>): T {
  for (;;) {
    const { done, value } = steps.next();
    if (done) return value as T;
  }
}

/** The event loop is free after each step. */
export async function oneByOne<T>(steps: Steps<T>): Promise<T> {
  for (;;) {
    const { done, value } = steps.next();
    if (done) return value as T;
    await new Promise<void>((resolve) => setImmediate(resolve));
  }
}
