/** What a character is drawn with, and the sequences that set it: SGR, DECSCA (protection), OSC 8 (hyperlinks). */
import type { Attributes, EmulatorState } from './emulator.ts';

/** Bits of `fg` and `bg`: 24 bits of colour, 2 of how it is given, and flags. */
const COLOR_MODE = 0x3000000;
const COLOR_16 = 0x1000000;
const COLOR_256 = 0x2000000;
const UNDERLINE = 0x10000000;
const HAS_EXTENDED = 0x10000000;
const PROTECTED = 0x20000000;
/** Flags of `fg` and of `bg` with their SGR codes: [bit, on, off]. Underlines are apart: they have styles. */
const FG_FLAGS: readonly (readonly [number, number, number])[] = [
  [0x8000000, 1, 22],
  [0x20000000, 5, 25],
  [0x4000000, 7, 27],
  [0x40000000, 8, 28],
  [0x80000000, 9, 29],
];
const BG_FLAGS: readonly (readonly [number, number, number])[] = [
  [0x8000000, 2, 22],
  [0x4000000, 3, 23],
  [0x40000000, 53, 55],
];

export interface Pen {
  fg: number;
  bg: number;
  /** Underline: style in bits 26 to 28, colour below. */
  ext: number;
  /** The emulator's number of the hyperlink; 0: none. */
  link: number;
}

export const PLAIN: Pen = { fg: 0, bg: 0, ext: 0, link: 0 };

/** The pen that a cell was drawn with. */
export function penOf({ fg, bg, extended }: Attributes): Pen {
  return bg & HAS_EXTENDED ? { fg, bg, ext: extended._ext, link: extended.urlId } : { fg, bg, ext: 0, link: 0 };
}

/** The pen itself, which remembers an underline's style and colour and a link even while they are not shown. */
export function currentPen({ fg, bg, extended }: Attributes): Pen {
  return { fg, bg, ext: extended._ext, link: extended.urlId };
}

export function isSamePen(a: Pen, b: Pen): boolean {
  return a.fg === b.fg && a.bg === b.bg && a.ext === b.ext && a.link === b.link;
}

/** The part of a pen that an erased cell takes: its background. */
export const background = (bg: number): Pen => ({ ...PLAIN, bg: bg & 0x3ffffff });
/** Whether a cell without a character is as erasing leaves it. */
export const isErased = (pen: Pen): boolean => pen.fg === 0 && (pen.bg & ~0x3ffffff) === 0;

const styleOf = (pen: Pen): number => (pen.ext >> 26) & 7;
const hasExtended = ({ bg }: { bg: number }): boolean => (bg & HAS_EXTENDED) !== 0;
const isUnderlined = ({ fg }: { fg: number }): boolean => (fg & UNDERLINE) !== 0;
/** Whether the emulator would show the style or the link, had it just been set. */
const isShown = (pen: Pen): boolean => styleOf(pen) !== 0 || pen.link !== 0;

/** Whether the pen's link or style is remembered and not shown, or the other way round: only ESC 8 leads there. */
export function isTorn(pen: Pen): boolean {
  return hasExtended(pen) !== isShown(pen) || isUnderlined(pen) !== (styleOf(pen) !== 0);
}

/** Whether a torn pen can be had again, from the cursor that ESC 8 restores now. */
export function isRestorable(pen: Pen, saved: { fg: number; bg: number }): boolean {
  const isExtendedRight = hasExtended(pen) === hasExtended(saved) || hasExtended(pen) === isShown(pen);
  return isUnderlined(pen) === isUnderlined(saved) && isExtendedRight;
}

function color(value: number, base: number, extended: number): (number | string)[] {
  switch (value & COLOR_MODE) {
    case 0:
      return [];
    case COLOR_16:
      return base === 0 ? [extended, 5, value & 0xff] : [base + (value & 7) + (value & 8 ? 60 : 0)];
    case COLOR_256:
      return [extended, 5, value & 0xff];
    default:
      return [extended, 2, (value >> 16) & 0xff, (value >> 8) & 0xff, value & 0xff];
  }
}

function underline(pen: Pen): (number | string)[] {
  const style = styleOf(pen);
  const codes: (number | string)[] = [];
  if (style > 1) codes.push(`4:${style}`);
  else if (style === 1 || pen.fg & UNDERLINE) codes.push(4);
  return [...codes, ...color(pen.ext & 0x3ffffff, 0, 58)];
}

/** Sequences that draw with a pen. Links keep their grouping: one without an id of its own is given one by its number. */
export class PenWriter {
  readonly #state: EmulatorState;
  #pen: Pen = PLAIN;

  constructor(state: EmulatorState) {
    this.#state = state;
  }

  /** The sequences from the pen set last to this one; empty when they are the same. */
  set(wanted: Pen): string {
    const before = this.#pen;
    const pen = this.#withoutDeadLink(wanted);
    if (isSamePen(before, pen)) return '';
    this.#pen = pen;
    let text = '';
    if (before.fg !== pen.fg || before.bg !== pen.bg || before.ext !== pen.ext) {
      const flags = [...FG_FLAGS.filter(([bit]) => pen.fg & bit), ...BG_FLAGS.filter(([bit]) => pen.bg & bit)];
      const codes = [
        ...flags.map(([, on]) => on),
        ...color(pen.fg, 30, 38),
        ...color(pen.bg, 40, 48),
        ...underline(pen),
      ];
      text = `\x1b[${[codes.length ? '0' : '', ...codes].join(';')}m`;
      // SGR 0 ends protection, too.
      if (pen.bg & PROTECTED) text += '\x1b[1"q';
    }
    return before.link === pen.link ? text : text + this.#link(pen.link);
  }

  /** The emulator forgets a link's address with the line that it began on; the underline of its cells stays. */
  #withoutDeadLink(pen: Pen): Pen {
    if (!pen.link || this.#state._oscLinkService.getLinkData(pen.link)) return pen;
    return { ...pen, ext: (pen.ext & ~(7 << 26)) | (5 << 26), link: 0 };
  }

  #link(number: number): string {
    const data = number ? this.#state._oscLinkService.getLinkData(number) : undefined;
    return data ? `\x1b]8;id=${data.id ?? `repaint-${number}`};${data.uri}\x1b\\` : '\x1b]8;;\x1b\\';
  }

  /**
   * The pen as ESC 7 saves it: colours and flags without the underline's style and the link themselves. The pen is PLAIN
   * after `plain()` only.
   */
  setSaved(fg: number, bg: number): string {
    const needsLink = bg & HAS_EXTENDED && !(fg & UNDERLINE);
    const text = this.set({ fg, bg, ext: 0, link: 0 });
    return needsLink ? `${text}\x1b]8;;about:blank\x1b\\` : text;
  }

  /** Ends whatever is set. */
  plain(): string {
    this.#pen = PLAIN;
    return '\x1b]8;;\x1b\\\x1b[m';
  }

  /**
   * A torn pen: it is set as a whole, ESC 8 then tears it (and moves the cursor), and colours and flags follow, those without
   * an effect on the underline. It is the last that is written.
   */
  setTorn(pen: Pen, saved: { fg: number; bg: number }): string {
    const off = [
      ...FG_FLAGS.filter(([bit]) => saved.fg & ~pen.fg & bit),
      ...BG_FLAGS.filter(([bit]) => saved.bg & ~pen.bg & bit),
    ];
    const on = [...FG_FLAGS.filter(([bit]) => pen.fg & bit), ...BG_FLAGS.filter(([bit]) => pen.bg & bit)];
    const codes = [...off.map(([, , code]) => code), 39, 49, ...on.map(([, code]) => code)];
    const colors = [...color(pen.fg, 30, 38), ...color(pen.bg, 40, 48)];
    // Setting the link, even the same, makes the emulator show what it remembers.
    const shown = hasExtended(pen) === hasExtended(saved) ? '' : this.#link(pen.link);
    const text = `${this.set(pen)}\x1b8${shown}\x1b[${[...codes, ...colors].join(';')}m`;
    return text + (pen.bg & PROTECTED ? '\x1b[1"q' : '\x1b[0"q');
  }
}
