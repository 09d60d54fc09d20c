/**
 * What a page has not seen answered, sent without it: the page leaves a copy of its outbox here, and background sync wakes the
 * worker when there is a network again. Every entry has an id of its own, so that it counts once whoever sends it, and how often.
 */
import type { KeyValueStore } from './storage.ts';

/** Background sync's name. */
export const OUTBOX_TAG = 'outbox';
const OUTBOX = 'outbox';

/** An entry as it goes over the wire. */
export interface OutboxCopy {
  id: string;
  agent: string;
  /** Of the API. */
  path: string;
  body: unknown;
  /** Those of one agent keep their order. */
  isOrdered: boolean;
}

/** The page's outbox as it is now. */
export const leaveOutbox = (store: KeyValueStore, entries: readonly OutboxCopy[]): Promise<void> =>
  store.set(OUTBOX, entries);

/** Sends what waits. Returns whether nothing is left that another try would send. */
export async function sendOutbox(store: KeyValueStore, network: typeof fetch): Promise<boolean> {
  const value = await store.get(OUTBOX);
  const entries = Array.isArray(value) ? value as OutboxCopy[] : [];
  const stuck = new Set<string>();
  const done = new Set<string>();
  for (const entry of entries) {
    if (entry.isOrdered && stuck.has(entry.agent)) continue;
    if (await isAnswered(entry, network)) done.add(entry.id);
    else if (entry.isOrdered) stuck.add(entry.agent);
  }
  // The page may have added to it meanwhile.
  const now = await store.get(OUTBOX);
  const left = (Array.isArray(now) ? now as OutboxCopy[] : []).filter(({ id }) => !done.has(id));
  await store.set(OUTBOX, left);
  return left.length === 0;
}

/** A refusal is an answer, too: the page asks again when it is opened, and shows it. */
async function isAnswered({ path, body }: OutboxCopy, network: typeof fetch): Promise<boolean> {
  try {
    const { status } = await network(path, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
      credentials: 'same-origin',
    });
    return status < 500 && ![401, 408, 429].includes(status);
  } catch {
    return false;
  }
}
