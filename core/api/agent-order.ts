/** The order of a list of agents, and its filters: the server sends the first of them first, and the page shows the same. */
import type { AgentInfo, AgentState } from './agents.ts';

/** It stands still until the user answers. */
export const needsMe = (agent: AgentInfo): boolean => agent.state === 'waiting_input' || agent.pending.length > 0;

export const isArchived = ({ archivedAt }: AgentInfo): boolean => !!archivedAt;

/** So long a failure stands above what works, ms. */
const FRESH_MS = 12 * 3_600_000;

const RANK: Record<AgentState, number> = {
  waiting_input: 0,
  waiting_limit: 2,
  error: 2,
  running: 3,
  starting: 3,
  idle: 4,
  stopped: 5,
};

function rank(agent: AgentInfo): number {
  if (needsMe(agent)) return 0;
  if (agent.pinned) return 1;
  const isOld = agent.state === 'error' && Date.now() - agent.stateSince > FRESH_MS;
  return isOld ? RANK.idle : RANK[agent.state];
}

/**
 * Needs-me first (the longest waiting first), then what is pinned, then fresh errors, then what runs, idles, is stopped; newest
 * activity first.
 */
export function byNeed(a: AgentInfo, b: AgentInfo): number {
  if (rank(a) !== rank(b)) return rank(a) - rank(b);
  if (needsMe(a)) return a.stateSince - b.stateSince || (a.id < b.id ? -1 : 1);
  return b.activeAt - a.activeAt || (a.id < b.id ? -1 : 1);
}

export type AgentFilter = 'all' | 'waiting' | 'active' | 'idle' | 'stopped' | 'archived';

/** Whether an agent is in a filter. */
export const FILTERS: Record<AgentFilter, (agent: AgentInfo) => boolean> = {
  all: (agent) => !isArchived(agent) || needsMe(agent),
  waiting: needsMe,
  active: (agent) => agent.state === 'running' || agent.state === 'starting',
  idle: (agent) => agent.state === 'idle' && !isArchived(agent),
  stopped: (agent) =>
    (agent.state === 'stopped' || agent.state === 'error' || agent.state === 'waiting_limit') && !isArchived(agent),
  archived: isArchived,
};

/** As the list without a filter shows them: byNeed, and what is archived behind all others. */
export function inListOrder<T extends AgentInfo>(agents: readonly T[]): T[] {
  const shown = agents.filter(FILTERS.all).sort(byNeed);
  return [...shown, ...agents.filter((agent) => !FILTERS.all(agent)).sort(byNeed)];
}

/** How many agents each filter has. */
export type AgentCounts = Record<AgentFilter, number>;

export function countAgents(agents: readonly AgentInfo[]): AgentCounts {
  const count = (filter: AgentFilter) => agents.filter(FILTERS[filter]).length;
  return {
    all: count('all'),
    waiting: count('waiting'),
    active: count('active'),
    idle: count('idle'),
    stopped: count('stopped'),
    archived: count('archived'),
  };
}
