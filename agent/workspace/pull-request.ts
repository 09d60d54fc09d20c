/** Pushes an agent's branch and opens a pull request with the owner's `gh`. */
import { Failure } from '../../core/api/errors.ts';
import type { PullRequestTarget, PullRequestText } from '../../core/api/workspace.ts';
import type { RunResult } from '../process/run.ts';
import type { Place } from './changes.ts';
import { ghAnswer, runGh } from './gh.ts';
import { pullRequestTarget } from './pull-request-target.ts';
import { type PushOutcome, pushWork } from './push.ts';

export interface PullRequestOutcome extends PushOutcome {
  /** Of the pull request, also of one that was there already. */
  url: string;
}

/** Pushes the branch, then opens a pull request into the base, from a fork into what it is a fork of. Throws Failure. */
export async function openPullRequest(
  place: Place,
  text: PullRequestText,
  signal: AbortSignal,
): Promise<PullRequestOutcome> {
  const target = await pullRequestTarget(place, signal); // before anything is pushed
  if (text.repository !== target.repository) {
    throw new Failure(
      'changed',
      `The pull request would go to ${target.repository} now, not to ${text.repository} as it was shown. Look again.`,
    );
  }
  const pushed = await pushWork(place, signal);
  const result = await runGh(target.host, ghArguments(target, text), signal);
  return { ...pushed, ...readAnswer(result, signal) };
}

function ghArguments(
  { host, repository, head, base }: PullRequestTarget,
  { title, body, draft }: PullRequestText,
): string[] {
  const request = [`--head=${head}`, `--base=${base}`, `--title=${title}`, `--body=${body}`];
  return ['pr', 'create', `--repo=${host}/${repository}`, ...request, ...(draft ? ['--draft'] : [])];
}

function readAnswer(result: RunResult, signal: AbortSignal): { url: string; answer: string } {
  if (signal.aborted) throw new Failure('cancelled', 'The branch was pushed; the pull request was cancelled.');
  const { code, stdout, stderr } = result;
  const answer = ghAnswer(result);
  const url = /https?:\/\/\S+/.exec(stdout)?.[0] ?? '';
  if (code === 0) return { url, answer };
  const existing = /already exists:\s*(https?:\/\/\S+)/.exec(stderr)?.[1];
  if (existing) return { url: existing, answer };
  throw new Failure('pull_request_failed', `The branch was pushed, but gh opened no pull request: ${answer}`, {
    params: { reason: answer },
  });
}
