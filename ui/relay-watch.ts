/**
 * What the relay says about itself and its machine: /api/relay/status (asked) and /api/relay/events (told). A server
 * without a relay in front answers 404 to both: then there is one hop less, and `present` says so.
 */
import { cell } from './cell.ts';
import type { Cell, Timer } from './cell.ts';

/** While something is broken the relay is asked this often; ms. */
export const ASK_EVERY = 5_000;
const ASK_TIMEOUT = 5_000;
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
}

/** What the relay says; without a login only the first. */
interface Word {
  tunnelConnected?: unknown;
  now?: number;
  machine?: { since?: number | null; lastSeenAt?: number | null };
}

interface Events {
  onopen: ((event: any) => void) | null;
  onmessage: ((event: any) => void) | null;
  onerror: ((event: any) => void) | null;
  close(): void;
}

export interface RelayWatch {
  readonly state: Cell<RelayState>;
  start(): void;
  stop(): void;
  /** Asks now, and goes on asking while the relay or its machine is away. */
  ask(): void;
}

export function createRelayWatch(deps: {
  fetch: typeof fetch;
  openEvents(url: string): Events;
  onMachineUp(): void;
  now(): number;
  setTimeout(action: () => void, ms: number): Timer;
  clearTimeout(timer: Timer): void;
}): RelayWatch {
  const state = cell<RelayState>({
    present: null,
    reachable: null,
    seenAt: null,
    since: deps.now(),
    machine: null,
    machineSince: deps.now(),
    machineSeenAt: null,
  });
  let events: Events | null = null;
  let timer: Timer | null = null;
  let running = false;

  function set(part: Partial<RelayState>) {
    const old = state.get();
    const now = deps.now();
    const next = { ...old, ...part };
    if (next.reachable !== old.reachable) next.since = now;
    if (next.machine !== old.machine) next.machineSince = part.machineSince ?? now;
    state.set(next);
    if (next.machine && old.machine === false) deps.onMachineUp();
  }

  /** @param word the body of the status, or of an event */
  function told(word: Word) {
    const now = deps.now();
    const machine = typeof word.tunnelConnected === 'boolean' ? word.tunnelConnected : state.get().machine;
    // The relay's clock need not be this device's.
    const here = (at: number | null | undefined) =>
      typeof at === 'number' && typeof word.now === 'number' ? at + now - word.now : null;
    const machineSince = here(word.machine?.since);
    const machineSeenAt = here(word.machine?.lastSeenAt) ?? (machine ? now : null);
    set({
      present: true,
      reachable: true,
      seenAt: now,
      machine,
      ...(machineSince !== null ? { machineSince } : {}),
      ...(machineSeenAt !== null ? { machineSeenAt } : {}),
    });
  }

  async function ask(isSecond = false): Promise<void> {
    if (!running || state.get().present === false) return;
    if (timer !== null) deps.clearTimeout(timer);
    timer = null;
    const asked = deps.now();
    try {
      const response = await deps.fetch('/api/relay/status', {
        cache: 'no-store',
        signal: AbortSignal.timeout(ASK_TIMEOUT),
      });
      if (response.status === 404) return set({ present: false, reachable: null });
      if (response.ok) told(await response.json());
    } catch {
      const { seenAt, reachable } = state.get();
      // A kept connection that was just closed fails at once, and says nothing of the relay: asked again it uses a new one.
      if (reachable && !isSecond && deps.now() - asked < AT_ONCE) return ask(true);
      // What the events have said meanwhile is newer than a question that got lost.
      if ((seenAt ?? -1) < asked) set({ reachable: false });
    }
    if (!running) return;
    if (state.get().present) listen();
    const { reachable, machine } = state.get();
    if (!reachable || !machine) timer = deps.setTimeout(() => void ask(), ASK_EVERY);
  }

  function listen() {
    if (events) return;
    events = deps.openEvents('/api/relay/events');
    events.onmessage = (event) => {
      try {
        told(JSON.parse(event.data));
      } catch {
        // A comment or a newer kind of event.
      }
    };
    events.onerror = () => {
      unlisten();
      if (running && timer === null) timer = deps.setTimeout(() => void ask(), 1000);
    };
  }

  function unlisten() {
    events?.close();
    events = null;
  }

  return {
    state,
    start() {
      running = true;
      void ask();
    },
    stop() {
      running = false;
      if (timer !== null) deps.clearTimeout(timer);
      timer = null;
      unlisten();
    },
    ask: () => void ask(),
  };
}
