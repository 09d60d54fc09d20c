/**
 * What the relay says about itself and its machine: /api/relay/status (asked) and /api/relay/events (pushed). A server
 * without a relay in front answers 404 to both: then there is one hop less, and `present` says so.
 */
import type { MachineEvents } from '../../core/api/machines.ts';
import { signal } from '../state/signal.ts';
import type { Signal, Timer } from '../state/signal.ts';

/** While something is broken the relay is asked this often; ms. */
export const ASK_EVERY = 5_000;
const ASK_TIMEOUT = 5_000;
/** When the stream of events ends the relay is asked after this; ms. */
const ASK_AFTER_EVENTS = 1_000;
/** A failure so soon is not that of a relay that does not answer; ms. */
const AT_ONCE = 1_000;

export interface RelayState {
  /** null: not known yet. */
  readonly present: boolean | null;
  readonly reachable: boolean | null;
  /** When the relay was last heard, and since when `reachable` is what it is. */
  readonly seenAt: number | null;
  readonly since: number;
  /** The relay's word on its machine. */
  readonly machine: boolean | null;
  readonly machineSince: number;
  readonly machineSeenAt: number | null;
  /** The machine's version is older than the relay's: which, and what to type. Empty: it is not. */
  readonly versionWarning: string;
}

/** What the relay says; without a login only the first field. */
interface Status {
  tunnelConnected?: unknown;
  now?: number;
  versionWarning?: unknown;
  machine?: { since?: number | null; lastSeenAt?: number | null };
}

/** The part of the browser's EventSource that is used. */
export interface Events {
  onopen: ((event: any) => void) | null;
  onmessage: ((event: any) => void) | null;
  onerror: ((event: any) => void) | null;
  addEventListener(type: string, listener: (event: any) => void): void;
  close(): void;
}

export interface RelayStatusWatcher {
  readonly state: Signal<RelayState>;
  start(): void;
  stop(): void;
  /** Asks now, and goes on asking while the relay or its machine is away. */
  ask(): void;
}

/** One of the relay's named events. */
export type MachineEvent = { [T in keyof MachineEvents]: { type: T } & MachineEvents[T] }[keyof MachineEvents];

const MACHINE_EVENTS = ['machines', 'machine', 'machine.removed'] as const;

export interface RelayStatusDeps {
  fetch: typeof fetch;
  openEvents(url: string): Events;
  onMachineUp(): void;
  /** What the relay tells of each of its machines. */
  onMachines(event: MachineEvent): void;
  now(): number;
  setTimeout(action: () => void, ms: number): Timer;
  clearTimeout(timer: Timer): void;
}

export const createRelayStatusWatcher = (deps: RelayStatusDeps): RelayStatusWatcher => new Watcher(deps);

class Watcher implements RelayStatusWatcher {
  readonly state: Signal<RelayState>;
  readonly #deps: RelayStatusDeps;
  #events: Events | null = null;
  #timer: Timer | null = null;
  #isRunning = false;

  constructor(deps: RelayStatusDeps) {
    this.#deps = deps;
    this.state = signal<RelayState>({
      present: null,
      reachable: null,
      seenAt: null,
      since: deps.now(),
      machine: null,
      machineSince: deps.now(),
      machineSeenAt: null,
      versionWarning: '',
    });
  }

  start(): void {
    this.#isRunning = true;
    this.ask();
  }

  stop(): void {
    this.#isRunning = false;
    this.#cancelTimer();
    this.#unlisten();
  }

  ask(): void {
    void this.#ask(false);
  }

  async #ask(isSecond: boolean): Promise<void> {
    if (!this.#isRunning || this.state.value.present === false) return;
    this.#cancelTimer();
    const askedAt = this.#deps.now();
    try {
      if (await this.#fetchStatus() === 'absent') return;
    } catch {
      if (this.#mayBeStaleConnection(askedAt) && !isSecond) return this.#ask(true);
      // What the events have said meanwhile is newer than a question that got lost.
      if ((this.state.value.seenAt ?? -1) < askedAt) this.#set({ reachable: false });
    }
    if (this.#isRunning) this.#followUp();
  }

  async #fetchStatus(): Promise<'present' | 'absent'> {
    const signal = AbortSignal.timeout(ASK_TIMEOUT);
    const response = await this.#deps.fetch('/api/relay/status', { cache: 'no-store', signal });
    if (response.status === 404) {
      this.#set({ present: false, reachable: null });
      return 'absent';
    }
    if (response.ok) this.#onStatus(await response.json());
    return 'present';
  }

  /** A kept connection that was just closed fails at once and says nothing of the relay: a second question uses a new one. */
  #mayBeStaleConnection(askedAt: number): boolean {
    return this.state.value.reachable === true && this.#deps.now() - askedAt < AT_ONCE;
  }

  #followUp(): void {
    const { present, reachable, machine } = this.state.value;
    if (present) this.#listen();
    if (!reachable || !machine) this.#askIn(ASK_EVERY);
  }

  #set(part: Partial<RelayState>): void {
    const old = this.state.value;
    const now = this.#deps.now();
    const next = { ...old, ...part };
    this.state.value = {
      ...next,
      since: next.reachable === old.reachable ? old.since : now,
      machineSince: next.machine === old.machine ? next.machineSince : part.machineSince ?? now,
    };
    if (next.machine && old.machine === false) this.#deps.onMachineUp();
  }

  #onStatus(status: Status): void {
    const now = this.#deps.now();
    const { tunnelConnected, versionWarning } = status;
    const machine = typeof tunnelConnected === 'boolean' ? tunnelConnected : this.state.value.machine;
    // The relay's clock need not be this device's.
    const here = (at: number | null | undefined) =>
      typeof at === 'number' && typeof status.now === 'number' ? at + now - status.now : null;
    const machineSince = here(status.machine?.since);
    const machineSeenAt = here(status.machine?.lastSeenAt) ?? (machine ? now : null);
    this.#set({
      present: true,
      reachable: true,
      seenAt: now,
      machine,
      ...(typeof versionWarning === 'string' ? { versionWarning } : {}),
      ...(machineSince !== null ? { machineSince } : {}),
      ...(machineSeenAt !== null ? { machineSeenAt } : {}),
    });
  }

  #listen(): void {
    if (this.#events) return;
    this.#events = this.#deps.openEvents('/api/relay/events?machines=1');
    this.#events.onmessage = (event) => {
      try {
        this.#onStatus(JSON.parse(event.data));
      } catch {
        // A comment or a newer kind of event.
      }
    };
    for (const type of MACHINE_EVENTS) {
      this.#events.addEventListener(type, ({ data }) => this.#deps.onMachines({ type, ...JSON.parse(data) }));
    }
    this.#events.onerror = () => {
      this.#unlisten();
      if (this.#isRunning && this.#timer === null) this.#askIn(ASK_AFTER_EVENTS);
    };
  }

  #unlisten(): void {
    this.#events?.close();
    this.#events = null;
  }

  #askIn(ms: number): void {
    this.#timer = this.#deps.setTimeout(() => this.ask(), ms);
  }

  #cancelTimer(): void {
    if (this.#timer !== null) this.#deps.clearTimeout(this.#timer);
    this.#timer = null;
  }
}
