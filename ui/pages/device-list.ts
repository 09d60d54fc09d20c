import { html, useState } from '../html.ts';
import type { DeviceInfo, SessionInfo } from '../../core/api/auth.ts';
import { Button, confirm, Dialog, Pill, TextField, TimeAgo, toastError } from '../components/mod.ts';
import { t } from '../i18n/all.ts';
import { deviceText } from '../i18n/t.ts';
import { path } from '../route.ts';
import { useApp } from '../app.ts';

/** A browser that is signed in: with a key of its own, or until its login ends. */
export type Entry =
  | { kind: 'device'; id: string; name: string; since: number; seen: number; address: string; current: boolean }
  | { kind: 'session'; id: string; name: string; since: number; seen: number; address: string; current: boolean };

/** Devices first, then logins that belong to none. */
export function entriesOf(devices: readonly DeviceInfo[], sessions: readonly SessionInfo[]): Entry[] {
  const seenOf = ({ id, lastSeenAt }: DeviceInfo) =>
    Math.max(lastSeenAt, ...sessions.filter(({ device }) => device === id).map((session) => session.lastSeenAt));
  const withKey = devices.map((device): Entry => ({
    kind: 'device',
    id: device.id,
    name: deviceText(device.name),
    since: device.createdAt,
    seen: seenOf(device),
    address: device.address,
    current: device.current,
  }));
  const without = sessions.filter(({ device }) => device === undefined).map((session): Entry => ({
    kind: 'session',
    id: session.id,
    name: deviceText(session.browser),
    since: session.createdAt,
    seen: session.lastSeenAt,
    address: session.address,
    current: session.current,
  }));
  return [...withKey, ...without];
}

interface Props {
  entry: Entry;
  onChange: () => void;
}

export function DeviceEntry({ entry, onChange }: Props) {
  const { api, auth } = useApp();
  const [renaming, setRenaming] = useState(false);
  const { kind, id, name, address, since, seen, current } = entry;
  async function signOut() {
    if (!await confirm({ ...t.devices.confirmOne(name), tone: 'danger' })) return;
    const gone = kind === 'device' ? path`/api/auth/devices/${id}` : path`/api/auth/sessions/${id}`;
    await api.delete(gone).then(current ? auth.begin : onChange, toastError);
  }
  return html`
    <li>
      <div class="grow">
        <div class="row">
          <strong>${name}</strong>
          ${current && html`<${Pill} tone="good">${t.devices.current}<//>`}
        </div>
        <p class="hint">
          ${t.devices.signedIn} <${TimeAgo} at=${since} />
          ${` ${t.devices.from} `}
          <span class="mono">${address}</span>
          ${`, ${t.devices.seen} `}
          <${TimeAgo} at=${seen} />
          ${kind === 'session' && html`. ${t.devices.dayOnly}`}
        </p>
      </div>
      <${DeviceActions} entry=${entry} onRename=${() => setRenaming(true)} onSignOut=${() => void signOut()} />
      ${renaming && html`<${RenameDialog} entry=${entry} onClose=${() => setRenaming(false)} onDone=${onChange} />`}
    </li>
  `;
}

function DeviceActions({ entry, onRename, onSignOut }: { entry: Entry; onRename: () => void; onSignOut: () => void }) {
  const { kind, name } = entry;
  const rename = `${t.devices.rename}: ${name}`;
  const signOut = `${t.devices.signOut}: ${name}`;
  return html`
    ${kind === 'device' && html`<${Button} onClick=${onRename} aria-label=${rename}>${t.devices.rename}<//>`}
    <${Button} onClick=${onSignOut} aria-label=${signOut}>${t.devices.signOut}<//>
  `;
}

function RenameDialog({ entry, onClose, onDone }: { entry: Entry; onClose: () => void; onDone: () => void }) {
  const { api } = useApp();
  const [name, setName] = useState(entry.name);
  const save = () =>
    api.put(path`/api/auth/devices/${entry.id}`, { name }).then(() => {
      onClose();
      onDone();
    }, toastError);
  const footer = html`<${Button} tone="primary" onClick=${() => void save()}>${t.common.save}<//>`;
  return html`
    <${Dialog} title=${t.devices.renameTitle} onClose=${onClose} footer=${footer}>
      <${TextField} label=${t.devices.name} value=${name} onInput=${setName} />
      <//>
  `;
}
