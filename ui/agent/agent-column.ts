import { html } from '../html.ts';
import { useApp } from '../app.ts';
import type { Placed } from '../app.ts';
import { Icon, TimeAgo } from '../components/mod.ts';
import { Spinner } from '../components/spinner.ts';
import { LongList } from '../components/long-list.ts';
import { useSteadyList } from '../hooks/quiet.ts';
import { t } from '../i18n/t.ts';
import { at, href, path } from '../route.ts';
import { useSignalValue } from '../state/signal.ts';
import { isUnread, select, stateView } from './agent-view.ts';
import { grouping, inGroups } from './grouping.ts';

/** The list of agents beside a conversation, on a screen that is wide enough. @param current id of the agent that is shown */
export default function AgentColumn({ current }: { current: string }) {
  const { fleet, machine } = useApp();
  const agents = useSignalValue(fleet.agents);
  const shown = useSteadyList(select(agents, 'all', ''), (key) => agents.find((agent) => agent.key === key), '');
  const by = useSignalValue(grouping);
  const row = (agent: Placed) =>
    html`<${ColumnRow} agent=${agent} isCurrent=${agent.id === current && agent.app.machine === machine} />`;
  const groups = inGroups(shown, by, fleet).map(({ key, title, path, agents }) =>
    html`
      ${title && html`<p key=${`title ${key}`} class="group-title ellipsis" title=${path || title}>${title}</p>`}
      <${LongList}
        key=${key}
        name=${`column ${key}`}
        items=${agents}
        keyOf=${(agent: Placed) => agent.key}
        draw=${row}
        about=${`${machine} ${current}`}
        total=${shown.length}
      />
    `
  );
  return html`
    <aside class="agent-column" aria-label=${t.dashboard.title}>
      ${groups}
    </aside>
  `;
}

function ColumnRow({ agent, isCurrent }: { agent: Placed; isCurrent: boolean }) {
  const { tone, icon, text, busy } = stateView(agent);
  const state = isCurrent ? 'page' : undefined;
  return html`
    <a href=${href(at(agent.app.machine, path`/agents/${agent.id}`))} aria-current=${state} class=${isUnread(agent)
      ? 'unread'
      : ''}>
      <span class=${`column-state ${tone}`} title=${text}>
        ${busy ? html`<${Spinner} />` : html`<${Icon} name=${icon} size=${16} />`}
      </span>
      <span class="column-name">
        <span class="ellipsis" dir="auto">${agent.name}</span>
        <span class="hint ellipsis">${text} · <${TimeAgo} at=${agent.stateSince} plain /></span>
      </span>
    </a>
  `;
}
