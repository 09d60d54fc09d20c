/**
 * Keeps the machine from going to sleep while something is to be done, by the system's own program for it. That runs for as long as
 * its input is open: it ends with this server, however that ends.
 */
import process from 'node:process';
import type { Clock, Timer } from '../../core/clock.ts';
import type { Log } from '../../core/log.ts';
import { type CliProcess, spawnProcess } from './child.ts';
import type { Environment } from './environment.ts';
import { programPath } from './program-path.ts';

/** One turn follows another: so long after the last the machine may sleep, ms. */
const LINGER_MS = 5_000;
/** After a failure it is tried again so late, ms. */
const RETRY_MS = 10 * 60_000;

/** The program and what it runs meanwhile: `cat`, until its input is closed. */
const PROGRAMS: Partial<Record<NodeJS.Platform, { command: string; args: string[] }>> = {
  linux: {
    command: 'systemd-inhibit',
    args: ['--what=idle:sleep', '--who=Agent Monitor', '--why=An agent works', '--mode=block'],
  },
  darwin: { command: 'caffeinate', args: ['-i'] },
};

export interface KeepAwakeOptions {
  env: Environment;
  clock: Clock;
  log: Log;
  /** Says what stands in the way; an empty text takes it back. */
  warn(text: string): void;
  platform?: NodeJS.Platform;
}

export class KeepAwake {
  readonly #options: KeepAwakeOptions;
  #process: CliProcess | null = null;
  #isWanted = false;
  #lingerTimer: Timer | null = null;
  /** Monotonic time before which a program that failed is not tried again. */
  #failedUntil = -Infinity;
  readonly #ending = new Set<Promise<void>>();

  constructor(options: KeepAwakeOptions) {
    this.#options = options;
  }

  /** The process that keeps the machine awake; null: none does. */
  get pid(): number | null {
    return this.#process?.pid ?? null;
  }

  /** @param isWanted something is to be done; false: the machine may sleep, after a moment */
  set(isWanted: boolean): void {
    const { clock } = this.#options;
    if (isWanted === this.#isWanted && (this.#process || !isWanted)) return;
    this.#isWanted = isWanted;
    clock.clearTimeout(this.#lingerTimer);
    if (isWanted) return this.#begin();
    this.#lingerTimer = clock.setTimeout(() => this.#end(), LINGER_MS);
  }

  /** It is switched off: at once, and what was said of it holds no more. */
  off(): void {
    this.#isWanted = false;
    this.#options.clock.clearTimeout(this.#lingerTimer);
    this.#end();
    this.#failedUntil = -Infinity;
    this.#options.warn('');
  }

  #begin(): void {
    const { clock, env, log, platform = process.platform } = this.#options;
    if (this.#process || clock.monotonic() < this.#failedUntil) return;
    const program = PROGRAMS[platform];
    if (!program) return this.#fail('This system has no program that keeps the machine awake.');
    const cat = findProgram('cat', env);
    if (!findProgram(program.command, env) || !cat) {
      return this.#fail(`The machine cannot be kept awake: ${program.command} is not installed.`);
    }
    const child = spawnProcess({
      program: { name: program.command, setting: 'PATH', install: '' },
      command: program.command,
      args: [...program.args, cat],
      ...{ cwd: '/', env, clock, log },
      stdout: () => {},
      exit: ({ expected, text }) => this.#onExit(child, expected, text),
    });
    this.#process = child;
    this.#options.warn('');
  }

  #onExit(child: CliProcess, isExpected: boolean, text: string): void {
    if (this.#process === child) this.#process = null;
    if (!isExpected) this.#fail(`The machine cannot be kept awake: ${text}`);
  }

  #fail(text: string): void {
    this.#failedUntil = this.#options.clock.monotonic() + RETRY_MS;
    this.#options.warn(text);
  }

  #end(): void {
    const child = this.#process;
    if (!child) return;
    this.#process = null;
    const ending = child.stop().finally(() => this.#ending.delete(ending));
    this.#ending.add(ending);
  }

  /** Resolves when nothing of it runs any more. */
  async close(): Promise<void> {
    this.#isWanted = false;
    this.#options.clock.clearTimeout(this.#lingerTimer);
    this.#end();
    await Promise.all(this.#ending);
  }
}

function findProgram(name: string, env: Environment): string | null {
  try {
    return programPath(name, env.PATH);
  } catch {
    return null;
  }
}
