import { html, useState } from '../html.ts';
import { useCell } from '../cell.ts';
import { filterCount, isActive, select } from '../agents.ts';
import type { Filter } from '../agents.ts';
import {
  Button,
  confirm,
  EmptyState,
  Icon,
  LinkButton,
  Segments,
  Skeleton,
  toast,
  toastError,
} from '../components/mod.ts';
import { t } from '../i18n/en.ts';
import { api, live, store, useStore } from '../services.ts';
import { ConnectionButton } from '../shell/connection-bar.ts';
import { AgentCard } from './agent-card.ts';
import { NotifyButton } from '../shell/notify.ts';

const FILTERS: Filter[] = ['all', 'waiting', 'active', 'idle', 'stopped'];
/** From so many agents on there is a search field. */
const SEARCH_FROM = 6;

export default function Dashboard() {
  const loaded = useStore((state) => state.loaded);
  const table = useStore((state) => state.agents);
  const agents = Object.values(table);
  return html`<div class="page wide">
    <header class="page-head"><h1>${t.dashboard.title}</h1><${ConnectionButton} />
      <div class="row end">
        <${NotifyButton} />
        ${agents.some(isActive) && html`<${StopAll} />`}
        ${
    agents.length > 0 &&
    html`
      <${LinkButton} to="/new" tone="primary" icon="plus"
        aria-label=${t.dashboard.create}>${t.dashboard.createShort}<span class="wide-only">${t.dashboard
          .createRest}</span><//>
    `
  }
      </div></header>
    <${Warnings} />
    ${
    !loaded ? html`<${Skeleton} lines=${6} />` : agents.length ? html`<${List} agents=${agents} />` : html`<${Empty} />`
  }
  </div>`;
}

function List({ agents }: { agents: ReturnType<typeof select> }) {
  const [filter, setFilter] = useState<Filter>('all');
  const [search, setSearch] = useState('');
  const options = FILTERS.filter((name) => name === 'all' || name === filter || filterCount(agents, name) > 0)
    .map((name) => ({ value: name, label: `${t.dashboard.filters[name]} ${filterCount(agents, name)}` }));
  const shown = select(agents, filter, search);
  return html`
    ${agents.length > 1 && html`<div class="filter-row">
      <${Segments} label=${t.dashboard.filterLabel} value=${filter} options=${options} onChange=${(value: string) =>
      setFilter(value as Filter)} />
      ${
      agents.length >= SEARCH_FROM && html`<label class="search"><${Icon} name="search" size=${18} />
        <input class="input" type="search" placeholder=${t.dashboard.search} aria-label=${t.dashboard.search} value=${search}
          onInput=${(e: Event) => setSearch((e.target as HTMLInputElement).value)} /></label>`
    }
    </div>`}
    ${shown.length > 0
      ? html`<ul class="agent-list">${
        shown.map((agent) =>
          html`
            <li key=${agent.id}>
              <${AgentCard} agent=${agent} />
            </li>
          `
        )
      }</ul>`
      : html`
        <${EmptyState} icon="search" title=${t.dashboard.noMatch} text=${t.dashboard.noMatchText}>
          <${Button} onClick=${() => {
            setFilter('all');
            setSearch('');
          }}>${t.dashboard.showAll}<//></${EmptyState}>
      `}
  `;
}

function StopAll() {
  const up = useCell(live.link, (link) => link.phase === 'up');
  async function ask() {
    const agents = Object.values(store.get().agents);
    const active = agents.filter(isActive).length;
    const open = agents.filter((agent) => isActive(agent) || agent.cli.running).length;
    const question = {
      title: t.dashboard.stopAllTitle,
      text: t.dashboard.stopAllText(open, active),
      action: t.dashboard.stopAll,
      tone: 'danger' as const,
    };
    if (!(await confirm(question))) return;
    try {
      const { stopped } = await api.command<{ stopped: number }>('/api/agents/actions/stop-all');
      toast(t.dashboard.stopped(stopped || open));
    } catch (error) {
      toastError(error);
    }
  }
  return html`<${Button} icon="stop" disabled=${!up} onClick=${() =>
    void ask()} class="stop-all">${t.dashboard.stopAll}<//>`;
}

/** Server-wide warnings, and providers that cannot be used when none can. */
function Warnings() {
  const warnings = useStore((state) => state.warnings);
  const machine = useStore((state) => state.machine);
  const providers = Object.values(machine?.providers ?? {});
  const none = providers.length > 0 && providers.every((provider) => !provider.available);
  return html`
    ${none && html`
      <p class="note warn"
        role="alert"><${Icon} name="warning" size=${18} /><span><strong>${t.dashboard.noProvider}.</strong> ${providers
          .map((p) => p.text).join(' ')}</span></p>
    `}
    ${warnings.map((warning) =>
      html`
        <p key=${warning.code} class="note warn"
          role="alert"><${Icon} name="warning" size=${18} /><span>${warning.text}</span></p>
      `
    )}
  `;
}

function Empty() {
  return html`
    <${EmptyState} icon="agents" title=${t.dashboard.empty} text=${t.dashboard.emptyText}>
      <${LinkButton} to="/new" tone="primary" icon="plus">${t.dashboard.create}<//>
        <${LinkButton} to="/sessions" icon="history">${t.dashboard.emptyImport}<//>
      <//>
  `;
}
