import { html } from '../html.ts';
import type { AgentInfo } from '../../core/wire/types.ts';
import { isActive } from '../agents.ts';
import { ApiError } from '../api.ts';
import { confirm, Menu, toastError } from '../components/mod.ts';
import type { MenuItem } from '../components/menu.ts';
import { t } from '../i18n/en.ts';
import { go, path } from '../route.ts';
import { api } from '../services.ts';

/** What can be done with the agent as a whole. */
export function AgentMenu({ agent, onRename }: { agent: AgentInfo; onRename: () => void }) {
  const items: MenuItem[] = [
    { label: t.agent.rename, icon: 'edit', onSelect: onRename },
    {
      label: t.agent.stop,
      icon: 'stop',
      disabled: !isActive(agent) && !agent.cli.running,
      onSelect: () => void stop(agent).catch(toastError),
    },
    { label: t.agent.remove, icon: 'trash', tone: 'danger', onSelect: () => void remove(agent).catch(toastError) },
  ];
  return html`<${Menu} label=${t.common.more} items=${items} />`;
}

async function stop(agent: AgentInfo): Promise<void> {
  await api.command(path`/api/agents/${agent.id}/stop`);
}

/** Asks, and asks again with the server's own words when unmerged work would be lost. */
async function remove(agent: AgentInfo): Promise<void> {
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
