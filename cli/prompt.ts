/** Questions on a terminal. What is typed for a secret is not shown. */
import { createInterface, type Interface } from 'node:readline/promises';
import { Writable } from 'node:stream';
import type { CommandContext } from './command.ts';
import { CommandError, EXIT } from './exit-codes.ts';

export interface Prompt {
  /** @returns what was typed, trimmed; `fallback` for an empty line */
  ask(question: string, fallback?: string): Promise<string>;
  /** The same, unseen. */
  askSecret(question: string): Promise<string>;
  close(): void;
}

/** Asks on the standard error, so that the standard output has nothing but results. */
export function openPrompt({ stdin, stderr, signal }: CommandContext): Prompt {
  const echo = new Echo(stderr);
  const lines = createInterface({ input: stdin, output: echo, terminal: true, historySize: 0 });
  const stopped = new AbortController();
  // Ctrl-C arrives here as a key; Ctrl-D or a closed terminal as `close`.
  lines.on('SIGINT', () => lines.close());
  lines.on('close', () => stopped.abort());
  const typed = (question: string) => answer(lines, question, AbortSignal.any([signal, stopped.signal]));
  return {
    async ask(question, fallback = '') {
      return (await typed(`${question}${fallback ? ` [${fallback}]` : ''}: `)).trim() || fallback;
    },
    async askSecret(question) {
      stderr.write(`${question}: `);
      echo.isMuted = true;
      try {
        return (await typed('')).trim();
      } finally {
        echo.isMuted = false;
        stderr.write('\n');
      }
    },
    close: () => lines.close(),
  };
}

async function answer(lines: Interface, question: string, signal: AbortSignal): Promise<string> {
  try {
    return await lines.question(question, { signal });
  } catch {
    throw new CommandError('Nothing was changed.', EXIT.failed);
  }
}

class Echo extends Writable {
  isMuted = false;
  readonly #to: NodeJS.WriteStream;

  constructor(to: NodeJS.WriteStream) {
    super();
    this.#to = to;
  }

  override _write(chunk: Uint8Array, _encoding: string, done: () => void): void {
    if (!this.isMuted) this.#to.write(chunk);
    done();
  }

  /** readline asks it to know where lines wrap. */
  get columns(): number {
    return this.#to.columns ?? 80;
  }
}
