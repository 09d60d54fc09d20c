/** What the dashboard makes of an agent's state: order, tone, icon, words. Pure. */
import type { AgentInfo, AgentState } from '../core/wire/types.ts';
import type { IconName } from './components/icon.ts';
import { t } from './i18n/en.ts';

/** It stands still until the user answers. */
export const needsMe = (agent: AgentInfo): boolean => agent.state === 'waiting_input' || agent.pending.length > 0;

export const isActive = (agent: AgentInfo): boolean =>
  agent.state === 'starting' || agent.state === 'running' || agent.state === 'waiting_input';

const RANK: Record<AgentState, number> = { waiting_input: 0, error: 1, running: 2, starting: 2, idle: 3, stopped: 4 };

/** Needs-me first (the longest waiting first), then errors, then what runs, idles, is stopped; newest activity first. */
export function byNeed(a: AgentInfo, b: AgentInfo): number {
  const rank = (agent: AgentInfo) => (needsMe(agent) ? 0 : RANK[agent.state]);
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

export type Filter = 'all' | 'waiting' | 'active' | 'idle' | 'stopped';

const KEEPS: Record<Filter, (agent: AgentInfo) => boolean> = {
  all: () => true,
  waiting: needsMe,
  active: (agent) => agent.state === 'running' || agent.state === 'starting',
  idle: (agent) => agent.state === 'idle',
  stopped: (agent) => agent.state === 'stopped' || agent.state === 'error',
};

/** The agents of a filter that match a search (name, folder, preview, branch), in order. */
export function select(agents: readonly AgentInfo[], filter: Filter, search: string): AgentInfo[] {
  const words = search.toLowerCase().split(/\s+/).filter(Boolean);
  return agents.filter(KEEPS[filter]).filter((agent) => {
    const text = `${agent.name} ${agent.directory} ${agent.preview} ${agent.worktree?.branch ?? ''}`.toLowerCase();
    return words.every((word) => text.includes(word));
  }).sort(byNeed);
}

export const filterCount = (agents: readonly AgentInfo[], filter: Filter): number =>
  agents.filter(KEEPS[filter]).length;
