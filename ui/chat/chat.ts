import { html, useEffect, useState } from '../html.ts';
import type { AgentInfo } from '../../core/api/agents.ts';
import { useApp } from '../app.ts';
import { AgentContext, DirectoryContext, workDirectory } from './agent-context.ts';
import { Composer } from './composer.ts';
import { Messages } from './messages.ts';
import { useSeen } from './use-seen.ts';

/** The conversation with one agent. */
export default function Chat({ agent }: { agent: AgentInfo }) {
  const { chats } = useApp();
  useSeen(agent);
  const [sent, setSent] = useState(0);
  useEffect(() => chats.open(agent.id), [agent.id]);
  const onSend = () => setSent((n) => n + 1);
  return html`
    <${AgentContext.Provider} value=${agent.id}>
      <${DirectoryContext.Provider} value=${workDirectory(agent)}>
        <div class="chat">
          <${Messages} key=${agent.id} agent=${agent} sent=${sent} />
          <${Composer} key=${`c${agent.id}`} agent=${agent} onSend=${onSend} />
        </div>
        <//>
        <//>
  `;
}
