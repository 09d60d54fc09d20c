/**
 * The leader of a PTY's session. When a session's leader exits, Linux discards output of the PTY that has not been read yet
 * (the hangup flushes it): a program that prints much and exits would lose its last lines. So a small shell leads the session,
 * runs the program, then writes a mark and stops itself until it is killed: whoever reads the mark has read all output.
 * The shell receives the program as arguments and parses none of it.
 */
import { Buffer } from 'node:buffer';

/** `trap :` and not `trap ''`: the program starts with the default action, and the leader outlives a Ctrl-C. */
const SCRIPT = `trap : INT QUIT
mark=$1; shift
"$@"
printf '\\033]7717;%s;%d\\007' "$mark" "$?"
kill -STOP "$$"`;
/** Digits of an exit code and the end of the mark. */
const MARK_END = /^(\d{1,3})\x07/;

/** The command that runs `file` under a leader. `mark` is random, so that no output is mistaken for it. */
export function leaderCommand(mark: string, file: string, args: string[]): { file: string; args: string[] } {
  return { file: '/bin/sh', args: ['-c', SCRIPT, 'sh', mark, file, ...args] };
}

/** Removes the mark from the output. */
export class MarkReader {
  readonly #start: Buffer;
  #held: Buffer = Buffer.alloc(0);

  constructor(mark: string) {
    this.#start = Buffer.from(`\x1b]7717;${mark};`);
  }

  /** Returns the output, and the exit code when the mark has arrived. Bytes that may begin the mark wait for the rest. */
  push(bytes: Buffer): { output: Buffer; code: number | null } {
    const data = this.#held.length ? Buffer.concat([this.#held, bytes]) : bytes;
    const at = this.#find(data);
    if (at < 0) return this.#hold(data, data.length);
    const end = MARK_END.exec(data.toString('latin1', at + this.#start.length, at + this.#start.length + 4));
    if (!end) return this.#hold(data, at);
    this.#held = Buffer.alloc(0);
    const rest = data.subarray(at + this.#start.length + end[0].length);
    const output = rest.length ? Buffer.concat([data.subarray(0, at), rest]) : data.subarray(0, at);
    return { output, code: Number(end[1]) };
  }

  #hold(data: Buffer, end: number): { output: Buffer; code: null } {
    this.#held = Buffer.from(data.subarray(end));
    return { output: data.subarray(0, end), code: null };
  }

  /** The index of the mark, or of its possible beginning at the end of the data; -1: none. */
  #find(data: Buffer): number {
    const whole = data.indexOf(this.#start);
    if (whole >= 0) return whole;
    const from = data.indexOf(0x1b, Math.max(0, data.length - this.#start.length + 1));
    for (let at = from; at >= 0; at = data.indexOf(0x1b, at + 1)) {
      if (data.subarray(at).equals(this.#start.subarray(0, data.length - at))) return at;
    }
    return -1;
  }
}
