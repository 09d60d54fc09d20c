/**
 * The lines of a CLI that is being opened, one at a time: what an answer sets going (the next request, the thread that events are of) is
 * done before the next line is read. A server that takes up a CLI gets all of them at once.
 */

export interface PacedLinesOptions<T> {
  /** Bytes of output before the first line. */
  start: number;
  handle(line: T): void;
  /** What the last line has set going comes first. */
  isOpening(): boolean;
}

export class PacedLines<T> {
  readonly #options: PacedLinesOptions<T>;
  /** Bounded by the holder: while a CLI is being opened, nothing is acknowledged (spool.ts, MAX_SPOOL). */
  readonly #waiting: (() => void)[] = [];
  /** A line is being handled, or what it has set going. */
  #isBusy = false;
  #offset: number;

  constructor(options: PacedLinesOptions<T>) {
    this.#options = options;
    this.#offset = options.start;
  }

  /** Bytes up to the end of the line that was handled last, or is being handled. */
  get offset(): number {
    return this.#offset;
  }

  /** @param end offset of the first byte behind it */
  push(line: T, end: number): void {
    this.then(() => {
      this.#offset = end;
      this.#options.handle(line);
    });
  }

  /** Calls it when all lines before have been handled: at once, when they have. */
  then(action: () => void): void {
    this.#waiting.push(action);
    if (!this.#isBusy) this.#run();
  }

  #run(): void {
    this.#isBusy = true;
    try {
      for (let action = this.#waiting.shift(); action; action = this.#waiting.shift()) {
        action();
        if (this.#options.isOpening()) return void setImmediate(() => this.#run());
      }
      this.#isBusy = false;
    } catch (error) {
      setImmediate(() => this.#run()); // the lines behind it are not lost with it
      throw error;
    }
  }
}
