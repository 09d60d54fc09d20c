import { html } from '../html.ts';
import type { AgentInfo } from '../../core/api/agents.ts';
import { Icon, Spinner } from '../components/mod.ts';
import { stateView } from './agent-view.ts';

/** An agent's state as a label: colour, icon and word. */
export function StatePill({ agent }: { agent: Pick<AgentInfo, 'state' | 'stateReason'> }) {
  const { tone, icon, text, busy } = stateView(agent);
  return html`
    <span class=${`pill state ${tone}`} data-state=${agent.state}>
      ${busy ? html`<${Spinner} />` : html`<${Icon} name=${icon} size=${14} />`}
      ${text}
    </span>
  `;
}
