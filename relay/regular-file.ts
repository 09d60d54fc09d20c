/** Files that the relay renames and replaces: regular ones and nothing else, whatever a setting names. */
import { lstatSync, type Stats } from 'node:fs';

/**
 * Throws a sentence when there is something else at `file`: a pipe would be waited for, a device or a link would be replaced,
 * as root anybody's.
 */
export function checkRegularFile(file: string): void {
  let stats: Stats;
  try {
    stats = lstatSync(file);
  } catch {
    return; // It is not there, or cannot be looked at: then it cannot be replaced either.
  }
  if (stats.isFile()) return;
  throw new Error(`${file} is ${kindOf(stats)}: name a regular file, or one that is not there yet`);
}

function kindOf(stats: Stats): string {
  if (stats.isDirectory()) return 'a directory';
  if (stats.isSymbolicLink()) return 'a symbolic link';
  if (stats.isFIFO()) return 'a pipe';
  return stats.isSocket() ? 'a socket' : 'a device';
}
