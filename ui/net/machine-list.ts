/** The relay's machines as this device knows them, and the relay's word on one of them. */
import { isMachineId } from '../../core/api/machines.ts';
import type { MachineEntry } from '../../core/api/machines.ts';
import { signal } from '../state/signal.ts';
import type { Signal } from '../state/signal.ts';
import type { MachineEvent, RelayState, RelayStatusWatcher } from './relay-status.ts';

const KEY = 'machines';

type Place = Pick<Storage, 'getItem' | 'setItem' | 'removeItem'>;

/** null: nobody has told yet; empty: the server tells of none. */
export function readMachines(storage: Place): MachineEntry[] | null {
  try {
    const list = JSON.parse(storage.getItem(KEY) ?? 'null') as MachineEntry[] | null;
    return Array.isArray(list) ? list.filter(({ id }) => isMachineId(id)) : null;
  } catch {
    return null;
  }
}

export function writeMachines(storage: Place, list: readonly MachineEntry[]): void {
  try {
    storage.setItem(KEY, JSON.stringify(list));
  } catch {
    // A full storage: the next start asks.
  }
}

/** Names of machines go with the login. */
export const forgetMachines = (storage: Place): void => storage.removeItem(KEY);

/** The list after an event. @param ahead how far this device's clock is before the relay's, ms */
export function afterEvent(
  list: readonly MachineEntry[],
  event: MachineEvent,
  ahead: number,
): readonly MachineEntry[] {
  const here = (entry: MachineEntry): MachineEntry => ({
    ...entry,
    since: entry.since + ahead,
    lastSeenAt: entry.lastSeenAt + ahead,
  });
  switch (event.type) {
    case 'machines':
      return event.machines.map(here);
    case 'machine': {
      const { machine } = event;
      const next = [...list.filter(({ id }) => id !== machine.id), here(machine)];
      return next.sort((a, b) => order(a, b));
    }
    case 'machine.removed':
      return list.filter(({ id }) => id !== event.id);
  }
}

/** As the relay orders them. */
const order = (a: MachineEntry, b: MachineEntry): number =>
  a.name === b.name ? (a.id < b.id ? -1 : 1) : a.name < b.name ? -1 : 1;

/** The relay's word, on this machine instead of the one that connected last. @returns it, and what ends it */
export function watchMachine(
  relay: RelayStatusWatcher,
  machines: Signal<readonly MachineEntry[]>,
  id: string,
): [RelayStatusWatcher, () => void] {
  const view = (): RelayState => {
    const entry = machines.value.find((machine) => machine.id === id);
    const word = entry && { machine: entry.connected, machineSince: entry.since, machineSeenAt: entry.lastSeenAt };
    return { ...relay.state.value, ...word };
  };
  const state = signal(view());
  const update = () => void (state.value = view());
  const ends = [relay.state.subscribe(update), machines.subscribe(update)];
  const watcher = { state, start: () => relay.start(), stop: () => relay.stop(), ask: () => relay.ask() };
  return [watcher, () => ends.forEach((end) => end())];
}

/** The relay's own routes belong to no machine. */
const isMachines = (path: string): boolean => /^\/api\/(?!auth\/|relay\/|previews\/)/.test(path);

/** A fetch whose addresses of the API are those of one machine. @param base such as `/m/x`; empty: of the only one */
export const machineFetch = (doFetch: typeof fetch, base: string): typeof fetch => (path, options) =>
  doFetch(typeof path === 'string' && isMachines(path) ? base + path : path, options);
