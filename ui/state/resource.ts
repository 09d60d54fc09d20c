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

/** Asks for a value; called with the one of before. */
export type Loader<T> = (old: T | null) => Promise<T>;

export interface Entry<T> {
  readonly state: Signal<ResourceState<T>>;
  /** Loads it anew, whatever is on its way. */
  load(load: Loader<T>): void;
  /**
   * Loads it, unless somebody wants it for the same reason already. A new reason waits for what is on its way, whose value its
   * loader is called with. Call the returned function when it is no longer wanted.
   */
  want(reason: string, load: Loader<T>): () => void;
  /** A newer value that came by other means; what is being loaded is dropped. */
  set(value: T): void;
}

export interface ResourceCache {
  /** The entry of a key, made at the first use. One key has one type of value. */
  entry<T>(key: string): Entry<T>;
  clear(): void;
}

export const createEntry = <T>(): Entry<T> => new ResourceEntry<T>();

class ResourceEntry<T> implements Entry<T> {
  readonly state = signal<ResourceState<T>>({ value: null, error: '', loading: true });
  /** Counts what was begun: the answer of an older load is dropped. */
  #turn = 0;
  #isUnderWay = false;
  /** Begins when what is on its way is here. */
  #next: Loader<T> | null = null;
  /** Why it was asked for last, and by how many that still want it. */
  #wanted: { reason: string; users: number } | null = null;

  load = (load: Loader<T>): void => {
    const mine = ++this.#turn;
    this.#next = null;
    this.#isUnderWay = true;
    if (!this.state.value.loading) this.state.value = { ...this.state.value, loading: true };
    load(this.state.value.value).then(
      (value) => this.#settle(mine, { value, error: '' }),
      (error: Error) => this.#settle(mine, { error: error.message }),
    );
  };

  want = (reason: string, load: Loader<T>): () => void => {
    if (this.#wanted?.reason !== reason) {
      this.#wanted = { reason, users: 0 };
      if (this.#isUnderWay) this.#next = load;
      else this.load(load);
    }
    const mine = this.#wanted;
    mine.users++;
    return () => {
      if (--mine.users === 0 && this.#wanted === mine) this.#wanted = null;
    };
  };

  set = (value: T): void => this.#settle(++this.#turn, { value, error: '' });

  #settle(turn: number, result: Partial<ResourceState<T>>): void {
    if (turn !== this.#turn) return;
    const next = this.#next;
    this.#next = null;
    this.#isUnderWay = false;
    this.state.value = { ...this.state.value, ...result, loading: false };
    if (next) this.load(next);
  }
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
