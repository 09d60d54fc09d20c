import { html, useState } from '../html.ts';
import type { AgentInfo, Choice, PermissionMode, RequestMessage } from '../../core/wire/types.ts';
import { Button, Diffs, Icon, TextArea, TimeAgo } from '../components/mod.ts';
import { t } from '../i18n/en.ts';
import { decide, useOutgoingDecision } from '../requests.ts';
import { plain } from '../format.ts';
import { outcomeOf, parseInput } from './answers.ts';
import { DecisionState } from './decision-state.ts';
import { useKept } from './draft.ts';
import { MarkdownView } from './markdown-view.ts';
import { QuestionForm } from './question-form.ts';
import { LongText } from './tool-row.ts';

interface Props {
  agent: AgentInfo;
  message: RequestMessage;
}

/** A request that waits for the user: permission, questions or a plan. */
export function RequestCard({ agent, message }: Props) {
  const outgoing = useOutgoingDecision(message.id);
  const icon = { permission: 'hand', question: 'question', plan: 'plan' } as const;
  return html`<section class=${`request-card is-${message.request}`} aria-label=${
    t.request.title[message.request]
  } data-request=${message.id}>
    <header><${Icon} name=${icon[message.request]} size=${18} /><h3>${t.request.title[message.request]}</h3>
      <span class="hint"><${TimeAgo} at=${message.at} /></span></header>
    ${message.request === 'permission' && html`<${Asked} message=${message} />`}
    ${
    message.request === 'plan' && html`<div class="plan-text">${
      message.plan
        ? html`<${MarkdownView} text=${plain(message.plan)} />`
        : html`<p class="soft">${t.request.noPlan}</p>`
    }</div>`
  }
    ${
    outgoing
      ? html`<${DecisionState} item=${outgoing} />`
      : message.request === 'question'
      ? html`<${QuestionForm} agent=${agent} message=${message} />`
      : html`<${Answer} agent=${agent} message=${message} />`
  }
  </section>`;
}

/** What is asked for: the command, the change or the input. */
function Asked({ message }: { message: RequestMessage }) {
  const command = typeof message.input.command === 'string' ? message.input.command : '';
  return html`
    <p class="asked"><strong>${message.tool}</strong>${' '}${!command &&
      html`<span class="mono">${plain(message.title)}</span>`}</p>
    ${message.description && html`<p class="soft lines">${plain(message.description)}</p>`}
    ${command
      ? html`<${LongText} label=${t.tool.command} text=${command} />`
      : message.diffs.length
      ? html`<${Diffs} diffs=${message.diffs} />`
      : html`<${LongText} label=${t.tool.input} text=${JSON.stringify(message.input, null, 2)} />`}
  `;
}

type Extra = 'none' | 'deny' | 'edit';

function Answer({ agent, message }: Props) {
  const [extra, setExtra] = useKept<Extra>(`extra.${agent.id}/${message.id}`, 'none');
  const plan = message.request === 'plan';
  if (extra === 'deny') return html`<${DenyForm} agent=${agent} message=${message} onBack=${() => setExtra('none')} />`;
  if (extra === 'edit') return html`<${EditForm} agent=${agent} message=${message} onBack=${() => setExtra('none')} />`;
  const choices = message.choices.length ? message.choices : DEFAULT_CHOICES;
  const others = choices.filter((choice) => choice.id !== 'allow' && choice.id !== 'deny');
  const label = (id: string, fallback: string) => choices.find((choice) => choice.id === id)?.label ?? fallback;
  const answer = (decision: string, mode?: PermissionMode) =>
    decide(agent.id, message.id, { decision, ...(mode ? { mode } : {}) });
  return html`
    <div class="answers">
      <div class="ask-buttons">
        <${Button} onClick=${() => answer('deny')}>${plan ? t.request.keepPlanning : label('deny', t.request.deny)}<//>
          ${plan
            ? html`<${Button} tone="primary" onClick=${() => answer('allow', 'default')}>${t.request.approve}<//>`
            : html`<${Button} tone="primary" onClick=${() => answer('allow')}>${label('allow', t.request.allow)}<//>`}
        </div>
        ${plan && html`<${ChoiceButton} choice=${APPROVE_EDITS} onClick=${() => answer('allow', 'acceptEdits')} />`}
        ${others.map((choice) =>
          html`<${ChoiceButton} key=${choice.id} choice=${choice} onClick=${() => answer(choice.id)} />`
        )}
        ${takesWords(agent) && html`<div class="row answer-more">
          <button type="button" class="link-button" onClick=${() => setExtra('deny')}>${
          plan ? t.request.withFeedback : t.request.denyReason
        }</button>
          ${
          !plan && html`<button type="button" class="link-button" onClick=${() =>
            setExtra('edit')}>${t.request.edit}</button>`
        }
        </div>`}
      </div>
  `;
}

/** Codex takes neither a reason nor an edited input. */
const takesWords = (agent: AgentInfo): boolean => agent.provider === 'claude';

const DEFAULT_CHOICES: Choice[] = [
  { id: 'deny', label: t.request.deny, detail: '', tone: 'deny' },
  { id: 'allow', label: t.request.allow, detail: '', tone: 'allow' },
];
const APPROVE_EDITS: Choice = {
  id: 'allow',
  label: t.request.approveEdits,
  detail: t.request.approveEditsDetail,
  tone: 'rule',
};

function ChoiceButton({ choice, onClick }: { choice: Choice; onClick: () => void }) {
  return html`<button type="button" class=${`choice ${choice.tone}`} onClick=${onClick}><span class="choice-label">${choice.label}</span>
    ${choice.detail && html`<span class="hint">${choice.detail}</span>`}</button>`;
}

function DenyForm({ agent, message, onBack }: Props & { onBack: () => void }) {
  const [reason, setReason] = useKept(`reason.${agent.id}/${message.id}`, '');
  const plan = message.request === 'plan';
  const deny = (interrupt: boolean) =>
    decide(agent.id, message.id, {
      decision: 'deny',
      ...(reason.trim() ? { message: reason.trim() } : {}),
      ...(interrupt ? { interrupt } : {}),
    });
  return html`
    <div class="answers">
      <${TextArea} label=${plan ? t.request.feedback : t.request.reason} hint=${t.request
        .reasonHint} value=${reason} onInput=${setReason} autofocus />
      <div class="ask-buttons">
        <${Button}
          onClick=${onBack}>${t.nav.back}<//><${Button} tone="primary" onClick=${() => deny(false)}>${plan
            ? t.request.sendFeedback
            : t.request.deny}<//></div>
        ${!plan &&
          html`<div class="row answer-more"><button type="button" class="link-button" onClick=${() =>
            deny(true)}>${t.request.denyStop}</button></div>`}
      </div>
  `;
}

function EditForm({ agent, message, onBack }: Props & { onBack: () => void }) {
  const [text, setText] = useKept(`input.${agent.id}/${message.id}`, JSON.stringify(message.input, null, 2));
  const [error, setError] = useState('');
  function allow() {
    const input = parseInput(text);
    if (typeof input === 'string') return setError(input);
    decide(agent.id, message.id, { decision: 'allow', input });
  }
  return html`
    <div class="answers">
      <${TextArea} label=${t.request.editLabel} class="input mono" value=${text} error=${error} spellcheck=${false}
        autocapitalize="off" onInput=${(value: string) => {
          setText(value);
          setError('');
        }} />
      <div class="ask-buttons">
        <${Button}
          onClick=${onBack}>${t.nav.back}<//><${Button} tone="primary" onClick=${allow}>${t.request
            .allowEdited}<//></div>
      </div>
  `;
}

/** A request that is over: one line that says what was decided, by whom and when. */
export function DecidedRequest({ message }: { message: RequestMessage }) {
  const outcome = outcomeOf(message);
  const answers = message.decision?.answers;
  return html`<div class=${`decided ${outcome.tone}`}><${Icon} name=${outcome.icon} size=${16} />
    <div class="grow"><span>${outcome.text}</span> <span class="mono soft">${
    plain(message.questions[0]?.question ?? message.title)
  }</span>
      ${
    answers &&
    message.questions.filter(({ id }) => answers[id]).map(({ id, header }) =>
      html`<div key=${id} class="soft">${header && message.questions.length > 1 && `${header}: `}${
        answers[id]!.join(', ')
      }</div>`
    )
  }
      ${message.decision?.message && html`<div class="soft">“${message.decision.message}”</div>`}
      ${
    message.decision &&
    html`<div class="hint">${t.request.by(message.decision.by)} · <${TimeAgo} at=${message.decision.at} />${
      message.status === 'decided' && ` · ${t.request.onItsWay}`
    }</div>`
  }</div>
    ${message.request === 'plan' && message.plan && html`<${PlanFold} plan=${message.plan} />`}</div>`;
}

function PlanFold({ plan }: { plan: string }) {
  return html`
    <details class="plan-fold">
      <summary>${t.request.showPlan}</summary>
      <${MarkdownView} text=${plain(plan)} />
    </details>
  `;
}
