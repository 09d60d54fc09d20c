import type { AgentInfo, Capabilities } from '../../core/api/agents.ts';
import { useApp } from '../app.ts';
import { useResource } from '../hooks/use-resource.ts';
import { path } from '../route.ts';

/** What was asked for, and what the CLI was doing then. */
interface Answer {
  capabilities: Capabilities | null;
  about: string;
}

/** What the CLI of an agent can do; null while it has not said so. */
export function useCapabilities(agent: AgentInfo): Capabilities | null {
  const { api } = useApp();
  const { id, sessionId, cli, state } = agent;
  const about = `${sessionId} ${cli.running}`;
  const load = async (old: Answer | null): Promise<Answer> => {
    // It runs for a while before it says; then only another session may say something else.
    if (old?.capabilities && old.about === about) return old;
    const url = `${path`/api/agents/${id}`}?messages=0`;
    const { capabilities } = await api.get<{ capabilities?: Capabilities | null }>(url);
    return { capabilities: capabilities ?? old?.capabilities ?? null, about };
  };
  return useResource(load, [about, state], `capabilities/${id}`).value?.capabilities ?? null;
}
