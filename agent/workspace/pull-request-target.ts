/** Where a pull request goes from and to: found out, and refused, before anything is pushed. */
import { Failure } from '../../core/api/errors.ts';
import type { WorktreeInfo } from '../../core/api/agents.ts';
import type { PullRequestTarget } from '../../core/api/workspace.ts';
import type { Place } from './changes.ts';
import { ghAnswer, ghProgram, runGh } from './gh.ts';
import { withoutWorktree } from './push.ts';
import { type Hosted, type Remote, remoteOf, upstreamOf } from './remote.ts';
import { baseName, isCommitName } from './repository.ts';
import { openWorktree } from './worktree-repository.ts';

/** What a host calls a repository that has pull requests. */
const OWNER_AND_NAME = /^[\w.-]+\/[\w.-]+$/;

/** Throws Failure: `no_worktree`, `no_base`, `no_gh`, `no_remote`, `no_pull_requests`, `gh_signed_out`, `gh_failed`. */
export async function pullRequestTarget(
  { worktree, isolation }: Place,
  signal: AbortSignal,
): Promise<PullRequestTarget> {
  if (!worktree) throw withoutWorktree();
  const { branch, base } = worktree;
  if (isCommitName(base)) {
    throw new Failure('no_base', `The worktree was made from commit ${baseName(base)} without a branch.`, {
      params: { base: baseName(base) },
    });
  }
  ghProgram();
  const at = await openWorktree(isolation, worktree);
  const remote = await remoteOf(at, worktree);
  const own = hostedOf(remote, worktree);
  const into = await upstreamOf(at, own) ?? await parentOf(own, signal);
  await refuseMissing(into, base, signal);
  const isFork = into.path.toLowerCase() !== own.path.toLowerCase();
  const head = isFork ? `${own.path.split('/')[0]}:${branch}` : branch;
  return { remote: remote.name, host: own.host, head, repository: into.path, base, isFork };
}

function hostedOf({ name, hosted }: Remote, { branch }: WorktreeInfo): Hosted {
  if (hosted && OWNER_AND_NAME.test(hosted.path)) return hosted;
  throw new Failure(
    'no_pull_requests',
    `${name} is no repository of a host that gh knows. Push the branch ${branch}, and ask for it to be merged there.`,
    { params: { remote: name, branch } },
  );
}

/** What the host says it is a fork of; itself when it is none. */
async function parentOf(own: Hosted, signal: AbortSignal): Promise<Hosted> {
  const result = await runGh(own.host, ['api', `--hostname=${own.host}`, `repos/${own.path}`], signal);
  if (result.code !== 0) throw failed(own, ghAnswer(result), signal);
  const parent = fullNameOf(result.stdout);
  if (parent === null) throw failed(own, 'its answer was not understood', signal);
  return { host: own.host, path: parent || own.path };
}

/** The parent in the host's answer; empty: no fork; null: no such answer. */
function fullNameOf(answer: string): string | null {
  try {
    const { full_name: name, fork, parent } = JSON.parse(answer);
    if (typeof name !== 'string') return null;
    if (fork !== true) return '';
    return typeof parent?.full_name === 'string' && OWNER_AND_NAME.test(parent.full_name) ? parent.full_name : null;
  } catch {
    return null;
  }
}

/** The base may be a branch of this machine alone. */
async function refuseMissing(into: Hosted, base: string, signal: AbortSignal): Promise<void> {
  if (!OWNER_AND_NAME.test(into.path)) throw failed(into, 'it is no owner/name', signal);
  const path = `repos/${into.path}/branches/${encodeURIComponent(base)}`;
  const result = await runGh(into.host, ['api', `--hostname=${into.host}`, path], signal);
  if (result.code === 0) return;
  const answer = ghAnswer(result);
  if (!/\b404\b/.test(answer)) throw failed(into, answer, signal);
  throw new Failure('no_base', `${into.path} has no branch ${base} to merge into.`, { params: { base } });
}

function failed({ path }: Hosted, reason: string, signal: AbortSignal): Failure {
  if (signal.aborted) return new Failure('cancelled', 'The pull request was cancelled; nothing was pushed.');
  return new Failure('gh_failed', `gh could not look at ${path}, and nothing was pushed: ${reason}`, {
    params: { reason },
  });
}
