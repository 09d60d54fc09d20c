import type { AgentInfo, Capabilities } from '../../core/api/agents.ts';
import { useApp } from '../app.ts';
import { useResource } from '../hooks/use-resource.ts';
import { path } from '../route.ts';

/** What the CLI of an agent can do; null while it has not said so. */
export function useCapabilities(agent: AgentInfo): Capabilities | null {
  const { api, resources } = useApp();
  const key = `capabilities/${agent.id}`;
  const isKnown = resources.entry<Capabilities | null>(key).state.value.value !== null;
  // It runs for a while before it says.
  const state = isKnown ? '' : agent.state;
  return useResource<Capabilities | null>(
    async (old) => {
      const { capabilities } = await api.get<{ capabilities?: Capabilities | null }>(path`/api/agents/${agent.id}`);
      return capabilities ?? old;
    },
    [agent.id, agent.sessionId, agent.cli.running, state],
    key,
  ).value;
}
