/** What is known of the three hops between this page and an agent's CLI. */
import type { AgentInfo } from '../../core/api/agents.ts';
import type { ConnectionState } from '../net/live.ts';
import type { RelayState } from '../net/relay-status.ts';

export interface Hop {
  name: 'relay' | 'machine' | 'cli';
  /** `absent`: there is no such hop here (local mode; no agent on the page; a process that is not needed now). */
  state: 'up' | 'down' | 'unknown' | 'absent';
  /** Since when it is in this state, where that is known. */
  since: number | null;
  seenAt: number | null;
}

type Process = Pick<AgentInfo, 'cli' | 'state' | 'stateSince'>;

/** @param agent the agent that is looked at, for the third hop */
export const hops = (live: ConnectionState, relay: RelayState, agent?: Process): Hop[] => [
  relayHop(live, relay),
  machineHop(live, relay),
  cliHop(live, agent),
];

/** A welcome came through both hops; without one the relay's own word counts for the first. */
function relayHop(live: ConnectionState, relay: RelayState): Hop {
  if (!relay.present) return { name: 'relay', state: 'absent', since: null, seenAt: null };
  const isUp = live.phase === 'up' || relay.reachable;
  const state = isUp ? 'up' : relay.reachable === false ? 'down' : 'unknown';
  return { name: 'relay', state, since: relay.since, seenAt: latest(live.seenAt, relay.seenAt) };
}

function machineHop(live: ConnectionState, relay: RelayState): Hop {
  const isUp = live.phase === 'up';
  const relaySaysDown = relay.present && relay.machine === false;
  return {
    name: 'machine',
    state: isUp ? 'up' : machineState(live, relay),
    since: !isUp && relaySaysDown ? relay.machineSince : live.since,
    seenAt: latest(live.seenAt, relay.machineSeenAt),
  };
}

/** While the live feed is not up. */
function machineState(live: ConnectionState, relay: RelayState): Hop['state'] {
  const isFirstTry = live.phase === 'connecting' && live.seenAt === null;
  const isUnknown = relay.present && (!relay.reachable || relay.machine);
  return isUnknown || isFirstTry ? 'unknown' : 'down';
}

function cliHop(live: ConnectionState, agent?: Process): Hop {
  if (!agent) return { name: 'cli', state: 'absent', since: null, seenAt: null };
  const { running, seenAt } = agent.cli;
  const isNeeded = agent.state === 'running' || agent.state === 'waiting_input' || agent.state === 'starting';
  const state = live.phase !== 'up' ? 'unknown' : running ? 'up' : isNeeded ? 'down' : 'absent';
  return { name: 'cli', state, since: agent.stateSince, seenAt };
}

const latest = (a: number | null, b: number | null): number | null => Math.max(a ?? 0, b ?? 0) || null;
