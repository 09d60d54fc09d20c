/** Pushes an agent's branch to its remote, as the owner: with his own helper for credentials, and nobody to ask. */
import { Failure } from '../../core/api/errors.ts';
import { type Place, PLAIN_DIFF } from './changes.ts';
import { refuseOtherBranch } from './commit.ts';
import { git, GitError, gitWithRemote } from './git.ts';
import { bareDirectory } from './git-directory.ts';
import { OVERRIDES } from './git-environment.ts';
import { names, splitNul } from './git-output.ts';
import { pathsWith } from './ignored-drivers.ts';
import { baseCommit, branchCommit } from './merge.ts';
import { type Remote, remoteOf } from './remote.ts';
import { type Repository, useRepository } from './repository.ts';
import { withRepository } from './repository-lock.ts';
import { openWorktree } from './worktree-repository.ts';

/** A push that takes longer is ended: a first push of a large repository on a slow line. */
const PUSH_TIMEOUT_MS = 15 * 60_000;
/** Most characters of a remote's answer that are passed on. */
const MAX_ANSWER = 2000;

export interface PushOutcome {
  branch: string;
  /** The remote's name. */
  remote: string;
  /** Where that is, without a login. */
  address: string;
  /** What the remote said, its lines; often the address where a pull request is opened. */
  answer: string;
}

/** Pushes the commits of the agent's branch, never by force. Throws Failure, with what the remote said. */
export async function pushWork({ worktree, isolation }: Place, signal: AbortSignal): Promise<PushOutcome> {
  if (!worktree) throw withoutWorktree();
  const at = await openWorktree(isolation, worktree);
  // Who deletes the agent holds the repository's lock, and waits for the end of this.
  const { target, head } = await untilCancelled(
    signal,
    withRepository(at.common, async () => {
      await refuseOtherBranch(at, worktree);
      const head = await branchCommit(at, worktree);
      await refuseLargeFiles(at, await baseCommit(at, worktree).catch(() => null), head);
      return { target: await remoteOf(at, worktree), head };
    }),
  );
  const answer = await push(at, target, `${head}:refs/heads/${worktree.branch}`, signal); // not holding up a commit meanwhile
  const { branch } = worktree;
  await git(at, ['update-ref', `refs/remotes/${target.name}/${branch}`, head]).catch(() => {}); // as git notes it
  return { branch, remote: target.name, address: visible(target.url), answer };
}

export const withoutWorktree = () =>
  new Failure('no_worktree', 'This agent works in the folder itself: push with git as you are used to.');

const cancelled = () => new Failure('cancelled', 'The push was cancelled.');

/** The result, unless it is cancelled before. */
const untilCancelled = <T>(signal: AbortSignal, work: Promise<T>): Promise<T> =>
  new Promise((resolve, reject) => {
    const onAbort = () => reject(cancelled());
    if (signal.aborted) onAbort();
    signal.addEventListener('abort', onAbort);
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });

/** Git LFS uploads by a hook, and hooks do not run: the remote would get pointers to nothing. */
async function refuseLargeFiles(at: Repository, base: string | null, head: string): Promise<void> {
  const from = base ?? (await git(at, ['hash-object', '-t', 'tree', '/dev/null'])).stdout.toString().trim();
  const { stdout } = await git(at, ['diff', ...PLAIN_DIFF, '--name-only', '-z', `${from}`, head, '--']);
  const found = await pathsWith(at, splitNul(stdout), 'filter', (value) => value === 'lfs');
  if (!found.length) return;
  throw new Failure(
    'push_by_hand',
    `Git LFS uploads these files by a hook, and the server runs no hooks: ${names(found)}. Push in a terminal.`,
    { params: { files: names(found) } },
  );
}

const PUSH = ['push', '--porcelain', '--no-verify', '--no-signed', '--no-follow-tags', '--recurse-submodules=no'];

async function push(at: Repository, remote: Remote, refspec: string, signal: AbortSignal): Promise<string> {
  const options = { timeoutMs: PUSH_TIMEOUT_MS, signal };
  const run = (url: string, ...args: string[]) =>
    gitWithRemote(at, [remote.protocol], [...PUSH, ...args, '--', url, refspec], options);
  try {
    const { stderr } = remote.protocol === 'file' ? await pushHere(at, remote, run) : await run(remote.url);
    return answerOf(stderr);
  } catch (error) {
    throw error instanceof GitError ? pushFailure(remote, error) : error;
  }
}

/**
 * Into a repository of this machine: its side runs here too, as the owner, so it is isolated like every other one, and its
 * hooks and the programs of its settings do not run.
 */
async function pushHere(
  at: Repository,
  { name, url }: Remote,
  run: (url: string, ...args: string[]) => ReturnType<typeof git>,
): Promise<{ stderr: string }> {
  const gitDir = await bareDirectory(url);
  if (!gitDir) {
    throw new Failure('remote_refused', `${name} leads to ${url}, where there is no bare repository.`, {
      params: { remote: name },
    });
  }
  return await useRepository(at.isolation, { top: gitDir, gitDir, common: gitDir }, ({ env }) => {
    const variables = `GIT_COMMON_DIR=${quoted(env.GIT_COMMON_DIR!)}`;
    return run(gitDir, `--receive-pack=${variables} git ${OVERRIDES.map(quoted).join(' ')} receive-pack`);
  });
}

/** For the shell that git starts the other side by. */
const quoted = (text: string) => `'${text.replaceAll("'", "'\\''")}'`;

/** The remote's lines of what git printed; without any, all of it. */
export function answerOf(text: string): string {
  const lines = visible(text).split('\n').map((line) => line.trimEnd()).filter((line) => line.trim());
  const remote = lines.flatMap((line) => /^remote: ?(.*)$/.exec(line)?.[1]?.trimEnd() || []);
  return (remote.length ? remote : lines).join('\n').slice(0, MAX_ANSWER);
}

/** Without sequences for terminals, and without a login in an address. */
const visible = (text: string) =>
  // deno-lint-ignore no-control-regex
  text.replace(/\x1b\[[0-9;?]*[A-Za-z]/g, '').replace(/\r\n?/g, '\n').replace(/[\x00-\x08\x0b-\x1f\x7f]/g, '')
    .replace(/([a-z]+:\/\/)[^/@\s]+@/gi, '$1');

/** What git prints when somebody would have to type a password, or to confirm a host. */
const NEEDS_LOGIN =
  /could not read (Username|Password)|Authentication failed|Permission denied \(|terminal prompts disabled|Host key verification failed/i;

function pushFailure({ name }: Remote, error: GitError): Error {
  if (error.reason === 'no_git') return error;
  const answer = answerOf(error.stderr || error.message);
  const params = { remote: name, reason: answer };
  if (error.reason === 'cancelled') return cancelled();
  if (NEEDS_LOGIN.test(error.stderr)) {
    return new Failure(
      'remote_signed_out',
      `${name} wants a login, and nobody can type one here. Sign in once in a terminal (git push there, or gh auth login ` +
        `and gh auth setup-git), so that git knows it by its own settings. It said: ${answer}`,
      { params },
    );
  }
  return new Failure('push_refused', `${name} did not take the push: ${answer}`, { params });
}
