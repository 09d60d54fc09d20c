/** Only so much is understood of what a CLI says: whether somebody waits for the end of its work. */
import type { Buffer } from 'node:buffer';

export class TurnWatch {
  /** A message was written, and no end of a turn came since. */
  isTurning = false;
  #end = '';
  /** What the beginning of an end may be that the next piece goes on with. */
  #tail = '\n';

  /** @param end of watchFor() */
  constructor(end = '') {
    this.watchFor(end);
  }

  /** @param end how the line begins that ends a turn; after "…" any part of it; empty: not known, none is ever seen */
  watchFor(end: string): void {
    const isPart = end.startsWith('…');
    this.#end = isPart ? end.slice(1) : end && `\n${end}`;
  }

  /** A message has been given to it. */
  begun(): void {
    this.isTurning = true;
  }

  output(chunk: Buffer): void {
    if (!this.#end) return;
    const text = this.#tail + chunk.toString('latin1');
    if (text.includes(this.#end)) this.isTurning = false;
    // Shorter than the whole, which would be found again.
    this.#tail = this.#end.length > 1 ? text.slice(1 - this.#end.length) : '';
  }
}
