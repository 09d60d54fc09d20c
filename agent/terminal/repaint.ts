/**
 * The bytes that bring a fresh emulator into the state of this one: what is on its screens and in its scrollback, and all that
 * decides what the output that follows will do. The order matters, as most sequences move the cursor or change the pen.
 *
 * Not carried over, because no output leads there again:
 * - a cell that lost its half of a wide character keeps the pen of what overwrote it: it becomes a space, which looks the same;
 * - a half without its other, as inserting columns leaves it: becomes an empty cell;
 * - a cursor that waits to wrap behind an empty cell of the alternate screen: is in the last column;
 * - a link whose address the emulator has forgotten: its cells keep the underline;
 * - a pen that ESC 8 has torn (a style or link remembered and not shown), when the cursor saved now is another.
 */
import { type BufferState, charsetLetter, type Emulator, type EmulatorState, lastWidth, stateOf } from './emulator.ts';
import { currentPen, isTorn, PenWriter, PLAIN } from './pen.ts';
import { column, RowWriter } from './rows.ts';

/** Ends whatever sequence or character was begun, resets everything, also what a reset leaves: newline mode, colours. */
const BEGIN = '\x18\x1bc\x1b[20l\x1b]104\x07\x1b]110\x07\x1b]111\x07\x1b]112\x07';
/** DECSCUSR: 1-2 block, 3-4 underline, 5-6 bar; odd ones blink. */
const STYLES = ['block', 'underline', 'bar'];
/** Sequences of modes by their name in the emulator; `wraparound` is on by default. */
const MODES: Record<string, string> = {
  applicationCursorKeys: '?1h',
  applicationKeypad: '?66h',
  bracketedPasteMode: '?2004h',
  reverseWraparound: '?45h',
  sendFocus: '?1004h',
  synchronizedOutput: '?2026h',
};
const MOUSE: Record<string, string> = { X10: '?9h', VT200: '?1000h', DRAG: '?1002h', ANY: '?1003h' };
const MOUSE_ENCODING: Record<string, string> = { SGR: '?1006h', SGR_PIXELS: '?1016h' };
const TAB_WIDTH = 8;
/** Any wide character. */
const WIDE = '中';
/** Makes G0 to G3 the set in use. */
const SHIFTS = ['\x0f', '\x0e', '\x1bn', '\x1bo'];

export class RepaintWriter {
  readonly #terminal: Emulator;
  readonly #state: EmulatorState;
  readonly #pen: PenWriter;
  /** First line of the normal buffer that is drawn. */
  readonly #first: number;

  /** @param scrollback lines above the screen at most */
  constructor(terminal: Emulator, scrollback: number) {
    this.#terminal = terminal;
    this.#state = stateOf(terminal);
    this.#pen = new PenWriter(this.#state);
    this.#first = Math.max(0, this.#state.buffers.normal.ybase - scrollback);
  }

  /** @param settings sequences that set what is no part of the emulator's state: title, colours */
  *parts(settings: string): Iterable<string> {
    const { normal, alt, active } = this.#state.buffers;
    yield BEGIN + settings;
    yield this.#saved(normal, normal.savedY - this.#first);
    if (this.#terminal.buffer.normal.getLine(this.#first)?.isWrapped) yield this.#wrappedFirst();
    yield* new RowWriter(this.#terminal, this.#terminal.buffer.normal, this.#pen).draw(
      this.#first,
      normal.lines.length,
    );
    yield this.#pen.plain() + this.#tabs(normal) + this.#region(normal) + '\x1b[?47h' + this.#saved(alt, alt.savedY);
    if (active === normal) yield '\x1b[?47l';
    else yield* this.#alternate(alt);
    yield this.#modes() + this.#end();
  }

  *#alternate(alt: BufferState): Iterable<string> {
    yield '\x1b[H';
    if (this.#terminal.buffer.alternate.getLine(0)?.isWrapped) yield this.#wrappedFirst();
    yield* new RowWriter(this.#terminal, this.#terminal.buffer.alternate, this.#pen).draw(0, alt.lines.length);
    yield this.#pen.plain() + this.#tabs(alt) + this.#region(alt);
  }

  /**
   * Saves a cursor at a line of the buffer, counted from the first that will be drawn, and leaves the buffer empty. A line
   * below the screen is one that has scrolled since: it is saved there, and what scrolled is erased.
   */
  #saved(buffer: BufferState, line: number): string {
    const { savedX, savedCurAttrData: { fg, bg }, savedCharset } = buffer;
    if (!savedX && line <= 0 && !fg && !bg && !savedCharset) return '';
    const y = Math.min(Math.max(0, line), this.#terminal.rows - 1);
    const scroll = buffer === this.#state.buffers.normal ? Math.max(0, line - y) : 0;
    const at = `\x1b[${y + 1};${savedX + 1}H`;
    const edge = savedX >= this.#terminal.cols ? `x${this.#beyond(savedX)}` : '';
    const save = edge + this.#pen.setSaved(fg, bg) + `\x1b(${charsetLetter(savedCharset)}\x1b7\x1b(B`;
    return at + '\n'.repeat(scroll) + save + this.#pen.plain() + (scroll ? '\x1b[3J' : '') + '\x1b[H\x1b[2J';
  }

  /** Marks the first line as the continuation of one that is gone: writes both and deletes the one before. */
  #wrappedFirst(): string {
    const { cols, rows } = this.#terminal;
    return rows < 2 ? '' : `${'x'.repeat(cols + 1)}\x1b[S\x1b[H\x1b[X`;
  }

  #tabs({ tabs }: BufferState): string {
    const set = Array.from({ length: this.#terminal.cols }, (_, x) => x).filter((x) => tabs[x]);
    const usual = Array.from({ length: this.#terminal.cols }, (_, x) => x).filter((x) => x % TAB_WIDTH === 0);
    if (set.join() === usual.join()) return '';
    return '\x1b[3g' + set.map((x) => `${column(x)}\x1bH`).join('');
  }

  #region({ scrollTop, scrollBottom }: BufferState): string {
    const isWhole = scrollTop === 0 && scrollBottom === this.#terminal.rows - 1;
    return isWhole ? '' : `\x1b[${scrollTop + 1};${scrollBottom + 1}r`;
  }

  #modes(): string {
    const { coreService: { decPrivateModes: modes, modes: { insertMode }, isCursorHidden }, coreMouseService } =
      this.#state;
    const { cursorBlink, convertEol } = this.#terminal.options;
    const codes = [
      ...Object.keys(MODES).filter((name) => modes[name]).map((name) => MODES[name]),
      MOUSE[coreMouseService.activeProtocol],
      MOUSE_ENCODING[coreMouseService.activeEncoding],
      isCursorHidden ? '?25l' : '?25h',
      modes.wraparound ? undefined : '?7l',
      insertMode ? '4h' : undefined,
      cursorBlink ? '?12h' : undefined,
      convertEol ? '20h' : undefined,
      modes.cursorStyle
        ? `${STYLES.indexOf(String(modes.cursorStyle)) * 2 + (modes.cursorBlink ? 1 : 2)} q`
        : undefined,
    ];
    return codes.filter((code) => code !== undefined).map((code) => `\x1b[${code}`).join('');
  }

  /** Cursor, character sets, pen, and the character that a combining one would join. */
  #end(): string {
    const { buffers: { active, normal }, coreService } = this.#state;
    const isOrigin = coreService.decPrivateModes.origin === true;
    const isOutside = isOrigin && (active.y < active.scrollTop || active.y > active.scrollBottom);
    const isAtEdge = active.x >= this.#terminal.cols;
    const top = isOrigin ? active.scrollTop : 0;
    const to = (x: number) => `\x1b[${active.y - top + 1};${x + 1}H`;
    const origin = isOrigin ? '\x1b[?6h' : '';
    const width = lastWidth(this.#state);
    if (width > 0 && !isOutside) return origin + this.#setPen() + this.#reprint(to, width);
    if (active === normal && (isAtEdge || isOutside)) {
      // The cursor of the other screen comes along: there it can be put anywhere.
      const place = `\x1b[?47h\x1b[${active.y + 1};${active.x + 1}H${
        isAtEdge ? `x${this.#beyond(active.x)}` : ''
      }\x1b[?47l`;
      return origin + this.#setPen() + place;
    }
    if (!isAtEdge) return origin + this.#setPen() + to(active.x);
    const last = new RowWriter(this.#terminal, this.#terminal.buffer.alternate, this.#pen).drawLast(active.y);
    return origin + to(active.x) + (last ? last + this.#beyond(active.x) : '') + this.#setPen();
  }

  /** Behind the last column each combining character alone moves the cursor on. NUL keeps them apart. */
  #beyond(x: number): string {
    return '\0\u0301'.repeat(x - this.#terminal.cols);
  }

  /** Prints the last character again, where it is. In insert mode its place is made first. */
  #reprint(to: (x: number) => string, width: number): string {
    const { active, normal } = this.#state.buffers;
    const rows = active === normal ? this.#terminal.buffer.normal : this.#terminal.buffer.alternate;
    const x = active.x - width;
    const chars = new RowWriter(this.#terminal, rows, this.#pen).charsAt(x, active.ybase + active.y, width);
    // Without wrapping, a wide character that does not fit is not drawn, and yet it was the last.
    if (!chars) return to(active.x) + (width === 2 && active.x === this.#terminal.cols - 1 ? WIDE : '');
    const space = this.#state.coreService.modes.insertMode ? `\x1b[${width}P` : '';
    return to(x) + space + chars;
  }

  #setPen(): string {
    const { buffers: { active }, _charsetService: sets, _inputHandler } = this.#state;
    const pen = currentPen(_inputHandler._curAttrData);
    const level = sets.glevel;
    const shift = SHIFTS[level] ?? SHIFTS[0]!;
    const designated = ['(', ')', '*', '+'].map((start, g) => {
      const letter = charsetLetter(sets._charsets[g]);
      return letter === 'B' ? '' : `\x1b${start}${letter}`;
    }).join('') + shift;
    const text = designated + this.#pen.set(PLAIN);
    const isSetTorn = sets.charset !== sets._charsets[level];
    if (!isSetTorn && !isTorn(pen)) return text + this.#pen.set(pen);
    // What is set and what is remembered differ, as ESC 8 leaves them.
    const torn = isTorn(pen)
      ? this.#pen.setTorn(pen, active.savedCurAttrData)
      : `\x1b8${this.#pen.plain()}${this.#pen.set(pen)}`;
    return text + torn + (isSetTorn ? '' : shift);
  }
}
