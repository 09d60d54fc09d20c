/** An agent's message log, read from disk when it is first needed and dropped from memory when nobody uses it any more. */
import type { Clock } from '../../core/clock.ts';
import { oneByOne } from '../store/steps.ts';
import { MessageLog, type MessageLogOptions } from './message-log.ts';

export class LazyLog {
  readonly #options: MessageLogOptions;
  readonly #clock: Clock;
  #log: MessageLog | null = null;
  #usedAt: number;

  constructor(options: MessageLogOptions) {
    this.#options = options;
    this.#clock = options.clock;
    this.#usedAt = options.clock.now();
  }

  get(): MessageLog {
    this.#usedAt = this.#clock.now();
    return this.#log ??= new MessageLog(this.#options);
  }

  /** Reads it in steps, so that a long one holds up nobody. */
  async preload(): Promise<void> {
    if (this.#log) return;
    const stored = await oneByOne(MessageLog.reading(this.#options));
    // Somebody may have needed it meanwhile.
    this.#log ??= new MessageLog(this.#options, stored);
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
