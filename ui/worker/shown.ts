/** The notifications that stand on this device: one a request, at most a few an agent, and the number on the app's icon. */
import { agentKey } from './agent-key.ts';
import type { ShownNotification, ShowOptions, WorkerScope } from './scope.ts';

/** Requests of one agent that have a notification each; the others share one. */
export const MAX_AGENT_REQUESTS = 3;

/** What a notification carries. */
export interface NotificationData {
  /** Its id at the relay; missing or empty: the only one. */
  machine?: string;
  agent: string;
  /** '' for what asks nothing. */
  request: string;
  title: string;
  /** Of the one that stands for several. */
  requests?: string[];
}

/** How the one is worded that stands for several. */
export type MoreRequests = (count: number) => string;

export const dataOf = ({ data }: ShownNotification): NotificationData | null => data as NotificationData | null;

/** Names of notifications begin with the agent's key: no machine touches those of another. */
const keyOf = ({ machine, agent }: NotificationData): string => agentKey(machine ?? '', agent);

export const requestTag = (agent: string, request: string): string => `request ${agent} ${request}`;
export const agentTag = (agent: string): string => `agent ${agent}`;
const groupTag = (agent: string): string => `group ${agent}`;

export async function show(scope: WorkerScope, title: string, options: ShowOptions): Promise<void> {
  await scope.registration.showNotification(title, { icon: '/icon-192.png', badge: '/badge-96.png', ...options });
  await count(scope);
}

export async function closeAll(scope: WorkerScope, tag: string): Promise<void> {
  for (const notification of await scope.registration.getNotifications({ tag })) notification.close();
  await count(scope);
}

/** The app's icon says how many requests wait, as far as this device knows; the page says it better when it is open. */
async function count(scope: WorkerScope): Promise<void> {
  const all = await scope.registration.getNotifications();
  const waiting = all.flatMap((notification) => requestsOf(notification)).length;
  await scope.navigator?.setAppBadge?.(waiting).catch(() => {});
}

/** Those that a notification stands for and that wait for an answer. */
function requestsOf(notification: ShownNotification): string[] {
  const data = dataOf(notification);
  if (data?.requests) return data.requests;
  return data?.request ? [data.request] : [];
}

/** A request among the others of its agent: with a notification of its own, or in the one that stands for several. */
export async function showRequest(
  scope: WorkerScope,
  title: string,
  options: ShowOptions & { data: NotificationData },
  more: MoreRequests,
): Promise<void> {
  const { agent, request } = options.data;
  const key = keyOf(options.data);
  // What the agent said before it asked is old news.
  await closeAll(scope, agentTag(key));
  const all = await scope.registration.getNotifications();
  const ofAgent = all.map(dataOf).filter((data) => data !== null).filter((data) => keyOf(data) === key);
  const others = ofAgent.filter((data) => data.request && data.request !== request);
  if (others.length < MAX_AGENT_REQUESTS) return await show(scope, title, options);
  const known = ofAgent.find((data) => data.requests)?.requests ?? [];
  await showGroup(
    scope,
    { ...options.data, agent, request: '', title },
    [...new Set([...known, request])],
    options.silent === true,
    more,
  );
}

function showGroup(
  scope: WorkerScope,
  data: NotificationData,
  requests: string[],
  silent: boolean,
  more: MoreRequests,
): Promise<void> {
  const body = more(requests.length);
  const options = { body, tag: groupTag(keyOf(data)), silent, renotify: !silent };
  return show(scope, data.title, { ...options, data: { ...data, requests } });
}

/** A request is over: the one that stands for several loses it. @param agent its key */
export async function leaveGroup(
  scope: WorkerScope,
  agent: string,
  request: string,
  more: MoreRequests,
): Promise<void> {
  for (const notification of await scope.registration.getNotifications({ tag: groupTag(agent) })) {
    const data = dataOf(notification);
    const rest = data?.requests?.filter((id) => id !== request) ?? [];
    if (!data || rest.length === data.requests?.length) continue;
    if (rest.length) await showGroup(scope, data, rest, true, more);
    else notification.close();
  }
}

/**
 * Takes away what waits for no answer any more.
 * @param waiting `agent request` of each that does, the agent by its key
 * @param machines those of which it is known; of others everything stays
 */
export async function keepOnly(
  scope: WorkerScope,
  waiting: ReadonlySet<string>,
  machines: ReadonlySet<string>,
  more: MoreRequests,
): Promise<void> {
  for (const notification of await scope.registration.getNotifications()) {
    const data = dataOf(notification);
    if (!data || !machines.has(data.machine ?? '')) continue;
    const isOver = (request: string) => !waiting.has(`${keyOf(data)} ${request}`);
    if (data.request && isOver(data.request)) notification.close();
    for (const request of data.requests?.filter(isOver) ?? []) await leaveGroup(scope, keyOf(data), request, more);
  }
  await count(scope);
}
