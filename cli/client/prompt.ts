/** What a person is asked in the terminal: a password without echo, a word of agreement. From a pipe: its first line. */
import { Buffer } from 'node:buffer';
import { StringDecoder } from 'node:string_decoder';
import type { CommandContext } from '../command.ts';
import { CommandError, EXIT } from '../exit-codes.ts';
import { abortedError } from './errors.ts';

/** Bytes of an answer. */
const MAX_LINE = 8 * 1024;
/** Bytes that `-` reads: more than a message may have. */
const MAX_INPUT = 4 * 1024 * 1024;

type Streams = Pick<CommandContext, 'stdin' | 'stderr' | 'signal'>;

/** @returns the password; never empty. The terminal's mode is as before in every case */
export async function askPassword({ stdin, stderr, signal }: Streams, question: string): Promise<string> {
  const password = stdin.isTTY
    ? await readHidden({ stdin, stderr, signal }, question)
    : await readLine({ stdin, stderr, signal });
  if (password) return password;
  throw new CommandError('No password was given.', EXIT.usage);
}

/** Asks on the terminal. @returns what was typed, without blanks around it */
export async function ask(streams: Streams, question: string): Promise<string> {
  streams.stderr.write(question);
  return (await readLine(streams)).trim();
}

/** The first line of the standard input, without its end. */
function readLine({ stdin, signal }: Streams): Promise<string> {
  let line: Buffer = Buffer.alloc(0);
  return readUntil(stdin, signal, (chunk) => {
    line = chunk ? Buffer.concat([line, chunk]) : line;
    const end = line.indexOf(0x0a);
    if (line.length > MAX_LINE) throw new CommandError('The line is too long.', EXIT.usage);
    return end < 0 && chunk ? null : line.subarray(0, end < 0 ? line.length : end).toString('utf8').replace(/\r$/, '');
  });
}

/** The whole standard input as text, without the line ends behind it, as a shell's `$(…)` has it. */
export function readAll({ stdin, signal }: Streams): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  return readUntil(stdin, signal, (chunk) => {
    if (!chunk) return Buffer.concat(chunks).toString('utf8').replace(/[\r\n]+$/, '');
    size += chunk.length;
    if (size > MAX_INPUT) throw new CommandError('The standard input has more than a message may have.', EXIT.usage);
    chunks.push(chunk);
    return null;
  });
}

async function readHidden({ stdin, stderr, signal }: Streams, question: string): Promise<string> {
  stderr.write(question);
  const wasRaw = stdin.isRaw;
  const editor = new HiddenLine();
  stdin.setRawMode(true);
  try {
    return await readUntil(stdin, signal, (chunk) => chunk ? editor.push(chunk) : editor.text);
  } finally {
    stdin.setRawMode(wasRaw);
    stderr.write('\n');
  }
}

/** Keys of a line that is not shown. */
class HiddenLine {
  readonly #decoder = new StringDecoder('utf8');
  text = '';

  /** @returns the text when it is complete, else null. Throws when it is given up */
  push(chunk: Buffer): string | null {
    for (const char of this.#decoder.write(chunk)) {
      if (char === '\r' || char === '\n') return this.text;
      if (char === '\x03' || (char === '\x04' && !this.text)) throw abortedError();
      if (char === '\x7f' || char === '\b') this.text = [...this.text].slice(0, -1).join('');
      else if (char === '\x15') this.text = '';
      else if (char >= ' ' && this.text.length < MAX_LINE) this.text += char;
    }
    return null;
  }
}

/**
 * Reads until `take` returns a text; null stands for the end of the input. The stream is paused then, so that it keeps no
 * process alive.
 */
function readUntil(
  stdin: NodeJS.ReadStream,
  signal: AbortSignal,
  take: (chunk: Buffer | null) => string | null,
): Promise<string> {
  return new Promise((resolve, reject) => {
    const finish = (action: () => void) => {
      stdin.off('data', onData).off('end', onEnd).off('error', onError);
      signal.removeEventListener('abort', onAbort);
      stdin.pause();
      action();
    };
    const onData = (chunk: Buffer | null) => {
      try {
        const text = take(chunk);
        if (text !== null) finish(() => resolve(text));
      } catch (error) {
        finish(() => reject(error));
      }
    };
    const onEnd = () => onData(null);
    const onError = (error: Error) => finish(() => reject(error));
    const onAbort = () => finish(() => reject(abortedError()));
    if (signal.aborted) return onAbort();
    signal.addEventListener('abort', onAbort);
    stdin.on('data', onData).on('end', onEnd).on('error', onError);
    if (stdin.readableEnded) onEnd();
    else stdin.resume();
  });
}
