/** Ends a CLI step by step, and all that it started. */
import type { Clock, Timer } from '../../core/clock.ts';
import type { Log } from '../../core/log.ts';
import { isSameProcess, type ProcessIdentity, signal } from './identity.ts';
import { familyOf, killProcessTree } from './process-tree.ts';

/** Deadlines of the steps, ms; with the sweep of leftovers they add up to less than 7 s. */
export const STOP = { interruptMs: 1500, inputMs: 2000, termMs: 1500, killMs: 1000 };

export interface StopOptions {
  /** First step: ask the CLI to stop its work. A promise is waited for, at most STOP.interruptMs. */
  interrupt?: () => void | Promise<unknown>;
  /** How long the CLI may take to end after its stdin was closed, ms; default STOP.inputMs. */
  inputMs?: number;
}

export interface Stoppable {
  readonly pid: number | null;
  readonly identity: ProcessIdentity | null;
  readonly ended: Promise<unknown>;
  readonly isOver: boolean;
  closeInput(): void;
}

/** interrupt → close stdin → SIGTERM to the group → SIGKILL to all it started. Resolves when all have ended. */
export async function stopInSteps(
  target: Stoppable,
  { interrupt, inputMs = STOP.inputMs }: StopOptions,
  { clock, log }: { clock: Clock; log?: Log },
): Promise<void> {
  const { pid, identity } = target;
  if (pid === null || target.isOver) return;
  const gone = async (ms: number, also: Promise<unknown> = target.ended) => {
    await within(clock, ms, target.ended, also);
    return target.isOver;
  };
  if (interrupt) await gone(STOP.interruptMs, Promise.resolve().then(interrupt).catch(() => {}));
  target.closeInput();
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
  if (identity) await killProcessTree(identity, { clock, log, known });
}

/** Resolves when one of these settles or when the time is up. */
async function within(clock: Clock, ms: number, ...settled: Promise<unknown>[]): Promise<void> {
  let timer: Timer | null = null;
  const timeout = new Promise<void>((resolve) => timer = clock.setTimeout(resolve, ms));
  await Promise.race([...settled, timeout]);
  clock.clearTimeout(timer);
}
