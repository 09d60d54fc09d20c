/**
 * CLIs that a previous run of this server started and never put on record because it was killed in between, and what they
 * started: found by a variable that all of them inherit.
 */
import process from 'node:process';
import type { Log } from '../../core/log.ts';
import { DATA_DIRECTORY_MARK } from './environment.ts';
import type { ProcessIdentity } from './identity.ts';
import { type FamilyMember, familyOf, killFamily } from './process-tree.ts';

/**
 * Ends every process of this data directory; findFamily() says what is spared, and so are the holders that live with all that they
 * hold. The caller holds the directory's lock. Where there is no /proc nothing can be found: people are warned.
 */
export async function killOrphans(
  dataDir: string,
  log?: Log,
  holders: readonly ProcessIdentity[] = [],
  platform: string = process.platform,
): Promise<FamilyMember[]> {
  if (platform !== 'linux') log?.warn(notFound(platform));
  const spared = (await Promise.all(holders.map(familyOf))).flat();
  return await killFamily({ root: null, variable: `${DATA_DIRECTORY_MARK}=${dataDir}` }, { log, spared });
}

const notFound = (platform: string) =>
  `${platform} does not show what a previous run of this server started: if it was killed, look with "ps" for programs of agents ` +
  'that still run, and end them.';
