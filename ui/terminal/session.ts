/** One terminal on this page: xterm.js, its socket, and what the page around it shows. Lives as long as its page. */
import { mendEmulator } from '../../core/api/terminal-faults.ts';
import { FitAddon } from '@xterm/addon-fit';
import { SearchAddon } from '@xterm/addon-search';
import { Unicode11Addon } from '@xterm/addon-unicode11';
import { WebLinksAddon } from '@xterm/addon-web-links';
import { Terminal } from '@xterm/xterm';
import { deviceStorage, keep } from '../device-storage.ts';
import { signal } from '../state/signal.ts';
import { newId } from '../net/api.ts';
import type { RawSocket } from '../net/reconnecting-socket.ts';
import { path } from '../route.ts';
import { followPageColors, pageColors } from './colors.ts';
import { type Key, keySequence, type Modifiers, withModifiers } from './keys.ts';
import { type Size, TerminalConnection } from './connection.ts';
import { OutputBatch } from './output-batch.ts';
import { cleanPaste } from './paste.ts';
import { leaveQueriesToServer } from './queries.ts';
import { useStrictStyles } from './strict-styles.ts';
import { scrollByTouch } from './touch.ts';

export const SCROLLBACK_LINES = 10_000;
const FONT_KEY = 'terminal.fontSize';
export const FONT = { min: 7, max: 28, normal: 13 };
/** Text is kept readable on the page's background. */
const CONTRAST = 4.5;

const encoder = new TextEncoder();

export class TerminalSession {
  readonly terminal: Terminal;
  readonly connection: TerminalConnection;
  readonly exit = signal<{ code: number; signal: number } | null>(null);
  /** The size that all viewers share, and the one that would fit here. */
  readonly size = signal<Size>({ cols: 80, rows: 24 });
  readonly fitting = signal<Size>({ cols: 80, rows: 24 });
  readonly modifiers = signal<Modifiers>({ ctrl: false, alt: false });
  /** Only watches: the size is made by others, the text is scaled to fit. */
  readonly watching = signal(false);
  /** Rang since the page was last looked at. */
  readonly bell = signal(false);
  readonly search = new SearchAddon();
  readonly #fit = new FitAddon();
  readonly #output = new OutputBatch({
    write: (bytes, offset) => this.terminal.write(bytes, () => offset !== null && this.connection.shown(offset)),
    now: () => performance.now(),
    setTimeout: (action, ms) => setTimeout(action, ms),
    clearTimeout: (timer) => clearTimeout(timer),
  });
  readonly #ends: (() => void)[] = [];
  #box: HTMLElement | null = null;
  /** Input was refused: too much waits. */
  onRefused: () => void = () => {};
  onSearch: () => void = () => {};
  /** Control characters of a pasted text were replaced. */
  onCleaned: () => void = () => {};

  /** @param openSocket opens a WebSocket of this origin */
  constructor(id: string, openSocket: (path: string) => RawSocket) {
    this.terminal = new Terminal({
      allowProposedApi: true,
      scrollback: SCROLLBACK_LINES,
      fontFamily: getComputedStyle(document.documentElement).getPropertyValue('--mono'),
      fontSize: fontSize(),
      lineHeight: 1.15,
      cursorBlink: true,
      minimumContrastRatio: CONTRAST,
      macOptionIsMeta: true,
      rightClickSelectsWord: false,
      overviewRuler: { width: 10 }, // and so the scroll bar's
      theme: pageColors(),
    });
    this.connection = new TerminalConnection({
      open: (query) => openSocket(`${path`/api/terminals/${id}/socket`}?${query}`),
      client: newId(),
      onReset: (size) => this.#inOrder('\x1bc', () => this.#setSize(size)),
      onBytes: (bytes, offset) => this.#output.add(bytes, offset),
      onSize: (size) => this.#inOrder('', () => this.#setSize(size)),
      onExit: (code, signal) => this.#inOrder('', () => this.exit.value = { code, signal }),
      now: () => Date.now(),
      random: Math.random,
      setTimeout: (action, ms) => setTimeout(action, ms),
      clearTimeout: (timer) => clearTimeout(timer),
    });
    this.#setUp();
  }

  /** What comes from the server is applied in the order of the output. */
  #inOrder(text: string, action: () => void): void {
    this.#output.flush();
    this.terminal.write(text, action);
  }

  #setUp(): void {
    const { terminal } = this;
    for (const addon of [this.#fit, this.search, new Unicode11Addon(), new WebLinksAddon(openLink)]) {
      terminal.loadAddon(addon);
    }
    terminal.unicode.activeVersion = '11';
    leaveQueriesToServer(terminal);
    mendEmulator(terminal);
    terminal.onData((data) => this.type(data));
    terminal.onBinary((data) => this.#send(Uint8Array.from(data, (character) => character.charCodeAt(0))));
    terminal.onBell(() => this.bell.value = true);
    terminal.attachCustomKeyEventHandler((event) => this.#onKey(event));
  }

  /** Shows it in `box` and connects. */
  mount(box: HTMLElement): void {
    this.#box = box;
    const endStyles = useStrictStyles();
    this.terminal.open(box);
    const observer = new ResizeObserver(() => this.#refit());
    observer.observe(box);
    const seen = () => {
      this.#refit();
      if (!document.hidden) this.connection.wake();
    };
    const online = () => this.connection.wake();
    document.addEventListener('visibilitychange', seen);
    box.addEventListener('paste', this.#onPaste, { capture: true });
    addEventListener('online', online);
    this.#ends.push(
      () => observer.disconnect(),
      () => document.removeEventListener('visibilitychange', seen),
      () => box.removeEventListener('paste', this.#onPaste, { capture: true }),
      () => removeEventListener('online', online),
      followPageColors(() => this.terminal.options.theme = pageColors()),
      scrollByTouch(box),
      endStyles,
    );
    this.fitting.value = this.#proposed();
    this.connection.start(this.fitting.value, this.#isActive());
  }

  dispose(): void {
    this.connection.stop();
    this.#output.stop();
    this.terminal.dispose();
    for (const end of this.#ends) end();
  }

  // --- size ---

  #proposed(): Size {
    const proposed = this.#fit.proposeDimensions();
    return proposed?.cols && proposed.rows ? { cols: proposed.cols, rows: proposed.rows } : this.fitting.value;
  }

  #isActive(): boolean {
    return !document.hidden && !this.watching.value;
  }

  #refit(): void {
    if (!this.#box?.offsetWidth || !this.#box.offsetHeight) return;
    if (this.watching.value) this.#scale();
    else this.fitting.value = this.#proposed();
    this.connection.resize(this.fitting.value, this.#isActive());
  }

  #setSize(size: Size): void {
    this.size.value = size;
    if (size.cols !== this.terminal.cols || size.rows !== this.terminal.rows) {
      this.terminal.resize(size.cols, size.rows);
    }
    if (this.watching.value) this.#scale();
  }

  /** The largest text with which the shared size fits into the box. */
  #scale(): void {
    const here = this.#fit.proposeDimensions();
    if (!here?.cols || !here.rows) return;
    const { cols, rows } = this.size.value;
    const now = this.terminal.options.fontSize ?? FONT.normal;
    const wanted = now * Math.min(here.cols / cols, here.rows / rows);
    this.terminal.options.fontSize = Math.max(FONT.min, Math.min(fontSize(), Math.floor(wanted * 2) / 2));
  }

  watch(on: boolean): void {
    this.watching.value = on;
    if (!on) this.terminal.options.fontSize = fontSize();
    this.#refit();
  }

  changeFont(by: number): void {
    const next = Math.min(FONT.max, Math.max(FONT.min, fontSize() + by));
    keep(FONT_KEY, String(next));
    this.terminal.options.fontSize = next;
    this.#refit();
  }

  // --- input ---

  /** What the keyboard gives, with Ctrl and Alt of the key bar. */
  type(text: string): void {
    this.bell.value = false;
    this.#send(encoder.encode(withModifiers(text, this.modifiers.value)));
    this.#release();
  }

  press(key: Key): void {
    this.#send(encoder.encode(keySequence(key, this.modifiers.value, this.terminal.modes.applicationCursorKeysMode)));
    this.#release();
  }

  /** Every pasted text goes this way. As the program wants it: bracketed, when it has asked for that. */
  paste(text: string): void {
    const clean = cleanPaste(text);
    if (clean !== text) this.onCleaned();
    this.terminal.paste(clean);
  }

  /** What the keyboard, the mouse or the system's menu pastes; xterm.js would put it between the brackets as it is. */
  #onPaste = (event: ClipboardEvent): void => {
    event.preventDefault();
    event.stopPropagation();
    this.paste(event.clipboardData?.getData('text/plain') ?? '');
  };

  #send(bytes: Uint8Array): void {
    if (!this.connection.input(bytes)) this.onRefused();
  }

  #release(): void {
    const { ctrl, alt } = this.modifiers.value;
    if (ctrl || alt) this.modifiers.value = { ctrl: false, alt: false };
  }

  /** Keys of the page in place of the program's. false: xterm.js leaves the key alone. */
  #onKey(event: KeyboardEvent): boolean {
    const isCommand = (event.ctrlKey && event.shiftKey) || (event.metaKey && !event.ctrlKey);
    if (event.type !== 'keydown' || !isCommand) return true;
    const key = event.key.toLowerCase();
    if (key === 'c' && this.terminal.hasSelection()) void navigator.clipboard?.writeText(this.terminal.getSelection());
    else if (key === 'f') this.onSearch();
    else return key !== 'v'; // the browser pastes
    event.preventDefault();
    return false;
  }

  /** All lines, as text. */
  text(): string {
    const { active } = this.terminal.buffer;
    const lines: string[] = [];
    for (let i = 0; i < active.length; i++) {
      const line = active.getLine(i);
      if (!line) continue;
      const text = line.translateToString(!active.getLine(i + 1)?.isWrapped);
      if (line.isWrapped && lines.length) lines[lines.length - 1] += text;
      else lines.push(text);
    }
    return lines.join('\n').trimEnd();
  }
}

function fontSize(): number {
  const retained = Number(deviceStorage.getItem(FONT_KEY));
  return retained >= FONT.min && retained <= FONT.max ? retained : FONT.normal;
}

/** Only addresses of the web, without telling where they were opened. */
function openLink(_event: MouseEvent, address: string): void {
  if (/^https?:\/\//i.test(address)) window.open(address, '_blank', 'noopener,noreferrer');
}
