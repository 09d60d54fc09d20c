/** Only so much is understood of what a CLI says: whether somebody waits for the end of its work. */
import type { Buffer } from 'node:buffer';

export class TurnWatch {
  /** A message was written, and no end of a turn came since. */
  isTurning = false;
  #end = '';
  /** What the beginning of an end may be that the next piece goes on with. */
  #tail = '\n';

  /** @param lineStart how the line begins that ends a turn; empty: not known, none is ever seen */
  constructor(lineStart = '') {
    this.#end = lineStart && `\n${lineStart}`;
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
    this.#tail = text.slice(1 - this.#end.length);
  }
}
