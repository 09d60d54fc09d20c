/**
 * Filters and merge drivers that only the repository's own settings define are not run (isolation.ts). A file that passes
 * through one must then not be written at all: without its filter git would commit what the filter encrypts, or leave
 * encrypted bytes in a checkout; without its driver git would merge what the driver protects.
 */
import type { Buffer } from 'node:buffer';
import { Failure } from '../../core/api/errors.ts';
import { git } from './git.ts';
import { names, nulJoined, splitNul } from './git-output.ts';
import type { Repository } from './repository.ts';

const HOW =
  'The server runs no program that a repository names. Do this with git in a terminal, or move the definition to ' +
  'your global settings (git config --global), which are followed.';

/** Throws Failure `filter_ignored` when one of the files passes through a filter that is not run. */
export async function refuseIgnoredFilters(at: Repository, paths: readonly Buffer[]): Promise<void> {
  const found = at.filters.length ? await pathsWith(at, paths, 'filter', (value) => at.filters.includes(value)) : [];
  if (!found.length) return;
  throw new Failure(
    'filter_ignored',
    `These files pass through a filter that only this repository's own settings define: ${names(found)}. ${HOW}`,
  );
}

/** Throws Failure `filter_ignored` when one of the files would be merged by a driver that is not run. */
export async function refuseIgnoredMergeDrivers(at: Repository, paths: readonly Buffer[]): Promise<void> {
  if (!at.mergeDrivers.length) return;
  const isDefault = at.defaultMergeDriver !== null && at.mergeDrivers.includes(at.defaultMergeDriver);
  const isIgnored = (value: string) => at.mergeDrivers.includes(value) || (isDefault && value === 'unspecified');
  const found = await pathsWith(at, paths, 'merge', isIgnored);
  if (!found.length) return;
  throw new Failure(
    'filter_ignored',
    `These files are merged by a driver that only this repository's own settings define: ${names(found)}. ${HOW}`,
  );
}

/** The paths whose attribute has such a value (gitattributes(5)). */
export async function pathsWith(
  at: Repository,
  paths: readonly Buffer[],
  attribute: string,
  isWanted: (value: string) => boolean,
): Promise<Buffer[]> {
  if (!paths.length) return [];
  const { stdout } = await git(at, ['check-attr', '-z', '--stdin', attribute], { input: nulJoined(paths) });
  const pieces = splitNul(stdout); // path, attribute, value
  const found: Buffer[] = [];
  for (let i = 0; i + 2 < pieces.length; i += 3) if (isWanted(pieces[i + 2]!.toString('utf8'))) found.push(pieces[i]!);
  return found;
}
