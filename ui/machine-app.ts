/** The parts of the dashboard that belong to one machine, tied together. */
import type { App, AppDeps, SharedParts } from './app.ts';
import type { DeviceStorage } from './device-storage.ts';
import { toast } from './components/toast.ts';
import type { Api } from './net/api.ts';
import { createChats } from './net/chats.ts';
import { createDelivery } from './net/delivery.ts';
import type { DevicePush } from './net/device-push.ts';
import { forgetLastKnown, readLastKnown } from './net/last-known.ts';
import { createLive } from './net/live.ts';
import type { Live } from './net/live.ts';
import { adoptOutbox, createOutbox } from './net/outbox.ts';
import { CHOICE_KEY } from './net/push-choice.ts';
import { at } from './route.ts';
import { createMessageBatch } from './state/message-batch.ts';
import { createResourceCache } from './state/resource.ts';
import { createStore, EMPTY, find, isCurrent } from './state/store.ts';
import type { Store } from './state/store.ts';

/** Makes them; nothing is asked of the machine before `start`. @param api of this machine */
export function createMachineApp(deps: AppDeps, shared: SharedParts, api: Api, machine: string): App {
  const { storage } = deps;
  const store = createStore(readLastKnown(storage, machine));
  const openSocket: App['openSocket'] = (path) => deps.openSocket(at(machine, path));
  const live = createStoreFeed({ ...deps, openSocket }, store, () => void shared.auth.sessionEnded());
  const outbox = createOutbox({
    storage,
    machine,
    now: deps.now,
    deliver: createDelivery({ api, store, onSettled: toast }),
  });
  const resources = createResourceCache();
  let push: Promise<DevicePush> | undefined;
  const makePush = async () => {
    const { createDevicePush } = await import('./net/device-push.ts');
    return createDevicePush({
      ...deps.notifications,
      api,
      storage,
      machine,
      others: () => shared.fleet.apps.value.filter((other) => other !== app).map((other) => other.push()),
      registration: deps.worker.registration,
      testArrives: deps.worker.testArrives,
      now: deps.now,
    });
  };
  const app: App = {
    ...shared,
    machine,
    api,
    chats: createChats({ api, live, store }),
    live,
    openSocket,
    outbox,
    push: () => push ??= makePush(),
    resources,
    store,
    start() {
      live.start();
      outbox.flush();
    },
    stop: () => live.stop(),
    forget(all) {
      resources.clear();
      forgetLastKnown(storage, machine);
      store.value = EMPTY;
      if (all) { for (const { id } of outbox.items.value) outbox.cancel(id); }
    },
  };
  followConnection(app, () => machine !== '' && storage.getItem(CHOICE_KEY) !== null);
  if (machine) adoptWhenLoaded(app, storage);
  return app;
}

/** The live feed that keeps the store up to date. */
function createStoreFeed(deps: AppDeps, store: Store, onSignedOut: () => void): Live {
  const batch = createMessageBatch({ store, isVisible: deps.isVisible, requestFrame: deps.requestFrame });
  const live: Live = createLive({
    ...deps,
    open: (query) => deps.openSocket(`/api/live${query}`),
    cursor() {
      batch.apply();
      return store.value;
    },
    hasChat: (agent) => isCurrent(store.value.chats[agent]),
    onMessage(message) {
      if (message.type === 'event' && message.change.type === 'messages.cleared') live.rewatch(message.change.agent);
      batch.add(message);
    },
    onSignedOut,
  });
  return live;
}

/** What the live feed finds out about the way to the machine concerns the others. @param isNotified this device gets notifications */
function followConnection(parts: App, isNotified: () => boolean): void {
  const { live, outbox, relay, auth, feedProbe, push } = parts;
  let wasUp = false;
  live.connection.subscribe(({ phase, refusals }) => {
    const isUp = phase === 'up';
    if (isUp && !wasUp) {
      outbox.flush();
      void auth.confirm();
      if (isNotified()) void push().then((device) => device.join()).catch(() => {});
    }
    if (!isUp && wasUp) relay.ask();
    // A refused socket does not say why: perhaps the session is over.
    if (phase === 'waiting') void auth.check();
    if (phase === 'waiting' && refusals > 1) void feedProbe.ask();
    wasUp = isUp;
  });
}

/** What was written before the relay told its machines apart. */
function adoptWhenLoaded({ store, outbox, machine }: App, storage: DeviceStorage): void {
  let wasLoaded = false;
  store.subscribe(({ loaded: hasBegun, rest, agents }) => {
    const loaded = hasBegun && !rest;
    if (loaded && !wasLoaded && adoptOutbox(storage, machine, (agent) => find(agents, agent) !== undefined)) {
      outbox.reload();
      outbox.flush();
    }
    wasLoaded = loaded;
  });
}
