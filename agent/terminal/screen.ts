/**
 * What a terminal shows now, held by the same emulator that draws it in the browser, so that a new viewer receives the screen
 * and not the whole history. It also answers the queries of programs (device attributes, cursor position): once, without a
 * round trip, whoever watches.
 */
import { Buffer } from 'node:buffer';
import {
  createEmulator,
  type Emulator,
  isGround,
  isInSequence,
  SCREEN_SCROLLBACK,
  SetColors,
  stateOf,
} from './emulator.ts';
import { RepaintWriter } from './repaint.ts';

/** Largest repaint, bytes; when colours make it larger, a viewer receives fewer lines of the scrollback. */
export const MAX_REPAINT = 1024 * 1024;

export interface Repaint {
  /** Bytes of output that the screen shows. */
  offset: number;
  bytes: Buffer;
}

/** Bytes of an unfinished sequence that are kept. One that is longer, a picture or a clipboard, loses its end in a repaint. */
const MAX_PENDING = 256 * 1024;
const ESC = 0x1b;

/** Number of bytes at the end that begin a UTF-8 character and do not complete it (RFC 3629 section 3). */
export function unfinishedBytes(tail: Uint8Array): number {
  for (let back = 1; back <= Math.min(3, tail.length); back++) {
    const byte = tail[tail.length - back]!;
    if (byte >= 0xc0) return back < (byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2) ? back : 0;
    if (byte < 0x80) return 0;
  }
  return 0;
}

export class Screen {
  readonly #terminal: Emulator;
  readonly #colors: SetColors;
  #fed = 0;
  #parsed = 0;
  /** The sequence or the character that has begun and not ended, as it will be written again. */
  #pending: Buffer = Buffer.alloc(0);
  #title = '';

  /** @param onReply called with the bytes that the terminal answers to the program */
  constructor(cols: number, rows: number, onReply: (reply: Buffer) => void) {
    this.#terminal = createEmulator(cols, rows);
    this.#colors = new SetColors(stateOf(this.#terminal));
    this.#terminal.onData((data) => onReply(Buffer.from(data)));
    this.#terminal.onBinary((data) => onReply(Buffer.from(data, 'latin1')));
    this.#terminal.onTitleChange((title) => this.#title = title);
  }

  /** The emulator itself: tests compare its state. */
  get emulator(): Emulator {
    return this.#terminal;
  }

  /** Bytes written and not parsed yet: stop writing when they grow. */
  get backlog(): number {
    return this.#fed - this.#parsed;
  }

  /** @param onParsed called when these bytes are on the screen; they must not change until then */
  write(bytes: Buffer, onParsed: () => void = () => {}): void {
    this.#fed += bytes.length;
    this.#terminal.write(bytes, () => {
      this.#parsed += bytes.length;
      this.#pending = this.#pendingAfter(bytes);
      onParsed();
    });
  }

  #pendingAfter(bytes: Buffer): Buffer {
    const before = this.#pending.subarray(0, MAX_PENDING);
    if (isGround(stateOf(this.#terminal))) {
      const tail = Buffer.concat([before.subarray(-3), bytes.subarray(-3)]);
      return Buffer.from(tail.subarray(tail.length - unfinishedBytes(tail)));
    }
    const escape = bytes.lastIndexOf(ESC);
    const from = bytes.subarray(Math.max(escape, 0)).subarray(0, MAX_PENDING);
    return escape >= 0 ? Buffer.from(from) : Buffer.concat([before, from]);
  }

  resize(cols: number, rows: number): void {
    this.#terminal.resize(cols, rows);
  }

  /**
   * Bytes that draw the screen, as of everything written so far, on a terminal of the same size, whatever it shows. A sequence
   * or a character that has only begun is at their end: the output from `offset` on completes it.
   */
  repaint(): Promise<Repaint> {
    return new Promise((resolve) => this.#terminal.write('', () => resolve(this.#draw())));
  }

  #draw(): Repaint {
    const end = this.#unfinished();
    for (let lines = SCREEN_SCROLLBACK;; lines = Math.floor(lines / 4)) {
      const parts = new RepaintWriter(this.#terminal, lines).parts(this.settings);
      const bytes = Buffer.concat([Buffer.from([...parts].join('')), end]);
      if (bytes.length <= MAX_REPAINT || lines === 0) return { offset: this.#parsed, bytes };
    }
  }

  /** The sequences that set the title and the colours again. */
  get settings(): string {
    const title = this.#title ? `\x1b]2;${this.#title.replace(/[\x00-\x1f\x7f-\x9f]/g, '')}\x07` : '';
    return title + this.#colors.sequences;
  }

  /** Control characters within ESC and CSI have had their effect already. */
  #unfinished(): Buffer {
    const state = stateOf(this.#terminal);
    if (isGround(state) || !isInSequence(state)) return this.#pending;
    return Buffer.from(this.#pending.filter((byte) => byte === ESC || byte >= 0x20));
  }

  dispose(): void {
    this.#terminal.dispose();
  }
}
