/**
 * CLIs that a previous run of this server started and never put on record because it was killed in between, and what they
 * started: found by a variable that all of them inherit.
 */
import type { Log } from '../../core/log.ts';
import { DATA_DIRECTORY_MARK } from './environment.ts';
import type { ProcessIdentity } from './identity.ts';
import { type FamilyMember, familyOf, killFamily } from './process-tree.ts';

/**
 * Ends every process of this data directory; findFamily() says what is spared, and so are the holders that live with all that they
 * hold. The caller holds the directory's lock.
 */
export async function killOrphans(
  dataDir: string,
  log?: Log,
  holders: readonly ProcessIdentity[] = [],
): Promise<FamilyMember[]> {
  const spared = (await Promise.all(holders.map(familyOf))).flat();
  return await killFamily({ root: null, variable: `${DATA_DIRECTORY_MARK}=${dataDir}` }, { log, spared });
}
