/** The real Claude Code in a terminal, as somebody at the desk uses it. */
import { type IPty, spawn } from 'node-pty';
import { CLAUDE_BIN, type ClaudeHarness } from './claude-harness.ts';

/** How long the real program may take for anything, ms. */
export const DESK_MS = 40_000;
/** Between what is typed, ms: the program takes what comes at once for a paste. */
const TYPING_MS = 500;

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
/** The one that was opened last: what it shows is in the error when something is not seen. */
let last: ClaudeTerminal | null = null;

export class ClaudeTerminal {
  readonly ended: Promise<unknown>;
  readonly #pty: IPty;
  #output = '';
  #isOver = false;

  /** @param command of a shell; Claude Code in the harness's project, where none is named */
  constructor(
    harness: ClaudeHarness,
    command = `cd '${harness.project}' && exec '${CLAUDE_BIN}' --permission-mode manual`,
  ) {
    const env = { ...harness.env, TERM: 'xterm-256color' } as Record<string, string>;
    this.#pty = spawn('/bin/sh', ['-c', command], { cwd: '/', env, cols: 120, rows: 40 });
    this.#pty.onData((data) => this.#output += data);
    this.ended = new Promise<void>((resolve) =>
      this.#pty.onExit(() => {
        this.#isOver = true;
        resolve();
      })
    );
    last = this;
  }

  /** Without blanks: the program moves the cursor instead. */
  get text(): string {
    // deno-lint-ignore no-control-regex
    return this.#output.replace(/\x1b\[[0-9;?<>=]*[a-zA-Z]|\x1b\][^\x07\x1b]*(\x07|\x1b\\)|\x1b[()][A-Z0-9]|\s/g, '');
  }

  /** Types it when the program is ready to read it. */
  async say(text: string): Promise<void> {
    await this.sees(/forshortcuts|shift\+tab|\/effort/);
    await sleep(TYPING_MS);
    this.#pty.write(text);
    await sleep(TYPING_MS);
    this.#pty.write('\r');
  }

  type(keys: string): void {
    this.#pty.write(keys);
  }

  sees(pattern: RegExp): Promise<unknown> {
    return untilAtDesk(`${pattern} in the terminal`, () => pattern.test(this.text));
  }

  async close(): Promise<void> {
    if (!this.#isOver) this.#pty.kill('SIGKILL');
    await this.ended;
  }
}

/** Resolves with what is found, once it is anything but false, null or undefined. */
export async function untilAtDesk<T>(
  what: string,
  find: () => T | Promise<T>,
): Promise<Exclude<T, false | null | undefined>> {
  for (const end = Date.now() + DESK_MS;;) {
    const found = await find();
    if (found) return found as Exclude<T, false | null | undefined>;
    if (Date.now() > end) throw new Error(`not seen: ${what}; the terminal shows ${last?.text.slice(-800)}`);
    await sleep(50);
  }
}
