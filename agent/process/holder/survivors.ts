/** At the server's start: which holders of before live, and the end of what dead ones left. */
import process from 'node:process';
import type { Log } from '../../../core/log.ts';
import { isSameProcess } from '../identity.ts';
import { killProcessTree } from '../process-tree.ts';
import { endRecordedSession } from '../session-end.ts';
import { holderDirectory, type HolderRecord, readRecords, removeRecord, sweepRemains } from './records.ts';

export interface Survivors {
  living: HolderRecord[];
  /** Holders that have died, with what they held. */
  dead: HolderRecord[];
}

/**
 * The records of the holders that live. A holder that is dead (it was killed, or the machine was restarted) is taken off the record,
 * and what it held is ended with its group.
 */
export async function findSurvivors(dataDir: string, log: Log, now: number): Promise<Survivors> {
  const directory = holderDirectory(dataDir);
  const found: Survivors = { living: [], dead: [] };
  const remains = sweepRemains(directory, now);
  if (remains) log.warn('removed files of holders that are on no record', { count: remains });
  await Promise.all(
    readRecords(directory).map(async (record) => {
      // A copy of a data directory: the holders are those of the other one.
      if (record.directory !== directory) return removeRecord(directory, record.id);
      if (isAlive(record)) return void found.living.push(record);
      found.dead.push(record);
      let ended = await endRecordedSession(record.child);
      if (record.process) ended += (await killProcessTree(record.process, { log })).length;
      removeRecord(directory, record.id);
      log.warn('the holder of a program was gone', { id: record.id, kind: record.kind, ended });
    }),
  );
  return found;
}

/** Where there is no /proc a number alone may be another's: whoever answers on the socket then proves itself. */
function isAlive({ pid, process: identity }: HolderRecord): boolean {
  if (identity) return isSameProcess(identity);
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
