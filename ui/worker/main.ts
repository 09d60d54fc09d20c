/** The service worker: the dashboard's files offline, notifications, and decisions that are tapped on them. */
import type { PushPayload } from '../../core/api/push.ts';
import { createDeviceKey, renewingFetch } from './device-key.ts';
import { DecisionQueue } from './decisions.ts';
import { keepLastPush } from './last-push.ts';
import { flushDecisions, isPageVisible, onClick, onPush, SYNC_TAG } from './notifications.ts';
import { OUTBOX_TAG, sendOutbox } from './outbox.ts';
import type { ClickEvent, FetchEvent, PushEvent, WaitEvent, WorkerScope } from './scope.ts';
import { SettledRequests } from './settled-requests.ts';
import { SHARE_PATH, takeShared } from './share.ts';
import { Shell } from './shell.ts';
import { keepOnly } from './shown.ts';
import { openStore } from './storage.ts';
import { chosenWords } from './words.ts';

/** Put in by scripts/build.ts. */
declare const SHELL_VERSION: string;
declare const SHELL_FILES: string[];

type Events = {
  install: WaitEvent;
  activate: WaitEvent;
  fetch: FetchEvent;
  push: PushEvent;
  notificationclick: ClickEvent;
  sync: WaitEvent & { tag: string };
  message: WaitEvent & { data: unknown };
};

const scope = globalThis as unknown as WorkerScope & {
  addEventListener<K extends keyof Events>(type: K, listener: (event: Events[K]) => void): void;
};
const direct: typeof fetch = (...request) => scope.fetch(...request);
const store = openStore();
const deviceKey = createDeviceKey({ store, fetch: direct, origin: scope.location.origin, subtle: crypto.subtle });
/** What is sent after a night meets no login. */
const network = renewingFetch(direct, deviceKey);
const shell = new Shell({
  version: SHELL_VERSION,
  files: SHELL_FILES,
  caches,
  origin: scope.location.origin,
  fetch: direct,
});
const parts = {
  scope,
  queue: new DecisionQueue(store, { fetch: network }),
  settled: new SettledRequests(store),
  words: () => chosenWords(store, scope.navigator?.languages),
  keep: (payload: PushPayload) => keepLastPush(store, payload),
};

scope.addEventListener('install', (event) => event.waitUntil(shell.install()));
scope.addEventListener('activate', (event) => event.waitUntil(shell.activate().then(() => scope.clients.claim())));
scope.addEventListener('fetch', (event) => {
  const { request } = event;
  const isShared = request.method === 'POST' && new URL(request.url).pathname === SHARE_PATH;
  if (isShared) event.respondWith(takeShared(store, request));
  else shell.serve(event);
});
scope.addEventListener('push', (event) => event.waitUntil(onPush(parts, dataOf(event))));
scope.addEventListener('notificationclick', (event) => event.waitUntil(onClick(parts, event)));
scope.addEventListener('sync', (event) => {
  if (event.tag === SYNC_TAG) event.waitUntil(syncDecisions());
  if (event.tag === OUTBOX_TAG) event.waitUntil(syncOutbox());
});

/** Rejects while something is left: the browser then tries again. */
async function syncDecisions(): Promise<void> {
  await flushDecisions(parts);
  if ((await parts.queue.list()).length) throw new Error('Decisions wait to be sent.');
}

/** Rejects while something is left: the browser then tries again. */
async function syncOutbox(): Promise<void> {
  if (await isPageVisible(scope)) throw new Error('The page sends it.');
  if (!await sendOutbox(store, network)) throw new Error('The outbox is not empty yet.');
}

scope.addEventListener('message', (event) => {
  const type = (event.data as { type?: unknown } | null)?.type;
  // The page asks for it at a quiet moment: nothing is replaced under somebody's hands.
  if (type === 'take-over') event.waitUntil(scope.skipWaiting());
  if (type === 'flush') event.waitUntil(flushDecisions(parts));
  if (type === 'waiting') event.waitUntil(keepWaiting(event.data));
});

async function keepWaiting(data: unknown): Promise<void> {
  await keepOnly(scope, ...waitingOf(data), (await parts.words()).moreRequests);
}

/** `{type: 'waiting', requests: ['<agent> <request>', …], machines}`: all that a page knows to wait, and of which machines. */
function waitingOf(data: unknown): [Set<string>, Set<string>] {
  const { requests, machines } = data as { requests?: unknown; machines?: unknown };
  const setOf = (list: unknown) => new Set(Array.isArray(list) ? list.map(String) : []);
  // A page of before knows one machine only.
  return [setOf(requests), setOf(machines ?? [''])];
}

function dataOf(event: PushEvent): unknown {
  try {
    return event.data?.json() ?? null;
  } catch {
    return null;
  }
}
