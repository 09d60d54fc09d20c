import { html } from '../html.ts';
import { deskAgent, type DeskSession } from '../../core/api/handoff.ts';
import { useShownRequest } from '../chat/lazy-ask.ts';
import { DirectoryContext } from '../chat/agent-context.ts';
import { RequestCard } from '../chat/request-card.ts';
import { usePendingRequest } from '../hooks/pending-requests.ts';
import type { AgentInfo } from '../../core/api/agents.ts';

/** The oldest request of a session at the desk, to be answered here or there; nothing while it asks nothing. */
export function DeskRequest({ session }: { session: DeskSession }) {
  const agent = deskAgent(session);
  const request = useShownRequest(agent);
  return request !== undefined && html`<${Shown} key=${request} agent=${agent} id=${request} />`;
}

function Shown({ agent, id }: { agent: AgentInfo; id: string }) {
  const request = usePendingRequest(agent, id);
  return request && html`
    <${DirectoryContext.Provider} value=${agent.directory}>
      <div class="desk-request">
        <${RequestCard} agent=${agent} message=${request} />
      </div>
      <//>
  `;
}
