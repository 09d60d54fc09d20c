import { html } from '../html.ts';
import type { AgentInfo } from '../../core/api/agents.ts';
import type { Question, RequestMessage } from '../../core/api/messages.ts';
import { serverText, t } from '../i18n/t.ts';
import { useDecide } from '../hooks/pending-requests.ts';
import { AnswerButton } from './answer-button.ts';
import { answersOf, NO_ANSWER } from './answers.ts';
import type { Answer } from './answers.ts';
import { usePageState } from './draft.ts';
import { VisibleText } from './visible-text.ts';

const NO_ANSWERS: Readonly<Record<string, Answer>> = {};

/** The questions of an agent as a form: one or several of the options, or words of one's own. */
export function QuestionForm({ agent, message }: { agent: AgentInfo; message: RequestMessage }) {
  const decide = useDecide();
  const [typed, setTyped] = usePageState(`answers.${agent.id}/${message.id}`, NO_ANSWERS);
  const answers = answersOf(message.questions, typed);
  function submit(event: Event) {
    event.preventDefault();
    if (answers && !message.truncated) decide(agent.id, message.id, { decision: 'answer', answers });
  }
  const fields = message.questions.map((question) => {
    const change = (answer: Answer) => setTyped((all) => ({ ...all, [question.id]: answer }));
    const name = `${message.id}-${question.id}`;
    const answer = typed[question.id] ?? NO_ANSWER;
    return html`<${QuestionField} key=${question.id} name=${name} question=${question} answer=${answer} onChange=${change} />`;
  });
  const refusals = message.choices.filter((choice) => choice.tone === 'deny').map(({ id, label }) =>
    html`<${Refusal} key=${id} label=${serverText(label)} onAnswer=${() =>
      decide(agent.id, message.id, { decision: id })} />`
  );
  const send = html`
    <${AnswerButton} class="button primary" type="submit" disabled=${!answers}>${t.request.send}<//>
  `;
  return html`
    <form class="answers" onSubmit=${submit}>
      ${fields}
      <div class="ask-buttons">
        ${refusals}
        ${!message.truncated && send}
      </div>
    </form>
  `;
}

const Refusal = ({ label, onAnswer }: { label: string; onAnswer: () => void }) =>
  html`<${AnswerButton} class="button plain" onAnswer=${onAnswer}>${label}<//>`;

interface FieldProps {
  /** Of the inputs: one group. */
  name: string;
  question: Question;
  answer: Answer;
  onChange: (answer: Answer) => void;
}

function QuestionField({ name, question, answer, onChange }: FieldProps) {
  const { header, multiSelect, options, other, secret } = question;
  function choose(label: string, on: boolean) {
    if (!multiSelect) return onChange({ ...answer, labels: [label], isOther: false });
    onChange({ ...answer, labels: on ? [...answer.labels, label] : answer.labels.filter((entry) => entry !== label) });
  }
  const chooseOther = (on: boolean) => onChange({ ...answer, isOther: on, labels: multiSelect ? answer.labels : [] });
  const type = multiSelect ? 'checkbox' : 'radio';
  const fields = options.map(({ label, description }) => {
    const checked = answer.labels.includes(label);
    const change = (on: boolean) => choose(label, on);
    return html`<${Option} key=${label} ...${{ type, name, label, description, checked }} onChange=${change} />`;
  });
  const showText = answer.isOther || !options.length;
  return html`
    <fieldset class="question">
      <legend>
        ${header && html`<span class="pill">${header}</span>`}
        <span><${VisibleText} text=${question.question} /></span>
      </legend>
      ${multiSelect && html`<p class="hint">${t.request.several}</p>`}
      ${fields}
      ${other && options.length > 0 &&
        html`<${Option} ...${{
          type,
          name,
          label: t.request.other,
          checked: answer.isOther,
        }} onChange=${chooseOther} />`}
      ${showText && html`<${OwnWords} answer=${answer} secret=${secret} onChange=${onChange} />`}
    </fieldset>
  `;
}

interface OptionProps {
  type: 'checkbox' | 'radio';
  name: string;
  label: string;
  description?: string;
  checked: boolean;
  onChange: (on: boolean) => void;
}

function Option({ type, name, label, description, checked, onChange }: OptionProps) {
  const change = (event: Event) => onChange((event.target as HTMLInputElement).checked);
  return html`
    <label class="option">
      <input type=${type} name=${name} checked=${checked} onChange=${change} />
      <span>
        <span class="option-label"><${VisibleText} text=${label} /></span>
        ${description && html`<span class="hint"><${VisibleText} text=${description} /></span>`}
      </span>
    </label>
  `;
}

function OwnWords({ answer, secret, onChange }: { answer: Answer; secret: boolean; onChange: FieldProps['onChange'] }) {
  const change = (event: Event) => onChange({ ...answer, other: (event.target as HTMLInputElement).value });
  return html`
    <input
      class="input"
      type=${secret ? 'password' : 'text'}
      autocomplete="off"
      aria-label=${t.request.yourAnswer}
      placeholder=${t.request.yourAnswer}
      value=${answer.other}
      onInput=${change}
    />
  `;
}
