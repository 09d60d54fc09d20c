/** All changes of a place as one patch. */
import type { Buffer } from 'node:buffer';
import { copyFile, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { groundOf, type Place, PLAIN_DIFF } from './changes.ts';
import { endGit, git, GitError, gitText, startGit } from './git.ts';
import { nulJoined } from './git-output.ts';
import { readSeededFiles } from './seeded-files.ts';
import { type Repository, statusOf } from './repository.ts';

/**
 * All changes as one patch that `git apply` takes, with new and binary files. The stream ends with an error when git fails.
 * `close` must be called when it is no longer read.
 */
export async function openPatch(place: Place): Promise<{ stream: Readable; close(): Promise<void> }> {
  const { at, from } = await groundOf(place);
  const directory = await mkdtemp(join(tmpdir(), 'agent-monitor-patch-'));
  const close = () => rm(directory, { recursive: true, force: true });
  try {
    const env = await scratch(at, directory);
    await addAll(at, env);
    const base = from ?? await gitText(at, ['hash-object', '-t', 'tree', '/dev/null']);
    const child = startGit(at, ['diff', '--cached', ...PLAIN_DIFF, '--binary', base, '--'], env);
    child.stdin!.end();
    child.stderr!.resume();
    const stream = child.stdout!;
    child.once('error', (error) => stream.destroy(error));
    child.once('exit', (code) => code !== 0 && stream.destroy(new Error(`git diff ended with code ${code}`)));
    return {
      stream,
      close: async () => {
        endGit(child);
        await close();
      },
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/**
 * Variables by which git writes nothing into the repository: the index is a copy, to which new files are added, and their
 * objects (with those of Git LFS) go to `directory`, while the repository's own are read as alternates.
 */
async function scratch(at: Repository, directory: string): Promise<Record<string, string>> {
  const index = join(directory, 'index');
  await copyFile(join(at.gitDir, 'index'), index).catch(() => {}); // no index: nothing was ever added
  await mkdir(join(directory, 'objects'));
  return {
    GIT_INDEX_FILE: index,
    GIT_OBJECT_DIRECTORY: join(directory, 'objects'),
    GIT_ALTERNATE_OBJECT_DIRECTORIES: quoted(join(at.common, 'objects')),
    GIT_CONFIG_COUNT: '1',
    GIT_CONFIG_KEY_0: 'lfs.storage',
    GIT_CONFIG_VALUE_0: join(directory, 'lfs'),
  };
}

/** The end of a repository inside, as git status lists it. */
const SLASH = 0x2f;

/** An entry of a list separated by colons, as git unquotes it. */
const quoted = (path: string) => `"${path.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')}"`;

async function addAll(at: Repository, env: Record<string, string>): Promise<void> {
  const seeded = await readSeededFiles(at);
  const paths = (await statusOf(at)).map((entry) => entry.path).filter((path) => !seeded.isUnchanged(path));
  await addPaths(at, paths, env);
}

/**
 * Puts exactly these files into the index, whatever their names; removed files are removed from it. By `update-index`, since
 * `git add` starts a git in each submodule among them, which follows the submodule's settings.
 */
export async function addPaths(at: Repository, paths: Buffer[], env: Record<string, string> = {}): Promise<void> {
  if (!paths.length) return;
  const input = nulJoined(paths.map((path) => path.at(-1) === SLASH ? path.subarray(0, -1) : path));
  try {
    await git(at, ['update-index', '--add', '--remove', '--replace', '-z', '--stdin'], { input, env });
  } catch (error) {
    throw error instanceof GitError ? withoutCommit(error) : error;
  }
}

/** What git says of a repository inside that has no commit is of no use to people. */
function withoutCommit(error: GitError): GitError {
  const path = /^error: (.*): is a directory - add files inside instead$/m.exec(error.stderr)?.[1];
  return path === undefined
    ? error
    : new GitError('failed', `'${path}/' does not have a commit checked out`, error.code);
}
