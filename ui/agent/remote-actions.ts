/** Update from the base, push and pull request, as requests. What reaches a remote goes on without this page, and is asked for. */
import { useEffect, useState } from '../html.ts';
import type { AgentInfo } from '../../core/api/agents.ts';
import type { Changes, PullRequestText, RemoteWork } from '../../core/api/workspace.ts';
import { useApp } from '../app.ts';
import { toastError } from '../components/mod.ts';
import type { Resource } from '../hooks/use-resource.ts';
import type { Api } from '../net/api.ts';
import { changesUrl, SLOW } from './changes-actions.ts';

/** How often work that runs is asked for, ms. */
const POLL_MS = 1500;

export interface RemoteState {
  work: RemoteWork | null;
  push: () => void;
  /** Rejects when it could not be begun. */
  openPullRequest: (text: PullRequestText) => Promise<void>;
  cancel: () => void;
  /** Hides what was said last. */
  dismiss: () => void;
}

/** The push or pull request of an agent, also one that another page began. */
export function useRemoteWork(agent: AgentInfo): RemoteState {
  const { api } = useApp();
  const [work, setWork] = useState<RemoteWork | null>(null);
  const url = changesUrl(agent);
  const look = () => api.get<{ work: RemoteWork | null }>(`${url}/remote`).then((answer) => setWork(answer.work));
  useEffect(() => {
    // What ended before this page was opened is of no interest any more; an older server has no such address.
    api.get<{ work: RemoteWork | null }>(`${url}/remote`)
      .then((answer) => answer.work?.state === 'running' && setWork(answer.work), () => {});
  }, [agent.id]);
  useEffect(() => {
    if (work?.state !== 'running') return;
    const timer = setTimeout(() => void look().catch(() => setWork({ ...work })), POLL_MS);
    return () => clearTimeout(timer);
  }, [work]);
  const start = async (name: string, body: unknown) => setWork(await api.post<RemoteWork>(`${url}/${name}`, body));
  return {
    work,
    push: () => void start('push', {}).catch(toastError),
    openPullRequest: (text) => start('pull-request', text),
    cancel: () =>
      void api.delete<{ work: RemoteWork | null }>(`${url}/remote`, SLOW).then(
        (answer) => setWork(answer.work),
        toastError,
      ),
    dismiss: () => setWork(null),
  };
}

/** @returns why the base was not merged into the branch; null: it was */
export async function update(api: Api, agent: AgentInfo, loaded: Resource<Changes>): Promise<Error | null> {
  try {
    loaded.set((await api.post<{ changes: Changes }>(`${changesUrl(agent)}/update`, {}, SLOW)).changes);
    return null;
  } catch (error) {
    return error as Error;
  }
}
