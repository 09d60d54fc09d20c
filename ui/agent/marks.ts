/** Pin, archive, unread: what a user notes about an agent, on every device. */
import type { AgentInfo, AgentMarks } from '../../core/api/agents.ts';
import type { App } from '../app.ts';
import { toastError } from '../components/mod.ts';
import { path } from '../route.ts';

/** Shows the change at once, and the old marks again when the server refuses it. */
export function mark({ api, store }: Pick<App, 'api' | 'store'>, agent: AgentInfo, marks: AgentMarks): void {
  const { pinned = false, archivedAt = 0, seenSeq = agent.lastSeq } = agent;
  const show = (patch: Partial<AgentInfo>) => store.change({ type: 'agent.patch', id: agent.id, patch });
  show({
    ...(marks.pinned === undefined ? {} : { pinned: marks.pinned }),
    ...(marks.archived === undefined ? {} : { archivedAt: marks.archived ? Date.now() : 0 }),
    ...(marks.seenSeq === undefined ? {} : { seenSeq: marks.seenSeq }),
  });
  api.put(path`/api/agents/${agent.id}/marks`, marks).catch((error) => {
    show({ pinned, archivedAt, seenSeq });
    toastError(error);
  });
}
