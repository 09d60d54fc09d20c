/** What can wait until a start is over: when it is, and the code of the views that are likely next. */
import { whenIdle } from '../idle.ts';
import type { SharedParts } from '../app.ts';
import type { Signal } from '../state/signal.ts';
import { NEXT } from './pages.ts';

/** A start that takes longer is not waited for, ms. */
const MAX_START_MS = 10_000;
/** A page that is never idle goes on all the same, ms. */
const MAX_BUSY_MS = 2_000;

/** Resolves when the first view is there, drawn from what the server said, and the page has nothing to do. */
export async function whenStarted({ auth, fleet }: Pick<SharedParts, 'auth' | 'fleet'>): Promise<void> {
  const begun = async () => {
    await until(auth.state, (state) => state === 'in' || state === 'out');
    if (auth.state.value === 'in') await until(fleet.current.value.store, ({ loaded }) => loaded);
  };
  await Promise.race([begun(), new Promise((resolve) => setTimeout(resolve, MAX_START_MS))]);
  await idle();
}

/** Loads the views that most visits go on to, one after another. */
export async function loadNext(): Promise<void> {
  for (const { load } of NEXT) {
    load();
    await idle();
  }
}

function until<T>(source: Signal<T>, fits: (value: T) => boolean): Promise<void> {
  return new Promise((resolve) => {
    const end = source.subscribe((value) => {
      if (!fits(value)) return;
      resolve();
      // It may be called before there is something to end.
      queueMicrotask(() => end());
    });
  });
}

const idle = (): Promise<void> => new Promise((resolve) => void whenIdle(resolve, MAX_BUSY_MS));
