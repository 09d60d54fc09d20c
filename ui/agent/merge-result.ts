/** What a merge did or why it did not happen: it stays on the page, with what can be done now. */
import { html } from '../html.ts';
import type { AgentInfo } from '../../core/api/agents.ts';
import type { Changes } from '../../core/api/workspace.ts';
import { Button, EmptyState, Icon, TimeAgo, toastError } from '../components/mod.ts';
import { Note } from '../components/note.ts';
import { useApp } from '../app.ts';
import { t } from '../i18n/all.ts';
import { ApiError, newId } from '../net/api.ts';
import { go, path } from '../route.ts';
import { remove } from './agent-menu.ts';
import { baseName } from './changes-actions.ts';

/** Nothing to show: all of it is merged, or nothing was changed yet. */
export function NoChanges({ agent }: { agent: AgentInfo }) {
  const { api } = useApp();
  const { merged } = agent;
  if (!merged) return html`<${EmptyState} icon="branch" title=${t.changes.none} text=${t.changes.noneText} />`;
  const { base, commits, files, at } = merged;
  return html`
    <div class="empty merged">
      <span class="empty-icon">
        <${Icon} name="check" size=${26} />
      </span>
      <h2>${t.changes.merged(base, commits, files)} · <${TimeAgo} at=${at} /></h2>
      <p>${t.changes.mergedText}</p>
      <div class="row center">
        <${Button} icon="trash" onClick=${() => void remove(api, agent).catch(toastError)}>${t.changes.deleteAgent}<//>
      </div>
    </div>
  `;
}

interface FailureProps {
  agent: AgentInfo;
  changes: Changes;
  failure: Error;
}

/** Why it was not merged; a conflict is something that the agent can resolve. */
export function MergeFailed({ agent, changes, failure }: FailureProps) {
  const { outbox } = useApp();
  const isConflict = failure instanceof ApiError && failure.code === 'merge_conflict';
  function resolve() {
    const text = t.changes.conflictMessage(baseName(changes), failure.message);
    outbox.add({ kind: 'message', agent: agent.id, body: { text, clientId: newId() } });
    go(path`/agents/${agent.id}`);
  }
  const button = isConflict && html`<${Button} tone="primary" onClick=${resolve}>${t.changes.conflict}<//>`;
  return html`
    <${Note} tone="bad" alert>
      <span class="stack tight">
        <span>${failure.message}</span>
        ${button && html`<span class="row">${button}</span>`}
      </span>
      <//>
  `;
}
