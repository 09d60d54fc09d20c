/**
 * The owner's `gh`. It is given the repository by its name, and runs where it finds none: it would start git in it with all of
 * its settings.
 */
import process from 'node:process';
import { Failure } from '../../core/api/errors.ts';
import type { Environment } from '../process/environment.ts';
import { absolutePath, programPath } from '../process/program-path.ts';
import { run, type RunResult } from '../process/run.ts';
import { answerOf } from './push.ts';

/** `gh` asks a server a few things. */
const GH_TIMEOUT_MS = 60_000;
/** `gh help exit-codes` */
const NEEDS_AUTHENTICATION = 4;

/** The program. Throws Failure `no_gh`. */
export function ghProgram(): string {
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

/** Runs it for a host. Throws Failure `gh_signed_out`; any other end is an answer. */
export async function runGh(host: string, args: readonly string[], signal: AbortSignal): Promise<RunResult> {
  const result = await run(ghProgram(), args, {
    cwd: '/',
    timeoutMs: GH_TIMEOUT_MS,
    signal,
    env: {
      ...tokensFor(host),
      PATH: absolutePath(process.env.PATH),
      GIT_DIR: '/dev/null',
      GIT_TERMINAL_PROMPT: '0',
      GH_PROMPT_DISABLED: '1',
      GH_NO_UPDATE_NOTIFIER: '1',
      NO_COLOR: '1',
    },
  });
  if (result.code === NEEDS_AUTHENTICATION || /gh auth login/.test(result.stderr)) {
    const answer = ghAnswer(result);
    throw new Failure(
      'gh_signed_out',
      `gh is not signed in on this machine: run gh auth login in a terminal. It said: ${answer}`,
      { params: { reason: answer } },
    );
  }
  return result;
}

export const ghAnswer = ({ stdout, stderr, failure }: RunResult): string => answerOf(stderr || stdout) || failure;

/**
 * `gh` sends the tokens for GitHub Enterprise to whatever host it is given, and the repository's settings name that one: they are
 * for the owner's own server alone, which GH_HOST names.
 */
const tokensFor = (host: string): Environment =>
  host.toLowerCase() === process.env.GH_HOST?.trim().toLowerCase()
    ? {}
    : { GH_ENTERPRISE_TOKEN: undefined, GITHUB_ENTERPRISE_TOKEN: undefined };
