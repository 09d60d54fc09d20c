/**
 * Knowing processes again, and finding all that one of them started, by Linux's /proc (proc(5)). Where there is no /proc,
 * identities are null and only the process group is reached.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { readdir, readFile, readlink } from 'node:fs/promises';
import process from 'node:process';
import { type Clock, systemClock } from '../../core/clock.ts';

/** A variable with a value of its own for every process that we start: what it starts inherits it, whatever its parent. */
export const MARK = 'AGENT_MONITOR_PROCESS';

/** What tells a process from a later one with the same number. JSON: it is kept on disk for the time after a crash. */
export interface ProcessIdentity {
  pid: number;
  /** Clock ticks after boot (/proc/PID/stat field 22). */
  startTime: string;
  bootId: string;
  /** Value of MARK in its environment. */
  mark: string;
}

interface Stat {
  pid: number;
  /** Name of the program, cut to 15 characters. */
  name: string;
  parent: number;
  group: number;
  isZombie: boolean;
  startTime: string;
}

function statOf(pid: number): Stat | null {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // The name (field 2) is in parentheses and may hold anything, also ") ".
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    return {
      pid,
      name: text.slice(text.indexOf('(') + 1, text.lastIndexOf(')')),
      parent: Number(fields[1]),
      group: Number(fields[2]),
      isZombie: fields[0] === 'Z' || fields[0] === 'X',
      startTime: fields[19]!,
    };
  } catch {
    return null;
  }
}

function bootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim();
  } catch {
    return '';
  }
}

/** null when the process is gone or the system has no /proc. */
export function processIdentity(pid: number, mark = ''): ProcessIdentity | null {
  const stat = statOf(pid);
  return stat && { pid, startTime: stat.startTime, bootId: bootId(), mark };
}

/** Does this very process still run (a zombie does not)? */
export function isSameProcess(identity: ProcessIdentity): boolean {
  const stat = statOf(identity.pid);
  return stat !== null && !stat.isZombie && stat.startTime === identity.startTime && bootId() === identity.bootId;
}

function allStats(): Stat[] {
  try {
    return readdirSync('/proc').filter((name) => /^\d+$/.test(name)).map((name) => statOf(Number(name)))
      .filter((stat) => stat !== null);
  } catch {
    return [];
  }
}

async function isMarked(pid: number, mark: string): Promise<boolean> {
  try {
    const environment = await readFile(`/proc/${pid}/environ`, 'latin1');
    return `\0${environment}`.includes(`\0${MARK}=${mark}\0`);
  } catch {
    return false; // another user's, or gone
  }
}

/**
 * All living processes that came from this one: itself, its group, its descendants, and whatever carries its mark although
 * it moved to another session or lost its parent. Never this process itself.
 */
export async function familyOf(identity: ProcessIdentity): Promise<ProcessIdentity[]> {
  if (identity.bootId !== bootId()) return [];
  const stats = allStats().filter((stat) => !stat.isZombie && stat.pid !== process.pid);
  const found = new Set<number>();
  if (identity.mark) {
    const marked = await Promise.all(stats.map((stat) => isMarked(stat.pid, identity.mark)));
    stats.forEach((stat, i) => marked[i] && found.add(stat.pid));
  }
  if (stats.some((stat) => stat.pid === identity.pid && stat.startTime === identity.startTime)) {
    found.add(identity.pid);
    for (const stat of stats) if (stat.group === identity.pid) found.add(stat.pid);
  }
  for (let before = -1; before !== found.size;) {
    before = found.size;
    for (const stat of stats) if (found.has(stat.parent)) found.add(stat.pid);
  }
  return stats.filter((stat) => found.has(stat.pid))
    .map((stat) => ({ pid: stat.pid, startTime: stat.startTime, bootId: identity.bootId, mark: '' }));
}

/** Paths of the files that programs of this name have open, without those of `except` and its children. */
export async function filesOpenBy(name: RegExp, except: number | null): Promise<Set<string>> {
  const programs = allStats().filter((stat) => name.test(stat.name) && stat.pid !== except && stat.parent !== except);
  const paths = await Promise.all(programs.map(async ({ pid }) => {
    const names = await readdir(`/proc/${pid}/fd`).catch(() => []);
    return await Promise.all(names.map((fd) => readlink(`/proc/${pid}/fd/${fd}`).catch(() => '')));
  }));
  return new Set(paths.flat());
}

/** Signals a process or, with a negative number, a group. false: there is none, or it is not ours. */
export function signal(pid: number, name: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, name);
  } catch {
    return false;
  }
}

/** Time between SIGTERM and SIGKILL for what a CLI left behind, ms. */
const LEFTOVER_TERM_MS = 500;
/** Looks at /proc this often while waiting, ms. */
const POLL_MS = 50;
/** Rounds of SIGKILL: whoever forks faster than it is killed is given up on after these. */
const KILL_ROUNDS = 20;

/**
 * Ends what is left of a process that we started, also in an earlier life of this server: SIGTERM, then SIGKILL.
 * @param known further processes seen to belong to it while it lived
 * @returns how many processes were found
 */
export async function endLeftover(
  identity: ProcessIdentity,
  options: { clock?: Clock; known?: ProcessIdentity[] } = {},
): Promise<number> {
  const { clock = systemClock, known = [] } = options;
  const living = async () => {
    const all = [...known.filter(isSameProcess), ...await familyOf(identity)];
    return [...new Map(all.map((one) => [one.pid, one])).values()];
  };
  const first = await living();
  for (const one of first) signal(one.pid, 'SIGTERM');
  const deadline = clock.monotonic() + LEFTOVER_TERM_MS;
  let left = first;
  while (left.length && clock.monotonic() < deadline) {
    await wait(clock, POLL_MS);
    left = left.filter(isSameProcess);
  }
  for (let round = 0; round < KILL_ROUNDS; round++) {
    left = await living();
    if (!left.length) break;
    for (const one of left) if (isSameProcess(one)) signal(one.pid, 'SIGKILL');
    await wait(clock, POLL_MS);
  }
  return first.length;
}

const wait = (clock: Clock, ms: number) => new Promise<void>((resolve) => void clock.setTimeout(resolve, ms));
