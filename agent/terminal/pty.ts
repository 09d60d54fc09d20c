/**
 * One PTY by node-pty, with what node-pty lacks: output as bytes, input that waits instead of spinning while the program does
 * not read, all output before the exit, and a hangup that reaches the whole session.
 */
import { Buffer } from 'node:buffer';
import { randomBytes } from 'node:crypto';
import { write } from 'node:fs';
import type { Socket } from 'node:net';
import type { IPty } from 'node-pty';
import type { Launch } from '../process/holder/protocol.ts';
import { signal } from '../process/identity.ts';
import { endSession } from '../process/session-end.ts';
import { leaderCommand, MarkReader } from './session-leader.ts';
import { Suspension } from './suspension.ts';

export interface PtyEvents {
  output(bytes: Buffer): void;
  /** Once, after all output. */
  exit(code: number, signal: number): void;
}

/** While the program does not read its input: first and longest pause between two writes, ms. */
const RETRY_MS = { first: 1, last: 50 };
/** Output that comes closely together: as one piece after so long, or when it is so much. */
const GATHER = { ms: 8, bytes: 64 * 1024 };
/** After the exit the PTY is read until it has been quiet for `quietMs`, or `limit` bytes were read. */
const TAIL = { quietMs: 100, limit: 256 * 1024 };

/** Parts of node-pty that its typings leave out: present in 1.1 on every Unix. */
interface UnixPty extends IPty {
  readonly fd: number;
  readonly _socket: Socket;
  setEncoding(encoding: string): void;
}

export class Pty {
  readonly #pty: UnixPty;
  readonly #events: PtyEvents;
  readonly #input: { bytes: Buffer; onTaken: (bytes: number) => void }[] = [];
  #writing = false;
  #retry: ReturnType<typeof setTimeout> | null = null;
  readonly #marks: MarkReader;
  readonly #suspension: Suspension;
  /** The exit code that the session leader has written. */
  #code: number | null = null;
  #hangingUp: Promise<void> | null = null;
  #tail: { read: number; timer: ReturnType<typeof setTimeout> | null } | null = null;
  #paused = false;
  #ended = false;
  /** Output since the last piece that was handed on, and when that was. */
  #gathered = '';
  #flushedAt = -Infinity;
  #flushing: ReturnType<typeof setTimeout> | null = null;

  /** Throws when no PTY can be opened. A program that cannot be started says so on the PTY and exits with 126 or 127. */
  static async open(launch: Launch, events: PtyEvents): Promise<Pty> {
    const { spawn } = await import('node-pty');
    const { cwd, env, cols, rows } = launch;
    const mark = randomBytes(12).toString('hex');
    const { file, args } = leaderCommand(mark, launch.file, launch.args);
    // `utf8` sets IUTF8, so that a backspace in a plain `cat` deletes a character; latin1 then keeps the bytes as they are.
    const pty = spawn(file, args, { cwd, env, cols, rows, name: env.TERM, encoding: 'utf8' }) as UnixPty;
    pty.setEncoding('latin1');
    return new Pty(pty, mark, events);
  }

  private constructor(pty: UnixPty, mark: string, events: PtyEvents) {
    this.#pty = pty;
    this.#marks = new MarkReader(mark);
    this.#suspension = new Suspension(pty.pid);
    this.#events = events;
    pty.onData((data) => this.#gather(data));
    pty.onExit(({ exitCode, signal }) => void this.#onExit(exitCode, signal ?? 0));
    this.#keepTail(pty._socket);
  }

  get pid(): number {
    return this.#pty.pid;
  }

  /**
   * The kernel gives at most 4 KiB at a time. What comes alone is handed on at once; what follows closely is gathered, for in
   * large pieces it costs the emulator, the server and every viewer a third.
   */
  #gather(data: string): void {
    this.#gathered += data;
    const left = this.#flushedAt + GATHER.ms - performance.now();
    if (left <= 0 || this.#gathered.length >= GATHER.bytes) this.#flush();
    else this.#flushing ??= setTimeout(() => this.#flush(), left);
  }

  #flush(): void {
    clearTimeout(this.#flushing ?? undefined);
    this.#flushing = null;
    this.#flushedAt = performance.now();
    const data = this.#gathered;
    this.#gathered = '';
    if (data) this.#onData(Buffer.from(data, 'latin1'));
  }

  #onData(bytes: Buffer): void {
    const { output, code } = this.#marks.push(bytes);
    if (output.length) this.#events.output(output);
    if (code !== null) {
      this.#code = code;
      signal(this.pid, 'SIGKILL'); // the leader has done its work; its end hangs up the PTY
    }
    if (!this.#tail) return;
    this.#tail.read += bytes.length;
    this.#watchTail();
  }

  async #onExit(code: number, signalNumber: number): Promise<void> {
    this.#flush();
    this.#ended = true;
    this.#suspension.close();
    clearTimeout(this.#retry ?? undefined);
    await this.#hangingUp;
    if (this.#code === null) return this.#events.exit(code, signalNumber);
    // A shell reports a signal as 128 plus its number.
    this.#events.exit(this.#code, this.#code > 128 ? this.#code - 128 : 0);
  }

  /**
   * node-pty destroys its socket 200 ms after the program's end, whether or not it was read: a paused reader would lose the
   * tail. So a destroy without an error waits until the socket has been quiet. (The usual end is EIO, with an error.)
   */
  #keepTail(socket: Socket): void {
    const destroy = socket.destroy.bind(socket);
    socket.destroy = (error?: Error) => {
      if (error || this.#isTailRead()) return destroy(error);
      this.#tail ??= { read: 0, timer: null };
      this.#watchTail();
      return socket;
    };
  }

  #isTailRead = (): boolean => this.#tail !== null && !this.#paused && this.#tail.timer === null;

  #watchTail(): void {
    const tail = this.#tail;
    if (!tail) return;
    clearTimeout(tail.timer ?? undefined);
    const end = () => {
      tail.timer = null;
      this.#pty._socket.destroy();
    };
    tail.timer = this.#paused ? null : setTimeout(end, tail.read > TAIL.limit ? 0 : TAIL.quietMs);
  }

  /** Stops reading output; the program then blocks when the kernel's buffer is full. */
  pause(): void {
    if (this.#paused) return;
    this.#paused = true;
    this.#pty.pause();
    this.#watchTail();
  }

  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.#pty.resume();
    this.#watchTail();
  }

  /** What was read so far comes first: it is of the size of before. */
  resize(cols: number, rows: number): void {
    this.#flush();
    if (!this.#ended) this.#pty.resize(cols, rows);
  }

  /** Queues input. `onTaken` is called with the number of bytes of each write: by it the caller bounds the queue. */
  write(bytes: Buffer, onTaken: (bytes: number) => void = () => {}): void {
    if (this.#ended || !bytes.length) return;
    this.#input.push({ bytes, onTaken });
    this.#suspension.typed(bytes);
    if (!this.#writing) this.#writeNext(RETRY_MS.first);
  }

  #writeNext(retryMs: number): void {
    const next = this.#input[0];
    this.#writing = next !== undefined && !this.#ended;
    if (!next || this.#ended) return;
    this.#put(next.bytes, (error, written) => {
      if (this.#ended) return;
      if (error?.code === 'EAGAIN') {
        this.#retry = setTimeout(() => this.#writeNext(Math.min(retryMs * 2, RETRY_MS.last)), retryMs);
        return;
      }
      // Any other error means that nobody will read this: it counts as written.
      const taken = error ? next.bytes.length : written;
      if (taken < next.bytes.length) next.bytes = next.bytes.subarray(taken);
      else this.#input.shift();
      next.onTaken(taken);
      this.#writeNext(RETRY_MS.first);
    });
  }

  #put(bytes: Buffer, done: (error: NodeJS.ErrnoException | null | undefined, written: number) => void): void {
    // Deno numbers descriptors in its own way; Node's socket of a PTY would block the process.
    if ('Deno' in globalThis) this.#pty._socket.write(bytes, (error) => done(error, bytes.length));
    else write(this.#pty.fd, bytes, done);
  }

  /** Sends SIGHUP as a closed window does, and after HANGUP_MS SIGKILL to what is left of the session. `exit` follows. */
  hangup(): void {
    this.#hangingUp ??= this.#endSession();
  }

  async #endSession(): Promise<void> {
    await endSession(this.pid);
    if (!this.#ended) this.#pty._socket.destroy(Object.assign(new Error('hangup'), { code: 'EIO' })); // it throws other codes
  }
}
