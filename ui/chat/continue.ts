import { html } from '../html.ts';
import type { AgentInfo } from '../../core/api/agents.ts';
import { useApp } from '../app.ts';
import type { Placed } from '../app.ts';
import { Button } from '../components/mod.ts';
import { Note } from '../components/note.ts';
import { t } from '../i18n/t.ts';
import { newId } from '../net/api.ts';
import type { Outbox } from '../net/outbox.ts';
import { useSignalValue } from '../state/signal.ts';

/** It ended in the middle of its work, and a message takes it up again. */
export const canContinue = ({ state, stateReason, resumable, goOn }: AgentInfo): boolean =>
  resumable &&
  (state === 'error' || (state === 'waiting_limit' && !goOn) ||
    (state === 'stopped' && stateReason !== 'reaped' && stateReason !== 'at_desk'));

/** The server ended while it worked. */
const wasCutOff = (agent: AgentInfo): boolean => canContinue(agent) && agent.stateReason === 'interrupted';

const send = (outbox: Outbox, agent: string): void =>
  outbox.add({ kind: 'message', agent, body: { text: t.agent.continueMessage, clientId: newId() } });

/** Goes on where it was; after a failure it tries again. */
export function ContinueButton({ agent, class: extra = '' }: { agent: AgentInfo; class?: string }) {
  const { outbox } = useApp();
  const isOnItsWay = useSignalValue(outbox.items, (items) => items.some((item) => item.agent === agent.id));
  if (!canContinue(agent)) return null;
  const isFailed = agent.state === 'error';
  return html`
    <div class=${`row ${extra}`}>
      <${Button} icon=${isFailed ? 'retry' : 'play'} disabled=${isOnItsWay} onClick=${() => send(outbox, agent.id)}>
        ${isFailed ? t.common.retry : t.agent.continue}
      <//>
    </div>
  `;
}

/** So many at once get a button for all of them. */
const MIN_ALL = 2;

/** After a restart of the server: all agents that it cut off go on with one press. */
export function ContinueAll({ agents }: { agents: readonly Placed[] }) {
  const cutOff = agents.filter(wasCutOff);
  if (cutOff.length < MIN_ALL) return null;
  const sendAll = () => cutOff.forEach(({ id, app }) => send(app.outbox, id));
  return html`
    <${Note}>
      <span class="row between">
        ${t.dashboard.cutOff(cutOff.length)}
        <${Button} class="small" icon="play" onClick=${sendAll}>${t.dashboard.continueAll}<//>
      </span>
    <//>
  `;
}
