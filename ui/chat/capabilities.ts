/** What an agent's CLI offers: asked once per session of it, and until it has told. */
import type { AgentInfo, Capabilities } from '../../core/wire/types.ts';
import { cell, useCell } from '../cell.ts';
import { useEffect } from '../html.ts';
import { path } from '../route.ts';
import { api } from '../services.ts';

const known = cell<Readonly<Record<string, Capabilities | null>>>({});

async function load(id: string) {
  try {
    const agent = await api.get<{ capabilities?: Capabilities | null }>(path`/api/agents/${id}`);
    known.set({ ...known.get(), [id]: agent.capabilities ?? known.get()[id] ?? null });
  } catch {
    // Asked again when the session changes; until then the pickers show what is set.
  }
}

/** null while the CLI has not told. */
export function useCapabilities(agent: AgentInfo): Capabilities | null {
  const told = useCell(known, (all) => all[agent.id] ?? null);
  // It runs for a while before it tells.
  const waiting = told ? '' : agent.state;
  useEffect(() => void load(agent.id), [agent.id, agent.sessionId, agent.cli.running, waiting]);
  return told;
}
