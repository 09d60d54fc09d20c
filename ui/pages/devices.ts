import { html, useState } from '../html.ts';
import type { SessionInfo } from '../../core/wire/auth.ts';
import { Button, confirm, EmptyState, PageHead, Pill, Skeleton, TimeAgo, toastError } from '../components/mod.ts';
import { d } from '../i18n/en-devices.ts';
import { t } from '../i18n/en.ts';
import { useLoaded } from '../loaded.ts';
import { path } from '../route.ts';
import { api, begin, hasLogin } from '../services.ts';
import { useCell } from '../cell.ts';
import { PairDialog } from './pair-dialog.ts';

/** Who is signed in: sign out one or all, let another device in. */
export default function Devices() {
  const [adding, setAdding] = useState(false);
  if (!useCell(hasLogin)) {
    return html`
      <div class="page">
        <${PageHead} title=${d.title} />
        <${EmptyState} icon="devices" title=${d.none} text=${d.noneText} />
      </div>
    `;
  }
  return html`
    <div class="page">
      <${PageHead} title=${d.title}>
        <${Button} tone="primary" icon="plus" onClick=${() => setAdding(true)}>${d.add}<//>
      <//>
      <p class="soft">${d.intro}</p>
      <${SessionList} />
      ${adding && html`<${PairDialog} onClose=${() => setAdding(false)} />`}
    </div>
  `;
}

function SessionList() {
  const { value, error, reload } = useLoaded(() => api.get<{ sessions: SessionInfo[] }>('/api/auth/sessions'), []);
  async function signOutAll() {
    if (!await confirm({ ...d.confirmAll, tone: 'danger' })) return;
    await api.post('/api/auth/sign-out-everywhere').then(begin, toastError);
  }
  if (!value) {
    return error
      ? html`<p class="note bad" role="alert"><span class="grow">${error}</span>
          <button type="button" class="link-button" onClick=${reload}>${t.common.retry}</button></p>`
      : html`<${Skeleton} lines=${3} />`;
  }
  return html`
    <ul class="devices">
      ${value.sessions.map((session) => html`<${Device} key=${session.id} session=${session} onGone=${reload} />`)}
    </ul>
    <${Button} tone="danger" icon="signOut" onClick=${() => void signOutAll()}>${d.signOutAll}<//>
  `;
}

function Device({ session, onGone }: { session: SessionInfo; onGone: () => void }) {
  const { id, browser, address, createdAt, lastSeenAt, current } = session;
  async function signOut() {
    if (!await confirm({ ...d.confirmOne(browser), tone: 'danger' })) return;
    await api.delete(path`/api/auth/sessions/${id}`).then(current ? begin : onGone, toastError);
  }
  return html`
    <li>
      <div class="grow">
        <div class="row"><strong>${browser}</strong>${current && html`<${Pill} tone="good">${d.current}<//>`}</div>
        <p
          class="hint">${d
            .signedIn} <${TimeAgo} at=${createdAt} />${` ${d.from} `}<span class="mono">${address}</span>${`, ${d.seen} `}<${TimeAgo} at=${lastSeenAt} /></p>
      </div>
      <${Button} onClick=${() => void signOut()} aria-label=${`${d.signOut}: ${browser}`}>${d.signOut}<//>
    </li>
  `;
}
