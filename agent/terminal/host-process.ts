/** Starts the process that holds a PTY (host.ts), sends it commands and reports its events. */
import type { Buffer } from 'node:buffer';
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import process from 'node:process';
import type { Clock, Timer } from '../../core/clock.ts';
import { installationRoot, programFile } from '../../core/installation.ts';
import { encode, FrameReader, type HostCommand, type HostEvent, type Launch } from './host-protocol.ts';
import { HANGUP_MS } from './pty.ts';

/** A host that still runs this long after a hangup is killed, ms; the kernel then hangs up the PTY. */
const GONE_MS = HANGUP_MS + 2500;
/** Characters of a host's stderr that are retained for the log. */
const MAX_STDERR = 2000;

export interface HostProcess {
  input(bytes: Buffer): void;
  resize(cols: number, rows: number): void;
  /** The host answers with one `repainted`. */
  repaint(): void;
  /** Stops reading its output: the PTY pauses when the pipe between is full. */
  pause(): void;
  resume(): void;
  /** Ends the program and everything in its session. `onGone` follows. */
  hangup(): void;
}

export interface HostOptions {
  launch: Launch;
  clock: Clock;
  /** Called for every event, in order. */
  onEvent(event: HostEvent): void;
  /** Called once, last: the process has ended. `text`: what it printed on stderr. */
  onGone(text: string): void;
}

/** How this runtime runs the host: a TypeScript file, in the package JavaScript. */
function hostCommand(): string[] {
  const host = programFile('agent/terminal/host');
  if ('Deno' in globalThis) return ['run', '--allow-all', '--no-check', '--quiet', host];
  if (host.endsWith('.mjs')) return [host];
  if ((process.features as { typescript?: unknown }).typescript) return ['--no-warnings', host];
  // tsx as a hook of CommonJS: half the memory and a third less time to start than its loader for modules.
  const hook = createRequire(import.meta.url).resolve('tsx/cjs');
  return ['--require', hook, '--eval', 'require(process.argv[1])', host];
}

export function startHost(options: HostOptions): HostProcess {
  const { launch, clock, onEvent, onGone } = options;
  // A session of its own: Ctrl-C on the server's console must reach only the server, which then closes its terminals.
  const child = spawn(process.execPath, hostCommand(), { cwd: installationRoot(), env: launch.env, detached: true });
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
        child.kill('SIGKILL'); // these are not our frames: the host is broken
      }
    });
    child.stderr.on('data', (chunk) => printed = (printed + chunk).slice(-MAX_STDERR));
    child.stdin.on('error', () => {}); // the host has ended: `close` reports it
    const reportGone = (text: string) => {
      if (this.#isGone) return;
      this.#isGone = true;
      clock.clearTimeout(this.#timer);
      onGone(text);
    };
    child.on('error', (error) => reportGone(error.message));
    child.on('close', () => reportGone(printed));
    this.#send({ kind: 'start', launch });
  }

  #send(command: HostCommand): void {
    if (!this.#isGone) this.#child.stdin.write(encode(command));
  }

  input(bytes: Buffer): void {
    this.#send({ kind: 'input', bytes });
  }

  resize(cols: number, rows: number): void {
    this.#send({ kind: 'resize', cols, rows });
  }

  repaint(): void {
    this.#send({ kind: 'repaint' });
  }

  pause(): void {
    this.#child.stdout.pause();
  }

  resume(): void {
    this.#child.stdout.resume();
  }

  hangup(): void {
    if (this.#isGone || this.#timer) return;
    this.#send({ kind: 'hangup' });
    this.resume();
    this.#timer = this.#clock.setTimeout(() => {
      this.#child.kill('SIGKILL');
      // A grandchild may hold the pipes open, and `close` waits for them.
      this.#child.stdout.destroy();
      this.#child.stderr.destroy();
    }, GONE_MS);
  }
}
