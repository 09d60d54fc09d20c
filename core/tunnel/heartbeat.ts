/** Whether the peer is alive, how far away it is, and whether this machine slept; its PINGs are the probes of the pace, too. */
import { Buffer } from 'node:buffer';
import type { Clock, Timer } from '../clock.ts';
import { DEAD_MS, HEARTBEAT_MS } from './limits.ts';
import { Pace } from './pace.ts';

/** How often it looks. A look that comes more than SLEPT_MS late means that this machine slept. */
const TICK_MS = 2_500;
const SLEPT_MS = 5_000;
/** After sleep the peer has this long to answer. */
const WAKE_MS = 5_000;

export interface HeartbeatEvents {
  /** Sends a PING with this payload. */
  ping: (payload: Buffer) => void;
  /** The peer is silent. */
  dead: () => void;
}

export class Heartbeat {
  readonly pace: Pace = new Pace();
  /** Clock.monotonic() of the last sign of life. */
  lastSeen: number;
  /** Of the last answer, ms. */
  rttMs: number | null = null;

  readonly #clock: Clock;
  readonly #events: HeartbeatEvents;
  #timer: Timer | null = null;
  #wall = 0;
  #nextPing = 0;
  /** After sleep: when the answer must be here. 0: none is waited for. */
  #answerBy = 0;

  constructor(clock: Clock, events: HeartbeatEvents) {
    this.#clock = clock;
    this.#events = events;
    this.lastSeen = clock.monotonic();
  }

  /** This machine has just slept, and the peer has not answered since. */
  get slept(): boolean {
    return this.#answerBy > 0;
  }

  start(): void {
    this.#nextPing = this.#clock.monotonic();
    this.#wall = this.#clock.now();
    this.#tick();
  }
  stop(): void {
    this.#clock.clearTimeout(this.#timer);
    this.#timer = null;
  }

  seen(): void {
    this.lastSeen = this.#clock.monotonic();
  }
  /** A record of so many bytes is about to be sent. @returns the payload of a PING that should be its last frame, or null */
  sending(bytes: number): Buffer | null {
    this.pace.sent(bytes);
    return this.pace.due ? this.#probe() : null;
  }
  /** @returns false when there was no such PING */
  pong(payload: Buffer): boolean {
    const stamp = payload.length === 8 ? payload.readDoubleBE(0) : NaN;
    const roundTrip = this.pace.answer(stamp, this.#clock.monotonic());
    if (roundTrip === null) return false;
    this.rttMs = roundTrip;
    this.#answerBy = 0;
    if (this.pace.due) this.#ping();
    return true;
  }

  #tick(): void {
    const now = this.#clock.monotonic();
    const wall = this.#clock.now();
    if (wall - this.#wall > TICK_MS + SLEPT_MS) {
      // The silence was this machine's own. Ask, and believe only a fresh answer.
      this.#answerBy = now + WAKE_MS;
      this.lastSeen = now;
      this.#nextPing = now;
    }
    this.#wall = wall;
    const late = this.slept && now >= this.#answerBy;
    if (late || now - this.lastSeen >= DEAD_MS) return this.#events.dead();
    if (now >= this.#nextPing) {
      this.#nextPing = now + HEARTBEAT_MS;
      this.#ping();
    }
    this.#timer = this.#clock.setTimeout(() => this.#tick(), TICK_MS);
  }
  #ping(): void {
    this.#events.ping(this.#probe());
  }
  #probe(): Buffer {
    const now = this.#clock.monotonic();
    const stamp = Buffer.alloc(8);
    stamp.writeDoubleBE(now);
    this.pace.probe(now);
    return stamp;
  }
}
