/** The sequences that draw lines of a buffer, cell by cell, with the marks of lines that go on in the next one. */
import type { Cell, Emulator } from './emulator.ts';
import { background, isErased, type Pen, penOf, type PenWriter, PLAIN } from './pen.ts';

type Buffer = Emulator['buffer']['normal'];

/** Cursor to a column, from 0; also ends the joining of a combining character with what is left of it. */
export const column = (x: number): string => `\x1b[${x + 1}G`;

export class RowWriter {
  readonly #buffer: Buffer;
  readonly #cols: number;
  readonly #rows: number;
  readonly #pen: PenWriter;
  readonly #cell: Cell;

  constructor(terminal: Emulator, buffer: Buffer, pen: PenWriter) {
    this.#buffer = buffer;
    this.#cols = terminal.cols;
    this.#rows = terminal.rows;
    this.#pen = pen;
    this.#cell = buffer.getNullCell() as unknown as Cell;
  }

  /** Draws lines from the cursor's on, which are empty; the cursor is at the start of the first. Throws nothing. */
  *draw(first: number, end: number): Iterable<string> {
    for (let y = first; y < end; y++) {
      if (y > first) yield this.#buffer.getLine(y)!.isWrapped && this.#rows > 1 ? this.#wrap(y - 1) : this.#next();
      yield this.#row(y);
    }
  }

  /** The new line takes the pen's background. */
  #next(): string {
    return `${this.#pen.set(PLAIN)}\r\n`;
  }

  /** Writes over the end of line y, so that the next one is marked as its continuation, and empties what that took. */
  #wrap(y: number): string {
    const last = this.lastCharacter(y);
    if (last) return this.#draw(last) + this.#pen.set(PLAIN) + this.#mark();
    const pen = this.#load(y, this.#cols - 1) ? penOf(this.#cell) : PLAIN;
    const text = this.#pen.set(PLAIN) + column(this.#cols - 1) + 'x' + this.#mark();
    return `${text}\x1b[A${column(this.#cols - 1)}${this.#erase(pen, 1)}${this.#pen.set(PLAIN)}\x1b[B${column(0)}`;
  }

  #mark(): string {
    return `x${column(0)}\x1b[X`;
  }

  /** The character that ends at the last column of line y; null: there is none. */
  lastCharacter(y: number): { x: number; chars: string; pen: Pen } | null {
    for (let x = this.#cols - 1; x >= this.#cols - 2; x--) {
      if (!this.#load(y, x)) return null;
      const { width, chars, pen } = this.#look();
      // A combining character with nothing to join has a cell of its own and no width.
      const isLast = width === this.#cols - x || (width === 0 && x === this.#cols - 1);
      if (isLast && chars) return { x, chars, pen };
      if (width !== 0 || chars) return null;
    }
    return null;
  }

  /** Draws a character at its column. */
  #draw({ x, chars, pen }: { x: number; chars: string; pen: Pen }): string {
    return column(x) + this.#pen.set(pen) + chars;
  }

  drawLast(y: number): string | null {
    const last = this.lastCharacter(y);
    return last && this.#draw(last);
  }

  /** The character of this width at a cell, whatever it is drawn with; empty: there is none. */
  charsAt(x: number, y: number, width: number): string {
    return this.#load(y, x) && this.#cell.getWidth() === width ? this.#cell.getChars() : '';
  }

  #load(y: number, x: number): boolean {
    return this.#buffer.getLine(y)?.getCell(x, this.#cell as never) !== undefined;
  }

  /**
   * A cell that lost its half of a wide character keeps the pen of what overwrote it. Nothing draws such a cell alone: a
   * space looks the same.
   */
  #look(): { chars: string; width: number; pen: Pen } {
    const pen = penOf(this.#cell);
    const width = this.#cell.getWidth();
    const chars = this.#cell.getChars();
    return { chars: chars || (width === 1 && !isErased(pen) ? ' ' : ''), width, pen };
  }

  #row(y: number): string {
    let text = '';
    let at = 0; // where the cursor is
    for (let x = 0; x < this.#cols; x++) {
      if (!this.#load(y, x)) break;
      const { chars, width, pen } = this.#look();
      if (!chars && (width === 0 || pen.bg === 0)) continue;
      if (!chars) {
        const count = this.#blanks(y, x, pen.bg);
        text += (at === x ? '' : column(x)) + this.#erase(pen, count);
        at = x;
        x += count - 1;
        continue;
      }
      text += this.#pen.set(pen) + (at === x && width > 0 ? '' : column(x)) + chars;
      at = x + Math.max(width, 1);
    }
    return text;
  }

  #blanks(y: number, from: number, bg: number): number {
    let x = from;
    do x++; while (x < this.#cols && this.#load(y, x) && this.#cell.bg === bg && this.#isBlank());
    return x - from;
  }

  #isBlank(): boolean {
    return this.#cell.fg === 0 && this.#cell.getWidth() === 1 && !this.#cell.getChars();
  }

  #erase(pen: Pen, count: number): string {
    return `${this.#pen.set(background(pen.bg))}\x1b[${count}X`;
  }
}
