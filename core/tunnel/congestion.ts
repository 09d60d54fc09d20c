/**
 * Congestion control of the tunnel: limits the bytes in flight so that bulk never queues in front of a keystroke. TCP fills
 * every buffer on the path before it slows down, which is seconds of data on a slow one. Every PING is a probe: its PONG
 * tells when all bytes sent before it have arrived. The limit is adjusted until this takes TARGET_MS longer than on an idle
 * path (the law of FAST TCP: limit × (base + target) / round trip). On a short path, while interactive streams are active,
 * bulk yields more: it only keeps the path itself filled. Pure; times are ms of one monotonic clock.
 */
import { INITIAL_WINDOW, MIN_WINDOW, SHARED_WINDOW, SMALL_WRITE } from './limits.ts';

/** Queueing delay that bulk may add. Less would leave the path idle between two answers. */
const TARGET_MS = 14;
const MAX_WINDOW = 16 * 1024 * 1024;
/** Probes per limit's worth of bytes. With fewer, the pieces between them are bursts that queue by themselves. */
const PROBES = 8;
/** Answers in a round, to probes sent after the last change. The quickest counts: one late answer is no queue. */
const ROUND_SAMPLES = 6;
/** Largest factor of one round's change; upwards only in slow start, by small steps from then on. */
const MAX_CHANGE = 2;
const SMALL_CHANGE = 1.25;

/** With no more than this in flight, a round trip is that of the idle path. */
const UNLOADED_BYTES = 1200;
/** Idle round trips that are retained; the second longest is the base: jitter is part of the path, one hiccup is not. */
const MAX_BASE_SAMPLES = 6;
/** The base is probed again, by draining the path, after this … */
const BASE_MS = 60_000;
/** … or after this when the limit has fallen to its minimum: then the path itself has become longer. */
const FLOOR_MS = 1_000;

/** How long one interactive write beside bulk keeps the queue short for the next one. */
const SHARED_MS = 500;
/** Multiple of the path's capacity at the current rate, so that a rate that was limited can grow again. */
const SHARED_FILL = 1.25;
/** On a longer path nobody notices TARGET_MS, and its jitter would make sharing expensive for bulk. */
const SHORT_LINE_MS = 2;
/** The shortest round trip of this period and the one before gives the path's capacity: a path may become longer. */
const SHORTEST_MS = 30_000;

export class Congestion {
  #limit = INITIAL_WINDOW;
  #sent = 0;
  #arrived = 0;
  #probedAt = 0;
  #probes: { stamp: number; sent: number; unloaded: boolean }[] = [];
  /** Round trips of this round, and the bytes that had been sent when it began. */
  #samples: number[] = [];
  #roundFrom = 0;
  /** The latest round trips of the idle path. */
  #baseSamples: number[] = [];
  #baseRtt = Infinity;
  #probedBaseAt = 0;
  /** Idle round trips still to be measured; meanwhile no more than UNLOADED_BYTES of bulk are in flight. */
  #probing = 0;
  /** The bytes that had been sent when probing began: probes count once all of these have arrived. */
  #probeFrom = 0;
  /** The latest known time, and the time of the last interactive write beside bulk. */
  #now = 0;
  #interactiveAt = -Infinity;
  /** Bytes per ms of the last round; when that round began and the bytes that had arrived by then. */
  #rate = 0;
  #rateFrom = { at: 0, arrived: 0 };
  #shortest = { now: Infinity, before: Infinity, since: 0 };
  /** The limit was reached since the last change: only then is a higher one useful. */
  #windowLimited = false;
  /** The path was never full yet: the limit may double each round. */
  #slowStart = true;

  /** Bytes of bulk that may be sent now in one piece. Pieces with a probe each keep the path evenly filled. */
  get sendBudget(): number {
    const inFlight = this.#sent - this.#arrived;
    if (this.#limit - inFlight < SMALL_WRITE) this.#windowLimited = true;
    const budget = this.limit - inFlight;
    return Math.max(0, Math.min(budget, Math.max(SMALL_WRITE, this.#piece)));
  }
  /** Bytes of bulk that may be in flight. */
  get limit(): number {
    if (this.#probing > 0) return UNLOADED_BYTES;
    return this.#now - this.#interactiveAt < SHARED_MS ? Math.min(this.#limit, this.#sharedLimit) : this.#limit;
  }
  /**
   * An interactive write is due. It counts beside bulk in flight, and only while a probe is in flight: its answer is what
   * lets a smaller limit continue.
   */
  noteInteractive(): void {
    if (this.#probes.length > 0 && this.#sent - this.#arrived >= SHARED_WINDOW / 2) this.#interactiveAt = this.#now;
  }

  /** Enough was sent since the last probe. Checked after `sent` and after `answer`, which may have lowered the limit. */
  get probeDue(): boolean {
    return this.#sent - this.#probedAt >= this.#piece;
  }
  sent(bytes: number): void {
    this.#sent += bytes;
  }
  /** A PING with this stamp was sent behind all bytes so far. */
  probe(stamp: number): void {
    this.#now = stamp;
    this.#probedAt = this.#sent;
    // While probing, what else is in flight cannot be held back: keystrokes, heads, other small writes.
    const drained = this.#probing > 0 && this.#arrived >= this.#probeFrom;
    this.#probes.push({ stamp, sent: this.#sent, unloaded: drained || this.#sent - this.#arrived <= UNLOADED_BYTES });
  }
  /** The PONG of a probe, which also answers the probes before it. @returns its round trip, or null when there is no such probe */
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
    else if (this.#probing === 0 && sent > this.#roundFrom) this.#adjust(roundTrip, now);
    return roundTrip;
  }

  get #sharedLimit(): number {
    const shortest = Math.min(this.#shortest.now, this.#shortest.before);
    if (shortest > SHORT_LINE_MS) return Infinity;
    return Math.floor(SHARED_WINDOW + SHARED_FILL * this.#rate * shortest);
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
    this.#baseSamples.push(roundTrip);
    if (this.#baseSamples.length > MAX_BASE_SAMPLES) this.#baseSamples.shift();
    const sorted = this.#baseSamples.toSorted((a, b) => b - a);
    this.#baseRtt = sorted[1] ?? sorted[0]!;
    if (this.#probing > 0 && --this.#probing === 0) this.#probedBaseAt = now;
  }
  #adjust(roundTrip: number, now: number): void {
    this.#samples.push(roundTrip);
    if (this.#samples.length < ROUND_SAMPLES) return;
    const quickest = Math.min(...this.#samples);
    this.#samples = [];
    const span = now - this.#rateFrom.at;
    if (span > 0) this.#rate = (this.#arrived - this.#rateFrom.arrived) / span;
    this.#rateFrom = { at: now, arrived: this.#arrived };
    this.#roundFrom = this.#sent;
    const age = now - this.#probedBaseAt;
    const atFloor = this.#limit === MIN_WINDOW;
    if (this.#windowLimited && age > (atFloor ? FLOOR_MS : BASE_MS)) {
      this.#probing = MAX_BASE_SAMPLES;
      this.#probeFrom = this.#sent;
      this.#slowStart = atFloor;
    }
    const aim = this.#baseRtt + TARGET_MS;
    // Less than half of the target: the path is not full, however long it is.
    const growth = this.#slowStart ? MAX_CHANGE : SMALL_CHANGE;
    const change = quickest < aim - TARGET_MS / 2 ? growth : aim / quickest;
    if (change > 1 && !this.#windowLimited) return;
    this.#windowLimited = false;
    if (change < 1) this.#slowStart = false;
    const next = Math.round(this.#limit * Math.max(1 / MAX_CHANGE, change));
    this.#limit = Math.min(MAX_WINDOW, Math.max(MIN_WINDOW, next));
  }
}
