/**
 * Starts and ends a CLI. No shell: an argument array; a group of its own, so that everything it starts can be ended with it;
 * it inherits only stdin, stdout and stderr (Node marks all else close-on-exec) and a cleaned environment.
 */
import type { Buffer } from 'node:buffer';
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { statSync } from 'node:fs';
import { type Clock, systemClock, type Timer } from '../../core/clock.ts';
import type { Log } from '../../core/log.ts';
import { exitSentence, type Program, startFailure } from './child-errors.ts';
import { cleanEnvironment, type Environment, PROCESS_MARK } from './environment.ts';
import { LineSplitter } from './jsonl.ts';
import { isSameProcess, type ProcessIdentity, processIdentity, signal } from './identity.ts';
import { familyOf, killProcessTree } from './process-tree.ts';
import { programPath } from './program-path.ts';

export interface Launch {
  program: Program;
  command: string;
  args: string[];
  /** Absolute. */
  cwd: string;
  /** This server's environment; it is cleaned here. */
  env: Environment;
  /** Set in addition (undefined removes). */
  extraEnv?: Environment;
  /** Receives bytes as they come; feed a LineSplitter. All of stdout comes before `exit`. */
  stdout(chunk: Buffer): void;
  /** Receives one line of stderr, cut to MAX_STDERR_LINE bytes. */
  stderr?(line: string): void;
  /** Called exactly once, never before spawnProcess() has returned. */
  exit(end: ProcessEnd): void;
  clock?: Clock;
  /** Names the processes that had to be ended. */
  log?: Log;
}

export interface ProcessEnd {
  code: number | null;
  signal: string | null;
  /** It ended after a call of stop(). */
  expected: boolean;
  /** A sentence for people: what happened, the last lines of stderr, what to do. Empty after an expected end. */
  text: string;
}

export interface StopOptions {
  /** First step: ask the CLI to stop its work. stop() waits for a promise, at most STOP.interruptMs. */
  interrupt?: () => void | Promise<unknown>;
  /** How long the CLI may take to end after its stdin was closed, ms; default STOP.inputMs. */
  inputMs?: number;
}

export interface CliProcess {
  /** null when the CLI could not be started. */
  readonly pid: number | null;
  /** Save this: killProcessTree() finds the process by it after a crash of this server. */
  readonly identity: ProcessIdentity | null;
  readonly ended: Promise<ProcessEnd>;
  /** Writes to stdin. @returns false when the CLI has ended, its input is closed or it has not read the last MAX_INPUT bytes */
  write(text: string): boolean;
  closeInput(): void;
  /** interrupt → close stdin → SIGTERM to the group → SIGKILL to all it started. Resolves when all have ended. */
  stop(options?: StopOptions): Promise<void>;
  /** The last MAX_STDERR_TAIL characters of stderr. */
  stderrTail(): string;
}

/** Deadlines of the steps of stop(), ms; with the sweep of leftovers they add up to less than 7 s. */
export const STOP = { interruptMs: 1500, inputMs: 2000, termMs: 1500, killMs: 1000 };
/** Bytes that may wait for the CLI to read them: a message with images is at most an upload of 64 MiB. */
export const MAX_INPUT = 96 * 1024 * 1024;
export const MAX_STDERR_TAIL = 4096;
export const MAX_STDERR_LINE = 4096;
/** Bytes of stdout handled before other work gets its turn. */
const READ_BURST = 256 * 1024;
/** After the CLI has ended, how long a process that it left behind may hold its stdout open, ms. */
const DRAIN_MS = 500;

/** Starts a CLI. Never throws: `exit` reports a failure to start. */
export function spawnProcess(launch: Launch): CliProcess {
  return new Cli(launch);
}

class Cli implements CliProcess {
  readonly identity: ProcessIdentity | null = null;
  readonly pid: number | null = null;
  readonly ended: Promise<ProcessEnd>;
  readonly #launch: Launch;
  readonly #clock: Clock;
  readonly #child: ChildProcessWithoutNullStreams | null = null;
  readonly #stderr: LineSplitter;
  readonly #mark: string = randomUUID();
  #resolveEnded!: (end: ProcessEnd) => void;
  #tail = '';
  #burst = 0;
  #isOver = false;
  #stopping: Promise<void> | null = null;
  #drainTimer: Timer | null = null;

  constructor(launch: Launch) {
    this.#launch = launch;
    this.#clock = launch.clock ?? systemClock;
    this.ended = new Promise((resolve) => this.#resolveEnded = resolve);
    this.#stderr = new LineSplitter({
      limit: MAX_STDERR_LINE,
      line: (line) => this.#onStderr(line),
      dropped: (bytes) => this.#onStderr(`(a line of ${bytes} bytes was dropped)`),
    });
    try {
      this.#child = this.#spawn();
      this.pid = this.#child.pid ?? null;
      if (this.pid !== null) this.identity = processIdentity(this.pid, this.#mark);
      this.#listen(this.#child);
    } catch (error) {
      queueMicrotask(() => this.#finish(null, null, startFailure(launch, error)));
    }
  }

  #spawn(): ChildProcessWithoutNullStreams {
    const { command, args, cwd, env, extraEnv } = this.#launch;
    // Checked here because spawn's ENOENT is the same for a missing directory and a missing program.
    if (!statSync(cwd, { throwIfNoEntry: false })?.isDirectory()) {
      throw Object.assign(new Error(cwd), { code: 'NO_CWD' });
    }
    const clean = cleanEnvironment(env, { ...extraEnv, [PROCESS_MARK]: this.#mark });
    return spawn(programPath(command, clean.PATH), args, {
      cwd,
      env: clean,
      stdio: ['pipe', 'pipe', 'pipe'],
      detached: true,
      shell: false,
      windowsHide: true,
    });
  }

  #listen(child: ChildProcessWithoutNullStreams): void {
    let failure: unknown = null;
    child.on('error', (error) => {
      failure = error;
      if (child.pid === undefined) this.#finish(null, null, startFailure(this.#launch, error));
    });
    // After EMFILE there are no pipes.
    child.stdin?.on('error', () => {}); // EPIPE: the exit says more
    child.stdout?.on('data', (chunk: Buffer) => this.#onStdout(child, chunk));
    child.stderr?.on('data', (chunk: Buffer) => this.#isOver || this.#stderr.push(chunk));
    child.on('exit', (code, signalName) => {
      const done = () => this.#finish(code, signalName, failure ? startFailure(this.#launch, failure) : '');
      child.once('close', done);
      this.#drainTimer = this.#clock.setTimeout(done, DRAIN_MS);
    });
  }

  /** A CLI that writes without end must not starve timers and sockets: after each burst they run. */
  #onStdout(child: ChildProcessWithoutNullStreams, chunk: Buffer): void {
    if (this.#isOver) return;
    this.#burst += chunk.length;
    if (this.#burst > READ_BURST) {
      this.#burst = 0;
      child.stdout.pause();
      setImmediate(() => child.stdout.resume());
    }
    this.#launch.stdout(chunk);
  }

  #onStderr(line: string): void {
    this.#tail = `${this.#tail}${line}\n`.slice(-MAX_STDERR_TAIL);
    this.#launch.stderr?.(line);
  }

  #finish(code: number | null, signalName: string | null, failure: string): void {
    if (this.#isOver) return;
    this.#stderr.end();
    this.#isOver = true;
    this.#clock.clearTimeout(this.#drainTimer);
    this.#child?.stdin?.destroy();
    this.#child?.stdout?.destroy();
    this.#child?.stderr?.destroy();
    const expected = this.#stopping !== null;
    const text = expected ? '' : failure || exitSentence(this.#launch.program, code, signalName, this.stderrTail());
    const end = { code, signal: signalName, expected, text };
    // What a crashed CLI leaves running would go on unseen; stop() sweeps by itself.
    if (!expected && this.pid !== null) signal(-this.pid, 'SIGTERM');
    if (!expected && this.identity) void killProcessTree(this.identity, { clock: this.#clock, log: this.#launch.log });
    this.#resolveEnded(end);
    this.#launch.exit(end);
  }

  write(text: string): boolean {
    const input = this.#child?.stdin;
    if (this.#isOver || !input?.writable || input.writableLength > MAX_INPUT) return false;
    input.write(text);
    return true;
  }

  closeInput(): void {
    this.#child?.stdin?.end();
  }

  stderrTail(): string {
    return this.#tail;
  }

  stop(options: StopOptions = {}): Promise<void> {
    return this.#stopping ??= this.#stopInSteps(options);
  }

  async #stopInSteps({ interrupt, inputMs = STOP.inputMs }: StopOptions): Promise<void> {
    const { pid, identity } = this;
    if (pid === null || this.#isOver) return;
    const gone = async (ms: number, also?: Promise<unknown>) => {
      await this.#within(ms, also);
      return this.#isOver;
    };
    if (interrupt) await gone(STOP.interruptMs, Promise.resolve().then(interrupt).catch(() => {}));
    this.closeInput();
    // Looked up while the CLI lives: a process may have neither mark nor parent later.
    const known = identity ? await familyOf(identity) : [];
    if (!await gone(inputMs)) {
      signal(-pid, 'SIGTERM');
      if (!await gone(STOP.termMs)) {
        if (identity) known.push(...await familyOf(identity));
        signal(-pid, 'SIGKILL');
        for (const entry of known) if (isSameProcess(entry)) signal(entry.pid, 'SIGKILL');
        await gone(STOP.killMs);
      }
    }
    signal(-pid, 'SIGKILL'); // a group outlives its leader
    if (identity) await killProcessTree(identity, { clock: this.#clock, log: this.#launch.log, known });
  }

  /** Resolves when the process has ended, when `also` settles or when the time is up. */
  async #within(ms: number, also: Promise<unknown> = this.ended): Promise<void> {
    let timer: Timer | null = null;
    const timeout = new Promise<void>((resolve) => timer = this.#clock.setTimeout(resolve, ms));
    await Promise.race([this.ended, also, timeout]);
    this.#clock.clearTimeout(timer);
  }
}
