/** Which machine is connected: one proven tunnel at a time, the newest. */
import { type Clock, systemClock } from '../core/clock.ts';
import { CLOSE, type Hello, type Session, type SessionEnd, type Stream } from '../core/tunnel/mod.ts';

/** For the relay's status, its events and its metrics. Times are ms since the Unix epoch. */
export interface MachineStatus {
  connected: boolean;
  /** Since when it is connected, or away. null: no machine since the relay started. */
  since: number | null;
  lastSeenAt: number | null;
  name: string;
  version: string;
  /** Its address as the relay sees it. */
  address: string;
  /** Of the last heartbeat. */
  rttMs: number | null;
  /** Streams open now. */
  streams: number;
  /** Since the relay started, over all tunnels: streams, and bytes inside records. */
  streamsTotal: number;
  bytesIn: number;
  bytesOut: number;
  /** Tunnels proven since the relay started. */
  tunnelsTotal: number;
}

/** One machine behind one proven tunnel. */
export class Machine {
  readonly name: string;
  readonly version: string;
  readonly address: string;
  readonly session: Session;
  readonly since: number;
  streamsTotal = 0;
  /** When it asked for no new streams; null while it takes them. */
  drainingSince: number | null = null;

  constructor(session: Session, hello: Hello, address: string, since: number) {
    this.session = session;
    this.name = hello.name;
    this.version = hello.version;
    this.address = address;
    this.since = since;
  }

  /** Whether it takes new streams. */
  get available(): boolean {
    return this.session.established && !this.session.draining;
  }
  /** null: at the limit, or no longer connected. */
  open(): Stream | null {
    const stream = this.session.open();
    if (stream) this.streamsTotal++;
    return stream;
  }
}

export class Machines {
  readonly #clock: Clock;
  readonly #listeners = new Set<() => void>();
  #machine: Machine | null = null;
  /** The last one, kept for what is told of it while it is away. */
  #last: { name: string; version: string; address: string; awaySince: number; lastSeenAt: number } | null = null;
  #past = { bytesIn: 0, bytesOut: 0, streams: 0 };
  #tunnels = 0;

  constructor(clock: Clock = systemClock) {
    this.#clock = clock;
  }

  current(): Machine | null {
    return this.#machine;
  }

  /** The newest proven tunnel serves from now on; the one before it is told that it was replaced. */
  add(session: Session, hello: Hello, address: string): Machine {
    const before = this.#machine;
    this.#machine = new Machine(session, hello, address, this.#clock.now());
    this.#tunnels++;
    if (before) {
      this.#count(before);
      void before.session.close(CLOSE.replaced, 'another machine with the same token has connected');
    }
    this.#changed();
    return this.#machine;
  }
  /** The tunnel of this machine has ended. */
  remove(machine: Machine, _end: SessionEnd): void {
    if (this.#machine !== machine) return;
    const { name, version, address } = machine;
    this.#last = {
      name,
      version,
      address,
      awaySince: machine.drainingSince ?? this.#clock.now(),
      lastSeenAt: this.#seenAt(machine),
    };
    this.#machine = null;
    this.#count(machine);
    this.#changed();
  }
  /** The machine has asked for no new streams. */
  draining(machine: Machine): void {
    machine.drainingSince ??= this.#clock.now();
    if (this.#machine === machine) this.#changed();
  }

  /** Calls `listener` after each change of who is connected. Returns the unsubscriber. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  status(): MachineStatus {
    const machine = this.#machine;
    const past = this.#past;
    const totals = {
      streamsTotal: past.streams + (machine?.streamsTotal ?? 0),
      bytesIn: past.bytesIn + (machine?.session.bytesIn ?? 0),
      bytesOut: past.bytesOut + (machine?.session.bytesOut ?? 0),
      tunnelsTotal: this.#tunnels,
    };
    if (!machine) {
      const last = this.#last;
      return {
        connected: false,
        since: last?.awaySince ?? null,
        lastSeenAt: last?.lastSeenAt ?? null,
        name: last?.name ?? '',
        version: last?.version ?? '',
        address: last?.address ?? '',
        rttMs: null,
        streams: 0,
        ...totals,
      };
    }
    return {
      connected: machine.available,
      since: machine.available ? machine.since : machine.drainingSince ?? machine.since,
      lastSeenAt: this.#seenAt(machine),
      name: machine.name,
      version: machine.version,
      address: machine.address,
      rttMs: machine.session.rttMs,
      streams: machine.session.streams,
      ...totals,
    };
  }

  #seenAt(machine: Machine): number {
    return Math.round(this.#clock.now() - (this.#clock.monotonic() - machine.session.lastSeen));
  }
  #count(machine: Machine): void {
    this.#past.bytesIn += machine.session.bytesIn;
    this.#past.bytesOut += machine.session.bytesOut;
    this.#past.streams += machine.streamsTotal;
  }
  #changed(): void {
    for (const listener of [...this.#listeners]) listener();
  }
}
