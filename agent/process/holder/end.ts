/** Ends the holders of a data directory without a server: what they hold, and themselves. */
import { type Clock, pause, systemClock } from '../../../core/clock.ts';
import { isSameProcess, signal } from '../identity.ts';
import { killProcessTree } from '../process-tree.ts';
import { endRecordedSession } from '../session-end.ts';
import { holderDirectory, type HolderRecord, readRecords, removeRecord } from './records.ts';

/** How long a holder may take to end what it holds, and how often is looked, ms. */
const END_MS = 10_000;
const LOOK_MS = 25;

/** Resolves when none of this data directory is left. @returns those that ran */
export async function endHolders(dataDir: string, clock: Clock = systemClock): Promise<HolderRecord[]> {
  const directory = holderDirectory(dataDir);
  const records = readRecords(directory);
  const running = records.filter(({ process }) => process !== null && isSameProcess(process));
  await Promise.all(records.map((record) => end(directory, record, clock)));
  return running;
}

async function end(directory: string, record: HolderRecord, clock: Clock): Promise<void> {
  const lives = () => record.process !== null && isSameProcess(record.process);
  if (lives()) signal(record.pid, 'SIGTERM');
  for (const deadline = clock.monotonic() + END_MS; lives() && clock.monotonic() < deadline;) {
    await pause(clock, LOOK_MS);
  }
  if (lives()) signal(record.pid, 'SIGKILL');
  await endRecordedSession(record.child);
  if (record.process) await killProcessTree(record.process, { clock });
  removeRecord(directory, record.id);
}
