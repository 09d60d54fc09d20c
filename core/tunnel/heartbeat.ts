/** Detects whether the peer is alive, measures the round trip and notices that this machine slept. Its PINGs are also the congestion probes. */
import { Buffer } from 'node:buffer';
import type { Clock, Timer } from '../clock.ts';
import { DEAD_MS, HEARTBEAT_MS } from './limits.ts';
import { Congestion } from './congestion.ts';

/** Interval of the checks. A check that runs more than SLEPT_MS late means that this machine slept. */
const TICK_MS = 2_500;
const SLEPT_MS = 5_000;
/** Time that the peer has to answer after sleep. */
const WAKE_MS = 5_000;
/** How often the round trip is measured where nothing else asks for a PING. */
const MEASURE_MS = 60_000;

/** Least distance of two stamps. */
const STAMP_STEP_MS = 0.001;

export interface TunnelHeartbeatEvents {
  /** Sends a PING with this payload. */
  ping: (payload: Buffer) => void;
  /** The peer is silent. */
  dead: () => void;
}

export class TunnelHeartbeat {
  readonly congestion: Congestion = new Congestion();
  /** Clock.monotonic() of the last sign of life. */
  lastSeen: number;
  /** Round trip of the last answer, ms. */
  rttMs: number | null = null;

  readonly #clock: Clock;
  readonly #events: TunnelHeartbeatEvents;
  /** The peer's PINGs are proof enough. */
  readonly #follows: boolean;
  /** When the latest PING was sent. */
  #sentAt = -Infinity;
  #timer: Timer | null = null;
  #wall = 0;
  #nextPing = 0;
  /** After sleep: deadline of the answer. 0: no answer is awaited. */
  #answerBy = 0;
  /** Stamp of the first PING after sleep: older PINGs prove nothing, their PONGs may have waited in a buffer. */
  #wakeStamp = 0;
  /** Stamp of the latest PING. */
  #lastStamp = 0;

  /** @param follows while the peer sends PINGs, send only those that measure, each in the record of an answer to the peer */
  constructor(clock: Clock, events: TunnelHeartbeatEvents, { follows = false }: { follows?: boolean } = {}) {
    this.#clock = clock;
    this.#events = events;
    this.#follows = follows;
    this.lastSeen = clock.monotonic();
  }

  /** This machine has just slept and the peer has not answered since. */
  get slept(): boolean {
    return this.#answerBy > 0;
  }

  start(): void {
    this.#nextPing = this.#clock.monotonic() - this.#patience;
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
  /** A record of this size is about to be sent. @returns the payload of a PING to append as its last frame, or null */
  sending(bytes: number): Buffer | null {
    this.congestion.sent(bytes);
    return this.congestion.probeDue ? this.#probe() : null;
  }
  /** The peer's PING is being answered: what is sent now shares the answer's record. */
  pinged(): void {
    const now = this.#clock.monotonic();
    if (!this.#follows) return;
    this.#nextPing = now + HEARTBEAT_MS;
    if (now - this.#sentAt >= MEASURE_MS) this.#ping();
  }
  /** @returns false when there was no such PING */
  pong(payload: Buffer): boolean {
    const stamp = payload.length === 8 ? payload.readDoubleBE(0) : NaN;
    const roundTrip = this.congestion.answer(stamp, this.#clock.monotonic());
    if (roundTrip === null) return false;
    this.rttMs = roundTrip;
    if (stamp >= this.#wakeStamp) this.#answerBy = 0;
    if (this.congestion.probeDue) this.#ping();
    return true;
  }

  #tick(): void {
    const now = this.#clock.monotonic();
    const wall = this.#clock.now();
    if (wall - this.#wall > TICK_MS + SLEPT_MS) {
      // The silence was caused by this machine. Send a PING and wait for its answer.
      this.#answerBy = now + WAKE_MS;
      this.#wakeStamp = this.#nextStamp();
      this.lastSeen = now;
      this.#nextPing = now - this.#patience;
    }
    this.#wall = wall;
    const late = this.slept && now >= this.#answerBy;
    if (late || now - this.lastSeen >= DEAD_MS) return this.#events.dead();
    if (now >= this.#nextPing + this.#patience) {
      this.#nextPing = now + HEARTBEAT_MS;
      this.#ping();
    }
    this.#timer = this.#clock.setTimeout(() => this.#tick(), this.#untilTick);
  }
  /** The checks of all tunnels of a relay come together: a thousand tunnels would wake it up 400 times a second. */
  get #untilTick(): number {
    return this.#follows ? TICK_MS - this.#clock.monotonic() % TICK_MS : TICK_MS;
  }
  /** How long it waits for the peer's PING, ms. */
  get #patience(): number {
    return this.#follows ? TICK_MS : 0;
  }
  #ping(): void {
    this.#events.ping(this.#probe());
  }
  #probe(): Buffer {
    const stamp = this.#nextStamp();
    this.#lastStamp = stamp;
    this.#sentAt = this.#clock.monotonic();
    const payload = Buffer.alloc(8);
    payload.writeDoubleBE(stamp);
    this.congestion.probe(stamp);
    return payload;
  }
  /** Now, but later than every stamp before: a PONG must tell which PING it answers. */
  #nextStamp(): number {
    return Math.max(this.#clock.monotonic(), this.#lastStamp + STAMP_STEP_MS);
  }
}
