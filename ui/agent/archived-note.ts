import { html } from '../html.ts';
import { isArchived } from '../../core/api/agent-order.ts';
import type { AgentInfo } from '../../core/api/agents.ts';
import { useApp } from '../app.ts';
import { Button } from '../components/mod.ts';
import { Note } from '../components/note.ts';
import { t } from '../i18n/t.ts';
import { mark } from './marks.ts';

/** Why the agent is not in the list, and how it comes back there. */
export function ArchivedNote({ agent }: { agent: AgentInfo }) {
  const app = useApp();
  if (!isArchived(agent)) return null;
  const restore = () => mark(app, agent, { archived: false });
  return html`
    <div class="archived-note">
      <${Note}>
        <span class="row between">
          ${t.agent.archived}
          <${Button} class="small" icon="archive" onClick=${restore}>${t.agent.unarchive}<//>
        </span>
      <//>
    </div>
  `;
}
