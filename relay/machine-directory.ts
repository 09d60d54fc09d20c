/** What people see of the machines: the records together with the tunnels of those that are connected. */
import type { MachineEntry } from '../core/api/machines.ts';
import type { MachineChange, Machines, MachineTraffic } from './machines.ts';
import type { MachineRecord, MachineRecords } from './machine-records.ts';

export class MachineDirectory {
  readonly #machines: Machines;
  readonly #records: MachineRecords;
  readonly #listeners = new Set<(id: string) => void>();

  constructor(machines: Machines, records: MachineRecords) {
    this.#machines = machines;
    this.#records = records;
    machines.onChange((change) => this.#onChange(change));
    records.onRename((id) => this.#notify(id));
    records.onRemove((id) => this.#notify(id));
  }

  /** By name, then by id. */
  list(): MachineEntry[] {
    const entries = this.#records.list().map((record) => this.#entryOf(record));
    return entries.sort((a, b) => compare(a.name, b.name) || compare(a.id, b.id));
  }
  /** The known machines, each with what goes through its tunnel; null: it has none now. */
  traffic(): { machine: MachineEntry; traffic: MachineTraffic | null }[] {
    return this.list().map((machine) => {
      const connected = this.#machines.find(machine.id);
      return { machine, traffic: connected && this.#machines.traffic(connected) };
    });
  }
  /** Whether somebody knows it: what every request asks that names a machine. */
  has(id: string): boolean {
    return this.#records.find(id) !== null;
  }
  /** null: nobody knows it. */
  find(id: string): MachineEntry | null {
    const record = this.#records.find(id);
    return record && this.#entryOf(record);
  }

  /** Calls `listener` with the id of a machine that is new, changed or removed. Returns a function that unsubscribes. */
  onChange(listener: (id: string) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #onChange({ type, machine }: MachineChange): void {
    const { id, name, version, address } = machine;
    if (type === 'connected') this.#records.connected(id, { name, version, address });
    if (type === 'away') {
      this.#records.away(id, { ...this.#machines.presence(machine), since: this.#machines.awaySince(machine) });
    }
    this.#notify(id);
  }
  #entryOf({ id, name, hostName, version, address, since, lastSeenAt, key }: MachineRecord): MachineEntry {
    const machine = this.#machines.find(id);
    const away = { connected: false, since, lastSeenAt, version, address };
    const presence = machine ? this.#machines.presence(machine) : away;
    return { id, name: name || hostName, ...presence, token: key ? 'own' : 'shared' };
  }
  #notify(id: string): void {
    for (const listener of [...this.#listeners]) listener(id);
  }
}

const compare = (a: string, b: string): number => a < b ? -1 : a > b ? 1 : 0;
