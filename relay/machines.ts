/** The connected machines: of each id the newest proven tunnel. */
import type { MachineEntry } from '../core/api/machines.ts';
import { type Clock, systemClock } from '../core/clock.ts';
import { CLOSE, type Hello, type Stream, type TunnelSession } from '../core/tunnel/mod.ts';

/** What plain `/api/…` reaches, for the relay's status, its events and its metrics. Times are ms since the Unix epoch. */
export interface MachineStatus {
  /** '': no machine has connected since the relay started. */
  id: string;
  connected: boolean;
  /** When it connected, or when it went away. null: no machine has connected since the relay started. */
  since: number | null;
  lastSeenAt: number | null;
  name: string;
  version: string;
  /** The machine's address as the relay sees it. */
  address: string;
  /** Round trip of the last heartbeat. */
  rttMs: number | null;
  /** Streams open now. */
  streams: number;
  /** Totals of all machines' tunnels since the relay started: streams, and bytes inside records. */
  streamsTotal: number;
  bytesIn: number;
  bytesOut: number;
  /** Tunnels that proved the token since the relay started. */
  tunnelsTotal: number;
}

/** The one id of all machines that tell none: those of a version before ids. */
export const LEGACY_ID = 'machine';

/** What happened to a machine. `connected`: also when it takes the place of its own former tunnel. */
export type MachineChange = { type: 'connected' | 'draining' | 'away'; machine: Machine };

type Totals = Pick<MachineStatus, 'streamsTotal' | 'bytesIn' | 'bytesOut' | 'tunnelsTotal'>;

/** Of one tunnel since it was established. */
export type MachineTraffic = Pick<MachineStatus, 'rttMs' | 'streams' | 'streamsTotal' | 'bytesIn' | 'bytesOut'>;

/** A machine behind a proven tunnel. */
export class Machine {
  readonly id: string;
  readonly name: string;
  readonly version: string;
  readonly address: string;
  readonly session: TunnelSession;
  readonly since: number;
  streamsTotal = 0;
  /** When it sent GOAWAY; null while it accepts new streams. */
  drainingSince: number | null = null;

  constructor(session: TunnelSession, hello: Hello, address: string, since: number) {
    this.session = session;
    this.id = hello.id ?? LEGACY_ID;
    this.name = hello.name;
    this.version = hello.version;
    this.address = address;
    this.since = since;
  }

  /** Whether it accepts new streams. */
  get available(): boolean {
    return this.session.established && !this.session.draining;
  }
  /** Opens a stream; null at the limit of streams, or when the machine is no longer connected. */
  open(): Stream | null {
    const stream = this.session.open();
    if (stream) this.streamsTotal++;
    return stream;
  }
}

export class Machines {
  readonly #clock: Clock;
  readonly #listeners = new Set<(change: MachineChange) => void>();
  /** In the order in which they connected. */
  readonly #connected = new Map<string, Machine>();
  #current: Machine | null = null;
  /** The machine that was connected last, for the status while none is. */
  #last: Omit<MachineStatus, keyof Totals> = NO_MACHINE;
  /** Counts of tunnels that have closed; tunnelsTotal includes the open ones. */
  readonly #formerTotals: Totals = { streamsTotal: 0, bytesIn: 0, bytesOut: 0, tunnelsTotal: 0 };

  constructor(clock: Clock = systemClock) {
    this.#clock = clock;
  }

  /** The machine of plain `/api/…`: of those that take requests the one that connected last. */
  current(): Machine | null {
    return this.#current;
  }
  /** null: it is not connected. */
  find(id: string): Machine | null {
    return this.#connected.get(id) ?? null;
  }
  list(): Machine[] {
    return [...this.#connected.values()];
  }

  /** Makes this proven tunnel that of its machine and closes the machine's former tunnel with `replaced`. */
  add(session: TunnelSession, hello: Hello, address: string): Machine {
    const machine = new Machine(session, hello, address, this.#clock.now());
    const former = this.#connected.get(machine.id);
    this.#connected.delete(machine.id);
    this.#connected.set(machine.id, machine);
    this.#formerTotals.tunnelsTotal++;
    this.#current = machine;
    if (former) {
      this.#addToTotals(former);
      void former.session.close(CLOSE.replaced, 'this machine has connected again');
    }
    this.#notify({ type: 'connected', machine });
    return machine;
  }
  /** The tunnel of this machine has closed. */
  remove(machine: Machine): void {
    if (this.#connected.get(machine.id) !== machine) return;
    this.#connected.delete(machine.id);
    this.#addToTotals(machine);
    if (this.#current === machine) {
      this.#last = this.#awayStatus(machine);
      this.#current = this.#latest();
    }
    this.#notify({ type: 'away', machine });
  }
  /** The machine has sent GOAWAY. */
  draining(machine: Machine): void {
    machine.drainingSince ??= this.#clock.now();
    if (this.#connected.get(machine.id) !== machine) return;
    if (this.#current === machine) this.#current = this.#latest() ?? machine;
    this.#notify({ type: 'draining', machine });
  }

  /** Calls `listener` after each change. Returns a function that unsubscribes. */
  onChange(listener: (change: MachineChange) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  status(): MachineStatus {
    return { ...(this.#current ? this.#connectedStatus(this.#current) : this.#last), ...this.#totals() };
  }
  /** What of a machine's entry its tunnel tells. */
  presence(machine: Machine): Pick<MachineEntry, 'connected' | 'since' | 'lastSeenAt' | 'version' | 'address'> {
    const { version, address, available } = machine;
    const since = available ? machine.since : machine.drainingSince ?? machine.since;
    return { connected: available, since, lastSeenAt: this.#seenAt(machine), version, address };
  }

  /** What goes through its tunnel. */
  traffic({ session, streamsTotal }: Machine): MachineTraffic {
    const { rttMs, streams, bytesIn, bytesOut } = session;
    return { rttMs, streams, streamsTotal, bytesIn, bytesOut };
  }

  /** When a machine whose tunnel has closed just now went away. */
  awaySince(machine: Machine): number {
    return machine.drainingSince ?? this.#clock.now();
  }

  /** The machine that connected last among those that take requests. */
  #latest(): Machine | null {
    return this.list().findLast((machine) => machine.available) ?? null;
  }
  #connectedStatus(machine: Machine): Omit<MachineStatus, keyof Totals> {
    const { id, name, session } = machine;
    return { id, name, ...this.presence(machine), rttMs: session.rttMs, streams: session.streams };
  }
  #awayStatus(machine: Machine): Omit<MachineStatus, keyof Totals> {
    const since = this.awaySince(machine);
    return { ...this.#connectedStatus(machine), connected: false, since, rttMs: null, streams: 0 };
  }
  #totals(): Totals {
    const totals = { ...this.#formerTotals };
    for (const machine of this.#connected.values()) addTo(totals, machine);
    return totals;
  }

  #seenAt(machine: Machine): number {
    return Math.round(this.#clock.now() - (this.#clock.monotonic() - machine.session.lastSeen));
  }
  #addToTotals(machine: Machine): void {
    addTo(this.#formerTotals, machine);
  }
  #notify(change: MachineChange): void {
    for (const listener of [...this.#listeners]) listener(change);
  }
}

const NO_MACHINE: Omit<MachineStatus, keyof Totals> = {
  ...{ id: '', name: '', version: '', address: '' },
  ...{ connected: false, since: null, lastSeenAt: null, rttMs: null, streams: 0 },
};

function addTo(totals: Totals, { session, streamsTotal }: Machine): void {
  totals.bytesIn += session.bytesIn;
  totals.bytesOut += session.bytesOut;
  totals.streamsTotal += streamsTotal;
}
