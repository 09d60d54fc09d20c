import { html } from '../html.ts';
import type { RequestMessage } from '../../core/api/messages.ts';
import { Icon, TimeAgo } from '../components/mod.ts';
import { plain } from '../format.ts';
import { deviceText, t } from '../i18n/t.ts';
import { outcomeOf } from './answers.ts';
import { MarkdownView } from './markdown-view.ts';

/** A request that is over: one line that says what was decided, by whom and when. */
export function DecidedRequest({ message }: { message: RequestMessage }) {
  const { decision, request, plan, questions, title } = message;
  const { tone, icon, text } = outcomeOf(message);
  const about = request === 'plan' ? '' : plain(questions[0]?.question ?? title);
  return html`
    <div class=${`decided ${tone}`}>
      <${Icon} name=${icon} size=${16} />
      <div class="grow">
        <span>${text}</span>${' '}
        ${about && html`<span class=${questions.length ? 'soft' : 'mono soft'}>${about}</span>`}
        <${ChosenAnswers} message=${message} />
        ${decision?.message && html`<div class="soft">“${decision.message}”</div>`}
        ${decision && html`<${DecidedBy} message=${message} />`}
      </div>
      ${request === 'plan' && plan && html`<${PlanFold} plan=${plan} />`}
    </div>
  `;
}

function ChosenAnswers({ message: { decision, questions } }: { message: RequestMessage }) {
  const answers = decision?.answers;
  if (!answers) return null;
  return questions.filter(({ id }) => answers[id]).map(({ id, header }) => {
    const label = header && questions.length > 1 ? `${header}: ` : '';
    return html`<div key=${id} class="soft">${label}${answers[id]!.join(', ')}</div>`;
  });
}

/** By whom and when. */
export function DecidedBy({ message: { decision, status } }: { message: RequestMessage }) {
  const { by, at } = decision!;
  return html`
    <div class="hint">
      ${t.request.by(deviceText(by))} · <${TimeAgo} at=${at} />
      ${status === 'decided' && ` · ${t.request.onItsWay}`}
    </div>
  `;
}

function PlanFold({ plan }: { plan: string }) {
  return html`
    <details class="plan-fold">
      <summary>${t.request.showPlan}</summary>
      <${MarkdownView} text=${plain(plan)} />
    </details>
  `;
}
