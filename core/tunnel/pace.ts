/**
 * How much may be under way in the tunnel, so that its own bulk never queues up in front of a keystroke. TCP fills every
 * buffer on the way before it slows down, seconds of them on a slow line. Every PING is a probe: its PONG says when all that
 * was sent before it has arrived. The limit moves so that this takes about TARGET_MS longer than on an empty line (the law
 * of FAST TCP: limit × (base + target) / round trip). Pure; times are ms of one monotonic clock.
 */
import { PACE_FLOOR, PACE_START } from './limits.ts';

/** Delay that bulk may add. Less would leave the line idle between two answers. */
const TARGET_MS = 20;
const MAX_LIMIT = 16 * 1024 * 1024;
/** Probes per limit's worth of bytes; the change per probe is such that a round trip at most doubles or halves it. */
const PROBES = 4;
const STEP = 2 ** (1 / PROBES);
/** The least of so many round trips counts: a standing queue raises them all, jitter does not. */
const SAMPLES = 6;
/** The empty line's round trip is looked for anew after this. */
const BASE_MS = 60_000;

export class Pace {
  #limit = PACE_START;
  #sent = 0;
  #arrived = 0;
  #probedAt = 0;
  #probes: { stamp: number; sent: number }[] = [];
  #recent: number[] = [];
  #base = Infinity;
  #baseSince = 0;
  /** The limit was reached since the last probe: only then is more of it of use. */
  #pressed = false;

  /** Bytes of bulk that may be sent now. */
  get room(): number {
    const room = this.#limit - (this.#sent - this.#arrived);
    if (room <= 0) this.#pressed = true;
    return Math.max(0, room);
  }
  get limit(): number {
    return this.#limit;
  }
  /** Probes without an answer yet. */
  get outstanding(): number {
    return this.#probes.length;
  }

  /** @returns whether a probe is due */
  sent(bytes: number): boolean {
    this.#sent += bytes;
    return this.#sent - this.#probedAt >= this.#limit / PROBES;
  }
  /** A PING with this stamp is on its way behind all that was sent. */
  probe(stamp: number): void {
    this.#probedAt = this.#sent;
    this.#probes.push({ stamp, sent: this.#sent });
  }
  /** The PONG of the oldest probe. @returns its round trip, or null when no such probe waits for an answer */
  answer(stamp: number, now: number): number | null {
    if (this.#probes[0]?.stamp !== stamp) return null;
    const { sent } = this.#probes.shift()!;
    const roundTrip = Math.max(0, now - stamp);
    this.#arrived = sent;
    this.#adjust(roundTrip, now);
    return roundTrip;
  }

  #adjust(roundTrip: number, now: number): void {
    this.#recent.push(roundTrip);
    if (this.#recent.length > SAMPLES) this.#recent.shift();
    const current = Math.min(...this.#recent);
    // At the floor no queue can be our own, so whatever the round trip is now is the line's.
    const stale = now - this.#baseSince > BASE_MS || (this.#limit === PACE_FLOOR && this.#recent.length === SAMPLES);
    if (current < this.#base || stale) {
      this.#base = current;
      this.#baseSince = now;
    }
    const change = (this.#base + TARGET_MS) / Math.max(current, 0.01);
    if (change > 1 && !this.#pressed) return;
    this.#pressed = false;
    const next = this.#limit * Math.min(STEP, Math.max(1 / STEP, change));
    this.#limit = Math.min(MAX_LIMIT, Math.max(PACE_FLOOR, Math.round(next)));
  }
}
