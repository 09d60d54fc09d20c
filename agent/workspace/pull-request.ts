/**
 * Opens a pull request with the owner's `gh`. It is told the repository, the branch and the base, and runs where it finds no
 * repository: it would start git in it with all of its settings.
 */
import process from 'node:process';
import { Failure } from '../../core/api/errors.ts';
import type { PullRequestText } from '../../core/api/workspace.ts';
import type { Environment } from '../process/environment.ts';
import { absolutePath, programPath } from '../process/program-path.ts';
import { run, type RunResult } from '../process/run.ts';
import type { Place } from './changes.ts';
import { answerOf, type Pushed, type PushOutcome, pushWork } from './push.ts';
import type { Remote } from './remote.ts';
import { baseName, isCommitName } from './repository.ts';

/** `gh` asks a server a few things. */
const GH_TIMEOUT_MS = 60_000;
/** `gh help exit-codes` */
const NEEDS_AUTHENTICATION = 4;

export interface PullRequestOutcome extends PushOutcome {
  /** Of the pull request, also of one that was there already. */
  url: string;
}

/** Pushes the branch, then opens a pull request into the base. Throws Failure. */
export async function openPullRequest(
  place: Place,
  text: PullRequestText,
  signal: AbortSignal,
): Promise<PullRequestOutcome> {
  const gh = ghProgram(); // known before anything is pushed
  const pushed = await pushWork(place, signal);
  const result = await run(gh, ghArguments(pushed, text), {
    cwd: '/',
    timeoutMs: GH_TIMEOUT_MS,
    signal,
    env: {
      ...tokensFor(pushed.target),
      PATH: absolutePath(process.env.PATH),
      GIT_DIR: '/dev/null',
      GIT_TERMINAL_PROMPT: '0',
      GH_PROMPT_DISABLED: '1',
      GH_NO_UPDATE_NOTIFIER: '1',
      NO_COLOR: '1',
    },
  });
  const { branch, remote, address } = pushed;
  return { branch, remote, address, ...readAnswer(result, signal) };
}

/**
 * `gh` sends the tokens for GitHub Enterprise to whatever host it is told, and the repository's settings name that one: they are
 * for the owner's own server alone, which GH_HOST names.
 */
const tokensFor = ({ hosted }: Remote): Environment =>
  hosted?.host.toLowerCase() === process.env.GH_HOST?.trim().toLowerCase()
    ? {}
    : { GH_ENTERPRISE_TOKEN: undefined, GITHUB_ENTERPRISE_TOKEN: undefined };

function ghProgram(): string {
  try {
    return programPath('gh', process.env.PATH);
  } catch {
    throw new Failure(
      'no_gh',
      'The program gh, which opens pull requests, is not installed on this machine. Install it (cli.github.com) and sign in ' +
        'with gh auth login, or push the branch and open the pull request on the web.',
    );
  }
}

function ghArguments({ branch, target, worktree }: Pushed, { title, body, draft }: PullRequestText): string[] {
  const { base } = worktree;
  if (isCommitName(base)) {
    throw new Failure('no_base', `The worktree was made from commit ${baseName(base)} without a branch.`, {
      params: { base: baseName(base) },
    });
  }
  const { hosted } = target;
  if (!hosted || !/^[\w.-]+\/[\w.-]+$/.test(hosted.path)) {
    throw new Failure(
      'no_pull_requests',
      `${target.name} is no repository of a host that gh knows. The branch ${branch} was pushed.`,
      { params: { remote: target.name, branch } },
    );
  }
  const repository = `--repo=${hosted.host}/${hosted.path}`;
  const request = [`--head=${branch}`, `--base=${base}`, `--title=${title}`, `--body=${body}`];
  return ['pr', 'create', repository, ...request, ...(draft ? ['--draft'] : [])];
}

function readAnswer(
  { code, stdout, stderr, failure }: RunResult,
  signal: AbortSignal,
): { url: string; answer: string } {
  if (signal.aborted) throw new Failure('cancelled', 'The branch was pushed; the pull request was cancelled.');
  const answer = answerOf(stderr || stdout) || failure;
  const url = /https?:\/\/\S+/.exec(stdout)?.[0] ?? '';
  if (code === 0) return { url, answer };
  const existing = /already exists:\s*(https?:\/\/\S+)/.exec(stderr)?.[1];
  if (existing) return { url: existing, answer };
  const params = { reason: answer };
  if (code === NEEDS_AUTHENTICATION || /gh auth login/.test(stderr)) {
    throw new Failure(
      'gh_signed_out',
      `The branch was pushed, but gh is not signed in on this machine: run gh auth login in a terminal. It said: ${answer}`,
      { params },
    );
  }
  throw new Failure('pull_request_failed', `The branch was pushed, but gh opened no pull request: ${answer}`, {
    params,
  });
}
