/**
 * Who writes a thread: Codex holds a lock (flock) on <CODEX_HOME>/thread-writer-locks/<thread>.lock from when a thread is loaded
 * until it is unloaded, and removes the file then. A process that was killed leaves the file, without the lock.
 */
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { readStat } from '../../process/proc-table.ts';

export interface ThreadWriter {
  /** null where the system does not tell. */
  pid: number | null;
}

const THREAD = /^[\w-]{1,100}$/;
/** Processes between a CLI and what it was started by. */
const MAX_PARENTS = 6;

/** @returns null: nobody writes it */
export function threadWriter(home: string, threadId: string, locksFile = '/proc/locks'): ThreadWriter | null {
  if (!THREAD.test(threadId)) return null;
  try {
    const { ino } = statSync(join(home, 'thread-writer-locks', `${threadId}.lock`));
    return ownerOf(ino, locksFile);
  } catch {
    return null;
  }
}

/** `1: FLOCK  ADVISORY  WRITE 1234 fe:01:5678 0 EOF` (proc_locks(5)) */
function ownerOf(inode: number, locksFile: string): ThreadWriter | null {
  let table;
  try {
    table = readFileSync(locksFile, 'latin1');
  } catch {
    return { pid: null }; // no Linux: the file is all there is to go by
  }
  for (const line of table.split('\n')) {
    const found = /^\d+: FLOCK +ADVISORY +WRITE +(-?\d+) [0-9a-f]+:[0-9a-f]+:(\d+) /.exec(line);
    if (found && Number(found[2]) === inode) return { pid: Number(found[1]) > 0 ? Number(found[1]) : null };
  }
  return null;
}

/** Whether the process is one of these, or was started by one. */
export function isBelow(pid: number, ancestors: readonly number[]): boolean {
  for (let at = pid, depth = 0; at > 1 && depth < MAX_PARENTS; depth++) {
    if (ancestors.includes(at)) return true;
    at = readStat(at)?.parent ?? 0;
  }
  return false;
}
