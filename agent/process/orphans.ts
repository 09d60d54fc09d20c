/**
 * CLIs that a previous run of this server started and never put on record because it was killed in between, and what they
 * started: found by a variable that all of them inherit.
 */
import type { Log } from '../../core/log.ts';
import { DATA_DIRECTORY_MARK } from './environment.ts';
import { type FamilyMember, killFamily } from './process-tree.ts';

/** Ends every process of this data directory; findFamily() says what is spared. The caller holds the directory's lock. */
export function killOrphans(dataDir: string, log?: Log): Promise<FamilyMember[]> {
  return killFamily({ root: null, variable: `${DATA_DIRECTORY_MARK}=${dataDir}` }, { log });
}
