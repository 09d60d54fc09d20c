/**
 * The parts of the dashboard that outlive its pages, handed down by context. Each machine has its own: what is known of it
 * (store), how it is asked (api), how it tells (live), and what waits to be sent to it (outbox), so that nothing meant for
 * one can reach another. The login, the service worker and the relay's word are those of the page.
 */
import type { AgentCounts } from '../core/api/agent-order.ts';
import type { AgentInfo } from '../core/api/agents.ts';
import type { MachineEntry } from '../core/api/machines.ts';
import type { DeviceStorage } from './device-storage.ts';
import { createContext, useContext } from './html.ts';
import type { Api } from './net/api.ts';
import type { Auth } from './net/auth.ts';
import type { Chats } from './net/chats.ts';
import type { DevicePush, DevicePushDeps } from './net/device-push.ts';
import type { FeedProbe } from './net/feed-probe.ts';
import type { Live } from './net/live.ts';
import type { Outbox, OutboxItem } from './net/outbox.ts';
import type { RawSocket, SocketClock } from './net/reconnecting-socket.ts';
import type { Events, RelayStatusWatcher } from './net/relay-status.ts';
import type { WorkerControl } from './net/service-worker.ts';
import type { ResourceCache } from './state/resource.ts';
import type { Signal } from './state/signal.ts';
import { useSignalValue } from './state/signal.ts';
import type { State, Store } from './state/store.ts';
import type { DeviceKey } from './worker/device-key.ts';

/** What the page has once, whatever machines there are. */
export interface SharedParts {
  readonly auth: Auth;
  readonly feedProbe: FeedProbe;
  readonly fleet: Fleet;
  readonly relay: RelayStatusWatcher;
  readonly worker: WorkerControl;
}

/** The parts of one machine. Its `relay` says of the machine what the relay says of it. */
export interface App extends SharedParts {
  /** Its id at the relay; empty: nothing tells machines apart (local server, older relay). */
  readonly machine: string;
  readonly api: Api;
  readonly chats: Chats;
  readonly live: Live;
  /** Opens a WebSocket of the machine. @param path such as `/api/live` */
  openSocket(path: string): RawSocket;
  readonly outbox: Outbox;
  /** Made at its first use. */
  push(): Promise<DevicePush>;
  readonly resources: ResourceCache;
  readonly store: Store;
  start(): void;
  stop(): void;
  /** Nothing of it stays in this page. `all`: nor of what waits to be sent to it. */
  forget(all: boolean): void;
}

/** An agent, and whose it is. Its id is unique on its machine only, its key among all. */
export type Placed = AgentInfo & { readonly app: App; readonly key: string };

/** All machines. */
export interface Fleet {
  /** As the relay tells of them, by name; times are those of this device. Empty: it tells of none. */
  readonly machines: Signal<readonly MachineEntry[]>;
  /** One for each machine, in the same order; never empty. */
  readonly apps: Signal<readonly App[]>;
  /** The machine that the address names, else the one that was used last. */
  readonly current: Signal<App>;
  readonly agents: Signal<readonly Placed[]>;
  /** How many there are that are not among those yet; null: all are. */
  readonly rest: Signal<AgentCounts | null>;
  /** How many sessions at the desk ask something that can be answered here. */
  readonly asking: Signal<number>;
  /** What waits to be sent, to whichever machine. */
  readonly unsent: Signal<readonly OutboxItem[]>;
}

export interface AppDeps extends SocketClock, Pick<App, 'openSocket'> {
  fetch: typeof fetch;
  /** null: this browser keeps no key (plain http, no storage). */
  deviceKey: DeviceKey | null;
  /** Opens a stream of events of this origin. */
  openEvents(path: string): Events;
  storage: DeviceStorage;
  isVisible(): boolean;
  requestFrame(action: () => void): void;
  /** Calls back once the page has nothing else to do. */
  whenIdle(action: () => void): void;
  worker: WorkerControl;
  notifications: Pick<DevicePushDeps, 'permission' | 'askPermission' | 'isSecure' | 'isIos'>;
}

export const AppContext = createContext<App | null>(null);

/** The parts of the dashboard, in any component. */
export function useApp(): App {
  const app = useContext(AppContext);
  if (!app) throw new Error('A component that needs the app was drawn outside of AppContext.');
  return app;
}

/** A part of what is known of the machine; draws again when it changes. `select` returns the same object for the same state. */
export const useStore = <R>(select: (state: State) => R): R => useSignalValue(useApp().store, select);

/** Whether the way to the agent machine works now. */
export const useIsConnected = (): boolean => useSignalValue(useApp().live.connection, ({ phase }) => phase === 'up');

/** There is more than one machine: what is shown says whose it is. */
export const useHasMany = (): boolean => useSignalValue(useApp().fleet.apps, (apps) => apps.length > 1);

/** What the machine is called, when there is more than one; else empty. */
export function useMachineName(): string {
  const { fleet, machine } = useApp();
  const name = useSignalValue(fleet.machines, (all) => all.find(({ id }) => id === machine)?.name ?? '');
  return useHasMany() ? name : '';
}
