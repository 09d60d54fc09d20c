/** Output of programs, drawn by a seed, and the state of an emulator as a value that can be compared. */
import { Buffer } from 'node:buffer';
import { type Attributes, type BufferState, charsetLetter, stateOf } from '../../../agent/terminal/emulator.ts';
import { currentPen, isRestorable, isTorn } from '../../../agent/terminal/pen.ts';
import type { Screen } from '../../../agent/terminal/screen.ts';

type Random = () => number;

const CHARS = [
  'a',
  'Q',
  'x',
  'j',
  '~',
  '#',
  ' ',
  'é',
  '中',
  '😀',
  'e\u0301',
  '\u0301',
  '─',
  '`',
  '[',
  '"',
  'ab',
  'hello world',
];
const LETTERS = 'AB0452CRQKYEZH7=6';

const pick = <T>(random: Random, list: ArrayLike<T>): T => list[Math.floor(random() * list.length)]!;
const below = (random: Random, n: number): number => Math.floor(random() * n);

function sgr(random: Random): string {
  const codes: string[] = [];
  for (let i = 1 + below(random, 3); i > 0; i--) {
    const n = below(random, 256);
    codes.push(pick(random, [
      '0',
      '',
      '1',
      '2',
      '3',
      '4',
      '5',
      '7',
      '8',
      '9',
      '21',
      '22',
      '23',
      '24',
      '25',
      '27',
      '28',
      '29',
      '53',
      '55',
      '59',
      '39',
      '49',
      `4:${n % 6}`,
      `${30 + n % 8}`,
      `${40 + n % 8}`,
      `${90 + n % 8}`,
      `${100 + n % 8}`,
      `38;5;${n}`,
      `48;5;${n}`,
      `58;5;${n}`,
      `38;2;1;2;${n}`,
      `48;2;${n};2;3`,
      `58;2;1;${n};3`,
      `58:2::9:8:${n}`,
    ]));
  }
  return `\x1b[${codes.join(';')}m`;
}

function csi(random: Random, cols: number, rows: number): string {
  const n = 1 + below(random, cols);
  const y = 1 + below(random, rows);
  return `\x1b[` + pick(random, [
    `${y}A`,
    `${y}B`,
    `${n}C`,
    `${n}D`,
    `${y}E`,
    `${y}F`,
    `${n}G`,
    `${y};${n}H`,
    `${y}d`,
    `${cols}G`,
    `${n}a`,
    `${n}I`,
    `${n}Z`,
    'J',
    '1J',
    '2J',
    '3J',
    'K',
    '1K',
    '2K',
    '?J',
    '?2J',
    '?K',
    `${y}L`,
    `${y}M`,
    `${n}P`,
    `${n}@`,
    `${n}X`,
    `${y}S`,
    `${y}T`,
    `${n % 4}b`,
    's',
    'u',
    'g',
    '3g',
    `${y};${rows}r`,
    `1;${y}r`,
    `2;${Math.max(3, y)}r`,
    'r',
    '1"q',
    '0"q',
    '2"q',
    '!p',
    `${n % 7} q`,
    '4h',
    '4l',
    '20h',
    '20l',
    `${n % 3} @`,
    `${n % 3} A`,
    `${n % 3}'}`,
    `${n % 3}'~`,
    '3\n1m',
    '?2026$p',
  ]);
}

function mode(random: Random): string {
  const name = pick(random, [
    1,
    6,
    7,
    12,
    25,
    45,
    66,
    9,
    1000,
    1002,
    1003,
    1004,
    1006,
    1016,
    2004,
    2026,
    47,
    1047,
    1048,
    1049,
    1049,
  ]);
  return `\x1b[?${name}${random() < 0.5 ? 'h' : 'l'}`;
}

function other(random: Random): string {
  return pick(random, [
    '\x1b7',
    '\x1b8',
    '\x1bD',
    '\x1bE',
    '\x1bH',
    '\x1bM',
    '\x1b=',
    '\x1b>',
    '\x1bn',
    '\x1bo',
    '\x1b~',
    '\x1b%G',
    '\x1b#8',
    `\x1b(${pick(random, LETTERS)}`,
    `\x1b)${pick(random, LETTERS)}`,
    `\x1b*${pick(random, LETTERS)}`,
    `\x1b(0`,
    '\x0e',
    '\x0f',
    '\x1b]8;;https://example.org/a\x1b\\',
    '\x1b]8;id=one;https://example.org/b\x07',
    '\x1b]8;;\x1b\\',
    '\x1b]8;;\x1b\\',
    '\x1b]0;a title\x07',
    '\x1b]2;än 中\x1b\\',
    '\x1b]4;3;#102030\x07',
    '\x1b]10;#abcdef\x07',
    '\x1b]104;3\x07',
    '\x1b]110\x07',
    '\x1b]52;c;aGk=\x07',
    '\x1bP$qm\x1b\\',
    '\x1bPq#0\x1b\\',
    '\x1b_ignored\x1b\\',
    '\x1b[12\x18',
    '\x1b]0;cut\x1a',
    '\u009d',
    '\u0085',
  ]);
}

/** Some hundred bytes of text and sequences for a terminal of this size. */
export function drawOutput(random: Random, cols: number, rows: number): Buffer {
  let text = '';
  for (let i = 10 + below(random, 40); i > 0; i--) {
    const kind = random();
    if (kind < 0.3) { for (let n = 1 + below(random, 8); n > 0; n--) text += pick(random, CHARS); }
    else if (kind < 0.4) text += pick(random, ['\r\n', '\r\n\r\n\r\n', '\n', '\r', '\b', '\t', '\x0b', '\0', '\x07']);
    else if (kind < 0.45) text += pick(random, CHARS).repeat(cols + below(random, 3));
    else if (kind < 0.6) text += sgr(random);
    else if (kind < 0.8) text += csi(random, cols, rows);
    else if (kind < 0.87) text += mode(random);
    else if (kind < 0.88) text += '\x1bc';
    else text += other(random);
  }
  return Buffer.from(text);
}

/** A colour without the bits that one given before has left. */
function color(value: number): string {
  const kind = value & 0x3000000;
  return `${kind >>> 24}.${kind === 0 ? 0 : kind === 0x3000000 ? value & 0xffffff : value & 0xff}`;
}

/** The looks of a cell or of the pen; links by their address and by the order in which they first appear. */
class Looks {
  readonly #state;
  readonly #order = new Map<number, number>();
  /** Uses of links whose address the emulator has forgotten. */
  dead = 0;

  constructor(screen: Screen) {
    this.#state = stateOf(screen.emulator);
  }

  of({ fg, bg, extended }: Attributes, isPen = false): string {
    const has = isPen || bg & 0x10000000;
    const link = has ? this.#link(extended.urlId) : '';
    const style = has ? (extended.urlId && !isPen ? 5 : (extended._ext >> 26) & 7) : 0;
    const underline = style || (fg & 0x10000000 ? 1 : 0);
    const line = has && (underline || isPen) ? color(extended._ext & 0x3ffffff) : color(0);
    const flags = `${(fg & ~0x13ffffff) >>> 0}/${(bg & ~0x13ffffff) >>> 0}`;
    return `${color(fg)} ${color(bg)} ${flags} u${underline}:${underline || isPen ? line : ''} ${link}`;
  }

  #link(id: number): string {
    const data = id ? this.#state._oscLinkService.getLinkData(id) : undefined;
    if (id && !data) this.dead++;
    if (!data) return '';
    if (!this.#order.has(id)) this.#order.set(id, this.#order.size);
    return `${data.uri}#${this.#order.get(id)}`;
  }
}

/** A cell as text; one that lost its half of a wide character looks like a space. */
function lines(screen: Screen, kind: 'normal' | 'alternate', looks: Looks): string[] {
  const buffer = screen.emulator.buffer[kind];
  const result: string[] = [];
  for (let y = 0; y < buffer.length; y++) {
    const line = buffer.getLine(y)!;
    const cells: string[] = [];
    for (let x = 0; x < line.length; x++) {
      const cell = line.getCell(x)!;
      const look = looks.of(cell as unknown as Attributes);
      const isPlain = /^0\.0 \S+ 0\/0 u0: $/.test(look);
      cells.push(
        `${cell.getChars() || (cell.getWidth() === 1 && !isPlain ? ' ' : '')}|${cell.getWidth()}|${
          cell.getWidth() ? look : ''
        }`,
      );
    }
    result.push(`${line.isWrapped ? '>' : ' '}${cells.join(' ')}`);
  }
  return result;
}

function saved(buffer: BufferState): unknown {
  const { fg, bg } = buffer.savedCurAttrData;
  const line = buffer.savedY - buffer.ybase;
  const flags = [(fg & ~0x3ffffff) >>> 0, (bg & ~0x3ffffff) >>> 0];
  return [buffer.savedX, Math.max(line, 0), color(fg), color(bg), flags, charsetLetter(buffer.savedCharset)];
}

const geometry = ({ scrollTop, scrollBottom, tabs }: BufferState, cols: number) => [
  scrollTop,
  scrollBottom,
  Array.from({ length: cols }, (_, x) => x).filter((x) => tabs[x]),
];

/** Everything that an emulator shows and that decides what further output does, by name. */
export function stateValue(screen: Screen): Record<string, unknown> {
  const state = stateOf(screen.emulator);
  const { buffers: { normal, alt, active }, coreService, coreMouseService, _charsetService: sets, _inputHandler } =
    state;
  const looks = new Looks(screen);
  const { cols, options } = screen.emulator;
  const { synchronizedOutput: _, ...modes } = coreService.decPrivateModes;
  return {
    normal: lines(screen, 'normal', looks),
    alternate: active === alt ? lines(screen, 'alternate', looks) : [],
    isAlternate: active === alt,
    cursor: [active.x, active.y],
    base: normal.ybase,
    savedNormal: saved(normal),
    savedAlternate: saved(alt),
    geometry: [geometry(normal, cols), active === alt ? geometry(alt, cols) : []],
    charsets: [charsetLetter(sets.charset), sets.glevel, [0, 1, 2, 3].map((g) => charsetLetter(sets._charsets[g]))],
    pen: looks.of(_inputHandler._curAttrData, true),
    modes: [
      modes,
      coreService.modes,
      coreService.isCursorHidden,
      coreMouseService.activeEncoding,
      coreMouseService.activeProtocol,
    ],
    options: [options.convertEol, options.cursorBlink],
    synchronized: coreService.decPrivateModes.synchronizedOutput,
    settings: screen.settings,
    parser: _inputHandler._parser.currentState,
    deadLinks: looks.dead,
  };
}

/** The states that agent/terminal/repaint.ts lists as out of reach. */
export function cannotBeDrawn(screen: Screen): boolean {
  const { buffers: { active, alt }, _inputHandler, _oscLinkService, _charsetService: sets } = stateOf(screen.emulator);
  const pen = currentPen(_inputHandler._curAttrData);
  const isLinkDead = pen.link !== 0 && !_oscLinkService.getLinkData(pen.link);
  const isSetLost = sets.charset !== sets._charsets[sets.glevel] && sets.charset !== active.savedCharset;
  const isPenLost = isTorn(pen) && !isRestorable(pen, active.savedCurAttrData);
  return isLinkDead || isSetLost || isPenLost || (active === alt && waitsBehindNothing(screen)) || hasOrphan(screen);
}

function waitsBehindNothing(screen: Screen): boolean {
  const { active } = stateOf(screen.emulator).buffers;
  const { cols, buffer } = screen.emulator;
  const last = buffer.alternate.getLine(active.y)?.getCell(cols - 1);
  return active.x >= cols && last?.getWidth() === 1 && !last.getChars();
}

function hasOrphan({ emulator }: Screen): boolean {
  for (const buffer of [emulator.buffer.normal, emulator.buffer.alternate]) {
    for (let y = 0; y < buffer.length; y++) {
      for (let x = 0; x < emulator.cols; x++) {
        const [left, cell] = [buffer.getLine(y)!.getCell(x - 1), buffer.getLine(y)!.getCell(x)!];
        const isHalf = cell.getWidth() === 0 && !cell.getChars();
        if (isHalf !== (left?.getWidth() === 2)) return true;
      }
    }
  }
  return false;
}
