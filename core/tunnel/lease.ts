/** The memory of one opened record, from which views are handed out: freed once nobody reads any of them. */
import { release } from '../release.ts';

export class Lease {
  readonly #record: Uint8Array;
  /** Views handed out, and the holder of the lease. */
  #out = 1;

  constructor(record: Uint8Array) {
    this.#record = record;
  }

  /** Another view is handed out. Who never gives it back leaves the record to the collector. */
  lend(): (error?: Error | null) => void {
    this.#out++;
    return this.back;
  }

  /** One view is no longer read; to be called once for each. After an error it might still be. */
  readonly back = (error?: Error | null): void => {
    if (!error && --this.#out === 0) release(this.#record);
  };
}
