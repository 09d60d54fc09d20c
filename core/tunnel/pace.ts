/**
 * How much may be under way in the tunnel, so that its own bulk never queues up in front of a keystroke. TCP fills every
 * buffer on the way before it slows down, seconds of them on a slow line. Every PING is a probe: its PONG says when all that
 * was sent before it has arrived. The limit moves so that this takes TARGET_MS longer than on an empty line (the law of
 * FAST TCP: limit × (base + target) / round trip). On a short line, while others have something to say, bulk gives up more: it
 * keeps just the line itself filled. Pure; times are ms of one monotonic clock.
 */
import { PACE_FLOOR, PACE_SHARED, PACE_START, SMALL_TURN } from './limits.ts';

/** Delay that bulk may add. Less would leave the line idle between two answers. */
const TARGET_MS = 14;
const MAX_LIMIT = 16 * 1024 * 1024;
/** Probes per limit's worth of bytes: with fewer the pieces between them are bursts that queue up by themselves. */
const PROBES = 8;
/** A round: so many answers to probes that were sent after the last change. The quickest counts: one late answer is no queue. */
const ROUND = 6;
/** Most that one round changes; upwards only until the line was full for the first time, by small steps from then on. */
const MAX_CHANGE = 2;
const SMALL_CHANGE = 1.25;

/** With no more than this under way a round trip is the line's own. */
const EMPTY = 1200;
/** Such round trips are kept; the second longest of them is the base: jitter is part of the line, one hiccup is not. */
const BASE_SAMPLES = 6;
/** The base is measured anew, by letting the line run empty, after this … */
const BASE_MS = 60_000;
/** … or, when the limit has come down to the floor, after this: then it is the line that has become longer. */
const FLOOR_MS = 1_000;

/** How long somebody's word beside bulk keeps the way short for the next one. */
const SHARED_MS = 500;
/** Of what the line holds at the present rate, so that a rate that was held back finds its way up again. */
const SHARED_FILL = 1.25;
/** On a longer line TARGET_MS is not felt, and its jitter would make sharing expensive for bulk. */
const SHORT_LINE_MS = 2;
/** The shortest round trip of this long, and of as long before, tells what the line holds: a line may become longer. */
const SHORTEST_MS = 30_000;

export class Pace {
  #limit = PACE_START;
  #sent = 0;
  #arrived = 0;
  #probedAt = 0;
  #probes: { stamp: number; sent: number; unloaded: boolean }[] = [];
  /** Of this round, and what had been sent when it began. */
  #round: number[] = [];
  #roundFrom = 0;
  /** The latest of the empty line. */
  #unloaded: number[] = [];
  #base = Infinity;
  #measuredAt = 0;
  /** Round trips of the empty line that are still wanted; meanwhile no more than EMPTY of bulk is under way. */
  #measuring = 0;
  /** What had been sent when that began: probes count once all of it has arrived. */
  #measureFrom = 0;
  /** The latest time that was told; when somebody beside the bulk had something to say, by that time. */
  #now = 0;
  #sharedAt = -Infinity;
  /** Bytes a ms, of the last round; when that round began and what had arrived by then. */
  #rate = 0;
  #rateFrom = { at: 0, arrived: 0 };
  #shortest = { now: Infinity, before: Infinity, since: 0 };
  /** The limit was reached since the last change: only then is a higher one of use. */
  #pressed = false;
  #filled = false;

  /** Bytes of bulk that may be sent now in one piece. Pieces with a probe each keep the line evenly filled. */
  get room(): number {
    const underWay = this.#sent - this.#arrived;
    if (this.#limit - underWay < SMALL_TURN) this.#pressed = true;
    const room = this.limit - underWay;
    return Math.max(0, Math.min(room, Math.max(SMALL_TURN, this.#piece)));
  }
  get limit(): number {
    if (this.#measuring > 0) return EMPTY;
    return this.#now - this.#sharedAt < SHARED_MS ? Math.min(this.#limit, this.#shared) : this.#limit;
  }
  /**
   * Somebody has something brief to say: beside bulk that is under way, that counts. Only with a probe on its way: its answer
   * is what lets a smaller limit go on.
   */
  share(): void {
    if (this.#probes.length > 0 && this.#sent - this.#arrived >= PACE_SHARED / 2) this.#sharedAt = this.#now;
  }

  /** Enough was sent since the last probe. Looked at after `sent` and after `answer`, for the limit may have gone down. */
  get due(): boolean {
    return this.#sent - this.#probedAt >= this.#piece;
  }
  sent(bytes: number): void {
    this.#sent += bytes;
  }
  /** A PING with this stamp is on its way behind all that was sent. */
  probe(stamp: number): void {
    this.#now = stamp;
    this.#probedAt = this.#sent;
    // While measuring, what else is under way is not ours to hold back: keystrokes, heads, other small turns.
    const drained = this.#measuring > 0 && this.#arrived >= this.#measureFrom;
    this.#probes.push({ stamp, sent: this.#sent, unloaded: drained || this.#sent - this.#arrived <= EMPTY });
  }
  /** The PONG of a probe, which answers those before it too. @returns its round trip, or null when there is no such probe */
  answer(stamp: number, now: number): number | null {
    const at = this.#probes.findIndex((probe) => probe.stamp === stamp);
    if (at < 0) return null;
    this.#now = now;
    const { sent, unloaded } = this.#probes[at]!;
    this.#probes.splice(0, at + 1);
    const roundTrip = Math.max(0, now - stamp);
    this.#arrived = sent;
    this.#learnShortest(roundTrip, now);
    if (unloaded) this.#learnBase(roundTrip, now);
    else if (this.#measuring === 0 && sent > this.#roundFrom) this.#adjust(roundTrip, now);
    return roundTrip;
  }

  get #shared(): number {
    const shortest = Math.min(this.#shortest.now, this.#shortest.before);
    if (shortest > SHORT_LINE_MS) return Infinity;
    return Math.floor(PACE_SHARED + SHARED_FILL * this.#rate * shortest);
  }
  get #piece(): number {
    return Math.floor(this.limit / PROBES);
  }
  #learnShortest(roundTrip: number, now: number): void {
    if (now - this.#shortest.since > SHORTEST_MS) {
      this.#shortest = { now: Infinity, before: this.#shortest.now, since: now };
    }
    this.#shortest.now = Math.min(this.#shortest.now, roundTrip);
  }
  #learnBase(roundTrip: number, now: number): void {
    this.#unloaded.push(roundTrip);
    if (this.#unloaded.length > BASE_SAMPLES) this.#unloaded.shift();
    const sorted = this.#unloaded.toSorted((a, b) => b - a);
    this.#base = sorted[1] ?? sorted[0]!;
    if (this.#measuring > 0 && --this.#measuring === 0) this.#measuredAt = now;
  }
  #adjust(roundTrip: number, now: number): void {
    this.#round.push(roundTrip);
    if (this.#round.length < ROUND) return;
    const quickest = Math.min(...this.#round);
    this.#round = [];
    const span = now - this.#rateFrom.at;
    if (span > 0) this.#rate = (this.#arrived - this.#rateFrom.arrived) / span;
    this.#rateFrom = { at: now, arrived: this.#arrived };
    this.#roundFrom = this.#sent;
    const age = now - this.#measuredAt;
    const atFloor = this.#limit === PACE_FLOOR;
    if (this.#pressed && age > (atFloor ? FLOOR_MS : BASE_MS)) {
      this.#measuring = BASE_SAMPLES;
      this.#measureFrom = this.#sent;
      this.#filled = !atFloor;
    }
    const aim = this.#base + TARGET_MS;
    // Half of the target is not reached: the line is not full, however long it is.
    const growth = this.#filled ? SMALL_CHANGE : MAX_CHANGE;
    const change = quickest < aim - TARGET_MS / 2 ? growth : aim / quickest;
    if (change > 1 && !this.#pressed) return;
    this.#pressed = false;
    this.#filled ||= change < 1;
    const next = Math.round(this.#limit * Math.max(1 / MAX_CHANGE, change));
    this.#limit = Math.min(MAX_LIMIT, Math.max(PACE_FLOOR, next));
  }
}
