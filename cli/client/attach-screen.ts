/** This terminal as the screen and keyboard of another one: raw bytes both ways; as before when it ends, however that is. */
import { spawnSync } from 'node:child_process';
import process from 'node:process';
import { clampSize } from '../../core/api/terminals.ts';
import type { CommandContext } from '../command.ts';
import type { Api } from './api.ts';
import { DetachFilter, type DetachKey, detachLabel } from './detach-keys.ts';
import { type Size, type TerminalExit, TerminalSession } from './terminal-session.ts';
import { TtyScreen } from './tty-screen.ts';

/** The rest of a key's escape sequence comes at once, ms; Escape alone is sent on after this. */
const KEY_MS = 50;

type Streams = Pick<CommandContext, 'stdin' | 'stdout'>;

/** @returns how the program ended; null: the person left it. Rejects when it cannot go on */
export async function showTerminal(
  streams: Streams,
  api: Api,
  terminal: string,
  keys: readonly DetachKey[],
): Promise<TerminalExit | null> {
  const { stdout } = streams;
  const screen = new TtyScreen(stdout, `Leave it: ${detachLabel(keys)}`);
  const session = new TerminalSession(api, terminal, screen, sizeOf(stdout));
  const keyboard = new Keyboard(new DetachFilter(keys), {
    input: (bytes) => {
      if (!session.input(bytes) || screen.isAwayLong) screen.bell();
    },
    detach: () => session.detach(),
  });
  return await withRawTerminal(streams, { screen, session, keyboard });
}

interface Parts {
  screen: TtyScreen;
  session: TerminalSession;
  keyboard: Keyboard;
}

/** Whatever ends the session, or this process with an exception or a second signal: the terminal is as it was before. */
async function withRawTerminal({ stdin, stdout }: Streams, parts: Parts): Promise<TerminalExit | null> {
  const { screen, session, keyboard } = parts;
  const onResize = () => session.resize(sizeOf(stdout));
  const onGone = () => session.detach();
  const wasRaw = stdin.isRaw;
  // A terminal is written to at once, also while the process ends.
  const onExit = () => {
    void screen.restore();
    stdin.setRawMode(wasRaw);
  };
  process.once('exit', onExit).once('SIGHUP', onGone);
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
    process.off('exit', onExit).off('SIGHUP', onGone);
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
