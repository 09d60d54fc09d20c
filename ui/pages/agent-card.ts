import { html, useLayoutEffect, useRef, useState } from '../html.ts';
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
    <h2 dir="auto"><a href=${href(to)} class="cover">${agent.name}</a></h2>
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
      : !agent.pending.length && agent.preview && html`<p class="agent-preview" dir="auto">${gist(agent.preview)}</p>`
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
    ${
    request.request === 'permission'
      ? html`<${Permission} key=${request.id} agent=${agent} request=${request} />`
      : html`
        <p class="ask-title">${request.request === 'plan' ? t.dashboard.planReady : title(request)}</p>
        <${LinkButton} to=${to} tone="primary">${request.request === 'plan'
          ? t.dashboard.reviewPlan
          : t.dashboard.answer}<//>
      `
  }
    ${agent.pending.length > 1 && html`<p class="hint">${t.dashboard.moreWaiting(agent.pending.length - 1)}</p>`}
  </div>`;
}

const title = (request: RequestMessage) => request.questions[0]?.question ?? request.title;

/** Longer than this is not read at a glance, however wide the card is; characters. */
const MAX_AT_A_GLANCE = 300;
/** Characters that are not seen, or that change the order of those that are. */
// deno-lint-ignore no-control-regex
const UNSEEN = /[\x00-\x09\x0b-\x1f\x7f-\x9f\xad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/;

/** What is asked for, as it is: a title is cut, the command itself is not. */
function askedText({ input, title }: RequestMessage): string {
  return typeof input.command === 'string' && input.command.trim() ? input.command.trim() : title;
}

/** A permission to give here, when all of it can be read here: nobody allows a command whose end they do not see. */
function Permission({ agent, request }: { agent: AgentInfo; request: RequestMessage }) {
  const asked = askedText(request);
  const box = useRef<HTMLParagraphElement>(null);
  const [fits, setFits] = useState(false);
  useLayoutEffect(() => {
    const element = box.current!;
    const measure = () => setFits(element.scrollHeight <= element.clientHeight + 1);
    measure();
    const follow = new ResizeObserver(measure);
    follow.observe(element);
    return () => follow.disconnect();
  }, [asked]);
  const readable = fits && asked.length <= MAX_AT_A_GLANCE && !UNSEEN.test(asked);
  return html`
    <p class="ask-title" ref=${box}><strong>${request.tool}</strong> <span class="mono">${asked}</span></p>
    <${QuickAnswer} agent=${agent} request=${request} readable=${readable} />
  `;
}

function QuickAnswer(props: { agent: AgentInfo; request: RequestMessage; readable: boolean }) {
  const { agent, request, readable } = props;
  const outgoing = useOutgoingDecision(request.id);
  if (outgoing) return html`<${DecisionState} item=${outgoing} />`;
  return html`
    <div class="ask-buttons">
      <${Button} onClick=${() => decide(agent.id, request.id, { decision: 'deny' })}>${t.request.deny}<//>
        ${readable
          ? html`
            <${Button} tone="primary" onClick=${() => decide(agent.id, request.id, { decision: 'allow' })}>${t.request
              .allow}<//>
          `
          : html`<${LinkButton} to=${path`/agents/${agent.id}`} tone="primary">${t.dashboard.review}<//>`}
      </div>
  `;
}
