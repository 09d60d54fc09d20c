/**
 * Runs git for this server's own purposes: asynchronous, by argument arrays, without a prompt. `git` and `startGit` run in a
 * repository that is isolated (isolation.ts): nothing of its own settings is read that could name a program. `gitAsOwner` is
 * the one exception, and `discover` only asks where a repository is.
 */
import { Buffer } from 'node:buffer';
import { type ChildProcess, spawn } from 'node:child_process';
import process from 'node:process';
import { gitEnvironment, NO_DISCOVERY, NO_NETWORK, OVERRIDES, TRUST_NONE } from './git-environment.ts';

/** Most bytes of output that are retained; a command that prints more is ended. */
export const MAX_OUTPUT = 8 * 1024 * 1024;
/** Most characters of stderr that are retained. */
const MAX_STDERR = 4096;
/** A command that takes longer is ended: a merge in a very large repository, a worktree on a slow disk. */
const TIMEOUT_MS = 120_000;
/** git removes its lock files on SIGTERM; one that has not ended after this time is killed. */
const END_GRACE_MS = 5000;

export interface GitResult {
  code: number;
  stdout: Buffer;
  stderr: string;
}

export interface GitOptions {
  /** Written to stdin, which is closed after it. */
  input?: Uint8Array | string;
  env?: Readonly<Record<string, string>>;
  /** Exit codes that are answers and no failures; 0 always is one. */
  codes?: number[];
  /** At more output than this the command is ended and fails with `too_large`, unless `cut`. */
  limit?: number;
  /** Output beyond `limit` is left out, which is no failure. */
  cut?: boolean;
  timeoutMs?: number;
  /** Ends the command, which then fails as `cancelled`. */
  signal?: AbortSignal;
}

export type GitFailure = 'no_git' | 'failed' | 'timeout' | 'too_large' | 'cancelled';

/** A git command that failed. `message` is one line for people; `stderr` what git printed. */
export class GitError extends Error {
  readonly reason: GitFailure;
  readonly code: number | null;
  readonly stderr: string;
  constructor(reason: GitFailure, message: string, code: number | null = null, stderr = '') {
    super(message);
    this.reason = reason;
    this.code = code;
    this.stderr = stderr;
  }
}

/** A repository that is isolated: where to run, and the variables that name it. */
export interface Where {
  readonly top: string;
  /** Of GitIsolation. */
  readonly env: Readonly<Record<string, string>>;
  /** Objects may be missing here, and are not fetched. */
  readonly isPartial: boolean;
}

/** Starts git in an isolated repository without collecting its output, which is passed on as it comes. */
export function startGit(
  where: Where,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): ChildProcess {
  if (!where.env.GIT_COMMON_DIR) throw new Error('git is only run in an isolated repository');
  return spawnGit(where.top, [...TRUST_NONE, ...args], { ...NO_NETWORK, ...NO_DISCOVERY, ...where.env, ...env });
}

/** In a process group of its own, so that endGit reaches what git starts. */
function spawnGit(cwd: string, args: readonly string[], env: Record<string, string>): ChildProcess {
  return spawn('git', [...OVERRIDES, ...args], {
    cwd,
    env: gitEnvironment(cwd, env),
    stdio: ['pipe', 'pipe', 'pipe'],
    shell: false,
    detached: true,
  });
}

/** Ends git and what it started: SIGTERM, so that it removes its lock files, and after END_GRACE_MS SIGKILL. */
export function endGit(child: ChildProcess): void {
  if (child.pid === undefined) return;
  const timer = setTimeout(() => {
    signalGroup(child, 'SIGKILL');
    for (const stream of [child.stdout, child.stderr]) stream?.destroy(); // a process that left the group may hold it open
  }, END_GRACE_MS);
  child.once('close', () => {
    clearTimeout(timer);
    signalGroup(child, 'SIGKILL'); // a filter that outlives its git
  });
  signalGroup(child, 'SIGTERM');
}

function signalGroup({ pid }: ChildProcess, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid!, signal);
  } catch { /* the group is empty */ }
}

/**
 * Runs one git command in an isolated repository and returns its output. Throws GitError when git is missing, takes too long,
 * prints too much or exits with a code that is not in `codes`.
 */
export async function git(where: Where, args: readonly string[], options: GitOptions = {}): Promise<GitResult> {
  try {
    return await collect(() => startGit(where, args, options.env), args, options);
  } catch (error) {
    throw where.isPartial && error instanceof GitError && error.reason === 'failed'
      ? inPartialClone(where, error)
      : error;
  }
}

/** Like git(), and returns stdout as text without its last newline. */
export async function gitText(where: Where, args: readonly string[], options: GitOptions = {}): Promise<string> {
  return text(await git(where, args, options));
}

/**
 * Like git(), and lets it reach a remote by these protocols. Settings of the owner alone are followed for that: a helper for
 * credentials, a proxy, the command for ssh.
 */
export const gitWithRemote = (
  { top, env }: Where,
  protocols: readonly string[],
  args: readonly string[],
  options: GitOptions = {},
): Promise<GitResult> =>
  collect(
    () => spawnGit(top, args, { GIT_NO_LAZY_FETCH: '1', ...env, GIT_ALLOW_PROTOCOL: protocols.join(':') }),
    args,
    options,
  );

/**
 * Runs git in a repository with the repository's own settings: its filters run, and missing objects are fetched. Only for
 * making a worktree in a repository that the owner chose, whose files cannot be checked out otherwise.
 */
export const gitAsOwner = (directory: string, args: readonly string[], options: GitOptions = {}): Promise<GitResult> =>
  collect(() => spawnGit(directory, args, { ...options.env }), args, options);

/**
 * `git rev-parse` in a directory whose repository git looks for: it prints where the repository is and refuses one of another
 * owner. Nothing that the repository could name is run for that.
 */
export const discover = async (directory: string, args: readonly string[]): Promise<string> =>
  text(await collect(() => spawnGit(directory, ['rev-parse', ...args], { ...NO_NETWORK }), ['rev-parse'], {}));

/** The settings of a repository: `git config` reads them and follows none. `env` names the repository. */
export const listSettings = async (env: Readonly<Record<string, string>>): Promise<Buffer> => {
  const args = ['config', '--list', '--show-scope', '-z', '--includes'];
  return (await collect(() => spawnGit('/', args, { ...NO_NETWORK, ...env }), args, { timeoutMs: 10_000 })).stdout;
};

const text = ({ stdout }: GitResult) => stdout.toString('utf8').replace(/\n$/, '');

/** Collects the output of a git that `start` starts. */
async function collect(start: () => ChildProcess, args: readonly string[], options: GitOptions): Promise<GitResult> {
  const { codes = [], limit = MAX_OUTPUT, timeoutMs = TIMEOUT_MS, signal } = options;
  if (signal?.aborted) throw cancelled(args);
  const child = started(start);
  const output = new Output(child, limit);
  const timer = setTimeout(() => output.end('timeout'), timeoutMs);
  const onAbort = () => output.end('cancelled');
  signal?.addEventListener('abort', onAbort);
  child.stdin!.on('error', () => {}); // EPIPE: the exit code tells more
  child.stdin!.end(options.input ?? '');
  const code = await exitOf(child).finally(() => {
    clearTimeout(timer);
    signal?.removeEventListener('abort', onAbort);
  });
  if (output.ended === 'cancelled') throw cancelled(args);
  const { stderr } = output;
  if (output.ended === 'timeout') {
    throw new GitError('timeout', `git ${commandOf(args)} took longer than ${timeoutMs / 1000} s.`);
  }
  if (output.ended && !options.cut) {
    throw new GitError('too_large', `git ${commandOf(args)} printed more than ${limit} bytes.`);
  }
  if (output.ended || code === 0 || codes.includes(code ?? -1)) {
    return { code: code ?? 0, stdout: output.stdout, stderr };
  }
  const message = firstWords(stderr) || `git ${commandOf(args)} ended with code ${code}.`;
  throw new GitError('failed', message, code, stderr);
}

const cancelled = (args: readonly string[]) => new GitError('cancelled', `git ${commandOf(args)} was cancelled.`);

function started(start: () => ChildProcess): ChildProcess {
  try {
    return start();
  } catch (error) { // an argument that is too long, or holds NUL
    throw startError(error as NodeJS.ErrnoException);
  }
}

const exitOf = (child: ChildProcess): Promise<number | null> =>
  new Promise((resolve, reject) => {
    child.once('error', (error: NodeJS.ErrnoException) => reject(startError(error)));
    child.once('close', resolve);
  });

type Ending = 'timeout' | 'too_large' | 'cancelled';

/** What a git prints, up to `limit` bytes. */
class Output {
  readonly #child: ChildProcess;
  readonly #chunks: Buffer[] = [];
  #size = 0;
  #stderr = '';
  /** Why git was ended. */
  ended: Ending | null = null;

  constructor(child: ChildProcess, limit: number) {
    this.#child = child;
    child.stdout!.on('data', (chunk: Buffer) => {
      if (this.ended) return;
      this.#chunks.push(chunk.subarray(0, limit - this.#size));
      this.#size += chunk.length;
      if (this.#size > limit) this.end('too_large');
    });
    child.stderr!.on('data', (chunk: Buffer) => {
      if (this.#stderr.length < MAX_STDERR) this.#stderr = (this.#stderr + chunk.toString('utf8')).slice(0, MAX_STDERR);
    });
  }

  end(why: Ending): void {
    if (this.ended) return;
    this.ended = why;
    endGit(this.#child);
  }

  get stdout(): Buffer {
    return Buffer.concat(this.#chunks);
  }

  get stderr(): string {
    return this.#stderr.trim();
  }
}

/** The command's name, behind `-c name=value`. */
const commandOf = (args: readonly string[]) => args.find((arg, i) => arg !== '-c' && args[i - 1] !== '-c') ?? '';

function startError(error: NodeJS.ErrnoException): GitError {
  if (error.code === 'ENOENT') {
    return new GitError('no_git', 'git is not installed on this machine (or the folder is gone).');
  }
  return new GitError('failed', `git could not be started: ${error.message}`);
}

/** The first line of stderr that is no hint, without its prefix. */
const firstWords = (stderr: string) =>
  stderr.split('\n').map((line) => line.replace(/^(fatal|error|warning): /, '').trim())
    .find((line) => line && !line.startsWith('hint:')) ?? '';

function inPartialClone({ top }: Where, { message, code, stderr }: GitError): GitError {
  const why =
    'This is a partial clone: objects may be missing here, and the server does not fetch them. Run the same ' +
    `with git in a terminal in ${top}, which fetches them, then try again.`;
  return new GitError('failed', `${message.replace(/\.?$/, '.')} ${why}`, code, stderr);
}
