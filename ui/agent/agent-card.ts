import { html } from '../html.ts';
import { needsMe } from '../../core/api/agent-order.ts';
import type { AgentInfo } from '../../core/api/agents.ts';
import { useApp, useHasMany } from '../app.ts';
import type { Placed } from '../app.ts';
import { Icon, Pill, TimeAgo } from '../components/mod.ts';
import { StatePill } from './state-pill.ts';
import { count, gist, money, shortPath } from '../format.ts';
import { LazyView } from '../hooks/lazy.ts';
import { useProviderLabel } from '../hooks/use-providers.ts';
import { machineLine } from '../machines/lazy.ts';
import { serverText, t } from '../i18n/t.ts';
import { at, href, path } from '../route.ts';
import { isUnread } from './agent-view.ts';
import { LazyAsk, useShownRequest } from '../chat/lazy-ask.ts';

interface Props {
  agent: AgentInfo;
}

/** One agent on the dashboard: everything that matters without opening it, and the answer it waits for. */
export function AgentCard({ agent, selection }: { agent: Placed; selection: Selection | null }) {
  const { machine } = useApp();
  const request = useShownRequest(agent);
  const className = `agent-card ${needsMe(agent) || request ? 'needs-me' : isOver(agent) ? 'is-over' : ''}`;
  return html`
    <article class=${className} aria-label=${agent.name}>
      <div class="row between">
        <span class="row">
          ${selection && html`<${SelectBox} agent=${agent} selection=${selection} />`}
          <${StatePill} agent=${agent} />
          <${Marks} agent=${agent} />
        </span>
        <span class="hint"><${TimeAgo} at=${agent.stateSince} plain /></span>
      </div>
      <h2 dir="auto">
        <a href=${href(at(machine, path`/agents/${agent.id}`))} class="cover">${agent.name}</a>
      </h2>
      ${useHasMany() && html`<${LazyView} source=${machineLine} />`}
      <${Place} agent=${agent} />
      <${LastWord} agent=${agent} isAsking=${request !== undefined} />
      ${request !== undefined && html`<${LazyAsk} key=${request} agent=${agent} id=${request} />`}
      <${Foot} agent=${agent} />
    </article>
  `;
}

/** It does nothing, and will not by itself: a phone shows it in one line. */
const isOver = ({ state }: AgentInfo): boolean => state === 'stopped' || state === 'error';

/** Keys of the agents that are chosen, while one chooses. */
export interface Selection {
  keys: ReadonlySet<string>;
  toggle(key: string): void;
}

function SelectBox({ agent: { key, name }, selection }: { agent: Placed; selection: Selection }) {
  return html`
    <label class="select-box">
      <input
        type="checkbox"
        checked=${selection.keys.has(key)}
        aria-label=${t.dashboard.selectOne(name)}
        onChange=${() => selection.toggle(key)}
      />
    </label>
  `;
}

function Marks({ agent }: Props) {
  return html`
    ${isUnread(agent) && html`<span class="unread-dot" role="img" aria-label=${t.dashboard.unread}></span>`}
    ${agent.pinned && html`
      <span class="hint" title=${t.dashboard.pinned}>
        <${Icon} name="pin" size=${14} />
        <span class="sr-only">${t.dashboard.pinned}</span>
      </span>
    `}
  `;
}

function Place({ agent: { directory, worktree } }: Props) {
  const branch = worktree && html`
    <${Icon} name="branch" size=${14} />
    <span class="ellipsis mono">${worktree.branch}</span>
  `;
  return html`
    <div class="agent-folder hint" title=${directory}>
      <${Icon} name="folder" size=${14} />
      <span class="ellipsis mono">${shortPath(directory)}</span>
      ${branch}
    </div>
  `;
}

/** Why it failed, or the last thing that it said. */
function LastWord({ agent, isAsking }: Props & { isAsking: boolean }) {
  const { state, stateText, preview } = agent;
  if (state === 'error' && stateText) return html`<p class="agent-error">${serverText(stateText)}</p>`;
  return !isAsking && preview && html`<p class="agent-preview" dir="auto">${gist(preview)}</p>`;
}

function Foot({ agent: { provider, model, demo, usage } }: Props) {
  const tokens = usage.inputTokens + usage.outputTokens;
  return html`
    <footer class="agent-foot hint">
      <span>${useProviderLabel(provider)}${model && ` · ${model}`}</span>
      ${demo && html`<${Pill} tone="info">${t.demo}<//>`}
      <span class="grow"></span>
      ${tokens > 0 && html`<span>${t.dashboard.tokens(count(tokens))}</span>`}
      ${money(usage.costUsd) && html`<span>${money(usage.costUsd)}</span>`}
    </footer>
  `;
}
