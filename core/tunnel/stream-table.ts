/**
 * The streams of a tunnel by id. Not a Map: when a Map full of young entries reallocates its storage, the old storage keeps
 * pointing to the new one, and once one of them has reached the old generation every later request stays in memory until
 * the next full collection (the collector took one seventh of a relay's time).
 */
import type { Stream } from './stream.ts';

/** More than MAX_STREAMS, so that most slots hold one stream: ids count up by one. */
const SLOTS = 512;

export class StreamTable {
  readonly #slots: (Stream | null)[] = new Array<Stream | null>(SLOTS).fill(null);
  #size = 0;

  get size(): number {
    return this.#size;
  }

  get(id: number): Stream | undefined {
    let stream = this.#slots[id % SLOTS] as Stream | null;
    while (stream && stream.id !== id) stream = stream.sameSlot;
    return stream ?? undefined;
  }

  /** Adds a stream whose id is not in the table. */
  add(stream: Stream): void {
    const slot = stream.id % SLOTS;
    stream.sameSlot = this.#slots[slot]!;
    this.#slots[slot] = stream;
    this.#size++;
  }

  /** @returns whether it was in the table */
  remove(stream: Stream): boolean {
    const slot = stream.id % SLOTS;
    let before: Stream | null = null;
    let at = this.#slots[slot] as Stream | null;
    for (; at && at !== stream; at = at.sameSlot) before = at;
    if (!at) return false;
    if (before) before.sameSlot = stream.sameSlot;
    else this.#slots[slot] = stream.sameSlot;
    stream.sameSlot = null;
    this.#size--;
    return true;
  }

  /** Empties the table. @returns the streams that were in it */
  clear(): Stream[] {
    const all: Stream[] = [];
    for (let slot = 0; slot < SLOTS; slot++) {
      for (let stream = this.#slots[slot] as Stream | null; stream;) {
        const next: Stream | null = stream.sameSlot;
        stream.sameSlot = null;
        all.push(stream);
        stream = next;
      }
      this.#slots[slot] = null;
    }
    this.#size = 0;
    return all;
  }
}
