import { html } from '../html.ts';
import { useCell } from '../cell.ts';
import { Button, Confirmations, EmptyState, Skeleton, Toasts } from '../components/mod.ts';
import { t } from '../i18n/en.ts';
import { useWhere } from '../route.ts';
import { auth, begin } from '../services.ts';
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
      <${Side} />
      <${ConnectionBar} />
      <main id="main" tabindex="-1">
        <${PageView} where=${where} />
      </main>
      <${BottomBar} />
    </div>
  `;
}

function Unreachable() {
  return html`
    <div class="center-page">
      <${EmptyState} icon="cloud" title=${t.login.unreachableTitle} text=${t.login.unreachable}>
        <${Button} tone="primary" icon="retry" onClick=${() => void begin()}>${t.common.retry}<//></${EmptyState}></div>
  `;
}
