import { html, useMemo, useState } from '../html.ts';
import type { AgentInfo } from '../../core/api/agents.ts';
import { approvalOf } from '../../core/api/approval.ts';
import type { Approval } from '../../core/api/approval.ts';
import type { RequestMessage } from '../../core/api/messages.ts';
import { Icon, TimeAgo } from '../components/mod.ts';
import { t } from '../i18n/t.ts';
import { AnswerForm } from './answer-form.ts';
import { ApprovalView } from './approval-view.ts';
import { DecisionSlot } from './decision-slot.ts';
import { PlanText } from './plan-text.ts';
import { QuestionForm } from './question-form.ts';
import { VisibleText } from './visible-text.ts';

interface Props {
  agent: AgentInfo;
  message: RequestMessage;
}

/** A request that waits for the user: permission, questions or a plan. It stays for a moment after it was answered. */
export function RequestCard({ agent, message }: Props) {
  const { id, request } = message;
  const [isSeen, setSeen] = useState(false);
  const approval = useMemo(() => approvalOf(message), [message]);
  const canAllow = approval.isWhole && isSeen;
  const form = request === 'question'
    ? html`<${QuestionForm} agent=${agent} message=${message} />`
    : html`<${AnswerForm} agent=${agent} message=${message} canAllow=${canAllow} />`;
  return html`
    <section class=${`request-card is-${request}`} aria-label=${t.request.title[request]} data-request=${id}>
      <${CardHead} message=${message} />
      <${CONTENT[request]} message=${message} approval=${approval} onSeen=${setSeen} />
      <${DecisionSlot} message=${message} isPending=${message.status === 'pending'}>${form}<//>
    </section>
  `;
}

const CONTENT = { permission: Asked, question: AboutQuestions, plan: Plan } as const;
const ICON = { permission: 'hand', question: 'question', plan: 'plan' } as const;

function CardHead({ message: { request, at } }: { message: RequestMessage }) {
  return html`
    <header>
      <${Icon} name=${ICON[request]} size=${18} />
      <h2>${t.request.title[request]}</h2>
      <span class="hint"><${TimeAgo} at=${at} /></span>
    </header>
  `;
}

interface AskedProps {
  message: RequestMessage;
  approval: Approval;
  onSeen: (isSeen: boolean) => void;
}

/** The tool, what the agent says about it, and all of what it would do. */
function Asked({ approval, onSeen }: AskedProps) {
  const { tool, description } = approval;
  return html`
    <p class="asked approval-text"><strong><${VisibleText} text=${tool} /></strong></p>
    ${description && html`
      <p class="soft approval-text">
        <${VisibleText} text=${description} />
      </p>
    `}
    <${ApprovalView} approval=${approval} onSeen=${onSeen} />
  `;
}

/** The plan, and what its approval would grant beside it. */
function Plan({ message: { plan }, approval, onSeen }: AskedProps) {
  return html`
    <${ApprovalView} approval=${approval} onSeen=${onSeen}>
      ${plan ? html`<${PlanText} plan=${plan} />` : html`<p class="soft">${t.request.noPlan}</p>`}
    <//>
  `;
}

/** What is said beside the questions. */
function AboutQuestions({ approval, onSeen }: AskedProps) {
  const { description } = approval;
  return html`
    ${description && html`
      <p class="approval-text">
        <${VisibleText} text=${description} />
      </p>
    `}
    <${ApprovalView} approval=${approval} onSeen=${onSeen} />
  `;
}
