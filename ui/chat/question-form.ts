import { html } from '../html.ts';
import type { AgentInfo, Question, RequestMessage } from '../../core/wire/types.ts';
import { Button } from '../components/mod.ts';
import { t } from '../i18n/en.ts';
import { decide } from '../requests.ts';
import { answersOf, NOTHING } from './answers.ts';
import type { Given } from './answers.ts';
import { useKept } from './draft.ts';

const NOT_GIVEN: Readonly<Record<string, Given>> = {};

/** The questions of an agent as a form: one or several of the options, or words of one's own. */
export function QuestionForm({ agent, message }: { agent: AgentInfo; message: RequestMessage }) {
  const [given, setGiven] = useKept(`answers.${agent.id}/${message.id}`, NOT_GIVEN);
  const answers = answersOf(message.questions, given);
  function submit(event: Event) {
    event.preventDefault();
    if (answers) decide(agent.id, message.id, { decision: 'answer', answers });
  }
  return html`<form class="answers" onSubmit=${submit}>
    ${
    message.questions.map((question) =>
      html`
        <${OneQuestion} key=${question.id} request=${message.id} question=${question}
          given=${given[question.id] ?? NOTHING} onChange=${(next: Given) =>
            setGiven((all) => ({ ...all, [question.id]: next }))} />
      `
    )
  }
    <div class="ask-buttons">
      ${
    message.choices.filter((choice) => choice.tone === 'deny').map((choice) =>
      html`<${Button} key=${choice.id} onClick=${() =>
        decide(agent.id, message.id, { decision: choice.id })}>${choice.label}<//>`
    )
  }
      <${Button} type="submit" tone="primary" disabled=${!answers}>${t.request.send}<//>
    </div>
  </form>`;
}

interface OneProps {
  request: string;
  question: Question;
  given: Given;
  onChange: (given: Given) => void;
}

function OneQuestion({ request, question, given, onChange }: OneProps) {
  const { multiSelect, options } = question;
  const name = `${request}-${question.id}`;
  function choose(label: string, on: boolean) {
    if (!multiSelect) return onChange({ ...given, labels: [label], isOther: false });
    onChange({ ...given, labels: on ? [...given.labels, label] : given.labels.filter((known) => known !== label) });
  }
  const chooseOther = (on: boolean) => onChange({ ...given, isOther: on, labels: multiSelect ? given.labels : [] });
  const kind = multiSelect ? 'checkbox' : 'radio';
  const showText = given.isOther || !options.length;
  return html`<fieldset class="question">
    <legend>${
    question.header && html`<span class="pill">${question.header}</span>`
  }<span>${question.question}</span></legend>
    ${multiSelect && html`<p class="hint">${t.request.several}</p>`}
    ${
    options.map((option) =>
      html`<label key=${option.label} class="option">
      <input type=${kind} name=${name} checked=${given.labels.includes(option.label)} onChange=${(e: Event) =>
        choose(option.label, (e.target as HTMLInputElement).checked)} />
      <span><span class="option-label">${option.label}</span>${
        option.description && html`<span class="hint">${option.description}</span>`
      }</span></label>`
    )
  }
    ${
    question.other && options.length > 0 && html`<label class="option">
      <input type=${kind} name=${name} checked=${given.isOther} onChange=${(e: Event) =>
      chooseOther(
        (e.target as HTMLInputElement).checked,
      )} /><span class="option-label">${t.request.other}</span></label>`
  }
    ${
    showText && html`
      <input class="input" type=${question.secret ? 'password' : 'text'} autocomplete="off" aria-label=${t.request
        .yourAnswer} placeholder=${t.request.yourAnswer}
        value=${given.other} onInput=${(e: Event) =>
          onChange({ ...given, other: (e.target as HTMLInputElement).value })} />
    `
  }
  </fieldset>`;
}
