import { useAttention } from '../agent/notify.ts';
import { useApp, useHasMany, useStore } from '../app.ts';
import { Button, Confirmations, EmptyState, Icon, Toasts } from '../components/mod.ts';
import { ConnectionBar } from '../connection/connection-bar.ts';
import { usePageTrouble } from '../connection/use-trouble.ts';
import { lazy, LazyView, useLazy } from '../hooks/lazy.ts';
import { useMedia } from '../hooks/use-media.ts';
import { html, useMemo } from '../html.ts';
import { machineChoice } from '../machines/lazy.ts';
import { t } from '../i18n/t.ts';
import { isShared, namedMachine, usePath } from '../route.ts';
import { useSignalValue } from '../state/signal.ts';
import { find } from '../state/store.ts';
import { BottomBar, Side } from './nav.ts';
import { PageView } from './page-view.ts';
import { MISSING, resolve } from './pages.ts';
import type { Target } from './pages.ts';

/** Login page or shell, as the server says. */
export function Root() {
  const { auth } = useApp();
  const state = useSignalValue(auth.state);
  return html`
    ${state === 'asking' && html`<${Asking} />`}
    ${state === 'out' && html`<${LoginPage} />`}
    ${state === 'unreachable' && html`<${Unreachable} onRetry=${auth.begin} />`}
    ${state === 'in' && html`<${Shell} />`}
    <${Confirmations} />
    <${Toasts} />
  `;
}

/** Who is signed in needs nothing of it. */
const login = lazy(() => import('../pages/login.ts'));

function LoginPage() {
  const { View, failed, retry } = useLazy(login);
  if (View) return html`<${View} />`;
  return failed ? html`<${Unreachable} onRetry=${retry} />` : html`<${Asking} />`;
}

/** Not needed for the first view. */
const column = lazy<{ current: string }>(() => import('../agent/agent-column.ts'));
const shortcuts = lazy(() => import('../desk/shortcuts.ts'));

/** The page of the address; a machine that is named and not known has none. */
function useTarget(): Target {
  const { machine } = useApp();
  const path = usePath();
  const named = useSignalValue(namedMachine);
  const isUnknown = named !== '' && machine !== '' && named !== machine;
  return useMemo(() => isUnknown ? { path, page: MISSING, params: {} } : resolve(path), [path, isUnknown]);
}

function Shell() {
  const target = useTarget();
  const { path } = target;
  const { machine } = useApp();
  const isStale = usePageTrouble() !== null;
  const isWide = useMedia('(min-width: 1000px)');
  const agent = path.startsWith('/agents/') ? target.params.id : undefined;
  useAttention(usePageTitle(target));
  const kind = path.startsWith('/agents/') ? 'immersive' : '';
  const skip = () => document.getElementById('main')?.focus();
  return html`
    <div class=${`shell ${isStale ? 'stale' : ''} ${kind}`}>
      <button type="button" class="skip" onClick=${skip}>${t.nav.skip}</button>
      <${Side} />
      ${isWide && agent !== undefined && html`<${LazyView} source=${column} current=${agent} />`}
      <${ConnectionBar} />
      <${NoLoginWarning} />
      <${UpdateNote} />
      <main id="main" tabindex="-1">
        ${useHasMany() && !isShared(path) && html`<${LazyView} source=${machineChoice} />`}
        <${PageView} target=${target} machine=${machine} />
      </main>
      <${BottomBar} />
      <${LazyView} source=${shortcuts} />
    </div>
  `;
}

/** What the window is called: the agent and what of it is shown, or the page; nothing on the list of agents. */
function usePageTitle({ path, page, params }: Target): string {
  const name = useStore((state) => find(state.agents, params.id ?? '')?.name ?? '');
  const tab = params.tab && params.tab !== 'chat' ? t.tabs[params.tab as keyof typeof t.tabs] : '';
  return path === '/' ? '' : [tab, name || page.title].filter(Boolean).join(' · ');
}

/** A relay without a login is open to whoever reaches it: said on every page. */
function NoLoginWarning() {
  const { auth, relay } = useApp();
  const hasLogin = useSignalValue(auth.hasLogin);
  const isRelayed = useSignalValue(relay.state, (state) => state.present === true);
  if (hasLogin || !isRelayed) return null;
  return html`
    <p class="note bad open-door" role="alert">
      <${Icon} name="warning" size=${18} />
      <span>${t.login.none}</span>
    </p>
  `;
}

/** A newer dashboard waits: taken when the user says so, never under somebody's hands. */
function UpdateNote() {
  const { worker } = useApp();
  if (!useSignalValue(worker.hasUpdate)) return null;
  return html`
    <p class="note update" role="status">
      <${Icon} name="info" size=${18} />
      <span class="grow">${t.update.text}</span>
      <${Button} class="small" onClick=${worker.update}>${t.update.take}<//>
    </p>
  `;
}

/** As index.html has it, so that what is there before the first script stays. */
function Asking() {
  return html`
    <main class="center-page">
      <p class="starting" role="status">${t.product}</p>
    </main>
  `;
}

function Unreachable({ onRetry }: { onRetry: () => void }) {
  return html`
    <main class="center-page">
      <${EmptyState} isPage icon="cloud" title=${t.login.unreachableTitle} text=${t.login.unreachable}>
        <${Button} tone="primary" icon="retry" onClick=${onRetry}>${t.common.retry}<//>
      <//>
    </main>
  `;
}
