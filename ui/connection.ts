/** The three hops from this page to a CLI, and the one sentence about what is broken. Pure. */
import type { AgentInfo } from '../core/wire/types.ts';
import type { Link } from './live.ts';
import type { RelayState } from './relay-watch.ts';

export interface Hop {
  name: 'relay' | 'machine' | 'cli';
  /** `absent`: there is no such hop here (local mode; no agent on the page; a process that is not needed now). */
  state: 'up' | 'down' | 'unknown' | 'absent';
  /** Since when it is in this state, where that is known. */
  since: number | null;
  seenAt: number | null;
}

/** What the bar says; null: nothing is broken. */
export interface Trouble {
  kind: 'connecting' | 'relay' | 'machine' | 'feed' | 'offline';
  since: number;
  /** When the next try is made; null: it is being made now. */
  retryAt: number | null;
}

/** How long the first connecting may take before it is called a trouble; ms. */
const GRACE = 1500;

/** @param agent the agent that is looked at, for the third hop */
export function hops(link: Link, relay: RelayState, agent?: Pick<AgentInfo, 'cli' | 'state' | 'stateSince'>): Hop[] {
  const up = link.phase === 'up';
  const viaRelay = relay.present === true;
  const toServer: Hop['state'] = up ? 'up' : link.phase === 'connecting' && link.seenAt === null ? 'unknown' : 'down';
  const seenAt = Math.max(link.seenAt ?? 0, relay.seenAt ?? 0) || null;
  // A welcome came through both hops; without one the relay's own word counts for the first.
  const first: Hop = !viaRelay ? { name: 'relay', state: 'absent', since: null, seenAt: null } : {
    name: 'relay',
    state: up || relay.reachable ? 'up' : relay.reachable === false ? 'down' : 'unknown',
    since: relay.since,
    seenAt,
  };
  const second: Hop = {
    name: 'machine',
    state: up
      ? 'up'
      : viaRelay && relay.reachable !== true
      ? 'unknown'
      : viaRelay && relay.machine
      ? 'unknown'
      : toServer,
    since: up ? link.since : viaRelay && relay.machine === false ? relay.machineSince : link.since,
    seenAt: Math.max(link.seenAt ?? 0, relay.machineSeenAt ?? 0) || null,
  };
  return [first, second, cliHop(agent, up)];
}

function cliHop(agent: Pick<AgentInfo, 'cli' | 'state' | 'stateSince'> | undefined, up: boolean): Hop {
  if (!agent) return { name: 'cli', state: 'absent', since: null, seenAt: null };
  const { running, seenAt } = agent.cli;
  const needed = agent.state === 'running' || agent.state === 'waiting_input' || agent.state === 'starting';
  const state = !up ? 'unknown' : running ? 'up' : needed ? 'down' : 'absent';
  return { name: 'cli', state, since: agent.stateSince, seenAt };
}

/** @param online navigator.onLine */
export function trouble(link: Link, relay: RelayState, online: boolean, now: number): Trouble | null {
  if (link.phase === 'up') return null;
  const since = link.since;
  const retryAt = link.retryAt;
  if (!online) return { kind: 'offline', since, retryAt };
  if (relay.present && relay.reachable === false) return { kind: 'relay', since: relay.since, retryAt };
  if (relay.present && relay.machine === false) return { kind: 'machine', since: relay.machineSince, retryAt };
  if (link.seenAt === null && link.phase === 'connecting') {
    return now - since < GRACE ? null : { kind: 'connecting', since, retryAt: null };
  }
  return { kind: 'feed', since, retryAt };
}
