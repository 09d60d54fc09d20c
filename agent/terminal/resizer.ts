/** Fits the size of a PTY to its viewers: the smallest active one decides, and changes within RESIZE_MS are merged into one. */
import type { Clock, Timer } from '../../core/clock.ts';
import type { Size, Viewer } from './viewer.ts';

/** Changes of size within this time are merged into one, ms. */
export const RESIZE_MS = 50;

export class Resizer {
  readonly #clock: Clock;
  readonly #resize: (size: Size) => void;
  /** The size that fits the viewers, and the one that the PTY was given last. */
  #wanted: Size;
  #sent: Size;
  #timer: Timer | null = null;
  #isClosed = false;

  /** @param resize gives the PTY another size */
  constructor(clock: Clock, initial: Size, resize: (size: Size) => void) {
    this.#clock = clock;
    this.#wanted = this.#sent = initial;
    this.#resize = resize;
  }

  /** Each of width and height is the smallest of the active viewers'; without an active viewer the size stays. */
  fit(viewers: Iterable<Viewer>): void {
    const active = [...viewers].filter((viewer) => viewer.active);
    if (!active.length || this.#isClosed) return;
    this.#wanted = {
      cols: Math.min(...active.map(({ size }) => size.cols)),
      rows: Math.min(...active.map(({ size }) => size.rows)),
    };
    if (!this.#timer) this.#send();
  }

  /** The PTY has this size already. */
  restart(size: Size): void {
    this.#wanted = this.#sent = size;
  }

  /** Resizes at once; what follows within RESIZE_MS waits for its end. */
  #send(): void {
    const { cols, rows } = this.#wanted;
    this.#timer = null;
    if (this.#isClosed || (cols === this.#sent.cols && rows === this.#sent.rows)) return;
    this.#sent = { cols, rows };
    this.#resize(this.#sent);
    this.#timer = this.#clock.setTimeout(() => this.#send(), RESIZE_MS);
  }

  /** The PTY has ended: resizes nothing more. */
  close(): void {
    this.#isClosed = true;
    this.#clock.clearTimeout(this.#timer);
    this.#timer = null;
  }
}
