/**
 * Commits hunks that were chosen, with files that were chosen as a whole. The commit is built in an index of its own from the
 * commit that the hunks were shown against; the checkout is only read, and what was not chosen stays in it as it is.
 */
import { Buffer } from 'node:buffer';
import { randomUUID } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Failure } from '../../core/api/errors.ts';
import type { ChosenHunks } from '../../core/api/workspace.ts';
import { NONE, type ReadDiff, readDiffs } from './changes.ts';
import { git, GitError, gitText } from './git.ts';
import { nulJoined, splitNul } from './git-output.ts';
import { separableHunks } from './hunks.ts';
import { addPaths } from './patch.ts';
import { commitOf, type Repository } from './repository.ts';

/** Characters of a message's first line that the reflog gets. */
const MAX_REASON = 200;

interface Choice {
  message: string;
  /** Arguments that say who commits. */
  author: string[];
  /** Files as a whole. */
  files: Buffer[];
  hunks: readonly ChosenHunks[];
}

const gone = (path: string) =>
  new Failure(
    'changed',
    `A change of ${path} that was chosen is not there any more as it was shown. Look at the file again, then choose.`,
    { params: { path } },
  );

/** Returns the commit. Throws Failure `changed`, and commits nothing, when a hunk is not there any more as it was shown. */
export async function commitHunks(at: Repository, { message, author, files, hunks }: Choice): Promise<string> {
  const head = await commitOf(at, 'HEAD');
  if (!head) throw gone(hunks[0]!.path); // every file is new
  const patch = await patchOf(at, head, hunks);
  // In the data directory, which an agent in a sandbox does not reach.
  const index = join(at.env.GIT_COMMON_DIR!, `index.${randomUUID()}`);
  const env = { GIT_INDEX_FILE: index };
  try {
    await git(at, ['read-tree', head], { env });
    await addPaths(at, files, env);
    await applyTo(at, env, patch, hunks[0]!.path);
    const tree = await gitText(at, ['write-tree'], { env });
    const input = (await git(at, ['stripspace'], { input: message })).stdout; // as `git commit` has it
    const commit = await gitText(at, [...author, 'commit-tree', tree, '-p', head], { input });
    const { entries, paths } = await entriesOf(at, head, env);
    await stage(at, entries);
    await moveHead(at, { from: head, to: commit, message }).catch(async (error) => {
      await unstage(at, paths);
      throw error;
    });
    return commit;
  } finally {
    await Promise.all([index, `${index}.lock`].map((path) => rm(path, { force: true })));
  }
}

async function patchOf(at: Repository, head: string, chosen: readonly ChosenHunks[]): Promise<Buffer> {
  const paths = chosen.map(({ path }) => path);
  const diffs = await readDiffs({ at, from: head, seeded: NONE }, paths).catch((error) => {
    throw error instanceof Failure && error.code === 'no_change' ? gone(paths.join(', ')) : error;
  });
  return Buffer.concat(chosen.map((choice, i) => filePatch(choice, diffs[i]!)));
}

function filePatch({ path, ids }: ChosenHunks, { diff, output }: ReadDiff): Buffer {
  const { names, hunks } = separableHunks(diff, output);
  const wanted = new Set(ids);
  const found = hunks.filter(({ id }) => wanted.has(id));
  if (found.length !== wanted.size || !found.length) throw gone(path);
  return Buffer.from(names + found.map(({ text }) => text).join(''), 'latin1');
}

const applyTo = (at: Repository, env: Record<string, string>, input: Buffer, path: string) =>
  git(at, ['apply', '--cached', '--whitespace=nowarn', '-'], { env, input }).catch((error) => {
    throw error instanceof GitError && error.reason === 'failed' ? gone(path) : error;
  });

/** What the index of `env` has other than the commit, as `update-index --index-info` takes it. */
async function entriesOf(
  at: Repository,
  head: string,
  env: Record<string, string>,
): Promise<{ entries: Buffer; paths: Buffer[] }> {
  const args = ['diff-index', '--cached', '--raw', '--no-renames', '--no-abbrev', '-z', head, '--'];
  const pieces = splitNul((await git(at, args, { env })).stdout);
  const entries: Buffer[] = [];
  const paths: Buffer[] = [];
  for (let i = 0; i + 1 < pieces.length; i += 2) { // ":100644 100644 a b M" NUL path; mode 0: removed
    const [, mode, , hash] = pieces[i]!.toString('latin1').split(' ');
    entries.push(Buffer.from(`${mode} ${hash}\t`), pieces[i + 1]!, Buffer.of(0));
    paths.push(pieces[i + 1]!);
  }
  return { entries: Buffer.concat(entries), paths };
}

/** Before the branch moves: a server that ends in between leaves something staged, and no change that nobody made. */
const stage = (at: Repository, input: Buffer) =>
  git(at, ['update-index', '--add', '--replace', '-z', '--index-info'], { input });

/** As the last commit has it: what was staged is of an older one, and would take back what that brought. */
const unstage = (at: Repository, paths: Buffer[]) =>
  git(at, ['reset', '--quiet', 'HEAD', '--pathspec-from-file=-', '--pathspec-file-nul'], { input: nulJoined(paths) });

/** Only from the commit that was looked at: the agent may commit meanwhile. */
async function moveHead(
  at: Repository,
  { from, to, message }: { from: string; to: string; message: string },
): Promise<void> {
  const reason = `commit: ${message.trim().split('\n', 1)[0]!.slice(0, MAX_REASON)}`;
  await git(at, ['update-ref', '-m', reason, 'HEAD', to, from]).catch((error) => {
    const isMoved = error instanceof GitError && /but expected/.test(error.stderr);
    throw isMoved ? new Failure('changed', 'Something else was committed meanwhile. Look again, then commit.') : error;
  });
}
