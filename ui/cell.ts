/** One observable value, and the hook that re-renders a component when the part of it that it uses changes. */
import { useLayoutEffect, useReducer, useRef } from 'preact/hooks';

/** What setTimeout gives, in the browser and in tests. */
export type Timer = ReturnType<typeof setTimeout>;

export interface Cell<T> {
  get(): T;
  set(value: T): void;
  /** Calls `listener` after each change; gives the unsubscriber. */
  subscribe(listener: () => void): () => void;
}

export function cell<T>(initial: T): Cell<T> {
  let value = initial;
  const listeners = new Set<() => void>();
  return {
    get: () => value,
    set(next) {
      if (Object.is(next, value)) return;
      value = next;
      for (const listener of [...listeners]) listener();
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
}

/** The selected part of a cell. `select` must give the same object while nothing changed (no fresh arrays). */
export function useCell<T>(source: Cell<T>): T;
export function useCell<T, R>(source: Cell<T>, select: (value: T) => R): R;
export function useCell<T, R>(source: Cell<T>, select: (value: T) => R = (value) => value as unknown as R): R {
  const [, redraw] = useReducer((n: number) => n + 1, 0);
  const value = select(source.get());
  const shown = useRef({ value, select });
  shown.current = { value, select };
  useLayoutEffect(() => {
    const check = () => {
      const { value, select } = shown.current;
      if (!Object.is(select(source.get()), value)) redraw(undefined as never);
    };
    check();
    return source.subscribe(check);
  }, [source]);
  return value;
}
