import type { MachineEntry } from '../../core/api/machines.ts';
import { MAX_MACHINE_NAME } from '../../core/api/machines.ts';
import { useApp } from '../app.ts';
import {
  Button,
  confirm,
  Dialog,
  EmptyState,
  PageHead,
  Pill,
  TextField,
  TimeAgo,
  toast,
  toastError,
} from '../components/mod.ts';
import { html, useState } from '../html.ts';
import { machineTexts as texts } from '../i18n/machines.ts';
import { t } from '../i18n/all.ts';
import { path } from '../route.ts';
import { useSignalValue } from '../state/signal.ts';
import { JoinDialog } from './join-dialog.ts';

/** The machines of the relay: how they are, what they are called, who may join, who may no longer. */
export default function Machines() {
  const machines = useSignalValue(useApp().fleet.machines);
  const [adding, setAdding] = useState(false);
  const entries = machines.map((machine) => html`<${Entry} key=${machine.id} machine=${machine} />`);
  const none = html`<${EmptyState} icon="machine" title=${texts.none} text=${texts.noneText} />`;
  return html`
    <div class="page">
      <${PageHead} title=${texts.title}>
        <${Button} tone="primary" icon="plus" onClick=${() => setAdding(true)}>${texts.add}<//>
      <//>
      <p class="soft">${texts.intro}</p>
      ${entries.length ? html`<ul class="devices">${entries}</ul>` : none}
      ${adding && html`<${JoinDialog} onClose=${() => setAdding(false)} />`}
    </div>
  `;
}

function Entry({ machine }: { machine: MachineEntry }) {
  const [renaming, setRenaming] = useState(false);
  const { name, connected, since, lastSeenAt, version, address } = machine;
  return html`
    <li>
      <div class="grow">
        <div class="row">
          <strong class="ellipsis" dir="auto">${name}</strong>
          <${Pill} tone=${connected ? 'good' : 'warn'}>${connected ? texts.connected : texts.away}<//>
        </div>
        <p class="hint">
          ${connected ? texts.connectedSince : texts.awaySince} <${TimeAgo} at=${since} />
          ${!connected && html`, ${t.devices.seen} <${TimeAgo} at=${lastSeenAt} />`}
          ${` · ${version} · `}<span class="mono">${address}</span>
        </p>
      </div>
      <${Actions} machine=${machine} onRename=${() => setRenaming(true)} />
      ${renaming && html`<${RenameDialog} machine=${machine} onClose=${() => setRenaming(false)} />`}
    </li>
  `;
}

function Actions({ machine: { id, name, token }, onRename }: { machine: MachineEntry; onRename: () => void }) {
  const { api } = useApp();
  async function remove(): Promise<void> {
    const question = texts.confirmRemove(name, token === 'shared');
    if (!await confirm({ ...question, tone: 'danger' })) return;
    await api.delete(path`/api/relay/machines/${id}`);
    toast(texts.removed(name));
  }
  const { rename, remove: revoke } = texts;
  return html`
    <${Button} onClick=${onRename} aria-label=${`${rename}: ${name}`}>${rename}<//>
    <${Button} tone="danger" onClick=${() => void remove().catch(toastError)} aria-label=${`${revoke}: ${name}`}>
      ${revoke}
    <//>
  `;
}

function RenameDialog({ machine, onClose }: { machine: MachineEntry; onClose: () => void }) {
  const { api } = useApp();
  const [name, setName] = useState(machine.name);
  async function save(event: Event): Promise<void> {
    event.preventDefault();
    await api.put(path`/api/relay/machines/${machine.id}`, { name: name.trim() }).then(onClose, toastError);
  }
  const { renameTitle, nameHint } = texts;
  const maxlength = String(MAX_MACHINE_NAME);
  return html`
    <${Dialog} title=${renameTitle} onClose=${onClose}>
      <form class="stack" onSubmit=${save}>
        <${TextField} label=${t.devices
          .name} hint=${nameHint} value=${name} maxlength=${maxlength} onInput=${setName} />
        <div class="row end">
          <${Button} onClick=${onClose}>${t.common.cancel}<//>
          <${Button} type="submit" tone="primary">${t.common.save}<//>
        </div>
      </form>
    <//>
  `;
}
