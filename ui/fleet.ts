/**
 * The machines of the page: one App for each that the relay tells of, or one for all that a server has which tells of none.
 * The list is kept on this device, so that the next start asks each machine under its own address from the first request on.
 */
import type { AgentCounts, AgentFilter } from '../core/api/agent-order.ts';
import type { AgentInfo } from '../core/api/agents.ts';
import type { MachineEntry } from '../core/api/machines.ts';
import type { App, AppDeps, Fleet, Placed, SharedParts } from './app.ts';
import { toastError } from './components/toast.ts';
import { createMachineApp } from './machine-app.ts';
import { ApiError, createApi } from './net/api.ts';
import type { Api } from './net/api.ts';
import { createAuth } from './net/auth.ts';
import { createFeedProbe } from './net/feed-probe.ts';
import { forgetAllLastKnown } from './net/last-known.ts';
import {
  afterEvent,
  forgetMachines,
  machineFetch,
  readMachines,
  watchMachine,
  writeMachines,
} from './net/machine-list.ts';
import type { OutboxItem } from './net/outbox.ts';
import { createRelayStatusWatcher } from './net/relay-status.ts';
import type { MachineEvent } from './net/relay-status.ts';
import { at, currentPath, namedMachine, scope } from './route.ts';
import { signal } from './state/signal.ts';
import type { Signal } from './state/signal.ts';
import { find } from './state/store.ts';
import { agentKey } from './worker/agent-key.ts';
import { renewingFetch } from './worker/device-key.ts';

/** Under which the machine that was used last is kept. */
const LAST_USED = 'machine';
/** How long the first visit waits for the list, ms. */
const LIST_TIMEOUT = 5_000;

/** Makes the parts and ties them together; nothing is asked of the server before `auth.begin()`. */
export function createFleet(deps: AppDeps): Fleet {
  return new MachineFleet(deps);
}

class MachineFleet implements Fleet {
  readonly machines: Signal<readonly MachineEntry[]>;
  readonly apps = signal<readonly App[]>([]);
  readonly current: Signal<App>;
  readonly agents = signal<readonly Placed[]>([]);
  readonly rest = signal<AgentCounts | null>(null);
  readonly asking = signal(0);
  readonly unsent = signal<readonly OutboxItem[]>([]);
  readonly #deps: AppDeps;
  readonly #shared: SharedParts;
  readonly #fetch: typeof fetch;
  /** What ends the subscriptions of each. */
  readonly #ends = new Map<App, (() => void)[]>();
  readonly #merged = new WeakMap<AgentInfo, Placed>();
  #tables: readonly unknown[] = [];
  /** The list of machines, asked for at the first visit beside the login. */
  #early: Promise<void> | null = null;

  constructor(deps: AppDeps) {
    this.#deps = deps;
    this.#fetch = deps.deviceKey ? renewingFetch(deps.fetch, deps.deviceKey) : deps.fetch;
    this.machines = signal<readonly MachineEntry[]>(readMachines(deps.storage) ?? []);
    const relay = createRelayStatusWatcher({
      ...deps,
      onMachineUp: () => this.apps.value.forEach(({ machine, live }) => machine || live.retryNow()),
      onMachines: (event) => this.#onEvent(event),
    });
    const api = this.#api('');
    const auth = createAuth({
      api,
      deviceKey: deps.deviceKey,
      now: deps.now,
      onError: toastError,
      canBeginOffline: () => this.apps.value.some(({ store }) => store.value.knownAt !== null),
      onAsked: () => void (this.#early ??= readMachines(deps.storage) ? null : this.#ask(api)),
      onSignedIn: () => void this.#begin(api),
      onSignedOut: () => this.#end(),
    });
    this.#shared = { auth, feedProbe: createFeedProbe(deps), fleet: this, relay, worker: deps.worker };
    this.#updateApps();
    this.current = signal(this.apps.value[0]!);
    for (const changed of [namedMachine, currentPath, this.apps]) changed.subscribe(() => this.#locate());
  }

  #api(machine: string): Api {
    const { deviceKey } = this.#deps;
    const api: Api = createApi({
      fetch: machineFetch(this.#fetch, at(machine, '')),
      onSignedOut: () => this.#shared.auth.signedOut(),
      prove: (code) => code === 'step_up_required' ? confirmed(api) : deviceKey?.renew() ?? Promise.resolve(false),
    });
    return api;
  }

  async #begin(api: Api): Promise<void> {
    const { auth, relay, worker } = this.#shared;
    relay.start();
    await this.#early;
    this.#early = null;
    if (!readMachines(this.#deps.storage)) await this.#ask(api);
    if (auth.state.value !== 'in') return;
    for (const app of this.apps.value) app.start();
    worker.flush();
  }

  /** On the first visit nothing is asked of a machine before it is known which ones there are. */
  async #ask(api: Api): Promise<void> {
    try {
      this.#set(await api.get<MachineEntry[]>('/api/relay/machines', { timeout: LIST_TIMEOUT }));
    } catch (error) {
      if (error instanceof ApiError && error.status === 404) this.#set([]);
    }
  }

  #end(): void {
    this.#shared.relay.stop();
    for (const app of this.apps.value) {
      app.stop();
      app.forget(false);
    }
    forgetAllLastKnown(this.#deps.storage);
    forgetMachines(this.#deps.storage);
  }

  #onEvent(event: MachineEvent): void {
    const before = this.machines.value;
    const gone = event.type === 'machine.removed' && this.apps.value.find(({ machine }) => machine === event.id);
    this.#set(afterEvent(before, event, this.#deps.now() - event.now));
    if (gone) gone.forget(true);
    const wasUp = new Set(before.filter(({ connected }) => connected).map(({ id }) => id));
    const isBack = ({ id, connected }: MachineEntry) => connected && !wasUp.has(id);
    const back = new Set(this.machines.value.filter(isBack).map(({ id }) => id));
    for (const { machine, live } of this.apps.value) if (back.has(machine)) live.retryNow();
  }

  #set(machines: readonly MachineEntry[]): void {
    this.machines.value = machines;
    writeMachines(this.#deps.storage, machines);
    this.#updateApps();
  }

  #updateApps(): void {
    const old = this.apps.value;
    const ids = this.machines.value.length ? this.machines.value.map(({ id }) => id) : [''];
    if (ids.length === old.length && ids.every((id, i) => id === old[i]!.machine)) return;
    const apps = ids.map((id) => old.find(({ machine }) => machine === id) ?? this.#make(id));
    for (const app of old) if (!apps.includes(app)) this.#drop(app);
    this.apps.value = apps;
    this.#gather();
    if (this.#shared.auth.state.value === 'in') { for (const app of apps) app.start(); }
  }

  #make(machine: string): App {
    const { relay } = this.#shared;
    const [word, end] = machine ? watchMachine(relay, this.machines, machine) : [relay, () => {}];
    const app = createMachineApp(this.#deps, { ...this.#shared, relay: word }, this.#api(machine), machine);
    const gather = () => this.apps.value.includes(app) && this.#gather();
    this.#ends.set(app, [end, app.store.subscribe(gather), app.outbox.items.subscribe(gather)]);
    return app;
  }

  #drop(app: App): void {
    app.stop();
    for (const end of this.#ends.get(app) ?? []) end();
    this.#ends.delete(app);
    app.forget(false);
  }

  #gather(): void {
    const apps = this.apps.value;
    const tables = apps.flatMap(({ store: { value }, outbox }) => [
      value.agents,
      value.rest,
      value.handoff,
      outbox.items.value,
    ]);
    if (tables.length === this.#tables.length && tables.every((table, i) => table === this.#tables[i])) return;
    this.#tables = tables;
    this.agents.value = apps.flatMap((app) =>
      Object.values(app.store.value.agents).map((agent) => this.#withApp(agent, app))
    );
    this.rest.value = apps.map(({ store }) => store.value.rest).reduce(sumOf, null);
    const atDesk = apps.flatMap(({ store }) => Object.values(store.value.handoff));
    this.asking.value = atDesk.filter(({ pending }) => pending).length;
    this.unsent.value = apps.flatMap(({ outbox }) => outbox.items.value);
  }

  /** The same object for the same agent: what is drawn of it is drawn again only when it changed. */
  #withApp(agent: AgentInfo, app: App): Placed {
    const entry = this.#merged.get(agent) ?? { ...agent, app, key: agentKey(app.machine, agent.id) };
    this.#merged.set(agent, entry);
    return entry;
  }

  #use(machine: string): void {
    try {
      this.#deps.storage.setItem(LAST_USED, machine);
    } catch {
      // A full storage: the one before is what the next page begins with.
    }
  }

  /** The address decides; without a machine in it, who has the agent that it names; else the one that was used last. */
  #locate(): void {
    const apps = this.apps.value;
    const { storage } = this.#deps;
    const named = apps.find(({ machine }) => machine && machine === namedMachine.value);
    const agent = currentPath.value.split('/')[1] === 'agents' ? currentPath.value.split('/')[2] : undefined;
    const owner = agent && apps.find(({ store }) => find(store.value.agents, agent));
    const used = storage.getItem(LAST_USED);
    const last = apps.find(({ machine }) => machine === used) ??
      apps.find(({ relay }) => relay.state.value.machine) ?? apps[0]!;
    const app = named ?? (owner || last);
    if (named && named.machine !== used) this.#use(named.machine);
    scope.value = apps.length > 1 ? app.machine : '';
    this.current.value = app;
  }
}

function sumOf(a: AgentCounts | null, b: AgentCounts | null): AgentCounts | null {
  if (!a || !b) return a ?? b;
  const names = Object.keys(a) as AgentFilter[];
  return Object.fromEntries(names.map((name) => [name, a[name] + b[name]])) as AgentCounts;
}

/** Asks for the passkey; without one the server's own refusal is shown. */
const confirmed = (api: Api): Promise<boolean> =>
  import('./net/passkey.ts').then(({ confirmByPasskey }) => confirmByPasskey(api)).then(() => true, () => false);
