/** What another terminal shows, on this one; and while the way to it is broken, a line over it that says so. */
import { type Clock, systemClock, type Timer } from '../../core/clock.ts';
import { ScreenModes } from './screen-modes.ts';
import type { Screen } from './terminal-session.ts';

/** Whoever types into a connection that is broken for longer hears a bell, ms. */
const BELL_MS = 2_000;
/** After this a line says that it is broken, ms. Output goes on at its byte when it comes back sooner, else the screen is drawn anew. */
export const BAR_MS = 4_000;
const AWAY_TEXT = 'Connection lost: trying again. What you type is sent then.';

type Output = Pick<NodeJS.WriteStream, 'write' | 'rows' | 'columns' | 'writable'>;

export class TtyScreen implements Screen {
  readonly #stdout: Output;
  readonly #clock: Clock;
  /** How to leave the terminal. */
  readonly #hint: string;
  readonly #modes = new ScreenModes();
  #isBegun = false;
  #isCovered = false;
  /** Monotonic. */
  #awaySince: number | null = null;
  #awayTimer: Timer | null = null;

  constructor(stdout: Output, hint: string, clock: Clock = systemClock) {
    this.#stdout = stdout;
    this.#hint = hint;
    this.#clock = clock;
  }

  get isCovered(): boolean {
    return this.#isCovered;
  }

  get isAwayLong(): boolean {
    return this.#awaySince !== null && this.#clock.monotonic() - this.#awaySince > BELL_MS;
  }

  reset(): void {
    // What was on the screen before goes to the scrollback of the terminal.
    const space = this.#isBegun ? '' : '\n'.repeat(this.#stdout.rows || 24);
    this.#isBegun = true;
    this.#isCovered = false;
    this.#stdout.write(`${space}${this.#modes.restore()}\x1b[H\x1b[2J`);
  }

  write(bytes: Uint8Array, shown: () => void): void {
    this.#modes.push(bytes);
    this.#stdout.write(bytes, () => shown());
  }

  setAway(isAway: boolean): void {
    if (!isAway) return this.#endAway();
    if (this.#awaySince !== null) return;
    this.#awaySince = this.#clock.monotonic();
    this.#awayTimer = this.#clock.setTimeout(() => this.#sayAway(), BAR_MS);
  }

  bell(): void {
    if (this.#modes.isAtRest) this.#stdout.write('\x07');
  }

  /** Resolves when the terminal is as it was. */
  restore(): Promise<void> {
    this.#endAway();
    const bar = this.#isCovered ? `\x1b7\x1b[${this.#stdout.rows ?? 24};1H\x1b[2K\x1b8` : '';
    const text = this.#isBegun ? `${bar}${this.#modes.restore()}\r\n` : '';
    this.#isBegun = this.#isCovered = false;
    return new Promise((resolve) => {
      if (!text || !this.#stdout.writable) return resolve();
      this.#stdout.write(text, () => resolve());
    });
  }

  #endAway(): void {
    this.#clock.clearTimeout(this.#awayTimer);
    this.#awayTimer = null;
    this.#awaySince = null;
  }

  #sayAway(): void {
    this.#awayTimer = null;
    const { columns = 80, rows = 24 } = this.#stdout;
    const text = ` ${AWAY_TEXT} ${this.#hint} `.slice(0, columns);
    if (!this.#isBegun) return void this.#stdout.write(`${text.trim()}\r\n`);
    this.#isCovered = true;
    // What was cut off is ended; the screen that is asked for again brings back all of it, and the saved cursor.
    const end = this.#modes.isAtRest ? '' : '\x18\x1b\\';
    this.#stdout.write(`${end}\x1b7\x1b[?6l\x0f\x1b(B\x1b[${rows};1H\x1b[0;7m${text}\x1b[0m\x1b[K\x1b8`);
  }
}
