import { byNeed, FILTERS } from '../../core/api/agent-order.ts';
import type { AgentFilter } from '../../core/api/agent-order.ts';
import type { AgentInfo } from '../../core/api/agents.ts';
import type { IconName } from '../components/icon.ts';
import { t } from '../i18n/t.ts';

export const isActive = (agent: AgentInfo): boolean =>
  agent.state === 'starting' || agent.state === 'running' || agent.state === 'waiting_input';

/** A turn runs, or waits for an answer in it. */
export const isBusy = ({ state }: Pick<AgentInfo, 'state'>): boolean =>
  state === 'running' || state === 'starting' || state === 'waiting_input';

/** Something was said since a user last looked, and it is over. */
export const isUnread = ({ seenSeq, lastSeq, state }: AgentInfo): boolean =>
  seenSeq !== undefined && lastSeq > seenSeq && state !== 'running' && state !== 'starting';

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
      return agent.stateReason === 'interrupted_by_user'
        ? { tone: 'neutral', icon: 'stop', text: reason!, busy: false }
        : { tone: 'good', icon: 'check', text: t.state.idle, busy: false };
    case 'stopped':
      return { tone: 'neutral', icon: 'off', text: reason ?? t.state.stopped, busy: false };
    case 'error':
      return { tone: 'bad', icon: 'error', text: t.state.error, busy: false };
  }
}

const WAITING: Record<string, IconName> = { permission: 'hand', question: 'question', plan: 'plan' };

/** The agents of a filter that match a search (name, folder, preview, branch), in order. */
export function select<T extends AgentInfo>(agents: readonly T[], filter: AgentFilter, search: string): T[] {
  const words = search.toLowerCase().split(/\s+/).filter(Boolean);
  return agents.filter(FILTERS[filter]).filter((agent) => {
    const text = `${agent.name} ${agent.directory} ${agent.preview} ${agent.worktree?.branch ?? ''}`.toLowerCase();
    return words.every((word) => text.includes(word));
  }).sort(byNeed);
}
