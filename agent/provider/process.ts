/**
 * Starting and ending a CLI. No shell: an argument array; a group of its own, so that everything it starts can be ended
 * with it; only stdin, stdout and stderr are inherited (Node marks all else close-on-exec); a cleaned environment.
 */
import type { Buffer } from 'node:buffer';
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { statSync } from 'node:fs';
import { type Clock, systemClock, type Timer } from '../../core/clock.ts';
import { cleanEnvironment, type Environment } from './environment.ts';
import { LineSplitter } from './jsonl.ts';
import { endLeftover, familyOf, isSameProcess, MARK, type ProcessIdentity, processIdentity, signal } from './proc.ts';

export { cleanEnvironment, type Environment } from './environment.ts';
export { endLeftover, isSameProcess, type ProcessIdentity, processIdentity } from './proc.ts';

/** What error sentences call the program and advise. */
export interface Program {
  /** "Claude Code" */
  name: string;
  /** Variable that says where it is: "CLAUDE_BIN". */
  setting: string;
  /** Command that installs it. */
  install: string;
}

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
  /** Bytes as they come; feed a LineSplitter. All stdout is told before `exit`. */
  stdout(chunk: Buffer): void;
  /** One line of stderr, cut to STDERR_LINE bytes. */
  stderr?(line: string): void;
  /** Exactly once, never before spawnProcess has returned. */
  exit(end: ProcessEnd): void;
  clock?: Clock;
}

export interface ProcessEnd {
  code: number | null;
  signal: string | null;
  /** It ended after stop() was called. */
  expected: boolean;
  /** One sentence for people: what happened, the last words on stderr, what to do. Empty after an expected end. */
  text: string;
}

export interface StopOptions {
  /** First step: ask the CLI to stop its work. A promise is waited for, at most STOP.interruptMs. */
  interrupt?: () => void | Promise<unknown>;
  /** How long it may take to end after its stdin was closed; STOP.inputMs when left out. */
  inputMs?: number;
}

export interface CliProcess {
  /** null when it could not be started. */
  readonly pid: number | null;
  /** Put this on record: endLeftover() finds the process by it after a crash of this server. */
  readonly identity: ProcessIdentity | null;
  readonly ended: Promise<ProcessEnd>;
  /** Writes to stdin. false: it has ended, its input is closed, or it has not read the last INPUT_LIMIT bytes. */
  write(text: string): boolean;
  closeInput(): void;
  /** interrupt → close stdin → SIGTERM to the group → SIGKILL to all it started. Resolves when all is gone. */
  stop(options?: StopOptions): Promise<void>;
  /** The last STDERR_TAIL characters of stderr. */
  stderrTail(): string;
}

/** Deadlines of the steps of stop(), ms; together with the sweep of leftovers below 7 s. */
export const STOP = { interruptMs: 1500, inputMs: 2000, termMs: 1500, killMs: 1000 };
/** Bytes that may wait to be read by the CLI: a message with images is at most an upload of 64 MiB. */
export const INPUT_LIMIT = 96 * 1024 * 1024;
export const STDERR_TAIL = 4096;
export const STDERR_LINE = 4096;
/** Bytes of stdout that are handled in a row. */
const READ_BURST = 256 * 1024;
/** After the CLI is gone, how long its stdout may stay open in a process that it left behind, ms. */
const DRAIN_MS = 500;

/** Starts a CLI. Never throws: a failure to start is told by `exit`. */
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
      limit: STDERR_LINE,
      line: (line) => this.#onStderr(line),
      dropped: (bytes) => this.#onStderr(`(a line of ${bytes} bytes was left out)`),
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
    // Checked here because spawn's ENOENT does not tell a missing folder from a missing program.
    if (!statSync(cwd, { throwIfNoEntry: false })?.isDirectory()) {
      throw Object.assign(new Error(cwd), { code: 'NO_CWD' });
    }
    return spawn(command, args, {
      cwd,
      env: cleanEnvironment(env, { ...extraEnv, [MARK]: this.#mark }),
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
    child.stdin?.on('error', () => {}); // EPIPE: the exit tells more
    child.stdout?.on('data', (chunk: Buffer) => this.#onStdout(child, chunk));
    child.stderr?.on('data', (chunk: Buffer) => this.#isOver || this.#stderr.push(chunk));
    child.on('exit', (code, signalName) => {
      const done = () => this.#finish(code, signalName, failure ? startFailure(this.#launch, failure) : '');
      child.once('close', done);
      this.#drainTimer = this.#clock.setTimeout(done, DRAIN_MS);
    });
  }

  /** A CLI that writes without end must not keep timers and sockets waiting: after each burst it is their turn. */
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
    this.#tail = `${this.#tail}${line}\n`.slice(-STDERR_TAIL);
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
    // What a CLI that died leaves running would go on unseen; stop() sweeps by itself.
    if (!expected && this.pid !== null) signal(-this.pid, 'SIGTERM');
    if (!expected && this.identity) void endLeftover(this.identity, { clock: this.#clock });
    this.#resolveEnded(end);
    this.#launch.exit(end);
  }

  write(text: string): boolean {
    const input = this.#child?.stdin;
    if (this.#isOver || !input?.writable || input.writableLength > INPUT_LIMIT) return false;
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
    return this.#stopping ??= this.#climb(options);
  }

  async #climb({ interrupt, inputMs = STOP.inputMs }: StopOptions): Promise<void> {
    const { pid, identity } = this;
    if (pid === null || this.#isOver) return;
    const gone = async (ms: number, also?: Promise<unknown>) => {
      await this.#within(ms, also);
      return this.#isOver;
    };
    if (interrupt) await gone(STOP.interruptMs, Promise.resolve().then(interrupt).catch(() => {}));
    this.closeInput();
    // Seen while it lives: what has neither mark nor parent later is still known.
    const known = identity ? await familyOf(identity) : [];
    if (!await gone(inputMs)) {
      signal(-pid, 'SIGTERM');
      if (!await gone(STOP.termMs)) {
        if (identity) known.push(...await familyOf(identity));
        signal(-pid, 'SIGKILL');
        for (const one of known) if (isSameProcess(one)) signal(one.pid, 'SIGKILL');
        await gone(STOP.killMs);
      }
    }
    signal(-pid, 'SIGKILL'); // a group outlives its leader
    if (identity) await endLeftover(identity, { clock: this.#clock, known });
  }

  /** Resolves when the process has ended, `also` is settled or the time is up. */
  async #within(ms: number, also: Promise<unknown> = this.ended): Promise<void> {
    let timer: Timer | null = null;
    const late = new Promise<void>((resolve) => timer = this.#clock.setTimeout(resolve, ms));
    await Promise.race([this.ended, also, late]);
    this.#clock.clearTimeout(timer);
  }
}

/** Why a CLI could not be started and what to do, for people. */
export function startFailure({ program, command, cwd }: Launch, error: unknown): string {
  const { name, setting, install } = program;
  const code = (error as { code?: string } | null)?.code ?? '';
  const detail = error instanceof Error ? error.message : String(error);
  switch (code) {
    case 'NO_CWD':
      return `The folder ${cwd} is not there (any more). Choose another folder.`;
    case 'ENOENT':
    case 'ENOTDIR':
      return `${name} was not found (${command}). Install it with \`${install}\`, or set ${setting} to its path.`;
    case 'EACCES':
    case 'EPERM':
      return `${name} cannot be run: ${command} is not executable for this user. Correct its permissions or set ${setting}.`;
    case 'ENOEXEC':
      return `${name} cannot be run: ${command} is not a program for this machine. Install it again with \`${install}\`, or set ${setting}.`;
    case 'EAGAIN':
    case 'ENOMEM':
    case 'EMFILE':
    case 'ENFILE':
      return `${name} could not be started because this machine is out of processes, memory or files (${code}). End something and try again.`;
    case 'E2BIG':
      return `${name} could not be started: its arguments or the environment are too long. Shorten the flags of the agent.`;
    default:
      return `${name} could not be started: ${detail}`;
  }
}

/** How a CLI ended that nobody asked to end, for people. */
export function exitSentence(program: Program, code: number | null, signalName: string | null, stderr: string): string {
  const words = stderr.trim().split('\n').slice(-5).join('\n').trim();
  const how = signalName
    ? `was ended by ${signalName}`
    : code === 0
    ? 'ended by itself'
    : code === 127
    ? `ended with exit code 127: something that it needs was not found. Install it again with \`${program.install}\``
    : `ended with exit code ${code}`;
  return `${program.name} ${how}.${words ? ` It said: ${words}` : ''}`;
}
