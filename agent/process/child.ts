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
import { type ProcessIdentity, processIdentity, signal } from './identity.ts';
import { killProcessTree } from './process-tree.ts';
import { stopInSteps, type StopOptions } from './stop-steps.ts';
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

export interface CliProcess {
  /** null when the CLI could not be started. */
  readonly pid: number | null;
  /** Save this: killProcessTree() finds the process by it after a crash of this server. */
  readonly identity: ProcessIdentity | null;
  readonly ended: Promise<ProcessEnd>;
  readonly isOver: boolean;
  /**
   * Writes to stdin. `key`: a holder that was given it before writes nothing.
   * @returns false when the CLI has ended, its input is closed or it has not read the last MAX_INPUT bytes
   */
  write(text: string, key?: string): boolean;
  closeInput(): void;
  /** interrupt → close stdin → SIGTERM to the group → SIGKILL to all it started. Resolves when all have ended. */
  stop(options?: StopOptions): Promise<void>;
  /** The last MAX_STDERR_TAIL characters of stderr. */
  stderrTail(): string;
}

/** Bytes that may wait for the CLI to read them: a message with images is at most an upload of 64 MiB. */
export const MAX_INPUT = 96 * 1024 * 1024;
export const MAX_STDERR_TAIL = 4096;
export const MAX_STDERR_LINE = 4096;
/** Bytes of stdout handled before other work gets its turn. */
const READ_BURST = 256 * 1024;
/** After the CLI has ended, how long a process that it left behind may hold its stdout open, ms. */
const DRAIN_MS = 500;

/** What a CLI is started with. Throws when there is no such directory, or no such program in PATH. */
export function resolveLaunch({ command, args, cwd, env, extraEnv }: Launch, mark: string) {
  // Checked here because spawn's ENOENT is the same for a missing directory and a missing program.
  if (!statSync(cwd, { throwIfNoEntry: false })?.isDirectory()) {
    throw Object.assign(new Error(cwd), { code: 'NO_CWD' });
  }
  const clean = cleanEnvironment(env, { ...extraEnv, [PROCESS_MARK]: mark });
  return { file: programPath(command, clean.PATH), args, cwd, env: clean };
}

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
    const { file, args, cwd, env } = resolveLaunch(this.#launch, this.#mark);
    return spawn(file, args, {
      cwd,
      env,
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

  get isOver(): boolean {
    return this.#isOver;
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
    const { clock = systemClock, log } = this.#launch;
    return this.#stopping ??= stopInSteps(this, options, { clock, log });
  }
}
