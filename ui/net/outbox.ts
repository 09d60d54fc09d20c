import type { DecisionBody, SendMessageBody } from '../../core/api/messages.ts';
import type { DeviceStorage } from '../device-storage.ts';
import { ApiError } from './api.ts';
import { signal } from '../state/signal.ts';
import type { Signal } from '../state/signal.ts';

export type OutboxItem =
  & {
    /** The client-made id of the message or decision. */
    id: string;
    /** Missing: of the only one. */
    machine?: string;
    agent: string;
    at: number;
    state: 'sending' | 'waiting' | 'failed';
    /** Why it failed, for people. */
    error: string;
    /** The storage had no room for it: it ends with this page. */
    isUnsaved?: boolean;
  }
  & ({ kind: 'message'; body: SendMessageBody } | { kind: 'decision'; request: string; body: DecisionBody });

/** What is asked of `add`. */
export type Draft =
  & { agent: string }
  & (
    | { kind: 'message'; body: SendMessageBody & { clientId: string } }
    | { kind: 'decision'; request: string; body: DecisionBody }
  );

export interface Outbox {
  readonly items: Signal<readonly OutboxItem[]>;
  add(draft: Draft): void;
  /** Takes an entry back that has not been accepted. A decision or message in flight may still arrive. */
  cancel(id: string): void;
  /** Sends everything that waits; `id`: also this one, although it failed. */
  flush(id?: string): void;
  /** Another tab changed the storage. */
  reload(): void;
}

const OUTBOX_PREFIX = 'outbox.';

/** What the storage's keys of a machine's outbox begin with. @param machine empty: the only one */
export const outboxPrefix = (machine: string): string => machine ? `outbox/${machine}.` : OUTBOX_PREFIX;

export const isOutboxKey = (key: string): boolean => /^outbox[./]/.test(key);

export interface OutboxDeps {
  storage: DeviceStorage;
  /** Whose it is: its entries go to that machine and to no other. Empty: the only one. */
  machine?: string;
  /** Sends one entry; rejects with ApiError. */
  deliver(item: OutboxItem): Promise<void>;
  now(): number;
}

export const createOutbox = (deps: OutboxDeps): Outbox => new StoredOutbox(deps);

class StoredOutbox implements Outbox {
  readonly items: Signal<readonly OutboxItem[]>;
  readonly #deps: OutboxDeps;
  readonly #inFlight = new Set<string>();
  readonly #prefix: string;

  constructor(deps: OutboxDeps) {
    this.#deps = deps;
    this.#prefix = outboxPrefix(deps.machine ?? '');
    this.items = signal<readonly OutboxItem[]>(readAll(deps.storage, this.#prefix));
  }

  add(draft: Draft): void {
    const { machine } = this.#deps;
    const whose = machine ? { machine } : {};
    const written = { id: draft.body.clientId, at: this.#deps.now(), state: 'waiting', error: '' } as const;
    const item: OutboxItem = { ...draft, ...whose, ...written };
    this.reload();
    if (this.items.value.some((known) => known.id === item.id)) return;
    this.items.value = [...this.items.value, saved(this.#deps.storage, item)];
    this.flush();
  }

  cancel(id: string): void {
    this.#deps.storage.removeItem(this.#prefix + id);
    this.items.value = this.items.value.filter((item) => item.id !== id);
  }

  flush(id?: string): void {
    this.reload(); // A page that was frozen has not heard what others did.
    if (id) this.#update(id, { state: 'waiting' });
    for (let item = this.#next(); item; item = this.#next()) void this.#send(item);
  }

  reload(): void {
    const stored = readAll(this.#deps.storage, this.#prefix);
    const known = new Map(this.items.value.map((item) => [item.id, item]));
    const unsaved = this.items.value.filter((item) => item.isUnsaved && !stored.some(({ id }) => id === item.id));
    const items = [...stored.map((item) => this.#newer(known.get(item.id), item)), ...unsaved].sort(byTime);
    const isSame = items.length === known.size && items.every((item) => known.get(item.id) === item);
    if (!isSame) this.items.value = items;
  }

  /** What this page is about to hear of an entry is newer than what is stored; whether it was refused is what the storage says. */
  #newer(known: OutboxItem | undefined, stored: OutboxItem): OutboxItem {
    if (!known || (known.state === 'failed') === (stored.state === 'failed')) return known ?? stored;
    return this.#inFlight.has(known.id) ? known : stored;
  }

  #update(id: string, part: Partial<Pick<OutboxItem, 'state' | 'error'>>): void {
    const { storage } = this.#deps;
    const item = this.items.value.find((known) => known.id === id);
    if (!item) return;
    // Sent or cancelled by another page meanwhile: what is written now would bring it back.
    if (!item.isUnsaved && storage.getItem(this.#prefix + id) === null) return this.cancel(id);
    const next = { ...item, ...part };
    const isStored = !item.isUnsaved && (item.state === 'failed') === (next.state === 'failed');
    const shown = isStored ? next : saved(storage, next);
    this.items.value = this.items.value.map((known) => known.id === id ? shown : known);
  }

  /** Decisions need no order; messages of one agent keep theirs. */
  #next(): OutboxItem | undefined {
    const isSent = ({ kind, id }: OutboxItem) => kind === 'message' && this.#inFlight.has(id);
    const busy = new Set(this.items.value.filter(isSent).map(({ agent }) => agent));
    return this.items.value.find((item) => {
      if (item.state === 'failed' || this.#inFlight.has(item.id)) return false;
      if (item.kind === 'decision') return true;
      const isFirst = !busy.has(item.agent);
      busy.add(item.agent);
      return isFirst;
    });
  }

  async #send(item: OutboxItem): Promise<void> {
    this.#inFlight.add(item.id);
    this.#update(item.id, { state: 'sending', error: '' });
    try {
      await this.#deps.deliver(item);
      this.#inFlight.delete(item.id);
      this.cancel(item.id);
      this.flush();
    } catch (error) {
      this.#inFlight.delete(item.id);
      this.#onFailure(item, error);
    }
  }

  #onFailure({ id }: OutboxItem, error: unknown): void {
    const isPassing = !(error instanceof ApiError) || error.passing || error.status === 401 || error.status === 429;
    const text = error instanceof Error ? error.message : '';
    this.#update(id, { state: isPassing ? 'waiting' : 'failed', error: text });
    if (!isPassing) this.flush();
  }
}

const byTime = (a: OutboxItem, b: OutboxItem): number => a.at - b.at;

/** An entry that is kept under another machine's key is none of that machine's. */
const keyOf = ({ machine = '', id }: Pick<OutboxItem, 'machine' | 'id'>): string => outboxPrefix(machine) + id;

/**
 * The entry as it is in the page from now on. A refusal is kept: nothing is sent by itself that was refused. When the storage
 * is full (large pictures) the entry lives in this page only, and says so; room may come later.
 */
function saved(storage: DeviceStorage, { isUnsaved: _, ...item }: OutboxItem): OutboxItem {
  const state = item.state === 'failed' ? 'failed' : 'waiting';
  try {
    storage.setItem(keyOf(item), JSON.stringify({ ...item, state }));
    return storage.isMemory ? { ...item, isUnsaved: true } : item;
  } catch {
    return { ...item, isUnsaved: true };
  }
}

function readAll(storage: DeviceStorage, prefix: string): OutboxItem[] {
  const found: OutboxItem[] = [];
  for (let i = 0; i < storage.length; i++) {
    const key = storage.key(i);
    if (!key?.startsWith(prefix)) continue;
    const item = parseItem(storage.getItem(key) ?? '');
    if (item && keyOf(item) === key) found.push(item);
  }
  return found.sort(byTime);
}

/** null: no entry of ours (of another program, of another version, half of one). It is left where it is, and not looked at. */
function parseItem(text: string): OutboxItem | null {
  try {
    const item = JSON.parse(text) as OutboxItem;
    const { id, machine = '', agent, at, error, state, body } = item;
    const isEntry = [id, machine, agent, error].every((part) => typeof part === 'string') && Number.isFinite(at) &&
      (state === 'waiting' || state === 'failed') && body.clientId === id;
    return isEntry && isKnownKind(item) ? item : null;
  } catch {
    return null; // No JSON, or no object where there must be one.
  }
}

function isKnownKind(item: OutboxItem): boolean {
  if (item.kind === 'decision') return typeof item.request === 'string' && typeof item.body.decision === 'string';
  const { text, images } = item.body;
  return item.kind === 'message' && typeof text === 'string' && (images === undefined || Array.isArray(images));
}

/**
 * Entries that were made while nothing told the machines apart go to the one that has their agent.
 * @returns whether there were any
 */
export function adoptOutbox(storage: DeviceStorage, machine: string, hasAgent: (agent: string) => boolean): boolean {
  const items = readAll(storage, OUTBOX_PREFIX).filter(({ agent }) => hasAgent(agent));
  const moved = items.filter((item) => !saved(storage, { ...item, machine }).isUnsaved);
  for (const { id } of moved) storage.removeItem(OUTBOX_PREFIX + id);
  return moved.length > 0;
}
