/** What a sealed message becomes on the device: a notification, a silent end of one, or nothing while the page is looked at. */
import { isMachineId } from '../../core/api/machines.ts';
import type { PushContent, PushPayload } from '../../core/api/push.ts';
import { agentKey } from './agent-key.ts';
import type { DecisionOutcome, DecisionQueue } from './decisions.ts';
import type { ClickEvent, ShowOptions, WorkerScope } from './scope.ts';
import type { SettledRequests } from './settled-requests.ts';
import type { Notifications } from '../i18n/en/notifications.ts';
import { agentTag, closeAll, leaveGroup, type NotificationData, requestTag, show, showRequest } from './shown.ts';
import { worded } from './words.ts';

/** How long "Answered on …" stays before it takes itself away, ms. */
const SETTLED_MS = 2000;
/** Background sync's name. */
export const SYNC_TAG = 'decisions';

export interface NotificationParts {
  scope: WorkerScope;
  queue: DecisionQueue;
  settled: SettledRequests;
  /** In the language of this device. */
  words(): Promise<Notifications>;
  /** Keeps what came last, for the settings page of this device. */
  keep?(payload: PushPayload): Promise<void>;
  sleep?: (ms: number) => Promise<void>;
}

/** `machine`: its id at the relay; empty: the only one. */
type Of<T extends PushContent['type']> = Extract<PushContent, { type: T }> & { machine: string };

/** In the words of this device. */
function inWords<T extends PushPayload>(payload: T, words: Notifications): T {
  const { title, body } = worded(payload, words);
  return { ...payload, title, ...('body' in payload ? { body } : {}) };
}

const whose = (machine = ''): { machine?: string } => machine ? { machine } : {};

const wait = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

/** The payload, or null when it is none that this version knows: an older worker meets a newer machine. */
export function readPayload(value: unknown): PushPayload | null {
  if (typeof value !== 'object' || value === null) return null;
  const { type } = value as { type?: unknown };
  const { machine } = value as { machine?: unknown };
  if (machine !== undefined && !isMachineId(machine)) return null;
  return ['request', 'settled', 'agent', 'pipeline', 'test'].includes(String(type)) ? value as PushPayload : null;
}

export async function onPush(parts: NotificationParts, value: unknown): Promise<void> {
  const { scope } = parts;
  const words = await parts.words();
  const read = readPayload(value);
  const payload = read && inWords(read, words);
  if (payload) await parts.keep?.(payload).catch(() => {});
  const machine = payload?.machine ?? '';
  switch (payload?.type) {
    case undefined:
      return await show(scope, words.unknown, { body: words.openDashboard, tag: 'unknown' });
    case 'settled':
      return await onSettled(parts, { ...payload, machine });
    case 'request':
      return await onRequest(parts, { ...payload, machine }, words);
    case 'test':
      await report(scope);
      return await show(scope, payload.title, { body: payload.body, tag: 'test', timestamp: payload.at });
    case 'agent':
    case 'pipeline': {
      if (await isPageVisible(scope)) return;
      const agent = payload.type === 'agent' ? payload.agent : '';
      const { body, title, at: timestamp, quiet: silent = false } = payload;
      const data: NotificationData = { ...whose(machine), agent, request: '', title };
      const tag = agent ? agentTag(agentKey(machine, agent)) : agentKey(machine, 'pipeline');
      return await show(scope, title, { body, timestamp, silent, data, tag });
    }
  }
}

/** A page that waits for a test is told that it came. */
async function report(scope: WorkerScope): Promise<void> {
  const pages = await scope.clients.matchAll({ type: 'window', includeUncontrolled: true });
  for (const page of pages) page.postMessage({ type: 'test' });
}

async function onRequest(parts: NotificationParts, payload: Of<'request'>, words: Notifications): Promise<void> {
  const { machine, agent, request, title, body, at: timestamp, quiet: silent = false } = payload;
  const key = agentKey(machine, agent);
  if (await parts.settled.has(key, request)) {
    return await showEnd(parts, { ...payload, title: words.said.no_longer_asked({}) });
  }
  if (await isPageVisible(parts.scope)) return;
  const actions = payload.actions
    ? [{ action: 'allow', title: words.allow }, { action: 'deny', title: words.deny }]
    : [{ action: 'review', title: words.review }];
  const how: Omit<ShowOptions, 'data'> = { body, timestamp, silent, actions, tag: requestTag(key, request) };
  const data: NotificationData = { ...whose(machine), agent, request, title };
  const options = { ...how, renotify: !silent, requireInteraction: true, data };
  await showRequest(parts.scope, title, options, words.moreRequests);
}

async function onSettled(parts: NotificationParts, payload: Of<'settled'>): Promise<void> {
  const { scope, settled } = parts;
  const { machine, agent, request } = payload;
  const key = agentKey(machine, agent);
  await settled.add(key, request);
  await leaveGroup(scope, key, request, (await parts.words()).moreRequests);
  const shown = await scope.registration.getNotifications({ tag: requestTag(key, request) });
  if (!shown.length && await isPageVisible(scope)) return;
  await showEnd(parts, payload);
}

/** A browser wants something shown for every message; so the end of a request is shown, silently, and then taken away. */
async function showEnd(
  { scope, sleep = wait }: NotificationParts,
  { machine, agent, request, title }: NotificationData,
): Promise<void> {
  const tag = requestTag(agentKey(machine ?? '', agent), request);
  await show(scope, title, { body: '', tag, silent: true });
  await sleep(SETTLED_MS);
  await closeAll(scope, tag);
}

/** A page of the dashboard is in sight on this device. */
export async function isPageVisible(scope: WorkerScope): Promise<boolean> {
  const pages = await scope.clients.matchAll({ type: 'window', includeUncontrolled: true });
  return pages.some((page) => page.visibilityState === 'visible');
}

/** A tap: on a button it is the decision, else the one card (or the agent) opens in the window that is there. */
export async function onClick(parts: NotificationParts, { action, notification }: ClickEvent): Promise<void> {
  const data = notification.data as NotificationData | null;
  notification.close();
  if (!data) return await openPage(parts.scope, '/');
  const isDecision = (action === 'allow' || action === 'deny') && data.request !== '';
  if (!isDecision) return await openPage(parts.scope, addressOf(data));
  const { machine, agent, request, title } = data;
  const outcome = await parts.queue.decide({ ...whose(machine), agent, request, title, decision: action });
  if (outcome.kind === 'later') await parts.scope.registration.sync?.register(SYNC_TAG).catch(() => {});
  await showOutcome(parts, data, outcome);
}

function addressOf({ machine, agent, request }: NotificationData): string {
  if (!agent) return '/';
  const base = machine ? `/#/m/${machine}` : '/#';
  return request
    ? `${base}/answer/${encodeURIComponent(agent)}/${encodeURIComponent(request)}`
    : `${base}/agents/${encodeURIComponent(agent)}`;
}

async function openPage(scope: WorkerScope, path: string): Promise<void> {
  const pages = await scope.clients.matchAll({ type: 'window', includeUncontrolled: true });
  const page = pages.find(({ url }) => url.startsWith(scope.location.origin));
  if (!page) return void await scope.clients.openWindow(path);
  // The page goes there itself: a navigation would load it anew and lose what was typed.
  page.postMessage({ type: 'open', path });
  await page.focus().catch(() => {});
}

/** Sends what waits and says what became of it. */
export async function flushDecisions(parts: NotificationParts): Promise<void> {
  for (const { decision, outcome } of await parts.queue.flush()) {
    await showOutcome(parts, decision, outcome);
  }
}

async function showOutcome(
  { scope, settled, words, sleep = wait }: NotificationParts,
  data: NotificationData,
  outcome: DecisionOutcome,
): Promise<void> {
  const key = agentKey(data.machine ?? '', data.agent);
  const tag = requestTag(key, data.request);
  await show(scope, data.title, { body: outcomeText(outcome, await words()), tag, silent: true, data });
  // What is over takes itself away; what still waits, or went wrong, stays to be read.
  const isOver = outcome.kind === 'done' || outcome.kind === 'gone';
  if (!isOver) return;
  await settled.add(key, data.request);
  await sleep(SETTLED_MS);
  await closeAll(scope, tag);
}

function outcomeText(outcome: DecisionOutcome, words: Notifications): string {
  switch (outcome.kind) {
    case 'done': {
      const word = outcome.decision === 'deny' ? 'denied' : outcome.decision === 'answer' ? 'answered' : 'allowed';
      return outcome.mine ? words.mine[word] : words.theirs[word](words.device(outcome.by));
    }
    case 'gone':
      return words.gone;
    case 'login':
      return words.login;
    case 'later':
      return words.later;
    case 'refused':
      return words.refused(outcome.text, outcome.status);
  }
}
