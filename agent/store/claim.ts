/** The data folder at the start: made and locked; or, on a disk that cannot be written, used as far as it can be read. */
import { ensureFolder } from './files.ts';
import { lockFolder, refuseIfInUse } from './lock.ts';

/** What a disk says that is read-only, full, damaged, or not ours to change. */
const UNWRITABLE = new Set(['EROFS', 'EACCES', 'EPERM', 'ENOSPC', 'EDQUOT', 'EIO']);

export interface Claim {
  /** Why nothing can be kept, a sentence for people; '' when all is well. */
  problem: string;
  release(): void;
}

/**
 * Throws a sentence when another server uses the folder, or when it must not be used at all (another user's, a link).
 * A folder that cannot be written is no reason to leave the machine unreachable: what it holds can be seen from afar, and
 * whoever looks is told.
 */
export function claimFolder(path: string): Claim {
  refuseIfInUse(path);
  try {
    ensureFolder(path);
    return { problem: '', release: lockFolder(path) };
  } catch (error) {
    if (!isUnwritable(error)) throw error;
    const why = (error as Error).message;
    return {
      problem:
        `The data folder ${path} cannot be written (${why}). Nothing is saved, so no agent can be started and no ` +
        'message sent, until that is mended and the server started again.',
      release() {},
    };
  }
}

/** Like ensureFolder, but leaves it to a later write to fail where the disk cannot be written. */
export function ensureFolderIfWritable(path: string): void {
  try {
    ensureFolder(path);
  } catch (error) {
    if (!isUnwritable(error)) throw error;
  }
}

const isUnwritable = (error: unknown): boolean => UNWRITABLE.has((error as { code?: string }).code ?? '');
