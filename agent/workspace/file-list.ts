/** Reads git's list of all files of a checkout, which may be very long. */
import { Buffer } from 'node:buffer';
import { endGit, GitError, startGit, type Where } from './git.ts';
import { splitNul } from './git-output.ts';

/** A list that takes longer is given up. */
const LIST_MS = 120_000;

/**
 * The entries of a `-z` list for which `isWanted` is true; only those are retained. Throws GitError, and an Error when there
 * are more than `limit`.
 */
export async function readFileList(
  at: Where,
  args: readonly string[],
  isWanted: (entry: Buffer) => boolean,
  limit: number,
): Promise<Buffer[]> {
  const child = startGit(at, args);
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  ended.catch(() => {}); // awaited below
  child.stdin!.on('error', () => {});
  child.stdin!.end();
  child.stderr!.resume();
  const timer = setTimeout(() => endGit(child), LIST_MS);
  try {
    const found = await wantedEntries(child.stdout!, isWanted, limit);
    const code = await ended;
    if (code !== 0) throw new GitError('failed', `git ${args[0]} ended with code ${code}.`, code);
    return found;
  } catch (error) {
    endGit(child);
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

async function wantedEntries(
  output: AsyncIterable<Buffer>,
  isWanted: (entry: Buffer) => boolean,
  limit: number,
): Promise<Buffer[]> {
  const found: Buffer[] = [];
  let rest = Buffer.alloc(0);
  for await (const chunk of output) {
    const bytes = Buffer.concat([rest, chunk]);
    const end = bytes.lastIndexOf(0) + 1;
    // Copies: a view would keep the whole chunk in memory.
    for (const entry of splitNul(bytes.subarray(0, end))) if (isWanted(entry)) found.push(Buffer.from(entry));
    rest = Buffer.from(bytes.subarray(end));
    if (found.length > limit) throw new Error(`it has more than ${limit} files that have to be looked at.`);
  }
  return found;
}
