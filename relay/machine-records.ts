/** The machines that this relay knows, connected or not, and the tokens of those that joined. One table owns them. */
import { Buffer } from 'node:buffer';
import { randomBytes } from 'node:crypto';
import { Failure } from '../core/api/errors.ts';
import { isMachineId } from '../core/api/machines.ts';
import type { Clock } from '../core/clock.ts';
import { generateMachineToken, tunnelKey } from '../core/tunnel/token.ts';
import { LEGACY_ID } from './machines.ts';

/** Machines at most. One more that joins is refused; one more with RELAY_TOKEN takes the place of the one longest away. */
export const MAX_MACHINES = 4000;
/** A machine with RELAY_TOKEN that was away for so long is forgotten, ms. */
export const AWAY_MS = 90 * 24 * 3600_000;

/** Times are ms since the Unix epoch. */
export interface MachineRecord {
  readonly id: string;
  /** Given by people; '': none. */
  name: string;
  /** Told by the machine. */
  hostName: string;
  version: string;
  address: string;
  /** As of the last change or save; while it is connected its tunnel knows better. */
  lastSeenAt: number;
  /** When it went away. */
  since: number;
  /** Of its own token; missing: it uses RELAY_TOKEN. */
  key?: { id: string; psk: string };
}

/** What a machine tells of itself when it connects. */
export interface MachineFacts {
  name: string;
  version: string;
  address: string;
}

/** How soon a change must be on disk: `now` before anybody is answered. */
export type Urgency = 'now' | 'soon';

/** What `join` gives a machine. */
export interface Joined {
  record: MachineRecord;
  token: string;
  /** Takes it back: what was known of the machine before stays. */
  undo(): void;
}

export class MachineRecords {
  readonly #clock: Clock;
  readonly #table = new Map<string, MachineRecord>();
  /** Key id → record. */
  readonly #byKey = new Map<string, MachineRecord>();
  readonly #connected = new Set<MachineRecord>();
  readonly #changeListeners: ((urgency: Urgency) => void)[] = [];
  readonly #removeListeners: ((id: string) => void)[] = [];
  readonly #renameListeners: ((id: string) => void)[] = [];

  /** @param records stored by an earlier run */
  constructor(clock: Clock, records: readonly MachineRecord[] = []) {
    this.#clock = clock;
    for (const record of records.slice(0, MAX_MACHINES)) if (!this.#isForgotten(record)) this.#put(record);
  }

  /** Called when the records must be saved. */
  onChange(listener: (urgency: Urgency) => void): void {
    this.#changeListeners.push(listener);
  }
  /** Called with the id of each machine that is removed: its tunnel must end. */
  onRemove(listener: (id: string) => void): void {
    this.#removeListeners.push(listener);
  }
  onRename(listener: (id: string) => void): void {
    this.#renameListeners.push(listener);
  }

  get size(): number {
    return this.#table.size;
  }
  find(id: string): MachineRecord | null {
    return this.#table.get(id) ?? null;
  }
  findByKey(keyId: string): MachineRecord | null {
    return this.#byKey.get(keyId) ?? null;
  }
  list(): MachineRecord[] {
    return [...this.#table.values()];
  }
  /** The records as they are stored. */
  record(): MachineRecord[] {
    for (const record of this.#connected) record.lastSeenAt = record.since = this.#clock.now();
    return this.list();
  }

  /** The id of a machine that has proven RELAY_TOKEN. An id that belongs to another's token is not given: it gets a new one. */
  idForShared(wished: string | undefined): string {
    if (!isMachineId(wished)) return LEGACY_ID;
    return this.find(wished)?.key ? newId() : wished;
  }

  /** Whether the machine with this id is known, or may be added. */
  hasRoomFor(id: string): boolean {
    return this.#table.has(id) || this.#table.size < MAX_MACHINES || this.#longestAway() !== null;
  }
  /** Throws Failure `too_many` when no further machine may join. */
  checkRoom(): void {
    if (this.hasRoomFor('')) return;
    throw new Failure('too_many', `This relay has ${MAX_MACHINES} machines: remove those that you do not use.`);
  }

  /**
   * Gives a machine a token of its own. Its id is the one it wishes: what is known of a machine with RELAY_TOKEN goes on
   * under its new token; an id with a token of its own is another's.
   * @returns null when there is no room
   */
  join(wished: string | undefined, facts: MachineFacts): Joined | null {
    if (!this.#makeRoom()) return null;
    const isFree = isMachineId(wished) && wished !== LEGACY_ID;
    const known = isFree ? this.find(wished) : null;
    const moves = known !== null && !known.key;
    const record = moves ? known : this.#newRecord(isFree && !known ? wished : newId(), facts);
    const token = generateMachineToken();
    const { id: keyId, psk } = tunnelKey(token);
    record.key = { id: keyId!, psk: Buffer.from(psk).toString('base64url') };
    this.#put(record);
    this.#changed('now');
    return { record, token, undo: () => moves ? this.#withoutKey(record) : void this.remove(record.id) };
  }

  /** The machine has connected; an unknown one is added. */
  connected(id: string, facts: MachineFacts): void {
    let record = this.find(id);
    if (!record) {
      if (!this.#makeRoom()) return;
      this.#put(record = this.#newRecord(id, facts));
    }
    this.#connected.add(record);
    const { name: hostName, version, address } = facts;
    Object.assign(record, { hostName, version, address });
    this.#changed('soon');
  }
  /** The machine has gone away. */
  away(id: string, { since, lastSeenAt }: { since: number; lastSeenAt: number }): void {
    const record = this.find(id);
    if (!record) return;
    this.#connected.delete(record);
    Object.assign(record, { since, lastSeenAt });
    this.#changed('soon');
  }

  /** Throws Failure `no_machine`. @param name '': its host name */
  rename(id: string, name: string): void {
    this.#need(id).name = name;
    this.#changed('now');
    for (const listener of this.#renameListeners) listener(id);
  }
  /** Removes the machine and its token. Throws Failure `no_machine`. What it holds ends first: a save that fails keeps nothing open. */
  remove(id: string): MachineRecord {
    const record = this.#need(id);
    this.#drop(record);
    try {
      for (const listener of this.#removeListeners) listener(id);
    } finally {
      this.#changed('now');
    }
    return record;
  }

  #need(id: string): MachineRecord {
    const record = this.find(id);
    if (!record) throw new Failure('no_machine', 'This relay knows no such machine.');
    return record;
  }
  #newRecord(id: string, { name: hostName, version, address }: MachineFacts): MachineRecord {
    const now = this.#clock.now();
    return { id, name: '', hostName, version, address, lastSeenAt: now, since: now };
  }
  #put(record: MachineRecord): void {
    this.#table.set(record.id, record);
    if (record.key) this.#byKey.set(record.key.id, record);
  }
  #withoutKey(record: MachineRecord): void {
    if (record.key) this.#byKey.delete(record.key.id);
    delete record.key;
    this.#changed('now');
  }
  #drop(record: MachineRecord): void {
    this.#table.delete(record.id);
    this.#connected.delete(record);
    if (record.key) this.#byKey.delete(record.key.id);
  }
  #makeRoom(): boolean {
    if (this.#table.size < MAX_MACHINES) return true;
    const oldest = this.#longestAway();
    if (oldest) this.#drop(oldest);
    return oldest !== null;
  }
  /** Of the machines with RELAY_TOKEN, which lose nothing but their name by being forgotten. */
  #longestAway(): MachineRecord | null {
    let oldest: MachineRecord | null = null;
    for (const record of this.#table.values()) {
      if (record.key || this.#connected.has(record)) continue;
      if (!oldest || record.lastSeenAt < oldest.lastSeenAt) oldest = record;
    }
    return oldest;
  }
  #isForgotten({ key, lastSeenAt }: MachineRecord): boolean {
    return !key && this.#clock.now() - lastSeenAt >= AWAY_MS;
  }
  #changed(urgency: Urgency): void {
    for (const listener of this.#changeListeners) listener(urgency);
  }
}

/** 80 random bits: no machine can guess another's. */
const newId = (): string => randomBytes(10).toString('hex');
