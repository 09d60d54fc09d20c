/**
 * How far the output of a CLI that outlives this server has become messages on disk. A later server goes on reading there; what was
 * applied behind it is applied once more, and changes nothing (apply-event.ts).
 */
import type { Clock, Timer } from '../../core/clock.ts';
import type { HeldSession } from '../provider/provider.ts';
import type { AgentInfoStore } from './agent-info-store.ts';
import type { MessageLog } from './message-log.ts';
import { markedInfo } from './run-record.ts';

/** Interval of markers, ms: so much is read again after a crash. A message that streams is saved at each of them. */
const MARK_MS = 2000;
/** Bytes of output after which it is not waited for. */
const MARK_BYTES = 4 * 1024 * 1024;

export interface RunMarkerOptions {
  held: HeldSession;
  /** Of the form of its snapshots. */
  stateVersion: number;
  store: AgentInfoStore;
  clock: Clock;
  log(): MessageLog;
  /** What may still be written that the output so far has caused. */
  settled(): Promise<void>;
}

export class RunMarker {
  readonly #options: RunMarkerOptions;
  #timer: Timer | null = null;
  #marked: number;
  #marking: Promise<void> | null = null;
  #isClosed = false;

  constructor(options: RunMarkerOptions) {
    this.#options = options;
    this.#marked = options.held.offset;
  }

  /** Output has been applied. */
  touch(): void {
    const { held, clock } = this.#options;
    if (this.#isClosed || held.offset === this.#marked) return;
    if (held.offset - this.#marked >= MARK_BYTES && !this.#marking) void this.mark();
    this.#timer ??= clock.setTimeout(() => {
      this.#timer = null;
      void this.mark();
    }, MARK_MS);
  }

  /** Resolves when all that has been applied so far is on disk, and the marker behind it; or when the disk refuses. */
  mark(): Promise<void> {
    const before = this.#marking ?? Promise.resolve();
    const marking: Promise<void> = before.then(() => this.#mark()).catch(() => {}).finally(() => {
      if (this.#marking === marking) this.#marking = null;
    });
    return this.#marking = marking;
  }

  async #mark(): Promise<void> {
    const { held, stateVersion, store, log, settled } = this.#options;
    const offset = held.offset;
    if (offset === this.#marked) return;
    const run = {
      holder: held.id,
      offset,
      state: structuredClone(held.snapshot()),
      stateVersion,
      info: markedInfo(store.info),
      streams: log().streamLengths(),
    };
    await settled();
    await log().checkpoint();
    if (this.#isClosed) return;
    store.update({ run });
    await store.save();
    this.#marked = offset;
    held.ack(offset);
  }

  /** The CLI has ended, or this server does. */
  close(): void {
    this.#isClosed = true;
    this.#options.clock.clearTimeout(this.#timer);
  }
}
