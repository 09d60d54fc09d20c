/** The memory of one decrypted record of which views are in use: freed once the last view is released. */
import { detach } from './detach.ts';

export class RefCounted {
  readonly #record: Uint8Array;
  /** Views in use, and the creator's own reference. */
  #count = 1;

  constructor(record: Uint8Array) {
    this.#record = record;
  }

  /** Counts another view. @returns its `release`; without that call the record is left to the collector */
  retain(): (error?: Error | null) => void {
    this.#count++;
    return this.release;
  }

  /** Call once for each view that is no longer read. After an error it might still be, so it stays counted. */
  readonly release = (error?: Error | null): void => {
    if (!error && --this.#count === 0) detach(this.#record);
  };
}
