/** Entry of the dashboard: theme, the parts of the app, first drawing. Its styles are an entry of the build. */
import { AppContext } from './app.ts';
import { deviceDatabase, deviceStorage, ifAllowed } from './device-storage.ts';
import { createFleet } from './fleet.ts';
import { followPage, followWorker } from './follow.ts';
import { prefetchAnswer } from './hooks/pending-requests.ts';
import { html, render } from './html.ts';
import { whenIdle } from './idle.ts';
import { followKeyboard } from './keyboard.ts';
import { createDeviceKey } from './worker/device-key.ts';
import { languageTag, t } from './i18n/t.ts';
import { startWorker } from './net/service-worker.ts';
import { currentPath, go, startRouting } from './route.ts';
import { resolve } from './shell/pages.ts';
import { loadNext, whenStarted } from './shell/idle.ts';
import { Root } from './shell/shell.ts';
import { useSignalValue } from './state/signal.ts';
import { followTheme } from './theme.ts';
import { openStore } from './worker/storage.ts';

const socketOrigin = `${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}`;

/** What can wait for an idle page waits so long at most, ms. */
const MAX_BUSY_MS = 2_000;

const notifications = {
  permission: () => globalThis.Notification?.permission,
  askPermission: () => Notification.requestPermission(),
  isSecure: isSecureContext,
  isIos: /iPhone|iPad/.test(navigator.userAgent),
};

/** The page's code and, for the one card, its data are asked for beside the login, not after it. */
function beginPage(): void {
  const { page, params } = resolve(currentPath.value);
  page.view.load();
  const { id, request } = params;
  if (id && request) prefetchAnswer(fleet.current.value, id, request);
}

const network: typeof fetch = (...request) => fetch(...request);
const { origin } = location;
const database = deviceDatabase();
const deviceKey = isSecureContext && database
  ? createDeviceKey({ store: openStore(database), fetch: network, origin, subtle: crypto.subtle })
  : null;

let started = () => {};

const fleet = createFleet({
  fetch: network,
  deviceKey,
  openSocket: (path) => new WebSocket(socketOrigin + path),
  openEvents: (path) => new EventSource(path),
  storage: deviceStorage,
  isVisible: () => document.visibilityState === 'visible',
  requestFrame: (action) => void requestAnimationFrame(action),
  whenIdle: (action) => void whenIdle(action, MAX_BUSY_MS),
  now: () => Date.now(),
  random: () => Math.random(),
  setTimeout: (action, ms) => setTimeout(action, ms),
  clearTimeout: (timer) => clearTimeout(timer),
  worker: startWorker({
    container: ifAllowed(() => navigator.serviceWorker),
    open: go,
    reload: () => location.reload(),
    when: new Promise<void>((resolve) => started = resolve),
  }),
  notifications,
});

document.documentElement.lang = languageTag;
document.documentElement.dir = t.direction;
followTheme();
followKeyboard();
startRouting();
const app = fleet.current.value;
followPage(app);
followWorker(app);
void app.auth.begin();
beginPage();
void whenStarted(app).then(loadNext).then(started);

/** Everything is drawn for the machine that is looked at. */
function Dashboard() {
  return html`
    <${AppContext.Provider} value=${useSignalValue(fleet.current)}>
      <${Root} />
      <//>
  `;
}
render(html`<${Dashboard} />`, document.getElementById('app')!);
