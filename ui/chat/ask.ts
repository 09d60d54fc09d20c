import { html, useMemo, useState } from '../html.ts';
import type { AgentInfo } from '../../core/api/agents.ts';
import { chatPath } from '../../core/api/handoff.ts';
import { approvalOf, isShort } from '../../core/api/approval.ts';
import type { Approval } from '../../core/api/approval.ts';
import type { RequestMessage } from '../../core/api/messages.ts';
import { useApp } from '../app.ts';
import { DirectoryContext, workDirectory } from './agent-context.ts';
import { AnswerButton } from './answer-button.ts';
import { ApprovalView } from './approval-view.ts';
import { DecisionSlot } from './decision-slot.ts';
import { VisibleText } from './visible-text.ts';
import { countLines } from '../components/diff.ts';
import { LinkButton } from '../components/mod.ts';
import { relativePath } from '../format.ts';
import { useDecide, usePendingRequest } from '../hooks/pending-requests.ts';
import { t } from '../i18n/t.ts';
import { at } from '../route.ts';

export interface AskProps {
  agent: AgentInfo;
  /** The request that is shown: the oldest, or one that was answered a moment ago. */
  id: string;
}

/** What the agent asks for, with the short answers. */
export function Ask({ agent, id }: AskProps) {
  const request = usePendingRequest(agent, id);
  if (request === undefined) return null;
  const others = agent.pending.filter((other) => other !== id).length;
  return html`
    <div class="ask">
      <${DirectoryContext.Provider} value=${workDirectory(agent)}>
      ${request ? html`<${AskedFor} agent=${agent} request=${request} />` : html`<${ToAgent} agent=${agent} />`}
      <//>
      ${others > 0 && html`<p class="hint">${t.dashboard.moreWaiting(others)}</p>`}
    </div>
  `;
}

interface Props {
  agent: AgentInfo;
  request: RequestMessage;
}

function AskedFor({ agent, request }: Props) {
  if (request.request === 'permission') return html`<${Permission} agent=${agent} request=${request} />`;
  const isPlan = request.request === 'plan';
  const title = isPlan ? t.dashboard.planReady : request.questions[0]?.question ?? request.title;
  return html`
    <p class="ask-title">${title}</p>
    <${ToAgent} agent=${agent} label=${isPlan ? t.dashboard.reviewPlan : t.dashboard.answer} />
  `;
}

/** To where it can be seen whole, and answered. */
const ToAgent = ({ agent, label = t.dashboard.answer }: { agent: AgentInfo; label?: string }) =>
  html`<${LinkButton} to=${at(useApp().machine, chatPath(agent.id))} tone="primary">${label}<//>`;

/** A permission to give here, when all of it can be read here. */
function Permission({ agent, request }: Props) {
  const [isSeen, setSeen] = useState(false);
  const approval = useMemo(() => approvalOf(request), [request]);
  const canAllow = isShort(approval) && isSeen;
  const content = isShort(approval)
    ? html`<${ApprovalView} approval=${approval} onSeen=${setSeen} />`
    : html`<${Gist} approval=${approval} directory=${workDirectory(agent)} />`;
  return html`
    <p class="ask-tool"><strong><${VisibleText} text=${approval.tool} /></strong></p>
    ${content}
    <${DecisionSlot} message=${request} isPending=${agent.pending.includes(request.id)}>
      <${QuickAnswers} agent=${agent} request=${request} canAllow=${canAllow} />
      <//>
  `;
}

/** Characters that fill more lines than a gist has. */
const MAX_GIST = 500;

/** The beginning of what is not allowed here. */
function Gist({ approval, directory }: { approval: Approval; directory: string }) {
  const { command, title, diffs, fields, description } = approval;
  const text = command || title || diffs.map(({ path }) => relativePath(directory, path)).join(', ') ||
    fields.map((field) => `${field.name}: ${field.text}`).join('\n') || description;
  return html`
    <p class="ask-title mono">
      <${VisibleText} text=${text.slice(0, MAX_GIST)} />
    </p>
    ${!command && diffs.length > 0 && html`<${DiffGist} diffs=${diffs} />`}
  `;
}

/** Lines of a change that are shown here. */
const MAX_GIST_LINES = 3;

/** How much is changed, and its first lines; the rest is seen where it may be allowed. */
function DiffGist({ diffs }: { diffs: Approval['diffs'] }) {
  const counts = diffs.map(countLines);
  const sum = (of: 'added' | 'removed') => counts.reduce((total, count) => total + count[of], 0);
  const lines = diffs.flatMap(({ hunks }) => hunks).flatMap(({ lines }) => lines)
    .filter((line) => /^[+-]/.test(line)).slice(0, MAX_GIST_LINES);
  const rows = lines.map((line, i) =>
    html`
      <div key=${i} class=${`ellipsis ${line.startsWith('+') ? 'add' : 'del'}`}>
        <${VisibleText} text=${line.slice(0, MAX_GIST)} />
      </div>
    `
  );
  return html`
    <div class="code approval-hunk ask-diff">
      <div class="tool-count">
        <span class="added">+${sum('added')}</span>${' '}
        <span class="removed">−${sum('removed')}</span>
      </div>
      ${rows}
    </div>
  `;
}

function QuickAnswers({ agent, request, canAllow }: Props & { canAllow: boolean }) {
  const decide = useDecide();
  const answer = (decision: 'allow' | 'deny') => decide(agent.id, request.id, { decision });
  const allow = html`
    <${AnswerButton} class="button primary" kind="allow" onAnswer=${() => answer('allow')}>${t.request.allow}<//>
  `;
  return html`
    <div class="ask-buttons">
      <${AnswerButton} class="button plain" kind="deny" onAnswer=${() => answer('deny')}>${t.request.deny}<//>
      ${canAllow ? allow : html`<${ToAgent} agent=${agent} label=${t.dashboard.review} />`}
    </div>
  `;
}
