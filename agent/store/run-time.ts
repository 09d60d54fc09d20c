/**
 * How long something lasted while this server ran. A laptop that slept, a clock that was set, a server that was off: during
 * that time no agent could show a sign of life and nobody could use one, so it does not count.
 *
 * Wall-clock times are what is stored and shown; this holds the gaps between them. After a clock was set back, times from before it
 * count as younger than they are, never as older.
 */
import { join } from 'node:path';
import type { Clock, Timer } from '../../core/clock.ts';
import type { AgentContext } from '../context.ts';
import { type Document, openDocument } from './document.ts';

/** Interval of the looks at both clocks, ms. */
const TICK_MS = 15_000;
/** The wall clock may run ahead of the ticks by this much before it is a gap, ms. */
const TOLERANCE_MS = 5_000;
/** The present time is saved this often, ms: after a crash the gap begins there. */
const SAVE_MS = 10 * 60_000;
/** Gaps that are remembered; the two oldest are merged beyond that. */
const MAX_GAPS = 500;

interface Gap {
  /** Wall-clock time at its end. */
  at: number;
  /** Negative when the clock was set back. */
  ms: number;
}

interface RunTimeState {
  /** Wall-clock time when the server was last known to run; null before the first start. */
  lastRun: number | null;
  gaps: Gap[];
}

export class RunTime {
  readonly #clock: Clock;
  readonly #document: Document<RunTimeState>;
  #gaps: Gap[];
  #wall: number;
  #monotonic: number;
  #savedAt: number;
  #timer: Timer | null = null;

  constructor(context: Pick<AgentContext, 'config' | 'clock' | 'warn'>) {
    this.#clock = context.clock;
    this.#document = openDocument<RunTimeState>({
      path: join(context.config.dataDir, 'run-time.json'),
      initial: { lastRun: null, gaps: [] },
      parse: parseState,
      now: context.clock.now,
      warn: (text) => context.warn('run-time', text),
    });
    this.#wall = this.#clock.now();
    this.#monotonic = this.#savedAt = this.#clock.monotonic();
    const { lastRun, gaps } = this.#document.value;
    this.#gaps = gaps;
    if (lastRun !== null) this.#addGap(this.#wall - lastRun);
    void this.#save();
    this.#schedule();
  }

  /** Milliseconds since a wall-clock time, without those during which the server did not run. Never negative. */
  since(time: number): number {
    this.#look();
    const gaps = this.#gaps.filter(({ at }) => at > time).reduce((total, { ms }) => total + ms, 0);
    return Math.max(0, this.#clock.now() - time - gaps);
  }

  #schedule(): void {
    this.#timer = this.#clock.setTimeout(() => {
      this.#look();
      if (this.#monotonic - this.#savedAt >= SAVE_MS) void this.#save();
      this.#schedule();
    }, TICK_MS);
    (this.#timer as { unref?: () => void }).unref?.();
  }

  /** Whatever the wall clock went on beyond what the server can have run since the last look is a gap. */
  #look(): void {
    const wall = this.#clock.now();
    const monotonic = this.#clock.monotonic();
    const ran = Math.min(monotonic - this.#monotonic, TICK_MS + TOLERANCE_MS);
    const ahead = wall - this.#wall - ran;
    this.#wall = wall;
    this.#monotonic = monotonic;
    if (Math.abs(ahead) > TOLERANCE_MS) this.#addGap(ahead);
  }

  #addGap(ms: number): void {
    this.#gaps = [...this.#gaps, { at: this.#wall, ms }];
    while (this.#gaps.length > MAX_GAPS) {
      const [first, second, ...rest] = this.#gaps;
      this.#gaps = [{ at: second!.at, ms: first!.ms + second!.ms }, ...rest];
    }
    void this.#save();
  }

  async #save(): Promise<void> {
    this.#savedAt = this.#clock.monotonic();
    const state = { lastRun: this.#wall, gaps: this.#gaps };
    await this.#document.update(() => state).catch(() => {}); // a disk that refuses is reported by what needs it
  }

  async close(): Promise<void> {
    this.#clock.clearTimeout(this.#timer);
    this.#look();
    await this.#save();
  }
}

function parseState(value: unknown): RunTimeState {
  const { lastRun, gaps } = (value ?? {}) as Partial<RunTimeState>;
  const isGap = (gap: Partial<Gap> | null) => Number.isFinite(gap?.at) && Number.isFinite(gap?.ms);
  if (
    Array.isArray(gaps) && gaps.length <= MAX_GAPS && gaps.every(isGap) &&
    (lastRun === null || Number.isFinite(lastRun))
  ) {
    return { lastRun: lastRun as number | null, gaps };
  }
  throw new Error('not the times of a server');
}
