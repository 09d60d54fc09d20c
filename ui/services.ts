/** The one store, live feed, outbox and API of this page, wired to each other. Components use these; tests make their own. */
import type { DecisionRecord, MessagePage, UserMessage } from '../core/wire/types.ts';
import type { AuthCheck } from '../core/wire/auth.ts';
import type { LiveChange, LiveMessage } from '../core/wire/live.ts';
import { ApiError, createApi } from './api.ts';
import { toast, toastError } from './components/toast.ts';
import { now } from './components/time-ago.ts';
import { cell, useCell } from './cell.ts';
import type { Timer } from './cell.ts';
import { createLive, PAGE_SIZE } from './live.ts';
import { createOutbox } from './outbox.ts';
import type { Outgoing } from './outbox.ts';
import { addOlder, apply, change, EMPTY, find, forget, isCurrent, trim } from './store.ts';
import type { State } from './store.ts';
import { claimPairing } from './pairing.ts';
import { createRelayWatch } from './relay-watch.ts';
import { path } from './route.ts';

/** Signed in? `unreachable`: the first question has not been answered yet. */
export type Auth = 'asking' | 'in' | 'out' | 'unreachable';
export const auth = cell<Auth>('asking');
/** This server wants a login at all (a local one may not): then there is something to sign out of. */
export const hasLogin = cell(false);

export const store = cell<State>(EMPTY);
export const useStore = <R>(select: (state: State) => R): R => useCell(store, select);

export const api = createApi({ fetch: (...args) => fetch(...args), onSignedOut: () => signedOut() });

const timers = {
  now: () => Date.now(),
  random: () => Math.random(),
  setTimeout: (action: () => void, ms: number) => setTimeout(action, ms),
  clearTimeout: (timer: Timer) => clearTimeout(timer),
};

/** Messages of one frame are applied together, so that a fast stream costs one drawing per frame. */
const arrived: LiveMessage[] = [];
function applyArrived() {
  if (!arrived.length) return;
  store.set(arrived.splice(0).reduce(apply, store.get()));
}
function onMessage(message: LiveMessage) {
  if (message.type === 'event' && message.change.type === 'messages.cleared') live.rewatch(message.change.agent);
  // A hidden page gets no frames: there, and for what is not a stream, apply at once.
  const streaming = message.type === 'event' && document.visibilityState === 'visible';
  arrived.push(message);
  if (!streaming) return applyArrived();
  if (arrived.length === 1) requestAnimationFrame(applyArrived);
  if (message.type === 'event' && arrived.length > MAX_BATCH) applyArrived();
}
const MAX_BATCH = 500;

export const live = createLive({
  open: () => new WebSocket(`${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}/api/live`),
  cursor: () => {
    applyArrived();
    return store.get();
  },
  hasChat: (agent) => isCurrent(store.get().chats[agent]),
  onMessage,
  onSignedOut: () => signedOut(),
  ...timers,
});

export const relay = createRelayWatch({
  fetch: (...args) => fetch(...args),
  openEvents: (url) => new EventSource(url),
  onMachineUp: () => live.retryNow(),
  ...timers,
});

export const outbox = createOutbox({ storage: localStorage, now: timers.now, deliver });

async function deliver(item: Outgoing): Promise<void> {
  if (item.kind === 'message') {
    const { message } = await api.post<{ message?: UserMessage }>(path`/api/agents/${item.agent}/message`, item.body);
    // The feed may have been faster, and know more.
    if (message && !knownMessage(item.agent, message.id)) tell({ type: 'message', agent: item.agent, message });
    return;
  }
  try {
    const to = path`/api/agents/${item.agent}/permissions/${item.request}`;
    const { decision } = await api.post<{ decision?: DecisionRecord }>(to, item.body);
    if (decision) decided(item.agent, item.request, decision);
  } catch (error) {
    // Someone else was first, or the agent ended: the request itself shows it, and no other try can change it.
    if (!(error instanceof ApiError) || !['already_decided', 'request_gone', 'not_found'].includes(error.code)) {
      throw error;
    }
    toast(error.message);
  }
}

const tell = (to: LiveChange): void => store.set(change(store.get(), to));
const knownMessage = (agent: string, id: string) => find(store.get().chats, agent)?.messages.find((m) => m.id === id);

/** What the reply to a decision says, in case it comes before the feed does. */
function decided(agent: string, request: string, decision: DecisionRecord): void {
  const message = knownMessage(agent, request);
  if (message?.kind === 'request' && message.status === 'pending') {
    tell({ type: 'message.patch', agent, id: request, patch: { decision, status: 'decided' } });
  }
  const pending = find(store.get().agents, agent)?.pending ?? [];
  if (pending.includes(request)) {
    tell({ type: 'agent.patch', id: agent, patch: { pending: pending.filter((id) => id !== request) } });
  }
}

/** Loads the page of messages before the first known one. */
export async function loadOlder(agent: string): Promise<void> {
  const first = store.get().chats[agent]?.messages[0]?.seq;
  if (!first) return;
  const page = await api.get<MessagePage>(`${path`/api/agents/${agent}/messages`}?before=${first}&limit=${PAGE_SIZE}`);
  store.set(addOlder(store.get(), agent, page.messages, page.more));
}

/** Lets go of all but the newest messages; they can be loaded again. */
export const trimChat = (agent: string, keep: number): void => store.set(trim(store.get(), agent, keep));

/** Watches an agent's messages; the returned function ends it and drops them. */
export function openChat(agent: string): () => void {
  const end = live.watch(agent);
  return () => {
    if (end()) store.set(forget(store.get(), agent));
  };
}

function signedOut() {
  if (auth.get() === 'out') return;
  live.stop();
  relay.stop();
  store.set(EMPTY);
  auth.set('out');
}

/** Asks whether a login is needed and begins, or shows the login page. */
export async function begin(): Promise<void> {
  await claimPairing(api).catch(toastError);
  try {
    const check = await api.get<Partial<AuthCheck>>('/api/auth/check', {
      timeout: 10_000,
    });
    hasLogin.set(check.loginRequired !== false);
    if (check.authenticated === false) return signedOut();
    signedIn();
  } catch (error) {
    const status = (error as { status?: number }).status;
    if (status === 401) {
      hasLogin.set(true);
      signedOut();
    } else if (status === 404) {
      signedIn(); // a server without login
    } else {
      auth.set('unreachable');
    }
  }
}

/** Shows the login page when the session is over; everything else it leaves alone. */
async function checkLogin(): Promise<void> {
  const check = await api.get<AuthCheck>('/api/auth/check', { timeout: 5000 }).catch(() => null);
  if (check?.authenticated === false && auth.get() === 'in') signedOut();
}

export function signedIn(): void {
  auth.set('in');
  live.start();
  relay.start();
  outbox.flush();
}

export async function signOut(): Promise<void> {
  await api.post('/api/auth/logout');
  signedOut();
}

/** Page-wide events that mean "look again now". */
export function startServices(): void {
  let wasUp = false;
  live.link.subscribe(() => {
    const isUp = live.link.get().phase === 'up';
    if (isUp && !wasUp) outbox.flush();
    if (!isUp && wasUp) relay.ask();
    // A refused socket does not say why: perhaps the session is over.
    if (live.link.get().phase === 'waiting') void checkLogin();
    wasUp = isUp;
  });
  const wake = () => {
    live.wake();
    relay.ask();
  };
  addEventListener('online', wake);
  addEventListener('offline', wake);
  addEventListener('pageshow', (event) => event.persisted && wake());
  document.addEventListener('visibilitychange', () => document.visibilityState === 'visible' && wake());
  addEventListener('storage', (event) => event.key?.startsWith('outbox.') && outbox.reload());
  setInterval(() => live.link.get().phase === 'up' && outbox.flush(), 15_000);
  setInterval(() => now.set(Date.now()), 1000);
  void begin();
}
