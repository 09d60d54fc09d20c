/**
 * One server per data directory: a lock file that its holder touches every BEAT_MS. A process is looked up only where that
 * proves something: in the same boot and PID namespace. Everybody else (another container, another machine on shared storage, a
 * lock that is damaged) is watched: a lock that is touched is held, whatever its text says.
 */
import { randomUUID } from 'node:crypto';
import { linkSync, readlinkSync, renameSync, statSync, unlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { pick, string } from '../../core/api/schema.ts';
import { type Clock, pause, systemClock, type Timer } from '../../core/clock.ts';
import { isSameProcess, parseProcessIdentity, type ProcessIdentity, processIdentity } from '../process/identity.ts';
import { readWhole } from './atomic-file.ts';

const MAX_LOCK = 4096;
/** How often the holder touches its lock, ms. */
export const BEAT_MS = 2000;
/** A lock that was not touched for so long while it was watched is nobody's, ms. */
export const WATCH_MS = 3.5 * BEAT_MS;
const LOOK_MS = 250;

/** The directory is in use, or whether it is cannot be found out: the sentence says what to do. */
export class LockedError extends Error {}

interface LockRecord extends ProcessIdentity {
  /** PID namespace of the holder: its pid means nothing in another one. */
  namespace: string;
  /** Of this holder alone. Locks of earlier versions have none: their holder does not touch them. */
  instance: string;
}

export interface LockOptions {
  clock?: Clock;
  /** Another server has taken the lock although this one runs: it was stopped, or its disk away, for longer than WATCH_MS. */
  onLost?: () => void;
}

/** A lock file as it was seen. `record` null: damaged. */
interface Sight {
  record: LockRecord | null;
  /** Changes with every touch and every other holder. */
  mark: string;
}

const lockPath = (directory: string) => join(directory, 'lock');

/** Rejects with LockedError when a running server uses the directory. Writes nothing. */
export async function refuseIfInUse(directory: string, { clock = systemClock }: LockOptions = {}): Promise<void> {
  const seen = look(lockPath(directory));
  if (seen && await isHeld(lockPath(directory), seen, clock)) throw inUse(directory, seen.record);
}

/** The process that holds the directory, where the process table proves it. Throws LockedError when the lock cannot be read. */
export function lockHolder(directory: string): ProcessIdentity | null {
  const record = look(lockPath(directory))?.record;
  return record && holderState(record) === 'alive' ? record : null;
}

/** Takes the lock and holds it. @returns the release. Rejects with LockedError. */
export async function lockDirectory(directory: string, options: LockOptions = {}): Promise<() => void> {
  const { clock = systemClock, onLost = () => {} } = options;
  const path = lockPath(directory);
  const record = ownRecord();
  const mine = `${path}.${record.instance}`;
  writeFileSync(mine, JSON.stringify(record), { mode: 0o600, flag: 'wx', flush: true });
  try {
    while (!isLinked(mine, path)) await removeStale(path, directory, clock);
  } finally {
    unlink(mine);
  }
  return hold(path, record.instance, clock, onLost);
}

function ownRecord(): LockRecord {
  const identity = processIdentity(process.pid) ?? { pid: process.pid, startTime: '', bootId: '', mark: '' };
  return { ...identity, namespace: pidNamespace(), instance: randomUUID() };
}

function pidNamespace(): string {
  try {
    return readlinkSync('/proc/self/ns/pid');
  } catch {
    return '';
  }
}

/** Touches the lock until it is released or somebody else's. */
function hold(path: string, instance: string, clock: Clock, onLost: () => void): () => void {
  let timer: Timer | null = null;
  const isMine = () => look(path)?.record?.instance === instance;
  const beat = () => {
    try {
      if (!isMine()) return onLost();
      const now = new Date();
      utimesSync(path, now, now);
    } catch { /* a disk that cannot be written: the next beat may succeed */ }
    schedule();
  };
  const schedule = () => {
    timer = clock.setTimeout(beat, BEAT_MS);
    (timer as { unref?: () => void }).unref?.();
  };
  schedule();
  return () => {
    clock.clearTimeout(timer);
    try {
      if (isMine()) unlink(path);
    } catch { /* it cannot be read: it is left to whoever comes next */ }
  };
}

/** link() makes the name only if it is not there: of two servers that start together one gets it. */
function isLinked(mine: string, path: string): boolean {
  try {
    linkSync(mine, path);
    return true;
  } catch (error) {
    if ((error as { code?: string }).code === 'EEXIST') return false;
    throw error;
  }
}

async function removeStale(path: string, directory: string, clock: Clock): Promise<void> {
  const seen = look(path);
  if (!seen) return;
  if (await isHeld(path, seen, clock)) throw inUse(directory, seen.record);
  // Moved before it is removed: should another server have taken the lock since we looked, it gets it back.
  const moved = `${path}.stale-${randomUUID()}`;
  try {
    renameSync(path, moved);
  } catch {
    return; // already taken away by another
  }
  if (look(moved)?.mark === seen.mark) return unlink(moved);
  renameSync(moved, path);
  throw inUse(directory, look(path)?.record ?? null);
}

/** null: there is no lock. Throws LockedError when it cannot be read: then nothing is known, and nothing may be done. */
function look(path: string): Sight | null {
  try {
    const bytes = readWhole(path, MAX_LOCK);
    if (!bytes) return null;
    const { mtimeMs, ino } = statSync(path);
    return { record: parseLock(bytes.toString()), mark: `${ino} ${mtimeMs} ${bytes}` };
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return null;
    throw new LockedError(
      `The lock ${path} cannot be read (${message}), so whether another server uses the folder is not known. ` +
        'Make it readable, or delete it if no other server runs.',
    );
  }
}

function parseLock(text: string): LockRecord | null {
  try {
    const value: unknown = JSON.parse(text);
    const identity = parseProcessIdentity(value, 'lock');
    const own = pick<Pick<LockRecord, 'namespace' | 'instance'>>(value, { namespace: string, instance: string });
    return { namespace: '', instance: '', ...identity, ...own };
  } catch {
    return null;
  }
}

/** Whether the lock is held; watches it for WATCH_MS where the process table proves nothing. */
async function isHeld(path: string, seen: Sight, clock: Clock): Promise<boolean> {
  const state = seen.record ? holderState(seen.record) : 'unknown';
  if (state !== 'unknown') return state === 'alive';
  for (let waited = 0; waited < WATCH_MS; waited += LOOK_MS) {
    await pause(clock, LOOK_MS);
    const now = look(path);
    if (!now) return false;
    if (now.mark !== seen.mark) return true;
  }
  return false;
}

/** What the process table proves about the holder. */
function holderState(record: LockRecord): 'alive' | 'gone' | 'unknown' {
  if (!record.instance) return oldHolderState(record);
  const { bootId, namespace } = ownRecord();
  const isHere = namespace !== '' && record.bootId === bootId && record.namespace === namespace;
  return isHere ? processState(record) : 'unknown';
}

/** Earlier versions do not touch their lock: watching it proves nothing, so the process table has to. */
function oldHolderState(record: LockRecord): 'alive' | 'gone' | 'unknown' {
  if (record.startTime === '') return record.pid !== process.pid && isThere(record.pid) ? 'alive' : 'gone';
  return record.bootId === ownRecord().bootId ? processState(record) : 'gone';
}

function processState(record: LockRecord): 'alive' | 'gone' | 'unknown' {
  if (!isThere(record.pid)) return 'gone';
  // There is such a process. It may be a later one with that number, but only its start time proves that.
  if (!processIdentity(record.pid)) return 'unknown';
  return isSameProcess(record) ? 'alive' : 'gone';
}

/** Asked of the kernel without a file descriptor, and of processes too that /proc hides (hidepid). */
function isThere(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as { code?: string }).code !== 'ESRCH';
  }
}

const inUse = (directory: string, record: LockRecord | null): LockedError =>
  new LockedError(
    `Another server (${record ? `pid ${record.pid}` : 'its pid is not known'}) uses the data folder ${directory}: ` +
      'stop it, or set DATA_DIR to another folder.',
  );

function unlink(path: string): void {
  try {
    unlinkSync(path);
  } catch { /* not there */ }
}
