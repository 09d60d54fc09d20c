/** Ties the machines of a page to its events, and to its service worker. Never ends: both live as long as the page. */
import type { SharedParts } from './app.ts';
import { deviceDatabase, deviceStorage } from './device-storage.ts';
import { now } from './components/time-ago.ts';
import { language } from './i18n/t.ts';
import { writeLastKnown } from './net/last-known.ts';
import { isOutboxKey } from './net/outbox.ts';
import { copyOutbox } from './net/outbox-copy.ts';
import { underWay } from './net/under-way.ts';
import { updateWhenQuiet } from './net/quiet-update.ts';
import { agentKey } from './worker/agent-key.ts';
import { forgetLastPush } from './worker/last-push.ts';
import { keepLanguage } from './worker/language.ts';
import { openStore } from './worker/storage.ts';

/** Entries that wait are tried again this often while the way is good; ms. */
const FLUSH_EVERY = 15_000;

/** What a start has loaded is remembered so soon; ms. */
const FIRST_REMEMBER = 1_000;

/** A login that is soon over is renewed; ms. */
const RENEW_EVERY = 3600_000;

/** Page-wide events that mean "look again now", and the clock. */
export function followPage({ auth, fleet, relay }: SharedParts): void {
  const wake = () => {
    for (const { live } of fleet.apps.value) live.wake();
    relay.ask();
  };
  const remember = () => {
    for (const { store, live, machine } of fleet.apps.value) {
      writeLastKnown(deviceStorage, store, live.connection.value.seenAt ?? Date.now(), machine);
    }
  };
  // At once when there is something: a browser may end a page without a word.
  let wasLoaded = false;
  fleet.agents.subscribe(() => {
    const isLoaded = fleet.apps.value.some(({ store }) => store.value.loaded);
    if (isLoaded && !wasLoaded) setTimeout(remember, FIRST_REMEMBER);
    wasLoaded = isLoaded;
  });
  const onInterval = () => {
    const up = fleet.apps.value.filter(({ live }) => live.connection.value.phase === 'up');
    for (const { outbox } of up) outbox.flush();
    if (up.length) remember();
  };
  addEventListener('online', wake);
  addEventListener('offline', wake);
  addEventListener('pageshow', (event) => event.persisted && wake());
  addEventListener('pagehide', remember);
  document.addEventListener(
    'visibilitychange',
    () => document.visibilityState === 'visible' ? wake() : remember(),
  );
  addEventListener('storage', ({ key }) => {
    if (key && isOutboxKey(key)) { for (const { outbox } of fleet.apps.value) outbox.reload(); }
  });
  setInterval(onInterval, FLUSH_EVERY);
  setInterval(() => void auth.check(), RENEW_EVERY);
  setInterval(() => now.value = Date.now(), 1000);
}

/** What the service worker needs of this page: what waits to be sent, the requests that wait, a quiet moment for an update. */
export function followWorker({ auth, fleet, worker }: SharedParts): void {
  const database = deviceDatabase();
  if (!database) return;
  const values = openStore(database);
  void keepLanguage(values, language).catch(() => {});
  copyOutbox({
    outbox: { items: fleet.unsent },
    store: values,
    registration: worker.registration,
    onHidden: (left) =>
      document.addEventListener('visibilitychange', () => document.visibilityState === 'hidden' && left()),
  });
  auth.state.subscribe((state) => state === 'out' && void forgetLastPush(values).catch(() => {}));
  let before = '';
  fleet.agents.subscribe((agents) => {
    const loaded = fleet.apps.value.filter(({ store }) => store.value.loaded);
    const requests = agents.filter(({ app }) => loaded.includes(app)).flatMap(({ app, id, pending }) =>
      pending.map((request) => `${agentKey(app.machine, id)} ${request}`)
    );
    const machines = loaded.map(({ machine }) => machine);
    const message = JSON.stringify([machines, requests]);
    if (machines.length && message !== before) worker.waiting(requests, machines);
    before = message;
  });
  updateWhenQuiet({
    worker,
    isVisible: () => document.visibilityState === 'visible',
    onVisibility: (changed) => document.addEventListener('visibilitychange', changed),
    isBusy: () =>
      fleet.unsent.value.length + underWay.value > 0 || document.querySelector('dialog[open], .terminal-page') !== null,
    setTimeout: (action, ms) => setTimeout(action, ms),
    clearTimeout: (timer) => clearTimeout(timer),
  });
}
