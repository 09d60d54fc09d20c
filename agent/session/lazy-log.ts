/** An agent's message log, read from disk when it is first needed and dropped from memory when nobody uses it any more. */
import type { Clock } from '../../core/clock.ts';
import { MessageLog } from './message-log.ts';

export class LazyLog {
  readonly #open: () => MessageLog;
  readonly #clock: Clock;
  #log: MessageLog | null = null;
  #usedAt: number;

  constructor(open: () => MessageLog, clock: Clock) {
    this.#open = open;
    this.#clock = clock;
    this.#usedAt = clock.now();
  }

  get(): MessageLog {
    this.#usedAt = this.#clock.now();
    return this.#log ??= this.#open();
  }

  /** What could not be written yet (the disk is full) stays in memory until it is. */
  unloadIfUnused(idleMs: number): void {
    const log = this.#log;
    if (!log?.isSaved || this.#clock.now() - this.#usedAt < idleMs) return;
    this.#log = null;
    void log.close();
  }

  async close(): Promise<void> {
    await this.#log?.close();
  }
}
