/** All that one process started: found and ended. Where there is no /proc only its process group is reached. */
import process from 'node:process';
import { type Clock, pause, systemClock } from '../../core/clock.ts';
import { type Log, silentLog } from '../../core/log.ts';
import { PROCESS_MARK } from './environment.ts';
import { isSameProcess, type ProcessIdentity, signal } from './identity.ts';
import { bootId, type ProcessStat, readEnvironment, readStats } from './proc-table.ts';

/** Time between SIGTERM and SIGKILL for what a CLI left behind, ms. */
const TERM_MS = 500;
/** Interval between two looks at /proc while waiting, ms. */
const POLL_MS = 50;
/** Rounds of SIGKILL: a process that forks faster than it is killed is given up on after these. */
const MAX_KILL_ROUNDS = 20;

/** Environments that are read together: where file descriptors run out, one that cannot be read counts as unmarked. */
const BATCH = 8;

/** A process of a family, with the name of its program for the log. */
export interface FamilyMember extends ProcessIdentity {
  name: string;
}

/** What makes a process a member: it is `root`, or carries `variable` (NAME=value) in its environment. */
export interface FamilyQuery {
  root: ProcessIdentity | null;
  variable: string;
}

/** The query for all that came from a process that we started. */
export const familyQuery = (identity: ProcessIdentity): FamilyQuery => ({
  root: identity,
  variable: identity.mark ? `${PROCESS_MARK}=${identity.mark}` : '',
});

/**
 * All living processes of a family: the root with its group, whatever carries the variable although it moved to another
 * session or lost its parent, and their descendants. A descendant in a session of its own counts only if it carries the
 * variable: the user may have begun it from there (a window of tmux, a service).
 *
 * This server and its ancestors are never members. When one of them belongs to the family (the server was started from a
 * shell that an agent began), whatever descends from it or shares its process group is spared too: it is the user's.
 */
export async function findFamily({ root, variable }: FamilyQuery): Promise<FamilyMember[]> {
  const boot = bootId();
  const stats = readStats().filter((stat) => !stat.isZombie);
  const found = new Set(await carriersOf(variable, stats));
  const isRoot = (stat: ProcessStat) =>
    root?.bootId === boot && stat.pid === root.pid && stat.startTime === root.startTime;
  if (root && stats.some(isRoot)) {
    for (const stat of stats) if (stat.pid === root.pid || stat.group === root.pid) found.add(stat.pid);
  }
  const byPid = new Map(stats.map((stat) => [stat.pid, stat]));
  grow(found, stats, (stat) => found.has(stat.parent) && byPid.get(stat.parent)?.session === stat.session);
  const spared = sparedOf(found, stats, byPid);
  return stats.filter(({ pid }) => found.has(pid) && !spared.has(pid))
    .map(({ pid, name, startTime }) => ({ pid, name, startTime, bootId: boot, mark: '' }));
}

/** All living processes that came from this one. */
export const familyOf = (identity: ProcessIdentity): Promise<FamilyMember[]> => findFamily(familyQuery(identity));

async function carriersOf(variable: string, stats: ProcessStat[]): Promise<number[]> {
  const carriers: number[] = [];
  for (let i = 0; variable && i < stats.length; i += BATCH) {
    const batch = stats.slice(i, i + BATCH);
    const environments = await Promise.all(batch.map(({ pid }) => readEnvironment(pid)));
    carriers.push(...batch.filter((_, at) => environments[at]!.includes(`\0${variable}\0`)).map(({ pid }) => pid));
  }
  return carriers;
}

function sparedOf(found: Set<number>, stats: ProcessStat[], byPid: Map<number, ProcessStat>): Set<number> {
  const spared = new Set<number>();
  for (let stat = byPid.get(process.pid); stat && !spared.has(stat.pid); stat = byPid.get(stat.parent)) {
    spared.add(stat.pid);
  }
  const related = new Set([...spared].filter((pid) => found.has(pid)));
  const groups = new Set([...related].map((pid) => byPid.get(pid)!.group));
  grow(related, stats, (stat) => related.has(stat.parent) || groups.has(stat.group));
  return new Set([...spared, ...related]);
}

/** Adds processes until no other belongs to the set. */
function grow(set: Set<number>, stats: ProcessStat[], belongs: (stat: ProcessStat) => boolean): void {
  for (let before = -1; before !== set.size;) {
    before = set.size;
    for (const stat of stats) if (belongs(stat)) set.add(stat.pid);
  }
}

export interface KillOptions {
  clock?: Clock;
  /** Names every process that is ended. */
  log?: Log;
  /** Further processes seen to belong to the family while its root lived. */
  known?: FamilyMember[];
  /** Processes that are left alone. */
  spared?: FamilyMember[];
}

/**
 * Ends what is left of a process that we started, also in a previous run of this server: SIGTERM, then SIGKILL.
 * @returns the processes that were found
 */
export function killProcessTree(identity: ProcessIdentity, options: KillOptions = {}): Promise<FamilyMember[]> {
  return killFamily(familyQuery(identity), options);
}

/** The same for any family. */
export async function killFamily(query: FamilyQuery, options: KillOptions = {}): Promise<FamilyMember[]> {
  const { clock = systemClock, log = silentLog, known = [], spared = [] } = options;
  const isSpared = (entry: FamilyMember) =>
    spared.some(({ pid, startTime }) => entry.pid === pid && entry.startTime === startTime);
  const living = async () => {
    const all = [...known.filter(isSameProcess), ...await findFamily(query)];
    return [...new Map(all.map((entry) => [entry.pid, entry])).values()].filter((entry) => !isSpared(entry));
  };
  const first = await living();
  for (const entry of first) {
    log.info('ending a leftover process', { pid: entry.pid, name: entry.name });
    signal(entry.pid, 'SIGTERM');
  }
  await waitForEnd(first, clock);
  for (let round = 0; round < MAX_KILL_ROUNDS; round++) {
    const left = await living();
    if (!left.length) break;
    for (const entry of left) if (isSameProcess(entry)) signal(entry.pid, 'SIGKILL');
    await pause(clock, POLL_MS);
  }
  return first;
}

/** Resolves when all have ended, or after TERM_MS. */
async function waitForEnd(processes: ProcessIdentity[], clock: Clock): Promise<void> {
  const deadline = clock.monotonic() + TERM_MS;
  for (let left = processes; left.length && clock.monotonic() < deadline; left = left.filter(isSameProcess)) {
    await pause(clock, POLL_MS);
  }
}
