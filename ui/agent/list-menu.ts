import { html } from '../html.ts';
import { confirm, Menu, toast, toastError } from '../components/mod.ts';
import type { MenuItem } from '../components/menu.ts';
import { t } from '../i18n/t.ts';
import { go } from '../route.ts';
import type { App, Placed } from '../app.ts';
import { useApp } from '../app.ts';
import { useSignalValue } from '../state/signal.ts';
import { isActive } from './agent-view.ts';
import { grouping, groupings, setGrouping } from './grouping.ts';

interface MenuProps {
  agents: readonly Placed[];
  /** Several are to be chosen. */
  onSelect: () => void;
}

/** What can be done with all agents: nothing that one should hit by chance. */
export function ListMenu({ agents, onSelect }: MenuProps) {
  const { fleet } = useApp();
  const by = useSignalValue(grouping);
  const stop: MenuItem = {
    label: t.dashboard.stopAll,
    icon: 'stop',
    tone: 'danger',
    disabled: !agents.some((agent) => isUp(agent.app) && isActive(agent)),
    onSelect: () => void stopAll(fleet.apps.value),
  };
  const view: MenuItem[] = [
    { label: t.dashboard.searchAll, icon: 'search', onSelect: () => go('/search') },
    { label: t.dashboard.select, icon: 'check', onSelect },
    ...groupings(fleet).filter((value) => value !== by).map((value): MenuItem => ({
      label: t.dashboard.groups[value],
      icon: value === 'machine' ? 'machine' : value === 'folder' ? 'folder' : 'agents',
      onSelect: () => setGrouping(value),
    })),
  ];
  return html`<${Menu} label=${t.common.more} items=${[...view, stop]} />`;
}

const isUp = ({ live }: App): boolean => live.connection.value.phase === 'up';

/** Stops the agents of all machines that are connected. */
export async function stopAll(apps: readonly App[]): Promise<void> {
  const reached = apps.filter(isUp);
  const agents = reached.flatMap(({ store }) => Object.values(store.value.agents));
  const active = agents.filter(isActive).length;
  const open = agents.filter((agent) => isActive(agent) || agent.cli.running).length;
  const { stopAllTitle: title, stopAllText, stopAll: action, stopped: report } = t.dashboard;
  if (!(await confirm({ title, text: stopAllText(open, active), action, tone: 'danger' }))) return;
  try {
    const stop = ({ api }: App) => api.command<{ stopped: number }>('/api/agents/actions/stop-all');
    const counts = (await Promise.all(reached.map(stop))).map(({ stopped }) => stopped);
    toast(report(counts.reduce((sum, count) => sum + count, 0) || open));
  } catch (error) {
    toastError(error);
  }
}
