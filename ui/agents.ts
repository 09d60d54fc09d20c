/** What the dashboard makes of an agent's state: order, tone, words. Pure. */
import type { AgentInfo, AgentState } from '../core/wire/types.ts';

/** It stands still until the user answers or mends something. */
export const needsMe = (agent: AgentInfo): boolean => agent.state === 'waiting_input' || agent.pending.length > 0;

export const isActive = (agent: AgentInfo): boolean =>
  agent.state === 'starting' || agent.state === 'running' || agent.state === 'waiting_input';

const RANK: Record<AgentState, number> = { waiting_input: 0, error: 1, running: 2, starting: 2, idle: 3, stopped: 4 };

/** Needs-me first (the longest waiting first), then errors, then what runs, idles, is stopped; newest activity first. */
export function byNeed(a: AgentInfo, b: AgentInfo): number {
  const rank = (agent: AgentInfo) => (needsMe(agent) ? 0 : RANK[agent.state]);
  if (rank(a) !== rank(b)) return rank(a) - rank(b);
  if (needsMe(a)) return a.stateSince - b.stateSince;
  return b.activeAt - a.activeAt || (a.id < b.id ? -1 : 1);
}
