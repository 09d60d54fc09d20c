import { html, useState } from '../html.ts';
import type { AgentInfo, PermissionMode } from '../../core/api/agents.ts';
import type { Choice, RequestMessage } from '../../core/api/messages.ts';
import { providerData } from '../../core/api/providers.ts';
import { isPlain as isVisible, isReordered, visibleJson } from '../../core/api/visible.ts';
import { Button, TextArea } from '../components/mod.ts';
import { useDecide } from '../hooks/pending-requests.ts';
import { serverText, t } from '../i18n/t.ts';
import { AnswerButton } from './answer-button.ts';
import { parseInput } from './answers.ts';
import { usePageState } from './draft.ts';
import { VisibleText } from './visible-text.ts';

interface Props {
  agent: AgentInfo;
  message: RequestMessage;
  /** All of it is known and seen; otherwise it can only be denied. */
  canAllow: boolean;
}

/** Deny and Edit open a form of their own in the place of the buttons. */
type Form = 'none' | 'deny' | 'edit';

/** The answers to a permission or a plan. */
export function AnswerForm(props: Props) {
  const { agent, message, canAllow } = props;
  const [form, setForm] = usePageState<Form>(`extra.${agent.id}/${message.id}`, 'none');
  // What it was opened from has the keyboard again.
  const [left, setLeft] = useState<Form>('none');
  const onBack = () => {
    setLeft(form);
    setForm('none');
  };
  if (form === 'deny') return html`<${DenyForm} ...${props} onBack=${onBack} />`;
  if (form === 'edit' && canAllow) return html`<${EditForm} ...${props} onBack=${onBack} />`;
  return html`
    <div class="answers">
      <${MainAnswers} ...${props} />
      ${canAllow && html`<${OtherChoices} ...${props} />`}
      ${takesWords(agent) && html`<${MoreAnswers} ...${props} left=${left} onOpen=${setForm} />`}
    </div>
  `;
}

/** A reason, or an edited input. */
const takesWords = (agent: AgentInfo): boolean => providerData(agent.provider).features.words;

const isPlan = ({ request }: RequestMessage): boolean => request === 'plan';

function useAnswer({ agent, message }: Props) {
  const decide = useDecide();
  return (decision: string, mode?: PermissionMode) =>
    decide(agent.id, message.id, { decision, ...(mode ? { mode } : {}) });
}

/** Deny and allow. */
function MainAnswers(props: Props) {
  const { message, canAllow } = props;
  const answer = useAnswer(props);
  const label = (id: string, fallback: string) =>
    serverText(message.choices.find((choice) => choice.id === id)?.label ?? '') || fallback;
  // Where two options share a kind, neither is the plain one: each stands among the others by its own name.
  const isOffered = isPlan(message) || message.choices.some(({ id }) => id === 'allow');
  const deny = isPlan(message) ? t.request.keepPlanning : label('deny', t.request.deny);
  const allow = isPlan(message) ? t.request.approve : label('allow', t.request.allow);
  const onAllow = () => answer('allow', isPlan(message) ? 'default' : undefined);
  return html`
    <div class="ask-buttons">
      <${AnswerButton} class="button plain" kind="deny" onAnswer=${() => answer('deny')}>${deny}<//>
      ${canAllow && isOffered &&
        html`<${AnswerButton} class="button primary" kind="allow" onAnswer=${onAllow}>${allow}<//>`}
    </div>
  `;
}

const APPROVE_EDITS: Choice = {
  id: 'allow',
  label: t.request.approveEdits,
  detail: t.request.approveEditsDetail,
  tone: 'rule',
};

/** Rules, and whatever else the CLI offers. */
function OtherChoices(props: Props) {
  const { message } = props;
  const answer = useAnswer(props);
  const others = message.choices.filter(({ id }) => id !== 'allow' && id !== 'deny');
  const onApproveEdits = () => answer('allow', 'acceptEdits');
  const buttons = others.map((choice) =>
    html`<${ChoiceButton} key=${choice.id} choice=${choice} onAnswer=${() => answer(choice.id)} />`
  );
  return html`
    ${isPlan(message) && html`<${ChoiceButton} choice=${APPROVE_EDITS} onAnswer=${onApproveEdits} />`}
    ${buttons}
  `;
}

function ChoiceButton({ choice, onAnswer }: { choice: Choice; onAnswer: () => void }) {
  const { tone, label, detail } = choice;
  return html`
    <${AnswerButton} class=${`choice ${tone}`} onAnswer=${onAnswer}>
      <span class="choice-label approval-text"><${VisibleText} text=${serverText(label)} /></span>
      ${detail && html`<span class="hint approval-text"><${VisibleText} text=${serverText(detail)} /></span>`}
    <//>
  `;
}

interface MoreProps extends Props {
  /** The form that was left last. */
  left: Form;
  onOpen: (form: Form) => void;
}

const focus = (button: HTMLElement | null) => button?.focus();

function MoreAnswers({ message, canAllow, left, onOpen }: MoreProps) {
  const opener = (form: Form) => ({
    ...(left === form ? { ref: focus } : {}),
    onClick: () => onOpen(form),
  });
  const edit = html`
    <button type="button" class="link-button" ...${opener('edit')}>${t.request.edit}</button>
  `;
  return html`
    <div class="row answer-more">
      <button type="button" class="link-button" ...${opener('deny')}>
        ${isPlan(message) ? t.request.withFeedback : t.request.denyReason}
      </button>
      ${canAllow && !isPlan(message) && edit}
    </div>
  `;
}

interface FormProps extends Props {
  onBack: () => void;
}

function DenyForm({ agent, message, onBack }: FormProps) {
  const decide = useDecide();
  const [reason, setReason] = usePageState(`reason.${agent.id}/${message.id}`, '');
  function deny(interrupt: boolean) {
    const words = reason.trim();
    decide(agent.id, message.id, {
      decision: 'deny',
      ...(words ? { message: words } : {}),
      ...(interrupt ? { interrupt } : {}),
    });
  }
  const label = isPlan(message) ? t.request.feedback : t.request.reason;
  const field = { label, hint: t.request.reasonHint, value: reason, onInput: setReason };
  const stop = html`
    <div class="row answer-more">
      <${AnswerButton} class="link-button" onAnswer=${() => deny(true)}>${t.request.denyStop}<//>
    </div>
  `;
  return html`
    <div class="answers">
      <${TextArea} autofocus ...${field} />
      <div class="ask-buttons">
        <${Button} onClick=${onBack}>${t.common.cancel}<//>
        <${AnswerButton} class="button primary" onAnswer=${() => deny(false)}>
          ${isPlan(message) ? t.request.sendFeedback : t.request.deny}
        <//>
      </div>
      ${!isPlan(message) && stop}
    </div>
  `;
}

/** The command itself where nothing in it hides; else null. */
function plainCommand({ command }: Record<string, unknown>): string | null {
  return typeof command === 'string' && isVisible(command) && !isReordered(command) ? command : null;
}

/** A command as such; any other input as JSON in which nothing hides: what cannot be seen is written as an escape. */
function EditForm({ agent, message, onBack }: FormProps) {
  const decide = useDecide();
  const command = plainCommand(message.input);
  const [text, setText] = usePageState(`input.${agent.id}/${message.id}`, command ?? visibleJson(message.input));
  const [error, setError] = useState('');
  function type(value: string) {
    setText(value);
    setError('');
  }
  function allow() {
    const input = command === null ? parseInput(text) : { ...message.input, command: text };
    if (typeof input === 'string') return setError(input);
    decide(agent.id, message.id, { decision: 'allow', input });
  }
  const field = {
    label: command === null ? t.request.editLabel : t.request.editCommand,
    value: text,
    error,
    onInput: type,
  };
  return html`
    <div class="answers">
      <${TextArea} class="input mono whole" spellcheck=${false} autocapitalize="off" ...${field} />
      <div class="ask-buttons">
        <${Button} onClick=${onBack}>${t.common.cancel}<//>
        <${AnswerButton} class="button primary" onAnswer=${allow}>${t.request.allowEdited}<//>
      </div>
    </div>
  `;
}
