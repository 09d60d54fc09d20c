/** How the list of agents is divided: a choice of this device. */
import type { Fleet, Placed } from '../app.ts';
import { deviceStorage, keep } from '../device-storage.ts';
import { shortPath } from '../format.ts';
import { signal } from '../state/signal.ts';

export const GROUPINGS = ['none', 'folder', 'machine'] as const;
export type Grouping = (typeof GROUPINGS)[number];

const KEY = 'dashboard.groups';

/** Before there were machines to choose, "on" meant folders. */
export function storedGrouping(): Grouping {
  const value = deviceStorage.getItem(KEY);
  return value === 'on' ? 'folder' : GROUPINGS.find((grouping) => grouping === value) ?? 'none';
}

export const grouping = signal<Grouping>(storedGrouping());

export function setGrouping(value: Grouping): void {
  keep(KEY, value);
  grouping.value = value;
}

/** What there is to choose: with one machine there is nothing to divide by machines. */
export const groupings = (fleet: Pick<Fleet, 'apps'>): readonly Grouping[] =>
  GROUPINGS.filter((value) => value !== 'machine' || fleet.apps.value.length > 1);

/** The next choice, for a key. */
export function nextGrouping(fleet: Pick<Fleet, 'apps'>): Grouping {
  const all = groupings(fleet);
  return all[(all.indexOf(grouping.value) + 1) % all.length]!;
}

export interface Group {
  key: string;
  /** Empty: the list is one. */
  title: string;
  /** The whole path of a folder; else empty. */
  path: string;
  agents: readonly Placed[];
}

/** One group for each folder or machine, in the order of their first agents. The same folder on two machines is two. */
export function inGroups(
  agents: readonly Placed[],
  by: Grouping,
  fleet: Pick<Fleet, 'apps' | 'machines'>,
): readonly Group[] {
  const hasMany = fleet.apps.value.length > 1;
  if (by === 'none' || (by === 'machine' && !hasMany)) return [{ key: '', title: '', path: '', agents }];
  const groups = new Map<string, Placed[]>();
  for (const agent of agents) {
    const key = by === 'folder' ? `${agent.app.machine} ${agent.directory}` : agent.app.machine;
    const group = groups.get(key);
    if (group) group.push(agent);
    else groups.set(key, [agent]);
  }
  const machineName = ({ app }: Placed) =>
    fleet.machines.value.find(({ id }) => id === app.machine)?.name ?? app.machine;
  return [...groups].map(([key, members]) => {
    const first = members[0]!;
    if (by === 'machine') return { key, title: machineName(first), path: '', agents: members };
    const path = shortPath(first.directory);
    const title = hasMany ? `${path} · ${machineName(first)}` : path;
    return { key, title, path: first.directory, agents: members };
  });
}
