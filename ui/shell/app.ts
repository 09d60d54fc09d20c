import { html } from '../html.ts';
import { useCell } from '../cell.ts';
import { Button, Confirmations, EmptyState, Icon, Skeleton, Toasts } from '../components/mod.ts';
import { d } from '../i18n/en-devices.ts';
import { t } from '../i18n/en.ts';
import { useWhere } from '../route.ts';
import { auth, begin, hasLogin, relay } from '../services.ts';
import { Login } from '../pages/login.ts';
import { PageView } from './page-view.ts';
import { ConnectionBar, useTrouble } from './connection-bar.ts';
import { useAttention } from './notify.ts';
import { BottomBar, Side } from './nav.ts';

/** Login page or shell, as the server says. */
export function App() {
  const state = useCell(auth);
  return html`
    ${state === 'asking' && html`
      <div class="center-page">
        <${Skeleton} />
      </div>
    `}
    ${state === 'out' && html`<${Login} />`}
    ${state === 'unreachable' && html`<${Unreachable} />`}
    ${state === 'in' && html`<${Shell} />`}
    <${Confirmations} /><${Toasts} />
  `;
}

function Shell() {
  const where = useWhere();
  const stale = useTrouble() !== null;
  useAttention();
  const kind = where.path.startsWith('/agents/') ? 'immersive' : '';
  return html`
    <div class=${`shell ${stale ? 'stale' : ''} ${kind}`}>
      <button type="button" class="skip" onClick=${() => document.getElementById('main')?.focus()}>${t.nav
        .skip}</button>
      <${Side} />
      <${ConnectionBar} />
      <${OpenDoor} />
      <main id="main" tabindex="-1">
        <${PageView} where=${where} />
      </main>
      <${BottomBar} />
    </div>
  `;
}

/** A relay without a login is open to whoever reaches it: said on every page. */
function OpenDoor() {
  const open = !useCell(hasLogin);
  const onRelay = useCell(relay.state, (state) => state.present === true);
  if (!open || !onRelay) return null;
  return html`
    <p class="note bad open-door" role="alert"><${Icon} name="warning" size=${18} /><span>${d.noLogin}</span></p>
  `;
}

function Unreachable() {
  return html`
    <div class="center-page">
      <${EmptyState} icon="cloud" title=${t.login.unreachableTitle} text=${t.login.unreachable}>
        <${Button} tone="primary" icon="retry" onClick=${() => void begin()}>${t.common.retry}<//></${EmptyState}></div>
  `;
}
