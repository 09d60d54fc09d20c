/**
 * Data that a page asks for by itself, beside the store: one entry is one value with its state. The last value stays while
 * it is loaded again; of several loads the answer of the last one counts.
 */
import { signal } from './signal.ts';
import type { Signal } from './signal.ts';

/** Shared entries that are kept; the one that was used longest ago goes first. */
export const MAX_RESOURCES = 100;

export interface ResourceState<T> {
  readonly value: T | null;
  /** Why the last load failed, for people; empty when it did not. */
  readonly error: string;
  readonly loading: boolean;
}

export interface Entry<T> {
  readonly state: Signal<ResourceState<T>>;
  /** Loads it anew; `load` is called with the value of before. */
  load(load: (old: T | null) => Promise<T>): void;
  /** A newer value that came by other means; what is being loaded is dropped. */
  set(value: T): void;
}

export interface ResourceCache {
  /** The entry of a key, made at the first use. One key has one type of value. */
  entry<T>(key: string): Entry<T>;
  clear(): void;
}

export function createEntry<T>(): Entry<T> {
  const state = signal<ResourceState<T>>({ value: null, error: '', loading: true });
  let turn = 0;
  const set = (value: T) => {
    turn++;
    state.value = { value, error: '', loading: false };
  };
  return {
    state,
    set,
    load(load) {
      const mine = ++turn;
      if (!state.value.loading) state.value = { ...state.value, loading: true };
      load(state.value.value).then(
        (value) => mine === turn && set(value),
        (error: Error) => {
          if (mine === turn) state.value = { ...state.value, error: error.message, loading: false };
        },
      );
    },
  };
}

/** Entries by key, so that a value is there at once when it is looked at again. */
export function createResourceCache(): ResourceCache {
  const entries = new Map<string, Entry<unknown>>();
  return {
    entry<T>(key: string) {
      const entry = entries.get(key) ?? createEntry<unknown>();
      entries.delete(key);
      entries.set(key, entry);
      if (entries.size > MAX_RESOURCES) entries.delete(entries.keys().next().value!);
      return entry as Entry<T>;
    },
    clear: () => entries.clear(),
  };
}
