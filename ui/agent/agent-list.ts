import { html } from '../html.ts';
import { AppContext } from '../app.ts';
import type { Placed } from '../app.ts';
import { Button, EmptyState, Icon, LinkButton, Segments } from '../components/mod.ts';
import { useSteadyList } from '../hooks/quiet.ts';
import { t } from '../i18n/t.ts';
import { shortPath } from '../format.ts';
import { path } from '../route.ts';
import { signal, useSignalValue } from '../state/signal.ts';
import { AgentCard } from './agent-card.ts';
import type { Selection } from './agent-card.ts';
import { filterCount, select } from './agent-view.ts';
import type { Filter } from './agent-view.ts';

const FILTERS: Filter[] = ['all', 'waiting', 'active', 'idle', 'stopped', 'archived'];
/** From so many agents on there is a search field. */
const SEARCH_FROM = 6;

const SHOW_ALL: { filter: Filter; search: string } = { filter: 'all', search: '' };
/**
 * What is chosen, found again by who comes back to the list. It ends with the page: a filter of yesterday would hide who waits
 * today.
 */
const choice = signal(SHOW_ALL);

interface ListProps {
  agents: readonly Placed[];
  selection: Selection | null;
  isGrouped: boolean;
}

/** The agents of a filter that match a search. */
export function AgentList({ agents, selection, isGrouped }: ListProps) {
  const { filter, search } = useSignalValue(choice);
  const setFilter = (filter: Filter) => void (choice.value = { ...choice.value, filter });
  const setSearch = (search: string) => void (choice.value = { ...choice.value, search });
  const selected = select(agents, filter, search);
  const shown = useSteadyList(selected, (key) => agents.find((agent) => agent.key === key), `${filter} ${search}`);
  const showAll = () => void (choice.value = SHOW_ALL);
  const groups = isGrouped ? byDirectory(shown) : [{ directory: '', agents: shown }];
  const lists = groups.map((group) => html`<${Group} key=${group.directory} ...${group} selection=${selection} />`);
  const controls = html`
    <div class="filter-row">
      <${FilterField} agents=${agents} value=${filter} onChange=${setFilter} />
      ${agents.length >= SEARCH_FROM && html`<${SearchField} value=${search} onInput=${setSearch} />`}
    </div>
  `;
  return html`
    ${agents.length > 1 && controls}
    ${search.trim() && html`<${InConversations} search=${search} />`}
    ${!shown.length && html`<${NoMatch} onShowAll=${showAll} />`}
    ${lists}
  `;
}

interface GroupProps {
  /** Empty: the list is one. */
  directory: string;
  agents: readonly Placed[];
}

/** One group for each directory, in the order of their first agents. */
function byDirectory(agents: readonly Placed[]): GroupProps[] {
  const groups = new Map<string, Placed[]>();
  for (const agent of agents) groups.set(agent.directory, [...groups.get(agent.directory) ?? [], agent]);
  return [...groups].map(([directory, agents]) => ({ directory, agents }));
}

function Group({ directory, agents, selection }: GroupProps & { selection: Selection | null }) {
  const cards = agents.map((agent) =>
    html`
      <li key=${agent.key}>
        <${AppContext.Provider} value=${agent.app}>
          <${AgentCard} agent=${agent} selection=${selection} />
          <//>
          </li>
    `
  );
  return html`
    ${directory && html`<p class="group-title mono" title=${directory}>${shortPath(directory)}</p>`}
    ${cards.length > 0 && html`<ul class="agent-list">${cards}</ul>`}
  `;
}

interface FilterProps {
  agents: readonly Placed[];
  value: Filter;
  onChange: (filter: Filter) => void;
}

/** The filters that show something, with how many. */
function FilterField({ agents, value, onChange }: FilterProps) {
  const counts = FILTERS.map((name) => ({ name, count: filterCount(agents, name) }));
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
