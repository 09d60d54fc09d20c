import type { AgentInfo } from '../../core/api/agents.ts';
import { deskSessionOf } from '../../core/api/handoff.ts';
import type { DecisionBody, MessagePage, RequestMessage } from '../../core/api/messages.ts';
import type { RequestAnswer } from '../../core/api/push.ts';
import { useApp, useStore } from '../app.ts';
import type { App } from '../app.ts';
import { useMemo } from '../html.ts';
import { ApiError, newId } from '../net/api.ts';
import type { Api } from '../net/api.ts';
import { path } from '../route.ts';
import { useSignalValue } from '../state/signal.ts';
import { reasonOf, useResource } from './use-resource.ts';

/** How far back a pending request is looked for. */
const LOOK_BACK = 60;

/** `request` is null when it was not among the newest messages. */
interface Found {
  request: RequestMessage | null;
}

/** A request of an agent that waits: undefined while it loads, null when it must be looked for on the agent's page. */
export function usePendingRequest(agent: AgentInfo, id: string): RequestMessage | null | undefined {
  const { api } = useApp();
  const isPending = agent.pending.includes(id);
  const isDesk = deskSessionOf(agent.id) !== null;
  const load = async (old: Found | null): Promise<Found> => {
    // No message of a session at the desk says what became of it.
    if (old?.request && (!isDesk || isPending || old.request.status !== 'pending')) return old;
    if (isDesk) return { request: (await loadAnswer(api, agent.id, id)).found?.request ?? null };
    const page = await api.get<MessagePage>(`${path`/api/agents/${agent.id}/messages`}?limit=${LOOK_BACK}`);
    const found = page.messages.find((message) => message.id === id);
    return { request: found?.kind === 'request' ? found : null };
  };
  const about = [agent.id, id, agent.lastSeq, isDesk && isPending];
  return useResource(load, about, `request/${agent.id}/${id}`).value?.request;
}

/** What one card needs; null: there is no such request (any more). */
export type Answerable = RequestAnswer | null;

const answerKey = (agent: string, request: string) => `answer/${agent}/${request}`;

/** Asks for the one card before its page is drawn, and before anything is known of its agent. */
export function prefetchAnswer(
  { api, resources }: Pick<App, 'api' | 'resources'>,
  agent: string,
  request: string,
): void {
  const entry = resources.entry<{ found: Answerable }>(answerKey(agent, request));
  entry.want(reasonOf([undefined, undefined]), () => loadAnswer(api, agent, request));
}

async function loadAnswer(api: Api, agent: string, request: string): Promise<{ found: Answerable }> {
  try {
    return { found: await api.get<RequestAnswer>(path`/api/agents/${agent}/requests/${request}`) };
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) return { found: null };
    throw error;
  }
}

/** One request and its agent: undefined while it loads, null when it is gone. */
export function useAnswerable(agent: string, request: string): Answerable | undefined {
  const { api } = useApp();
  const lastSeq = useStore((state) => state.agents[agent]?.lastSeq);
  const pending = useStore((state) => state.agents[agent]?.pending.includes(request));
  const isSame = ({ agent }: RequestAnswer) => agent.lastSeq === lastSeq && agent.pending.includes(request) === pending;
  const load = async (old: { found: Answerable } | null) =>
    old?.found && isSame(old.found) ? old : await loadAnswer(api, agent, request);
  return useResource(load, [lastSeq, pending], answerKey(agent, request)).value?.found;
}

type Decision = Omit<DecisionBody, 'clientId'>;

export type Decide = (agent: string, request: string, decision: Decision) => void;

const decisionKey = (request: string) => `decision/${request}`;

/** The function that puts a decision on its way; it is sent when there is a way. */
export function useDecide(): Decide {
  const { outbox, resources } = useApp();
  return (agent, request, decision) => {
    resources.entry<Decision>(decisionKey(request)).set(decision);
    outbox.add({ kind: 'decision', agent, request, body: { ...decision, clientId: newId() } });
  };
}

/** What was decided here about a request, also after it was sent; null when nothing was. */
export function useDecision(request: string): Decision | null {
  const { resources } = useApp();
  const entry = useMemo(() => resources.entry<Decision>(decisionKey(request)), [request]);
  return useSignalValue(entry.state).value;
}

/** The decision on its way for a request. */
export const useOutgoingDecision = (request: string) =>
  useSignalValue(
    useApp().outbox.items,
    (items) => items.find((item) => item.kind === 'decision' && item.request === request),
  );
