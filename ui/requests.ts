/** Pending requests for the cards of the dashboard, which watches no chat: loaded when an agent names one, then kept. */
import type { AgentInfo, DecisionBody, MessagePage, RequestMessage } from '../core/wire/types.ts';
import { newId } from './api.ts';
import { cell, useCell } from './cell.ts';
import { useEffect } from './html.ts';
import { path } from './route.ts';
import { api, outbox, useStore } from './services.ts';

/** How far back a pending request is looked for. */
const LOOK_BACK = 60;
const MAX_KEPT = 100;
const loaded = cell<Readonly<Record<string, RequestMessage | null>>>({});
const asking = new Set<string>();

async function load(agent: string, id: string) {
  const key = `${agent}/${id}`;
  if (asking.has(key) || loaded.get()[key]) return;
  asking.add(key);
  try {
    const page = await api.get<MessagePage>(`${path`/api/agents/${agent}/messages`}?limit=${LOOK_BACK}`);
    const found = page.messages.find((message) => message.id === id);
    const kept = Object.entries(loaded.get()).slice(-MAX_KEPT);
    loaded.set({ ...Object.fromEntries(kept), [key]: found?.kind === 'request' ? found : null });
  } catch {
    // The card then only links to the agent; the next change of the agent tries again.
  } finally {
    asking.delete(key);
  }
}

/** The oldest pending request of an agent: undefined while it loads, null when it must be looked for on the agent's page. */
export function usePendingRequest(agent: AgentInfo): RequestMessage | null | undefined {
  const id = agent.pending[0];
  const isUp = useStore((state) => state.loaded);
  useEffect(() => {
    if (id && isUp) void load(agent.id, id);
  }, [agent.id, id, isUp, agent.lastSeq]);
  return useCell(loaded, (all) => (id ? all[`${agent.id}/${id}`] : null));
}

/** Where one request was, the next one may stand at once: the second half of a double tap does not answer that, ms. */
const DOUBLE_TAP_MS = 350;
let last = { request: '', at: -Infinity };

/** Puts a decision on its way; it is sent when there is a way. */
export function decide(agent: string, request: string, body: Omit<DecisionBody, 'clientId'>): void {
  const at = performance.now();
  if (request !== last.request && at - last.at < DOUBLE_TAP_MS) return;
  last = { request, at };
  outbox.add({ kind: 'decision', agent, request, body: { ...body, clientId: newId() } });
}

/** The decision on its way for a request. */
export const useOutgoingDecision = (request: string) =>
  useCell(outbox.items, (items) => items.find((item) => item.kind === 'decision' && item.request === request));
