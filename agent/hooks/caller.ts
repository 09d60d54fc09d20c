/** Whether a process was started by another one, however far above it. */
import { isSameProcess, type ProcessIdentity } from '../process/identity.ts';
import { readStat } from '../process/proc-table.ts';

/** A hook is run by a shell at most; more than this is no hook of the program. */
const MAX_ANCESTORS = 8;

/** @param parentOf for tests */
export function descendsFrom(
  pid: number,
  ancestors: readonly ProcessIdentity[],
  parentOf = (child: number): number => readStat(child)?.parent ?? 0,
): boolean {
  let at = pid;
  for (let i = 0; i < MAX_ANCESTORS && at > 1; i++) {
    at = parentOf(at);
    const found = ancestors.find((ancestor) => ancestor.pid === at);
    if (found) return isSameProcess(found);
  }
  return false;
}
