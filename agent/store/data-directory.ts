/** Opens the data directory at the start: makes and locks it; on a disk that cannot be written, only reads it. */
import { ensureDirectory } from './atomic-file.ts';
import { lockDirectory, type LockOptions, refuseIfInUse } from './lock.ts';

/** What a disk says that is read-only, full, damaged, or not ours to change. */
const UNWRITABLE = new Set(['EROFS', 'EACCES', 'EPERM', 'ENOSPC', 'EDQUOT', 'EIO']);

export interface DataDirectory {
  /** Why nothing can be saved, a sentence for people; '' when it can. */
  problem: string;
  release(): void;
}

/**
 * Rejects with a sentence when another server uses the directory, or when it must not be used at all (another user's, a link).
 * A directory that cannot be written is no reason to leave the machine unreachable: what it holds can be seen from afar, with
 * a warning.
 */
export async function openDataDirectory(path: string, options: LockOptions = {}): Promise<DataDirectory> {
  try {
    ensureDirectory(path);
    return { problem: '', release: await lockDirectory(path, options) };
  } catch (error) {
    if (!isUnwritable(error)) throw error;
    await refuseIfInUse(path, options);
    const why = (error as Error).message;
    return {
      problem:
        `The data folder ${path} cannot be written (${why}). Nothing is saved, so no agent can be started and no ` +
        'message sent, until that is mended and the server started again.',
      release() {},
    };
  }
}

/** Like ensureDirectory, but leaves it to a later write to fail where the disk cannot be written. */
export function ensureDirectoryIfWritable(path: string): void {
  try {
    ensureDirectory(path);
  } catch (error) {
    if (!isUnwritable(error)) throw error;
  }
}

const isUnwritable = (error: unknown): boolean => UNWRITABLE.has((error as { code?: string }).code ?? '');
