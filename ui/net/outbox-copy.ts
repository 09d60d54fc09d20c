/** Leaves a copy of the outbox to the service worker, which sends it when this page is gone and there is a network again. */
import { type KeyValueStore } from '../worker/storage.ts';
import { leaveOutbox, OUTBOX_TAG, type OutboxCopy } from '../worker/outbox.ts';
import { agentKey } from '../worker/agent-key.ts';
import { at, path } from '../route.ts';
import type { Outbox, OutboxItem } from './outbox.ts';

type Registration = ServiceWorkerRegistration & { sync?: { register(tag: string): Promise<void> } };

export interface OutboxCopyDeps {
  outbox: Pick<Outbox, 'items'>;
  store: KeyValueStore;
  registration(): Promise<ServiceWorkerRegistration | null>;
  /** Calls back when the page is out of sight: perhaps it does not come back. */
  onHidden(left: () => void): void;
}

/** Never rejects: without a store, or a worker, the page sends it at its next start. */
export function copyOutbox({ outbox, store, registration, onHidden }: OutboxCopyDeps): void {
  let wasEmpty: boolean | null = null;
  const left = () => outbox.items.value.filter(({ state }) => state !== 'failed');
  outbox.items.subscribe(() => {
    const entries = left().map(copyOf);
    if (!entries.length && wasEmpty) return;
    wasEmpty = !entries.length;
    void leaveOutbox(store, entries).catch(() => {});
  });
  // In sight the page sends by itself, and what is on its way is not sent once more: both would only be sent twice.
  onHidden(() => {
    if (left().some(({ state, error }) => state === 'waiting' && error !== '')) void wake().catch(() => {});
  });

  async function wake(): Promise<void> {
    await (await registration() as Registration | null)?.sync?.register(OUTBOX_TAG);
  }
}

function copyOf(item: OutboxItem): OutboxCopy {
  const { id, machine = '', agent, kind, body } = item;
  const to = kind === 'message'
    ? path`/api/agents/${agent}/message`
    : path`/api/agents/${agent}/permissions/${item.request}`;
  return { id, agent: agentKey(machine, agent), path: at(machine, to), body, isOrdered: kind === 'message' };
}
