import { html } from '../html.ts';
import type { AgentInfo } from '../../core/api/agents.ts';
import type { Message } from '../../core/api/messages.ts';
import { ContinueButton } from './continue.ts';
import { t } from '../i18n/all.ts';
import { serverText } from '../i18n/t.ts';
import { LimitWait } from '../usage/limit-wait.ts';
import { Notice } from './rows.ts';

/** Notices that say already why an agent no longer runs. */
const ENDINGS = new Set(['interrupted', 'exit']);
const isEnding = (last: Message | undefined) => last?.kind === 'notice' && ENDINGS.has(last.code);

interface Props {
  agent: AgentInfo;
  last: Message | undefined;
}

/** A quiet sign that it works, while nothing else on the page moves; or why it does not, and the button that goes on. */
export function Activity({ agent, last }: Props) {
  if (agent.state === 'running' || agent.state === 'starting') return html`<${Working} />`;
  if (agent.state === 'waiting_limit') {
    return html`
      <${LimitWait} agent=${agent} />
      <${ContinueButton} agent=${agent} />
    `;
  }
  return html`
    <${Why} agent=${agent} last=${last} />
    <${ContinueButton} agent=${agent} />
  `;
}

/** Why it does not work now, unless the last message has said so. */
function Why({ agent: { state, stateText, stateReason }, last }: Props) {
  if (isEnding(last)) return null;
  if (state === 'error') {
    const isSaid = last?.kind === 'turn' && last.text;
    return isSaid ? null : html`<${Notice} level="error">${serverText(stateText) || t.state.error}<//>`;
  }
  const text = state === 'stopped' && (serverText(stateText) || t.reasonHint[stateReason]);
  return text ? html`<${Notice} level="info">${text}<//>` : null;
}

function Working() {
  return html`
    <div class="activity" role="status">
      <span class="dots">
        <i></i>
        <i></i>
        <i></i>
      </span>
      <span>${t.chat.working}</span>
    </div>
  `;
}
