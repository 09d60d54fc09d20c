import { countAgents } from '../../core/api/agent-order.ts';
import type { AgentCounts, AgentFilter } from '../../core/api/agent-order.ts';
import { html } from '../html.ts';
import { AppContext, useApp } from '../app.ts';
import type { Placed } from '../app.ts';
import { Button, EmptyState, Icon, LinkButton, Segments, Skeleton } from '../components/mod.ts';
import { LongList } from '../components/long-list.ts';
import { useSteadyList } from '../hooks/quiet.ts';
import { t } from '../i18n/t.ts';
import { path } from '../route.ts';
import { signal, useSignalValue } from '../state/signal.ts';
import { AgentCard } from './agent-card.ts';
import type { Selection } from './agent-card.ts';
import { select } from './agent-view.ts';
import { grouping, inGroups } from './grouping.ts';
import type { Group } from './grouping.ts';

/** From so many agents on there is a search field. */
const SEARCH_FROM = 6;

const SHOW_ALL: { filter: AgentFilter; search: string } = { filter: 'all', search: '' };
/**
 * What is chosen, found again by who comes back to the list. It ends with the page: a filter of yesterday would hide who waits
 * today.
 */
const choice = signal(SHOW_ALL);

interface ListProps {
  agents: readonly Placed[];
  selection: Selection | null;
}

/** The agents of a filter that match a search. */
export function AgentList({ agents, selection }: ListProps) {
  const { fleet } = useApp();
  const by = useSignalValue(grouping);
  const rest = useSignalValue(fleet.rest);
  const { filter, search } = useSignalValue(choice);
  const setFilter = (filter: AgentFilter) => void (choice.value = { ...choice.value, filter });
  const setSearch = (search: string) => void (choice.value = { ...choice.value, search });
  const selected = select(agents, filter, search);
  const shown = useSteadyList(selected, (key) => agents.find((agent) => agent.key === key), `${filter} ${search}`);
  const showAll = () => void (choice.value = SHOW_ALL);
  const lists = inGroups(shown, by, fleet).map((group) =>
    html`<${GroupView} key=${group.key} group=${group} selection=${selection} total=${shown.length} />`
  );
  const controls = html`
    <div class="filter-row">
      <${FilterField} agents=${agents} rest=${rest} value=${filter} onChange=${setFilter} />
      ${agents.length >= SEARCH_FROM && html`<${SearchField} value=${search} onInput=${setSearch} />`}
    </div>
  `;
  return html`
    ${agents.length > 1 && controls}
    ${search.trim() && html`<${InConversations} search=${search} />`}
    ${!shown.length && (rest ? html`<${Skeleton} lines=${3} />` : html`<${NoMatch} onShowAll=${showAll} />`)}
    ${lists}
  `;
}

interface GroupProps {
  group: Group;
  selection: Selection | null;
  total: number;
}

function GroupView({ group: { key, title, path, agents }, selection, total }: GroupProps) {
  const draw = (agent: Placed) =>
    html`
      <${AppContext.Provider} value=${agent.app}>
        <${AgentCard} agent=${agent} selection=${selection} />
        <//>
    `;
  const list = html`
    <${LongList}
      class="agent-list"
      name=${`agents ${key}`}
      items=${agents}
      keyOf=${keyOfAgent}
      draw=${draw}
      about=${selection?.keys}
      total=${total}
    />
  `;
  return html`
    ${title && html`<p class=${`group-title ${path ? 'mono' : ''}`} title=${path || title}>${title}</p>`}
    ${agents.length > 0 && list}
  `;
}

const keyOfAgent = ({ key }: Placed): string => key;

interface FilterProps {
  agents: readonly Placed[];
  rest: AgentCounts | null;
  value: AgentFilter;
  onChange: (filter: AgentFilter) => void;
}

/** The filters that show something, with how many. */
function FilterField({ agents, rest, value, onChange }: FilterProps) {
  const known = countAgents(agents);
  const names = Object.keys(known) as AgentFilter[];
  const counts = names.map((name) => ({ name, count: known[name] + (rest?.[name] ?? 0) }));
  const options = counts.filter(({ name, count }) => name === 'all' || name === value || count > 0)
    .map(({ name, count }) => ({ value: name, label: `${t.dashboard.filters[name]} ${count}` }));
  return html`<${Segments} label=${t.dashboard.filterLabel} value=${value} options=${options} onChange=${onChange} />`;
}

function SearchField({ value, onInput }: { value: string; onInput: (value: string) => void }) {
  return html`
    <label class="search">
      <${Icon} name="search" size=${18} />
      <input
        class="input"
        type="search"
        placeholder=${t.dashboard.search}
        aria-label=${t.dashboard.search}
        value=${value}
        onInput=${(event: Event) => onInput((event.target as HTMLInputElement).value)}
      />
    </label>
  `;
}

/** What was said is not in the list, only names are. */
function InConversations({ search }: { search: string }) {
  return html`
    <p class="search-all">
      <${LinkButton} to=${path`/search/${search}`} icon="search">${t.dashboard.searchAll}<//>
    </p>
  `;
}

function NoMatch({ onShowAll }: { onShowAll: () => void }) {
  return html`
    <${EmptyState} icon="search" title=${t.dashboard.noMatch} text=${t.dashboard.noMatchText}>
      <${Button} onClick=${onShowAll}>${t.dashboard.showAll}<//>
    <//>
  `;
}
