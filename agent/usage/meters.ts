/** One standing meter per account and provider: how much of its limits is used, as a CLI said last, also after a restart. */
import { join } from 'node:path';
import type { ProviderName } from '../../core/api/agents.ts';
import { list } from '../../core/api/schema.ts';
import { type LimitWindow, MAX_WINDOWS, parseMeter, type UsageMeter } from '../../core/api/usage.ts';
import type { AgentContext } from '../context.ts';
import { type Document, openDocument } from '../store/document.ts';

/** Accounts that are remembered; the one that was heard of longest ago is dropped beyond that. */
export const MAX_METER = 20;

export class UsageMeters {
  readonly #document: Document<UsageMeter[]>;
  readonly #now: () => number;
  #meters: UsageMeter[];
  #last: Promise<unknown> = Promise.resolve();

  /** Reads DATA_DIR/limits.json synchronously. */
  constructor({ config, clock, warn }: Pick<AgentContext, 'config' | 'clock' | 'warn'>) {
    this.#now = clock.now;
    this.#document = openDocument<UsageMeter[]>({
      path: join(config.dataDir, 'limits.json'),
      initial: [],
      parse: (value) => list(parseMeter, MAX_METER)(value, 'limits'),
      now: clock.now,
      warn: (text) => warn('limits', text),
    });
    this.#meters = this.#document.value;
  }

  /** Newest first. A window whose reset has passed is shown as what it is: unused, as far as is known. */
  list(): UsageMeter[] {
    const now = this.#now();
    return this.#meters.map((meter) => ({ ...meter, windows: meter.windows.map((window) => asOf(window, now)) }));
  }

  of(provider: ProviderName, account: string): UsageMeter | undefined {
    return this.#meters.find((meter) => meter.provider === provider && meter.account === account);
  }

  /** Windows that are not named are as they were. */
  note(provider: ProviderName, account: string, windows: readonly LimitWindow[]): void {
    const before = this.of(provider, account);
    const known = new Map((before?.windows ?? []).map((window) => [window.id, window]));
    for (const window of windows) known.set(window.id, merged(known.get(window.id), window));
    const meter = { provider, account, windows: [...known.values()].slice(-MAX_WINDOWS), at: this.#now() };
    const isSame = before !== undefined && JSON.stringify(before.windows) === JSON.stringify(meter.windows);
    this.#meters = [meter, ...this.#meters.filter((entry) => entry !== before)].slice(0, MAX_METER);
    // A disk that refuses loses nothing for long: the CLI says it again.
    if (!isSame) this.#last = this.#document.update(() => this.#meters).catch(() => {});
  }

  async close(): Promise<void> {
    await this.#last;
  }
}

/** A window that is reached need not be said to be at a percentage, nor one that is far from it to have an end. */
const merged = (before: LimitWindow | undefined, now: LimitWindow): LimitWindow => ({
  ...now,
  minutes: now.minutes ?? before?.minutes ?? null,
  resetsAt: now.resetsAt ?? before?.resetsAt ?? null,
});

const asOf = (window: LimitWindow, now: number): LimitWindow =>
  window.resetsAt !== null && window.resetsAt <= now
    ? { ...window, percent: 0, resetsAt: null, isReached: false }
    : window;
