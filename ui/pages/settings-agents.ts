import { html, useState } from '../html.ts';
import type { AcpProviderInfo } from '../../core/api/providers.ts';
import type { AcpAgentSettings, Settings } from '../../core/api/settings.ts';
import { Button, Card, confirm, IconButton, Pill, Skeleton, toast, toastError } from '../components/mod.ts';
import { useApp } from '../app.ts';
import { useAcpProviders } from '../hooks/use-providers.ts';
import { t } from '../i18n/all.ts';
import { serverText } from '../i18n/t.ts';
import { AcpAgentDialog } from './settings-agent-dialog.ts';

interface Props {
  settings: Settings;
  onSaved: (settings: Settings) => void;
}

/** Agents of the Agent Client Protocol: what is installed, what to type for what is not, and own ones. */
export function AgentsCard({ settings, onSaved }: Props) {
  const { api } = useApp();
  const { value, error, loading, reload } = useAcpProviders();
  const [edited, setEdited] = useState<Partial<AcpAgentSettings> | null>(null);
  const s = t.acpAgents;
  async function save(acpAgents: AcpAgentSettings[]) {
    onSaved(await api.put<Settings>('/api/settings', { acpAgents }));
    reload();
  }
  const custom = (id: string) => settings.acpAgents.find((agent) => agent.id === id);
  async function remove({ id, label }: AcpProviderInfo) {
    const question = { title: s.removeTitle(label), text: s.removeText, action: s.removeAction, tone: 'danger' };
    if (!await confirm(question as Parameters<typeof confirm>[0])) return;
    await save(settings.acpAgents.filter((agent) => agent.id !== id)).then(() => toast(s.removed(label)), toastError);
  }
  const add = html`<${Button} class="small" icon="plus" onClick=${() => setEdited({})}>${s.add}<//>`;
  const rows = value?.map((info) =>
    html`<${AgentRow} key=${info.id} info=${info} onEdit=${() => setEdited(custom(info.id)!)} onRemove=${remove} />`
  );
  const close = () => setEdited(null);
  return html`
    <${Card} title=${s.title} actions=${add}>
      <p class="hint">${s.intro}</p>
      ${!value && loading && html`<${Skeleton} lines=${4} />`}
      ${!value && error && html`<p class="field-error">${error}</p>`}
      <ul class="tools">${rows}</ul>
      ${edited && html`<${AcpAgentDialog} agent=${edited} all=${settings.acpAgents} save=${save} onClose=${close} />`}
    <//>
  `;
}

interface RowProps {
  info: AcpProviderInfo;
  onEdit: () => void;
  onRemove: (info: AcpProviderInfo) => void;
}

function AgentRow({ info, onEdit, onRemove }: RowProps) {
  const { icon, label, version, available, install, custom } = info;
  const s = t.acpAgents;
  const buttons = custom && html`
    <div class="row">
      <span class="hint mono grow">${available && info.command}</span>
      <${IconButton} icon="edit" label=${s.edit(label)} onClick=${onEdit} />
      <${IconButton} icon="trash" label=${s.remove(label)} onClick=${() => onRemove(info)} />
    </div>
  `;
  return html`
    <li>
      <div class="row">
        <span class="grow"><span aria-hidden="true">${icon}</span> <strong>${label}</strong></span>
        <span class="hint">${version}</span>
        <${Pill} tone=${available ? 'good' : 'neutral'}>${available ? s.installed : s.missing}<//>
      </div>
      ${!available && html`<${HowTo} install=${install} text=${serverText(info.text)} custom=${custom} />`}
      ${buttons}
    </li>
  `;
}

/** What to type for one that is not there; of an own one nobody knows more than that it was not found. */
function HowTo({ install, text, custom }: { install: string; text: string; custom: boolean }) {
  if (custom) return html`<p class="hint">${text}</p>`;
  return html`<p class="hint">${t.acpAgents.type} <code>${install}</code></p>`;
}
