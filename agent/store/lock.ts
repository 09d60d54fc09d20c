/** One server per data folder: a lock file that names the process, recognised as stale when that process is gone. */
import { linkSync, renameSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { isSameProcess, type ProcessIdentity, processIdentity, signal } from '../provider/proc.ts';
import { readWhole } from './files.ts';

const LOCK_LIMIT = 4096;

/** The folder is in use: the sentence says by which process. */
export class LockedError extends Error {}

/** Throws LockedError when a running server uses the folder. Writes nothing. */
export const refuseIfInUse = (folder: string): void => refuseIfAlive(holder(lockPath(folder)), folder);

const lockPath = (folder: string) => join(folder, 'lock');

/** Takes the lock. @returns the release. Throws LockedError. */
export function lockFolder(folder: string): () => void {
  const path = lockPath(folder);
  const mine = `${path}.${process.pid}`;
  const identity = processIdentity(process.pid) ?? { pid: process.pid, startTime: '', bootId: '', mark: '' };
  unlink(mine);
  writeFileSync(mine, JSON.stringify(identity), { mode: 0o600, flag: 'wx' });
  try {
    while (!linked(mine, path)) removeStale(path, folder);
  } finally {
    unlink(mine);
  }
  return () => {
    if (holder(path)?.startTime === identity.startTime && holder(path)?.pid === identity.pid) unlink(path);
  };
}

/** link() makes the name only if it is not there: of two servers that start together one gets it. */
function linked(mine: string, path: string): boolean {
  try {
    linkSync(mine, path);
    return true;
  } catch (error) {
    if ((error as { code?: string }).code === 'EEXIST') return false;
    throw error;
  }
}

function removeStale(path: string, folder: string): void {
  refuseIfAlive(holder(path), folder);
  // Moved before it is removed: should another server have taken the lock since we looked, it gets it back.
  const moved = `${path}.stale-${process.pid}`;
  try {
    renameSync(path, moved);
  } catch {
    return; // already taken away by another
  }
  const found = holder(moved);
  if (found && isAlive(found)) renameSync(moved, path);
  else unlink(moved);
  refuseIfAlive(found, folder);
}

function refuseIfAlive(found: ProcessIdentity | null, folder: string): void {
  if (!found || !isAlive(found)) return;
  throw new LockedError(
    `Another server (pid ${found.pid}) uses the data folder ${folder}: stop it, or set DATA_DIR to another folder.`,
  );
}

const isAlive = (found: ProcessIdentity): boolean =>
  found.startTime ? isSameProcess(found) : found.pid !== process.pid && signal(found.pid, 0 as never);

function holder(path: string): ProcessIdentity | null {
  try {
    const value = JSON.parse(readWhole(path, LOCK_LIMIT)?.toString() ?? 'null');
    return typeof value?.pid === 'number' ? value : null;
  } catch {
    return null;
  }
}

function unlink(path: string): void {
  try {
    unlinkSync(path);
  } catch { /* not there */ }
}
