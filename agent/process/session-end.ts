/** Ends a PTY's whole session, as a closed window does. */
import process from 'node:process';
import { isSameProcess, type ProcessIdentity, signal } from './identity.ts';
import { bootId, readStats } from './proc-table.ts';

/** How long to wait after SIGHUP and after SIGKILL, and how often to look whether the session has ended, ms. */
export const HANGUP_MS = 1500;
const KILL_MS = 500;
const LOOK_MS = 25;

/** SIGHUP to all of the session, and after HANGUP_MS SIGKILL to what is left of it. */
export async function endSession(leader: number): Promise<void> {
  const end = async (name: NodeJS.Signals, waitMs: number) => {
    const deadline = performance.now() + waitMs;
    const sent = new Set<number>();
    // A process may be forked between a look and its signals: the next look finds it.
    for (let left = sessionOf(leader); left.length && performance.now() < deadline; left = sessionOf(leader)) {
      for (const pid of left.filter((pid) => !sent.has(pid))) signal(pid, name);
      for (const pid of left) sent.add(pid);
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    }
  };
  await end('SIGHUP', HANGUP_MS);
  await end('SIGKILL', KILL_MS);
}

/** The same for a leader that was put on record: its number may be another's by now, unless one of its session lives. */
export async function endRecordedSession(leader: ProcessIdentity | null): Promise<number> {
  if (!leader || leader.bootId !== bootId()) return 0;
  const members = sessionOf(leader.pid);
  // A session's number is not used again while one of its processes lives (setsid(2)): without its leader it is the old one.
  if (!members.length || (members.includes(leader.pid) && !isSameProcess(leader))) return 0;
  await endSession(leader.pid);
  return members.length;
}

/** The living processes of a session; without /proc only its leader is known. */
export function sessionOf(leader: number): number[] {
  const stats = readStats();
  if (!stats.length) return isThere(leader) ? [leader] : [];
  return stats.filter(({ session, isZombie }) => session === leader && !isZombie).map(({ pid }) => pid);
}

function isThere(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
