/** This terminal as the screen and keyboard of another one: raw bytes both ways; as before when it ends, however that is. */
import { spawnSync } from 'node:child_process';
import { clampSize } from '../../core/api/terminals.ts';
import type { CommandContext } from '../command.ts';
import type { Api } from './api.ts';
import { DetachFilter, type DetachKey } from './detach-keys.ts';
import { ScreenModes } from './screen-modes.ts';
import { type Screen, type Size, type TerminalExit, TerminalSession } from './terminal-session.ts';

/** The rest of a key's escape sequence comes at once, ms; Escape alone is sent on after this. */
const KEY_MS = 50;
/** Whoever types into a connection that is broken for longer hears a bell, ms. */
const BELL_AFTER_MS = 2_000;

type Streams = Pick<CommandContext, 'stdin' | 'stdout'>;

/** @returns how the program ended; null: the person left it. Rejects when it cannot go on */
export async function showTerminal(
  { stdin, stdout }: Streams,
  api: Api,
  terminal: string,
  keys: readonly DetachKey[],
): Promise<TerminalExit | null> {
  const screen = new TtyScreen(stdout);
  const session = new TerminalSession(api, terminal, screen, sizeOf(stdout));
  const keyboard = new Keyboard(new DetachFilter(keys), {
    input: (bytes) => {
      if (!session.input(bytes) || screen.isAwayLong) screen.bell();
    },
    detach: () => session.detach(),
  });
  const onResize = () => session.resize(sizeOf(stdout));
  const onGone = () => session.detach();
  const wasRaw = stdin.isRaw;
  stdin.setRawMode(true);
  stopOutputProcessing();
  stdin.on('data', keyboard.push).on('end', onGone).on('error', onGone).resume();
  stdout.on('resize', onResize).on('error', onGone);
  try {
    return await session.run();
  } finally {
    stdout.off('resize', onResize);
    stdin.off('data', keyboard.push).off('end', onGone).off('error', onGone).pause();
    keyboard.close();
    await screen.restore();
    stdin.setRawMode(wasRaw);
    stdout.off('error', onGone);
  }
}

/**
 * Node's raw mode still makes CR LF of every LF on its way to the screen, and a program moves the cursor down by a bare LF.
 * Leaving raw mode brings the former setting back. Without stty (Windows has its own terminals) it stays as Node has it.
 */
function stopOutputProcessing(): void {
  spawnSync('stty', ['-opost'], { stdio: ['inherit', 'ignore', 'ignore'] });
}

const sizeOf = ({ columns, rows }: NodeJS.WriteStream): Size => clampSize(columns, rows);

class TtyScreen implements Screen {
  readonly #stdout: NodeJS.WriteStream;
  readonly #modes = new ScreenModes();
  #isBegun = false;
  #awaySince: number | null = null;

  constructor(stdout: NodeJS.WriteStream) {
    this.#stdout = stdout;
  }

  reset(): void {
    // What was on the screen before goes to the scrollback of the terminal.
    const space = this.#isBegun ? '' : '\n'.repeat(this.#stdout.rows || 24);
    this.#isBegun = true;
    this.#stdout.write(`${space}${this.#modes.restore()}\x1b[H\x1b[2J`);
  }

  write(bytes: Uint8Array, shown: () => void): void {
    this.#modes.push(bytes);
    this.#stdout.write(bytes, () => shown());
  }

  setAway(isAway: boolean): void {
    if (!isAway) this.#awaySince = null;
    else this.#awaySince ??= Date.now();
  }

  get isAwayLong(): boolean {
    return this.#awaySince !== null && Date.now() - this.#awaySince > BELL_AFTER_MS;
  }

  bell(): void {
    if (this.#modes.isAtRest) this.#stdout.write('\x07');
  }

  /** Resolves when the terminal is as it was. */
  restore(): Promise<void> {
    const text = this.#isBegun ? `${this.#modes.restore()}\r\n` : '';
    return new Promise((resolve) => {
      if (!this.#stdout.writable) return resolve();
      this.#stdout.write(text, () => resolve());
    });
  }
}

interface KeyboardOwner {
  input(bytes: Uint8Array): void;
  detach(): void;
}

class Keyboard {
  readonly #filter: DetachFilter;
  readonly #owner: KeyboardOwner;
  #timer: ReturnType<typeof setTimeout> | null = null;

  constructor(filter: DetachFilter, owner: KeyboardOwner) {
    this.#filter = filter;
    this.#owner = owner;
  }

  readonly push = (chunk: Uint8Array): void => {
    this.close();
    const { bytes, isDetached } = this.#filter.push(chunk);
    if (bytes.length) this.#owner.input(bytes);
    if (isDetached) return this.#owner.detach();
    if (this.#filter.isMidKey) this.#timer = setTimeout(() => this.#owner.input(this.#filter.flush()), KEY_MS);
  };

  close(): void {
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
  }
}
