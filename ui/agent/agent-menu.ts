import { html, useState } from '../html.ts';
import type { AgentInfo } from '../../core/api/agents.ts';
import { providerData } from '../../core/api/providers.ts';
import { lazy, LazyView } from '../hooks/lazy.ts';
import { isActive } from './agent-view.ts';
import { ApiError } from '../net/api.ts';
import type { Api } from '../net/api.ts';
import { confirm, Menu, toastError } from '../components/mod.ts';
import type { MenuItem } from '../components/menu.ts';
import { t } from '../i18n/t.ts';
import { go, path } from '../route.ts';
import { useApp } from '../app.ts';
import type { App } from '../app.ts';
import { exportChat } from '../chat/export-chat.ts';
import { mark } from './marks.ts';

const giveBackDialog = lazy<{ agent: AgentInfo; onClose: () => void }>(() => import('../handoff/give-back-dialog.ts'));

interface MenuProps {
  agent: AgentInfo;
  onRename: () => void;
  onPreview: () => void;
}

/** What can be done with the agent as a whole. */
export function AgentMenu({ agent, onRename, onPreview }: MenuProps) {
  const app = useApp();
  const { api } = app;
  const [isGivingBack, setGivingBack] = useState(false);
  const items: MenuItem[] = [
    { label: t.agent.rename, icon: 'edit', onSelect: onRename },
    ...markItems(app, agent),
    { label: t.agent.preview, icon: 'globe', onSelect: onPreview },
    {
      label: t.agent.exportMarkdown,
      icon: 'file',
      onSelect: () => void exportChat(api, agent, 'md').catch(toastError),
    },
    { label: t.agent.exportJson, icon: 'file', onSelect: () => void exportChat(api, agent, 'json').catch(toastError) },
    ...giveBackItems(agent, () => setGivingBack(true)),
    {
      label: t.agent.stop,
      icon: 'stop',
      disabled: !isActive(agent) && !agent.cli.running,
      onSelect: () => void stop(api, agent).catch(toastError),
    },
    { label: t.agent.remove, icon: 'trash', tone: 'danger', onSelect: () => void remove(api, agent).catch(toastError) },
  ];
  return html`
    <${Menu} label=${t.common.more} items=${items} />
    ${isGivingBack &&
      html`<${LazyView} source=${giveBackDialog} agent=${agent} onClose=${() => setGivingBack(false)} />`}
  `;
}

function giveBackItems({ provider, sessionId }: AgentInfo, onSelect: () => void): MenuItem[] {
  if (!sessionId || !providerData(provider).features.desk) return [];
  return [{ label: t.agent.giveBack, icon: 'terminal', onSelect }];
}

function markItems(app: App, agent: AgentInfo): MenuItem[] {
  const { pinned, archivedAt } = agent;
  return [
    {
      label: pinned ? t.agent.unpin : t.agent.pin,
      icon: 'pin',
      onSelect: () => mark(app, agent, { pinned: !pinned }),
    },
    {
      label: t.agent.markUnread,
      icon: 'bell',
      onSelect: () => {
        mark(app, agent, { seenSeq: 0 });
        go('/');
      },
    },
    {
      label: archivedAt ? t.agent.unarchive : t.agent.archive,
      icon: 'archive',
      onSelect: () => mark(app, agent, { archived: !archivedAt }),
    },
  ];
}

async function stop(api: Api, agent: AgentInfo): Promise<void> {
  await api.command(path`/api/agents/${agent.id}/stop`);
}

/** Asks, and asks again with the server's own words when unmerged work would be lost. */
export async function remove(api: Api, agent: AgentInfo): Promise<void> {
  const question = {
    title: t.agent.removeTitle(agent.name),
    text: t.agent.removeText,
    action: t.common.delete,
    tone: 'danger' as const,
  };
  if (!(await confirm(question))) return;
  try {
    await api.delete(path`/api/agents/${agent.id}`);
  } catch (error) {
    if (!(error instanceof ApiError) || error.code !== 'unmerged_work') throw error;
    if (!(await confirm({ ...question, title: t.agent.discardTitle, text: error.message, action: t.agent.discard }))) {
      return;
    }
    await api.delete(`${path`/api/agents/${agent.id}`}?discardWork=1`);
  }
  go('/', true);
}
