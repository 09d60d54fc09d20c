/** Sends what the outbox holds, and shows the reply in case it comes before the live feed does. */
import type { DecisionRecord, Message, UserMessage } from '../../core/api/messages.ts';
import { path } from '../route.ts';
import { find } from '../state/store.ts';
import type { Store } from '../state/store.ts';
import { ApiError } from './api.ts';
import type { Api } from './api.ts';
import type { OutboxItem } from './outbox.ts';

/** Somebody else decided first, or the agent ended: the request itself shows it, and no other try can change it. */
const SETTLED = new Set(['already_decided', 'request_gone', 'not_found']);

export interface DeliveryDeps {
  api: Api;
  store: Store;
  /** A decision came too late; the sentence says why. */
  onSettled(text: string): void;
}

/** @returns the function that sends one entry; it rejects with ApiError */
export function createDelivery(deps: DeliveryDeps): (item: OutboxItem) => Promise<void> {
  return (item) => (item.kind === 'message' ? sendMessage(deps, item) : sendDecision(deps, item));
}

async function sendMessage(
  { api, store }: DeliveryDeps,
  item: Extract<OutboxItem, { kind: 'message' }>,
): Promise<void> {
  const { agent } = item;
  const { message } = await api.post<{ message?: UserMessage }>(path`/api/agents/${agent}/message`, item.body);
  // The feed may have been faster, and know more.
  if (message && !known(store, agent, message.id)) store.change({ type: 'message', agent, message });
}

async function sendDecision(deps: DeliveryDeps, item: Extract<OutboxItem, { kind: 'decision' }>): Promise<void> {
  try {
    const url = path`/api/agents/${item.agent}/permissions/${item.request}`;
    const { decision } = await deps.api.post<{ decision?: DecisionRecord }>(url, item.body);
    if (decision) decided(deps.store, item.agent, item.request, decision);
  } catch (error) {
    if (!(error instanceof ApiError) || !SETTLED.has(error.code)) throw error;
    deps.onSettled(error.message);
  }
}

function decided(store: Store, agent: string, request: string, decision: DecisionRecord): void {
  const message = known(store, agent, request);
  if (message?.kind === 'request' && message.status === 'pending') {
    store.change({ type: 'message.patch', agent, id: request, patch: { decision, status: 'decided' } });
  }
  const pending = find(store.value.agents, agent)?.pending ?? [];
  if (!pending.includes(request)) return;
  store.change({ type: 'agent.patch', id: agent, patch: { pending: pending.filter((id) => id !== request) } });
}

const known = (store: Store, agent: string, id: string): Message | undefined =>
  find(store.value.chats, agent)?.messages.find((message) => message.id === id);
