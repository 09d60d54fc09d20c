/**
 * The leader of a PTY's session. When a session's leader exits, Linux throws away output of the PTY that has not been read
 * yet (the hangup flushes it), so a program that prints much and ends would lose its last words. So a small shell leads the
 * session, runs the program, then writes a mark and stops itself until it is killed: whoever reads the mark has read all.
 * The shell gets the program as arguments; nothing of it is ever parsed.
 */
import { Buffer } from 'node:buffer';

/** `trap :` (not ignoring): the program starts with the default again, and the leader outlives a Ctrl-C. */
const SCRIPT = `trap : INT QUIT
mark=$1; shift
"$@"
printf '\\033]7717;%s;%d\\007' "$mark" "$?"
kill -STOP "$$"`;
/** Digits of an exit code and the end of the mark. */
const MARK_END = /^(\d{1,3})\x07/;

/** @param mark random, so that no output is taken for it */
export function leaderCommand(mark: string, file: string, args: string[]): { file: string; args: string[] } {
  return { file: '/bin/sh', args: ['-c', SCRIPT, 'sh', mark, file, ...args] };
}

/** Takes the mark out of the output. */
export class MarkReader {
  readonly #start: Buffer;
  #held: Buffer = Buffer.alloc(0);

  constructor(mark: string) {
    this.#start = Buffer.from(`\x1b]7717;${mark};`);
  }

  /** Gives the output, and the exit code when the mark has come. What may be the begin of the mark waits for the rest. */
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

  /** Where the mark, or what may be its begin at the end of the data, is; -1: nowhere. */
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
