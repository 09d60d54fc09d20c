import type { AgentInfo, AgentState } from '../../core/api/agents.ts';
import type { IconName } from '../components/icon.ts';
import { t } from '../i18n/t.ts';

/** It stands still until the user answers. */
export const needsMe = (agent: AgentInfo): boolean => agent.state === 'waiting_input' || agent.pending.length > 0;

export const isActive = (agent: AgentInfo): boolean =>
  agent.state === 'starting' || agent.state === 'running' || agent.state === 'waiting_input';

/** A turn runs, or waits for an answer in it. */
export const isBusy = ({ state }: Pick<AgentInfo, 'state'>): boolean =>
  state === 'running' || state === 'starting' || state === 'waiting_input';

/** Something was said since a user last looked, and it is over. */
export const isUnread = ({ seenSeq, lastSeq, state }: AgentInfo): boolean =>
  seenSeq !== undefined && lastSeq > seenSeq && state !== 'running' && state !== 'starting';

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

export interface StateView {
  tone: 'info' | 'warn' | 'good' | 'bad' | 'neutral';
  icon: IconName;
  text: string;
  /** It moves: shown with a spinner. */
  busy: boolean;
}

/** Colour, icon and words of a state; never one of them alone. */
export function stateView(agent: Pick<AgentInfo, 'state' | 'stateReason'>): StateView {
  const reason = t.reason[agent.stateReason];
  switch (agent.state) {
    case 'starting':
      return { tone: 'info', icon: 'play', text: t.state.starting, busy: true };
    case 'running':
      return { tone: 'info', icon: 'play', text: t.state.running, busy: true };
    case 'waiting_input':
      return {
        tone: 'warn',
        icon: WAITING[agent.stateReason] ?? 'hand',
        text: reason ?? t.state.waiting_input,
        busy: false,
      };
    case 'waiting_limit':
      return { tone: 'warn', icon: 'idle', text: t.state.waiting_limit, busy: false };
    case 'idle':
      return {
        tone: 'good',
        icon: 'check',
        text: agent.stateReason === 'interrupted_by_user' ? reason! : t.state.idle,
        busy: false,
      };
    case 'stopped':
      return { tone: 'neutral', icon: 'off', text: reason ?? t.state.stopped, busy: false };
    case 'error':
      return { tone: 'bad', icon: 'error', text: t.state.error, busy: false };
  }
}

const WAITING: Record<string, IconName> = { permission: 'hand', question: 'question', plan: 'plan' };

export type Filter = 'all' | 'waiting' | 'active' | 'idle' | 'stopped' | 'archived';

const KEEPS: Record<Filter, (agent: AgentInfo) => boolean> = {
  all: (agent) => !isArchived(agent) || needsMe(agent),
  waiting: needsMe,
  active: (agent) => agent.state === 'running' || agent.state === 'starting',
  idle: (agent) => agent.state === 'idle' && !isArchived(agent),
  stopped: (agent) =>
    (agent.state === 'stopped' || agent.state === 'error' || agent.state === 'waiting_limit') && !isArchived(agent),
  archived: isArchived,
};

/** The agents of a filter that match a search (name, folder, preview, branch), in order. */
export function select<T extends AgentInfo>(agents: readonly T[], filter: Filter, search: string): T[] {
  const words = search.toLowerCase().split(/\s+/).filter(Boolean);
  return agents.filter(KEEPS[filter]).filter((agent) => {
    const text = `${agent.name} ${agent.directory} ${agent.preview} ${agent.worktree?.branch ?? ''}`.toLowerCase();
    return words.every((word) => text.includes(word));
  }).sort(byNeed);
}

export const filterCount = (agents: readonly AgentInfo[], filter: Filter): number =>
  agents.filter(KEEPS[filter]).length;
