/** Detects a peer that vanished without closing: silence → Ping → more silence → dead. */
import type { Clock, Timer } from '../clock.ts';

export interface HeartbeatOptions {
  /** Milliseconds of silence after which a Ping is sent. */
  pingMs: number;
  /** Milliseconds of silence after which the peer is dead. More than pingMs. */
  deadMs: number;
}

export interface HeartbeatActions {
  /** The peer was silent for pingMs: send a Ping. */
  silent(): void;
  dead(): void;
}

export class Heartbeat {
  readonly #options: HeartbeatOptions;
  readonly #actions: HeartbeatActions;
  readonly #clock: Clock;
  #timer: Timer | null = null;
  #due = 0;
  #lastSeen: number;
  #held = false;

  constructor(options: HeartbeatOptions, actions: HeartbeatActions, clock: Clock) {
    if (!(options.deadMs > options.pingMs && options.pingMs > 0)) {
      throw new RangeError(`A heartbeat needs 0 < pingMs < deadMs, not ${options.pingMs} and ${options.deadMs}`);
    }
    this.#options = options;
    this.#actions = actions;
    this.#clock = clock;
    this.#lastSeen = clock.monotonic();
    this.#arm(options.pingMs);
  }

  /** The peer has shown life: bytes arrived, or buffered bytes were written. */
  seen(): void {
    this.#lastSeen = this.#clock.monotonic();
  }

  /** While this side does not read (`held`), silence proves nothing. */
  hold(held: boolean): void {
    if (this.#held && !held) this.seen();
    this.#held = held;
  }

  stop(): void {
    this.#clock.clearTimeout(this.#timer);
    this.#timer = null;
  }

  #arm(ms: number): void {
    this.#due = this.#clock.monotonic() + ms;
    this.#timer = this.#clock.setTimeout(() => this.#tick(), ms);
  }

  #tick(): void {
    const { pingMs, deadMs } = this.#options;
    const now = this.#clock.monotonic();
    // This process slept: what the peer sent meanwhile has not been read yet, so the peer gets one more round.
    if (this.#held || now - this.#due > pingMs) this.#lastSeen = Math.max(this.#lastSeen, now - pingMs);
    const silent = now - this.#lastSeen;
    if (silent >= deadMs) return this.#actions.dead();
    if (silent < pingMs) return this.#arm(pingMs - silent);
    this.#actions.silent();
    this.#arm(deadMs - silent);
  }
}
