import { html, useState } from '../html.ts';
import type { DeviceInfo, SessionInfo } from '../../core/api/auth.ts';
import type { Api } from '../net/api.ts';
import { Button, confirm, EmptyState, PageHead, Skeleton, toastError } from '../components/mod.ts';
import { Note } from '../components/note.ts';
import { t } from '../i18n/all.ts';
import { useResource } from '../hooks/use-resource.ts';
import { useApp } from '../app.ts';
import { useSignalValue } from '../state/signal.ts';
import { DeviceEntry, entriesOf } from './device-list.ts';
import { PairDialog } from './pair-dialog.ts';
import { Passkeys } from './passkeys.ts';

/** Who is signed in: sign out one or all, let another device in. */
export default function Devices() {
  const { auth } = useApp();
  const [adding, setAdding] = useState(false);
  const [paired, setPaired] = useState(0);
  if (!useSignalValue(auth.hasLogin)) {
    return html`
      <div class="page">
        <${PageHead} title=${t.nav.devices} />
        <${EmptyState} icon="devices" title=${t.devices.none} text=${t.devices.noneText} />
      </div>
    `;
  }
  return html`
    <div class="page">
      <${PageHead} title=${t.nav.devices}>
        <${Button} tone="primary" icon="plus" onClick=${() => setAdding(true)}>${t.devices.add}<//>
      <//>
      <p class="soft">${t.devices.intro}</p>
      <${SessionList} key=${paired} />
      <${Passkeys} />
      ${adding && html`<${PairDialog} onClose=${() => setAdding(false)} onPaired=${() => setPaired(paired + 1)} />`}
    </div>
  `;
}

interface SignedIn {
  sessions: SessionInfo[];
  devices: DeviceInfo[];
}

/** A server without device keys answers 404. */
async function loadSignedIn(api: Api): Promise<SignedIn> {
  const { sessions } = await api.get<{ sessions: SessionInfo[] }>('/api/auth/sessions');
  const { devices } = await api.get<{ devices: DeviceInfo[] }>('/api/auth/devices').catch(() => ({ devices: [] }));
  return { sessions, devices };
}

function SessionList() {
  const { api, auth } = useApp();
  const { value, error, reload } = useResource(() => loadSignedIn(api), []);
  async function signOutAll() {
    if (!await confirm({ ...t.devices.confirmAll, tone: 'danger' })) return;
    await api.post('/api/auth/sign-out-everywhere').then(auth.begin, toastError);
  }
  if (!value && error) {
    return html`
      <${Note} tone="bad" alert>
        ${error}${' '}
        <button type="button" class="link-button" onClick=${reload}>${t.common.retry}</button>
      <//>
    `;
  }
  if (!value) return html`<${Skeleton} lines=${3} />`;
  const entries = entriesOf(value.devices, value.sessions).map((entry) =>
    html`<${DeviceEntry} key=${entry.id} entry=${entry} onChange=${reload} />`
  );
  return html`
    <ul class="devices">${entries}</ul>
    <${Button} tone="danger" icon="signOut" onClick=${() => void signOutAll()}>${t.devices.signOutAll}<//>
  `;
}
