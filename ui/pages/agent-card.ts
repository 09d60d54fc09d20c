import { html } from '../html.ts';
import type { AgentInfo, RequestMessage } from '../../core/wire/types.ts';
import { Button, Icon, LinkButton, Pill, TimeAgo } from '../components/mod.ts';
import { StatePill } from '../components/state.ts';
import { count, gist, money, shortPath } from '../format.ts';
import { t } from '../i18n/en.ts';
import { decide, useOutgoingDecision, usePendingRequest } from '../requests.ts';
import { href, path } from '../route.ts';
import { needsMe } from '../agents.ts';
import { DecisionState } from '../chat/decision-state.ts';

/** One agent on the dashboard: everything that matters without opening it, and the answer it waits for. */
export function AgentCard({ agent }: { agent: AgentInfo }) {
  const to = path`/agents/${agent.id}`;
  const used = agent.usage.inputTokens + agent.usage.outputTokens;
  return html`<article class=${`agent-card ${needsMe(agent) ? 'needs-me' : ''}`} aria-label=${agent.name}>
    <div class="row between"><${StatePill} agent=${agent} />
      <span class="hint"><${TimeAgo} at=${agent.stateSince} plain /></span></div>
    <h2><a href=${href(to)} class="cover">${agent.name}</a></h2>
    <div class="agent-folder hint" title=${agent.directory}><${Icon} name="folder" size=${14} /><span class="ellipsis mono">${
    shortPath(agent.directory)
  }</span>
      ${
    agent.worktree &&
    html`<${Icon} name="branch" size=${14} /><span class="ellipsis mono">${agent.worktree.branch}</span>`
  }</div>
    ${
    agent.state === 'error' && agent.stateText
      ? html`<p class="agent-error">${agent.stateText}</p>`
      : !agent.pending.length && agent.preview && html`<p class="agent-preview">${gist(agent.preview)}</p>`
  }
    ${agent.pending.length > 0 && html`<${Ask} agent=${agent} />`}
    <footer class="agent-foot hint">
      <span>${t.provider[agent.provider] ?? agent.provider}${agent.model && ` · ${agent.model}`}</span>
      ${agent.demo && html`<${Pill} tone="info">${t.demo}<//>`}
      <span class="grow"></span>
      ${used > 0 && html`<span>${t.dashboard.tokens(count(used))}</span>`}
      ${agent.usage.costUsd !== null && html`<span>${money(agent.usage.costUsd)}</span>`}
    </footer>
  </article>`;
}

/** What the agent asks for, with the short answers. */
function Ask({ agent }: { agent: AgentInfo }) {
  const request = usePendingRequest(agent);
  const to = path`/agents/${agent.id}`;
  if (request === undefined) return null;
  if (!request) {
    return html`
      <div class="ask">
        <${LinkButton} to=${to} tone="primary">${t.dashboard.answer}<//></div>
    `;
  }
  return html`<div class="ask">
    <p class="ask-title">${request.request === 'permission' && html`<strong>${request.tool}</strong>`} <span class=${
    request.request === 'permission' ? 'mono' : ''
  }>${title(request)}</span>
      ${
    agent.pending.length > 1 && html`
      <span class="faint">${t.dashboard.moreWaiting(agent.pending.length - 1)}</span>
    `
  }</p>
    ${
    request.request === 'permission'
      ? html`<${QuickAnswer} agent=${agent} request=${request} />`
      : html`<${LinkButton} to=${to} tone="primary">${
        request.request === 'plan' ? t.dashboard.review : t.dashboard.answer
      }<//>`
  }
  </div>`;
}

const title = (request: RequestMessage) =>
  request.request === 'plan' ? t.dashboard.planReady : request.questions[0]?.question ?? request.title;

function QuickAnswer({ agent, request }: { agent: AgentInfo; request: RequestMessage }) {
  const outgoing = useOutgoingDecision(request.id);
  if (outgoing) return html`<${DecisionState} item=${outgoing} />`;
  return html`
    <div class="ask-buttons">
      <${Button} onClick=${() => decide(agent.id, request.id, { decision: 'deny' })}>${t.request.deny}<//>
        <${Button} tone="primary" onClick=${() => decide(agent.id, request.id, { decision: 'allow' })}>${t.request
          .allow}<//>
      </div>
  `;
}
