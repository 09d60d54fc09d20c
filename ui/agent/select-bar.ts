import { html } from '../html.ts';
import type { Placed } from '../app.ts';
import { Button, confirm, toastError } from '../components/mod.ts';
import { t } from '../i18n/t.ts';
import { path } from '../route.ts';
import { isActive } from './agent-view.ts';
import { mark } from './marks.ts';

interface Props {
  /** Those that are chosen. */
  agents: readonly Placed[];
  onDone: () => void;
}

/** What can be done with the chosen agents together. Deleting is not among them: it asks about each one's work. */
export default function SelectBar({ agents, onDone }: Props) {
  const active = agents.filter(isActive);
  const all = (act: (agent: Placed) => void) => {
    agents.forEach(act);
    onDone();
  };
  const isPinned = agents.length > 0 && agents.every(({ pinned }) => pinned);
  const isArchived = agents.length > 0 && agents.every(({ archivedAt }) => archivedAt);
  async function stop() {
    const { stopAllTitle: title, stopAllText, stopAll: action } = t.dashboard;
    if (!(await confirm({ title, text: stopAllText(agents.length, active.length), action, tone: 'danger' }))) return;
    all(({ id, app }) => void app.api.command(path`/api/agents/${id}/stop`).catch(toastError));
  }
  const none = !agents.length;
  return html`
    <div class="select-bar" role="group" aria-label=${t.dashboard.select}>
      <strong role="status">${t.dashboard.selected(agents.length)}</strong>
      <span class="grow"></span>
      <${Button} class="small" disabled=${none} onClick=${() =>
        all((agent) => mark(agent.app, agent, { pinned: !isPinned }))}>
        ${isPinned ? t.agent.unpin : t.agent.pin}
      <//>
      <${Button}
        class="small"
        disabled=${none}
        onClick=${() => all((agent) => mark(agent.app, agent, { archived: !isArchived }))}
      >
        ${isArchived ? t.agent.unarchive : t.agent.archive}
      <//>
      <${Button} class="small" tone="danger" disabled=${!active.length} onClick=${() => void stop()}>
        ${t.agent.stop}
      <//>
      <${Button} class="small" tone="quiet" onClick=${onDone}>${t.common.cancel}<//>
    </div>
  `;
}
