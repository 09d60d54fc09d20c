/** The agents of a machine as this device saw them last, for a start without a network; forgotten when the login ends. */
import type { AgentInfo } from '../../core/api/agents.ts';
import type { DeviceStorage } from '../device-storage.ts';
import { EMPTY } from '../state/store.ts';
import type { State, Store } from '../state/store.ts';

const keyOf = (machine: string): string => machine ? `last-known/${machine}` : 'last-known';
/** Those that were active last. */
const MAX_AGENTS = 60;
/** Characters; a storage has room for about five million, and the outbox comes first. */
const MAX_LENGTH = 400_000;

type Place = Pick<Storage, 'getItem' | 'setItem' | 'removeItem'>;

/**
 * What the store begins with: nothing, or the agents that were last known, with the time of that.
 * @param machine its id at the relay; empty: the only one
 */
export function readLastKnown(storage: Place, machine = ''): State {
  try {
    const { at, agents } = JSON.parse(storage.getItem(keyOf(machine)) ?? '{}') as { at?: unknown; agents?: unknown };
    if (typeof at !== 'number' || !Array.isArray(agents)) return EMPTY;
    const table = Object.fromEntries((agents as AgentInfo[]).map((agent) => [agent.id, agent]));
    return { ...EMPTY, agents: table, knownAt: at };
  } catch {
    return EMPTY;
  }
}

/** Called at intervals while the way works, and when the page is left. @param at when the machine was last heard */
export function writeLastKnown(storage: Place, { value }: Store, at: number, machine = ''): void {
  if (!value.loaded || value.rest) return;
  const newest = Object.values(value.agents).sort((a, b) => b.activeAt - a.activeAt).slice(0, MAX_AGENTS);
  const text = JSON.stringify({ at, agents: newest });
  try {
    if (text.length <= MAX_LENGTH) storage.setItem(keyOf(machine), text);
  } catch {
    // A full storage: what was known before stays, with its time.
  }
}

export const forgetLastKnown = (storage: Place, machine = ''): void => storage.removeItem(keyOf(machine));

/** Of every machine, also of those that are gone. */
export function forgetAllLastKnown(storage: DeviceStorage): void {
  const keys = Array.from({ length: storage.length }, (_, i) => storage.key(i));
  for (const key of keys) if (key !== null && /^last-known(?:\/|$)/.test(key)) storage.removeItem(key);
}
