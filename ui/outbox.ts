/**
 * Messages and decisions on their way. Each is kept in localStorage under its client-made id until the server has it on
 * record, so that a reload, a dead network or a closed tab loses none; sending one twice is harmless. Per agent they go out
 * in order. An entry that the server refuses stays, with the reason, until it is sent again or dropped.
 */
import type { DecisionBody, SendMessageBody } from '../core/wire/types.ts';
import { ApiError } from './api.ts';
import { cell } from './cell.ts';
import type { Cell } from './cell.ts';

export type Outgoing =
  & {
    /** The client-made id of the message or decision. */
    id: string;
    agent: string;
    at: number;
    state: 'sending' | 'waiting' | 'failed';
    /** Why it failed, for people. */
    error: string;
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
  readonly items: Cell<readonly Outgoing[]>;
  add(draft: Draft): void;
  /** Takes an entry back that has not been accepted. A decision or message in flight may still arrive. */
  cancel(id: string): void;
  /** Sends everything that waits; `id`: also this one, although it failed. */
  flush(id?: string): void;
  /** Another tab changed the storage. */
  reload(): void;
}

interface Store {
  readonly length: number;
  key(index: number): string | null;
  getItem(key: string): string | null;
  setItem(key: string, value: string): void;
  removeItem(key: string): void;
}

export const OUTBOX_PREFIX = 'outbox.';

/** @param deliver sends one entry; rejects with ApiError */
export function createOutbox(
  deps: { storage: Store; deliver: (item: Outgoing) => Promise<void>; now: () => number },
): Outbox {
  const items = cell<readonly Outgoing[]>(readAll(deps.storage));
  const inFlight = new Set<string>();
  /** Entries that the storage had no room for. */
  const unsaved = new Set<string>();

  function update(id: string, part: Partial<Pick<Outgoing, 'state' | 'error'>>) {
    items.set(items.get().map((item) => (item.id === id ? { ...item, ...part } : item)));
  }

  function remove(id: string) {
    deps.storage.removeItem(OUTBOX_PREFIX + id);
    items.set(items.get().filter((item) => item.id !== id));
  }

  /** Decisions need no order; messages of one agent keep theirs. */
  function next(): Outgoing | undefined {
    const busy = new Set(items.get().filter((i) => i.kind === 'message' && inFlight.has(i.id)).map((i) => i.agent));
    return items.get().find((item) => {
      if (item.state === 'failed' || inFlight.has(item.id)) return false;
      if (item.kind === 'decision') return true;
      const isFirst = !busy.has(item.agent);
      busy.add(item.agent);
      return isFirst;
    });
  }

  async function send(item: Outgoing) {
    inFlight.add(item.id);
    update(item.id, { state: 'sending', error: '' });
    try {
      await deps.deliver(item);
      inFlight.delete(item.id);
      remove(item.id);
      flush();
    } catch (error) {
      inFlight.delete(item.id);
      const passing = !(error instanceof ApiError) || error.passing || error.status === 401 || error.status === 429;
      update(item.id, { state: passing ? 'waiting' : 'failed', error: error instanceof Error ? error.message : '' });
      if (!passing) flush();
    }
  }

  function flush(id?: string) {
    if (id) update(id, { state: 'waiting' });
    for (let item = next(); item; item = next()) void send(item);
  }

  return {
    items,
    add(draft) {
      const item = { ...draft, id: draft.body.clientId, at: deps.now(), state: 'waiting', error: '' } as Outgoing;
      if (items.get().some((known) => known.id === item.id)) return;
      items.set([...items.get(), item]);
      if (!write(deps.storage, item)) unsaved.add(item.id);
      flush();
    },
    cancel: remove,
    flush,
    reload() {
      const stored = readAll(deps.storage);
      const known = new Map(items.get().map((item) => [item.id, item]));
      const kept = items.get().filter((item) => unsaved.has(item.id));
      items.set([...stored.map((item) => known.get(item.id) ?? item), ...kept].sort((a, b) => a.at - b.at));
    },
  };
}

/** False when the storage is full (large pictures): the entry then lives in this page only. */
function write(storage: Store, item: Outgoing): boolean {
  try {
    storage.setItem(OUTBOX_PREFIX + item.id, JSON.stringify({ ...item, state: 'waiting' }));
    return true;
  } catch {
    return false;
  }
}

function readAll(storage: Store): Outgoing[] {
  const found: Outgoing[] = [];
  for (let i = 0; i < storage.length; i++) {
    const key = storage.key(i);
    if (!key?.startsWith(OUTBOX_PREFIX)) continue;
    try {
      found.push(JSON.parse(storage.getItem(key)!) as Outgoing);
    } catch {
      // Not ours.
    }
  }
  return found.sort((a, b) => a.at - b.at);
}
