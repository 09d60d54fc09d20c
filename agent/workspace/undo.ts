/** Undoes one hunk of what an agent changed, in its worktree. */
import { Buffer } from 'node:buffer';
import { Failure } from '../../core/api/errors.ts';
import { groundOf, type Place, readDiff } from './changes.ts';
import { git, GitError } from './git.ts';
import { separableHunks } from './hunks.ts';
import { refuseIgnoredFilters } from './ignored-drivers.ts';
import { withRepository } from './repository-lock.ts';

const gone = () =>
  new Failure('changed', 'This change is not there any more as it was shown. Look at the file again, then undo it.');

/**
 * The lines of the hunk become again what the base has; the rest of the file stays. Throws Failure `changed` when the file's
 * diff has no such hunk any more, or the agent writes the file meanwhile.
 */
export async function undoHunk(place: Place, path: string, id: string): Promise<void> {
  if (!place.worktree) {
    throw new Failure(
      'no_worktree',
      'This agent works in the folder itself, where changes may be your own: undo them with git.',
    );
  }
  const ground = await groundOf(place);
  await withRepository(ground.at.common, async () => {
    const { diff, output } = await readDiff(ground, path);
    const { names, hunks } = separableHunks(diff, output);
    const hunk = hunks.find((entry) => entry.id === id);
    if (!hunk) throw gone();
    await refuseIgnoredFilters(ground.at, [Buffer.from(path)]);
    const input = Buffer.from(names + hunk.text, 'latin1');
    await git(ground.at, ['apply', '--reverse', '--whitespace=nowarn', '-'], { input }).catch((error) => {
      throw error instanceof GitError && error.reason === 'failed' ? gone() : error;
    });
  });
}
