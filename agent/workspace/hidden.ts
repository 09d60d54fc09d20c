/**
 * Files that git was told not to look at (`update-index --assume-unchanged`, `--skip-worktree`): what was changed in them is in
 * no status and no commit.
 */
import { Buffer } from 'node:buffer';
import { copyFile, lstat, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readFileList } from './file-list.ts';
import { git } from './git.ts';
import { nulJoined, splitNul } from './git-output.ts';
import type { Repository } from './repository.ts';

/** Most such files that are looked at; with more it cannot be said that present is nothing. */
const MAX_HIDDEN = 100_000;

/** The hidden files whose content is not that of the index. Throws when it cannot be found out. */
export async function hiddenChanges(at: Repository): Promise<Buffer[]> {
  const flagged = await flaggedFiles(at);
  const present: Buffer[] = [];
  // A file of a sparse checkout that is not present is as it should be.
  for (const { path, isSkipped } of flagged) if (!isSkipped || await exists(at.top, path)) present.push(path);
  if (!present.length) return [];
  const directory = await mkdtemp(join(tmpdir(), 'agent-monitor-index-'));
  try {
    // A copy of the index, in which the files are shown: the agent's index stays as it is.
    const env = { GIT_INDEX_FILE: join(directory, 'index') };
    await copyFile(join(at.gitDir, 'index'), env.GIT_INDEX_FILE);
    const input = nulJoined(present);
    for (const flag of ['--no-assume-unchanged', '--no-skip-worktree']) {
      await git(at, ['update-index', '-z', flag, '--stdin'], { input, env });
    }
    await git(at, ['update-index', '-q', '--refresh'], { env, codes: [1] });
    const { stdout } = await git(at, ['diff-files', '--name-only', '--ignore-submodules=dirty', '-z'], { env });
    const changed = new Set(splitNul(stdout).map((path) => path.toString('latin1')));
    return present.filter((path) => changed.has(path.toString('latin1')));
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

const exists = (top: string, path: Buffer) =>
  lstat(Buffer.concat([Buffer.from(`${top}/`), path])).then(() => true, () => false);

interface Flagged {
  path: Buffer;
  isSkipped: boolean;
}

/** Entries are "H path": a small letter means assume-unchanged, S means skip-worktree. */
const flaggedFiles = async (at: Repository): Promise<Flagged[]> =>
  (await readFileList(at, ['ls-files', '-v', '-z'], isFlagged, MAX_HIDDEN)).map((entry) => ({
    path: entry.subarray(2),
    isSkipped: entry[0] === 0x53 || entry[0] === 0x73,
  }));

const isFlagged = ([tag = 0]: Uint8Array) => tag === 0x53 || (tag >= 0x61 && tag <= 0x7a);
