/**
 * What a terminal shows now, kept by the same emulator that draws it in the browser, so that a new viewer is sent the
 * screen and not the whole history. It also answers what programs ask a terminal (who are you, where is the cursor): always
 * there, once, and without a round trip, whoever watches.
 */
import { Buffer } from 'node:buffer';
import * as headless from '@xterm/headless';
import * as serialize from '@xterm/addon-serialize';
import * as unicode from '@xterm/addon-unicode11';

/** These packages are CommonJS: some loaders give their names, some a default that has them. */
const named = <T extends object>(module: T): T => (module as { default?: T }).default ?? module;
const { Terminal } = named(headless);
const { SerializeAddon } = named(serialize);
const { Unicode11Addon } = named(unicode);

/** Lines above the screen that a new viewer gets. */
export const SCREEN_SCROLLBACK = 5000;
/** Largest repaint, bytes; with more colour than fits, a viewer gets fewer lines of the scrollback. */
export const REPAINT_LIMIT = 1024 * 1024;

export interface Repaint {
  /** Bytes of output that the screen shows. */
  offset: number;
  bytes: Buffer;
}

/** The part of the emulator's inside that has no public name. Checked by test/agent/terminal/screen.test.ts. */
interface Inside {
  _core: {
    buffer: { scrollTop: number; scrollBottom: number; x: number; y: number };
    coreService: {
      isCursorHidden: boolean;
      decPrivateModes: { cursorStyle?: string; cursorBlink?: boolean };
    };
    coreMouseService: { activeEncoding: string };
    _inputHandler: { _parser: { currentState: number } };
  };
}

/** How the serializer goes on to the alternate screen. */
const ALTERNATE = '\x1b[?1049h\x1b[H';
/** State of the emulator's parser between sequences. */
const GROUND = 0;

/** Bytes at the end that begin a UTF-8 character and do not complete it (RFC 3629 section 3). */
export function unfinishedBytes(tail: Uint8Array): number {
  for (let back = 1; back <= Math.min(3, tail.length); back++) {
    const byte = tail[tail.length - back]!;
    if (byte >= 0xc0) return back < (byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2) ? back : 0;
    if (byte < 0x80) return 0;
  }
  return 0;
}

export class Screen {
  readonly #terminal: InstanceType<typeof Terminal>;
  readonly #serializer = new SerializeAddon();
  #fed = 0;
  #parsed = 0;
  /** Offset of the last ESC, and the last bytes: where an unfinished sequence or character may begin. */
  #lastEscape = 0;
  #tail: Buffer = Buffer.alloc(0);
  #title = '';

  /** @param onReply bytes that the terminal answers to the program */
  constructor(cols: number, rows: number, onReply: (reply: Buffer) => void) {
    this.#terminal = new Terminal({ cols, rows, scrollback: SCREEN_SCROLLBACK, allowProposedApi: true });
    this.#terminal.loadAddon(this.#serializer);
    this.#terminal.loadAddon(new Unicode11Addon());
    this.#terminal.unicode.activeVersion = '11';
    this.#terminal.onData((data) => onReply(Buffer.from(data)));
    this.#terminal.onBinary((data) => onReply(Buffer.from(data, 'latin1')));
    this.#terminal.onTitleChange((title) => this.#title = title);
  }

  /** Bytes fed and not yet on the screen: stop feeding when they grow. */
  get backlog(): number {
    return this.#fed - this.#parsed;
  }

  /** @param onParsed called when these bytes are on the screen. The bytes are kept until then. */
  write(bytes: Buffer, onParsed: () => void = () => {}): void {
    this.#fed += bytes.length;
    this.#terminal.write(bytes, () => {
      const escape = bytes.lastIndexOf(0x1b);
      if (escape >= 0) this.#lastEscape = this.#parsed + escape;
      this.#tail = bytes.length < 3 ? Buffer.concat([this.#tail, bytes]).subarray(-3) : bytes.subarray(-3);
      this.#parsed += bytes.length;
      onParsed();
    });
  }

  resize(cols: number, rows: number): void {
    this.#terminal.resize(cols, rows);
  }

  /**
   * Draws the screen as of everything written so far on a terminal of the same size that was reset. A sequence or a
   * character that has only begun is not drawn: `offset` is where it begins, so that its bytes come again as a whole.
   */
  repaint(): Promise<Repaint> {
    return new Promise((resolve) => this.#terminal.write('', () => resolve(this.#draw())));
  }

  #draw(): Repaint {
    for (let lines = SCREEN_SCROLLBACK;; lines = Math.floor(lines / 4)) {
      // The serializer draws the alternate screen as if no attribute were set, but ends the normal one with those that are.
      const text = this.#serializer.serialize({ scrollback: lines }).replace(ALTERNATE, `\x1b[m${ALTERNATE}`);
      const bytes = Buffer.from(text + this.#rest());
      if (bytes.length <= REPAINT_LIMIT || lines === 0) return { offset: this.#wholeUntil(), bytes };
    }
  }

  #wholeUntil(): number {
    if (this.#inside._inputHandler._parser.currentState !== GROUND) return this.#lastEscape;
    return this.#parsed - unfinishedBytes(this.#tail);
  }

  get #inside(): Inside['_core'] {
    return (this.#terminal as unknown as Inside)._core;
  }

  /** What the serializer leaves out: title, scroll region, mouse encoding, the look of the cursor. */
  #rest(): string {
    const { buffer, coreService, coreMouseService } = this.#inside;
    const { cursorStyle, cursorBlink } = coreService.decPrivateModes;
    let text = this.#title ? `\x1b]2;${this.#title.replace(/[\x00-\x1f\x7f-\x9f]/g, '')}\x07` : '';
    if (buffer.scrollTop > 0 || buffer.scrollBottom < this.#terminal.rows - 1) {
      // Setting the region moves the cursor to its home; in origin mode rows count from the region's top.
      const top = this.#terminal.modes.originMode ? buffer.scrollTop : 0;
      text += `\x1b[${buffer.scrollTop + 1};${buffer.scrollBottom + 1}r\x1b[${buffer.y - top + 1};${buffer.x + 1}H`;
    }
    if (coreMouseService.activeEncoding === 'SGR') text += '\x1b[?1006h';
    if (coreMouseService.activeEncoding === 'SGR_PIXELS') text += '\x1b[?1016h';
    if (cursorStyle) text += `\x1b[${STYLES.indexOf(cursorStyle) * 2 + (cursorBlink ? 1 : 2)} q`;
    if (coreService.isCursorHidden) text += '\x1b[?25l';
    return text;
  }

  dispose(): void {
    this.#terminal.dispose();
  }
}

/** DECSCUSR: 1-2 block, 3-4 underline, 5-6 bar; odd ones blink. */
const STYLES = ['block', 'underline', 'bar'];
