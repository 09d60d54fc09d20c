/**
 * One observable value, and the hook that draws a component anew when the part of it that it uses changes. Names and
 * meanings are those of `@preact/signals-core` (signal, `value`, `subscribe`), so that it can take the place of this file.
 */
import { useLayoutEffect, useReducer, useRef } from 'preact/hooks';

/** What setTimeout returns, in the browser and in tests. */
export type Timer = ReturnType<typeof setTimeout>;

export interface Signal<T> {
  value: T;
  /** Calls `listener` with the value now and after each change; returns the function that ends it. */
  subscribe(listener: (value: T) => void): () => void;
}

export function signal<T>(initial: T): Signal<T> {
  let value = initial;
  const listeners = new Set<(value: T) => void>();
  return {
    get value() {
      return value;
    },
    set value(next) {
      if (Object.is(next, value)) return;
      value = next;
      for (const listener of [...listeners]) listener(value);
    },
    subscribe(listener) {
      listeners.add(listener);
      listener(value);
      return () => void listeners.delete(listener);
    },
  };
}

/** The selected part of a signal. `select` must return the same object while nothing changed (no fresh arrays). */
export function useSignalValue<T>(source: Signal<T>): T;
export function useSignalValue<T, R>(source: Signal<T>, select: (value: T) => R): R;
export function useSignalValue<T, R>(
  source: Signal<T>,
  select: (value: T) => R = (value) => value as unknown as R,
): R {
  const [, redraw] = useReducer((n: number) => n + 1, 0);
  const value = select(source.value);
  const shown = useRef({ value, select });
  shown.current = { value, select };
  useLayoutEffect(() => {
    return source.subscribe((next) => {
      const { value, select } = shown.current;
      if (!Object.is(select(next), value)) redraw(undefined as never);
    });
  }, [source]);
  return value;
}
