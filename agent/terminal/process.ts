/** Starts the process that holds a PTY (host.ts) and speaks with it. */
import type { Buffer } from 'node:buffer';
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import type { Clock, Timer } from '../../core/clock.ts';
import { encode, FrameReader, type HostCommand, type HostEvent, type Launch } from './frame.ts';
import { HANGUP_MS } from './pty.ts';

const HOST = fileURLToPath(new URL('./host.ts', import.meta.url));
const ROOT = fileURLToPath(new URL('../..', import.meta.url));
/** A host that is not gone this long after a hangup is killed; the kernel then hangs up the PTY. */
const GONE_MS = HANGUP_MS + 2500;
/** Characters of what a failing host printed that are kept for the log. */
const STDERR_KEPT = 2000;

export interface HostProcess {
  input(bytes: Buffer): void;
  resize(cols: number, rows: number): void;
  /** Answered by one `repainted`. */
  repaint(): void;
  /** Stops and goes on reading: the PTY pauses when the pipe between is full. */
  pause(): void;
  resume(): void;
  /** Ends the program and everything in its session. The end of events follows. */
  hangup(): void;
}

export interface HostOptions {
  launch: Launch;
  clock: Clock;
  /** Every event but the last in order. */
  onEvent(event: HostEvent): void;
  /** Last, once: the process is gone. `text`: what it printed on stderr. */
  onGone(text: string): void;
}

/** How this runtime runs a TypeScript file. */
function hostCommand(): string[] {
  if ('Deno' in globalThis) return ['run', '--allow-all', '--no-check', '--quiet', HOST];
  if ((process.features as { typescript?: unknown }).typescript) return ['--no-warnings', HOST];
  // tsx as a hook of CommonJS: half the memory and a third less time to start than its loader for modules.
  const hook = createRequire(import.meta.url).resolve('tsx/cjs');
  return ['--require', hook, '--eval', 'require(process.argv[1])', HOST];
}

export function startHost(options: HostOptions): HostProcess {
  const { launch, clock, onEvent, onGone } = options;
  // In a session of its own: Ctrl-C on the agent's console ends the agent, which ends its terminals in order.
  const child = spawn(process.execPath, hostCommand(), { cwd: ROOT, env: launch.env, detached: true });
  return new HostConnection(child, clock, launch, onEvent, onGone);
}

class HostConnection implements HostProcess {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #clock: Clock;
  #timer: Timer | null = null;
  #isGone = false;

  constructor(
    child: ChildProcessWithoutNullStreams,
    clock: Clock,
    launch: Launch,
    onEvent: (event: HostEvent) => void,
    onGone: (text: string) => void,
  ) {
    this.#child = child;
    this.#clock = clock;
    let printed = '';
    const reader = new FrameReader<HostEvent>(onEvent);
    child.stdout.on('data', (chunk: Buffer) => {
      try {
        reader.push(chunk);
      } catch {
        child.kill('SIGKILL'); // not our frames: it is broken
      }
    });
    child.stderr.on('data', (chunk) => printed = (printed + chunk).slice(-STDERR_KEPT));
    child.stdin.on('error', () => {}); // it is gone, which `close` tells
    const gone = (text: string) => {
      if (this.#isGone) return;
      this.#isGone = true;
      clock.clearTimeout(this.#timer);
      onGone(text);
    };
    child.on('error', (error) => gone(error.message));
    child.on('close', () => gone(printed));
    this.#tell({ kind: 'start', launch });
  }

  #tell(command: HostCommand): void {
    if (!this.#isGone) this.#child.stdin.write(encode(command));
  }

  input(bytes: Buffer): void {
    this.#tell({ kind: 'input', bytes });
  }

  resize(cols: number, rows: number): void {
    this.#tell({ kind: 'resize', cols, rows });
  }

  repaint(): void {
    this.#tell({ kind: 'repaint' });
  }

  pause(): void {
    this.#child.stdout.pause();
  }

  resume(): void {
    this.#child.stdout.resume();
  }

  hangup(): void {
    if (this.#isGone || this.#timer) return;
    this.#tell({ kind: 'hangup' });
    this.resume();
    this.#timer = this.#clock.setTimeout(() => {
      this.#child.kill('SIGKILL');
      // A grandchild may hold the pipes open; nothing of it is wanted any more.
      this.#child.stdout.destroy();
      this.#child.stderr.destroy();
    }, GONE_MS);
  }
}
