/**
 * The parts of the emulator's state that it has no public name for and that a repaint has to carry over. Everything that knows
 * its internals is in this file; test/agent/terminal/screen.test.ts fails when a new version has moved them.
 */
import * as headless from '@xterm/headless';
import * as unicode from '@xterm/addon-unicode11';
import { mendEmulator } from '../../core/api/terminal-faults.ts';

/** These packages are CommonJS: some loaders export their names, others only a default that has them. */
const named = <T extends object>(module: T): T => (module as { default?: T }).default ?? module;
const { Terminal } = named(headless);
const { Unicode11Addon } = named(unicode);

/** Lines above the screen that are held, and that a new viewer receives. */
export const SCREEN_SCROLLBACK = 5000;

export type Emulator = InstanceType<typeof Terminal>;

/** A set of replacements for ASCII characters; undefined is ASCII itself. */
type Charset = Record<string, string> | undefined;

/** Colours, flags and extended attributes as the emulator packs them; see pen.ts for the bits. */
export interface Attributes {
  fg: number;
  bg: number;
  extended: { _ext: number; urlId: number };
}

export interface Cell extends Attributes {
  getChars(): string;
  getWidth(): number;
}

export interface BufferState {
  lines: { length: number };
  x: number;
  y: number;
  ybase: number;
  scrollTop: number;
  scrollBottom: number;
  tabs: Record<number, boolean | undefined>;
  savedX: number;
  savedY: number;
  savedCurAttrData: { fg: number; bg: number };
  savedCharset: Charset;
}

/** One change of a colour: 1 sets it, 2 sets it back; without an index, all of the palette. */
interface ColorEvent {
  type: number;
  index?: number;
  color?: [number, number, number];
}

export interface EmulatorState {
  buffers: { active: BufferState; normal: BufferState; alt: BufferState };
  coreService: {
    isCursorHidden: boolean;
    modes: { insertMode: boolean };
    decPrivateModes: Record<string, boolean | string | undefined>;
  };
  coreMouseService: { activeEncoding: string; activeProtocol: string };
  _charsetService: { charset: Charset; glevel: number; _charsets: Charset[] };
  _oscLinkService: { getLinkData(id: number): { id?: string; uri: string } | undefined };
  _inputHandler: {
    _curAttrData: Attributes;
    _parser: { currentState: number; precedingJoinState: number };
    onColor(listener: (events: ColorEvent[]) => void): void;
    parse(text: string): void;
  };
}

/** An emulator of this size, with the widths of characters that the dashboard's uses. */
export function createEmulator(cols: number, rows: number): Emulator {
  const terminal = new Terminal({ cols, rows, scrollback: SCREEN_SCROLLBACK, allowProposedApi: true });
  terminal.loadAddon(new Unicode11Addon());
  terminal.unicode.activeVersion = '11';
  mendEmulator(terminal);
  return terminal;
}

export const stateOf = (terminal: Emulator): EmulatorState => (terminal as unknown as { _core: EmulatorState })._core;

/** Whether the parser is between sequences. */
export const isGround = (state: EmulatorState): boolean => state._inputHandler._parser.currentState === 0;
/** Whether it is within ESC or CSI, where control characters are carried out at once; in strings they are not. */
export const isInSequence = (state: EmulatorState): boolean => state._inputHandler._parser.currentState <= 6;
/** The width of the character that was printed last, when nothing but characters came since; else 0 or less. */
export function lastWidth(state: EmulatorState): number {
  const join = state._inputHandler._parser.precedingJoinState;
  return join === 0 ? -1 : (join >> 1) & 3;
}

/** The final characters that designate a set (ISO 2022). */
const DESIGNATIONS = '0A4C5RQKYE6ZH7=';
let letters: Map<Charset, string> | null = null;

/** The letter that designates a set, as in ESC ( letter. */
export function charsetLetter(charset: Charset): string {
  letters ??= learnLetters();
  return letters.get(charset) ?? 'B';
}

/** The sets themselves are not exported: an emulator that selects each shows which object belongs to which letter. */
function learnLetters(): Map<Charset, string> {
  const terminal = createEmulator(2, 1);
  const state = stateOf(terminal);
  const found = new Map<Charset, string>([[undefined, 'B']]);
  for (const letter of DESIGNATIONS) {
    state._inputHandler.parse(`\x1b(${letter}`);
    const charset = state._charsetService._charsets[0];
    if (charset && !found.has(charset)) found.set(charset, letter);
  }
  terminal.dispose();
  return found;
}

/** Colours that the program has set: palette by index, 256 foreground, 257 background, 258 cursor; at most 259. */
export class SetColors {
  readonly #colors = new Map<number, string>();

  constructor(state: EmulatorState) {
    state._inputHandler.onColor((events) => events.forEach((event) => this.#note(event)));
  }

  #note({ type, index, color }: ColorEvent): void {
    if (type === 1 && color) {
      this.#colors.set(index!, `rgb:${color.map((part) => part.toString(16).padStart(2, '0')).join('/')}`);
    } else if (type === 2 && index === undefined) {
      for (const of of [...this.#colors.keys()]) if (of < 256) this.#colors.delete(of);
    } else if (type === 2) this.#colors.delete(index!);
  }

  /** The sequences that set them again. */
  get sequences(): string {
    const set = [...this.#colors].sort(([a], [b]) => a - b);
    return set.map(([index, color]) => index < 256 ? osc(`4;${index};${color}`) : osc(`${index - 246};${color}`)).join(
      '',
    );
  }
}

const osc = (text: string): string => `\x1b]${text}\x1b\\`;
