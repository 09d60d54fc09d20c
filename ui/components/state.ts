import { html } from '../html.ts';
import type { AgentInfo } from '../../core/wire/types.ts';
import { stateView } from '../agents.ts';
import { Icon } from './icon.ts';
import { Spinner } from './spinner.ts';

/** An agent's state as a label: colour, icon and word. */
export function StatePill({ agent }: { agent: Pick<AgentInfo, 'state' | 'stateReason'> }) {
  const view = stateView(agent);
  return html`<span class=${`pill state ${view.tone}`} data-state=${agent.state}>
    ${view.busy ? html`<${Spinner} />` : html`<${Icon} name=${view.icon} size=${14} />`}${view.text}</span>`;
}
