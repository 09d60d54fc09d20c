/**
 * Runs git for this server's own purposes: asynchronous, by argument arrays, never asking anybody, with none of the user's
 * hooks and no GIT_* variable that would point it at another repository.
 */
import { Buffer } from 'node:buffer';
import { type ChildProcess, spawn } from 'node:child_process';
import process from 'node:process';
import { cleanEnvironment } from '../provider/environment.ts';

/** Most bytes of output that are kept; a command that prints more is ended. */
export const OUTPUT_LIMIT = 8 * 1024 * 1024;
/** Most characters of stderr that are kept. */
const STDERR_LIMIT = 4096;
/** A command that takes longer is ended: a merge in a very large repository, a worktree on a slow disk. */
const TIMEOUT_MS = 120_000;

/** Configuration of the repository that could run programs or change what our commands print. */
const SETTINGS = [
  'core.hooksPath=/dev/null',
  'core.fsmonitor=false',
  'core.quotepath=false',
  'core.pager=cat',
  'diff.mnemonicPrefix=false',
  'diff.noprefix=false',
  'diff.renames=false',
  'diff.submodule=short',
  'diff.ignoreSubmodules=none',
  'commit.gpgSign=false',
  'commit.template=',
  'merge.verifySignatures=false',
  'submodule.recurse=false',
  'gc.auto=0',
  'maintenance.auto=false',
  'advice.detachedHead=false',
].flatMap((setting) => ['-c', setting]);

export interface GitResult {
  code: number;
  stdout: Buffer;
  stderr: string;
}

export interface GitOptions {
  /** Written to stdin, which is closed after it. */
  input?: Uint8Array | string;
  env?: Record<string, string>;
  /** Exit codes that are answers and no failures; 0 always is one. */
  codes?: number[];
  /** More output than this: the command is ended and `truncated` is thrown, unless `cut`. */
  limit?: number;
  /** Output beyond `limit` is left out and no failure. */
  cut?: boolean;
  timeoutMs?: number;
}

export type GitFailure = 'no_git' | 'failed' | 'timeout' | 'too_large';

/** git could not do it. `message` is one line for people; `stderr` what git said. */
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

/** The environment of every git that we start. Paths are taken literally, no prompt, no editor, English messages. */
export function gitEnvironment(extra: Record<string, string> = {}): Record<string, string> {
  const env = cleanEnvironment(process.env);
  for (const name of Object.keys(env)) if (name.startsWith('GIT_')) delete env[name];
  return {
    ...env,
    LC_ALL: 'C',
    GIT_TERMINAL_PROMPT: '0',
    GIT_ASKPASS: 'true',
    SSH_ASKPASS: 'true',
    GIT_EDITOR: 'true',
    GIT_SEQUENCE_EDITOR: 'true',
    GIT_PAGER: 'cat',
    GIT_OPTIONAL_LOCKS: '0',
    GIT_LITERAL_PATHSPECS: '1',
    ...extra,
  };
}

/** Starts git without collecting anything, for output that is passed on as it comes. */
export const startGit = (cwd: string, args: readonly string[], env: Record<string, string> = {}): ChildProcess =>
  spawn('git', [...SETTINGS, ...args], {
    cwd,
    env: gitEnvironment(env),
    stdio: ['pipe', 'pipe', 'pipe'],
    shell: false,
  });

/**
 * Runs one git command in `cwd` and gives its output. Throws GitError when git is missing, takes too long, prints too much or
 * ends with a code that is not in `codes`.
 */
export function git(cwd: string, args: readonly string[], options: GitOptions = {}): Promise<GitResult> {
  const { codes = [], limit = OUTPUT_LIMIT, timeoutMs = TIMEOUT_MS } = options;
  let child: ChildProcess;
  try {
    child = startGit(cwd, args, options.env);
  } catch (error) { // an argument that is too long, or holds NUL
    return Promise.reject(startError(error as NodeJS.ErrnoException));
  }
  const chunks: Buffer[] = [];
  let size = 0;
  let stderr = '';
  let ended: GitFailure | 'cut' | null = null;
  const end = (why: GitFailure | 'cut') => {
    ended ??= why;
    child.kill('SIGKILL');
  };
  const timer = setTimeout(() => end('timeout'), timeoutMs);
  child.stdout!.on('data', (chunk: Buffer) => {
    if (ended) return;
    const room = limit - size;
    size += chunk.length;
    chunks.push(size > limit ? chunk.subarray(0, room) : chunk);
    if (size > limit) end(options.cut ? 'cut' : 'too_large');
  });
  child.stderr!.on('data', (chunk: Buffer) => {
    if (stderr.length < STDERR_LIMIT) stderr = (stderr + chunk.toString('utf8')).slice(0, STDERR_LIMIT);
  });
  child.stdin!.on('error', () => {}); // EPIPE: the exit code tells more
  child.stdin!.end(options.input ?? '');
  return new Promise((resolve, reject) => {
    child.once('error', (error: NodeJS.ErrnoException) => {
      clearTimeout(timer);
      reject(startError(error));
    });
    child.once('close', (code) => {
      clearTimeout(timer);
      const said = stderr.trim();
      if (ended === 'timeout') {
        reject(new GitError('timeout', `git ${args[0]} took longer than ${timeoutMs / 1000} s.`));
      } else if (ended === 'too_large') {
        reject(new GitError('too_large', `git ${args[0]} gave more than ${limit} bytes.`));
      } else if (ended === 'cut' || code === 0 || codes.includes(code ?? -1)) {
        resolve({ code: code ?? 0, stdout: Buffer.concat(chunks), stderr: said });
      } else reject(new GitError('failed', firstWords(said) || `git ${args[0]} ended with code ${code}.`, code, said));
    });
  });
}

/** Like git(), and gives stdout as text without its last newline. */
export async function gitText(cwd: string, args: readonly string[], options: GitOptions = {}): Promise<string> {
  return (await git(cwd, args, options)).stdout.toString('utf8').replace(/\n$/, '');
}

function startError(error: NodeJS.ErrnoException): GitError {
  if (error.code === 'ENOENT') {
    return new GitError('no_git', 'git is not installed on this machine (or the folder is gone).');
  }
  return new GitError('failed', `git could not be started: ${error.message}`);
}

/** What git said first that is no hint, without its prefix. */
const firstWords = (stderr: string) =>
  stderr.split('\n').map((line) => line.replace(/^(fatal|error|warning): /, '').trim())
    .find((line) => line && !line.startsWith('hint:')) ?? '';

const locks = new Map<string, Promise<unknown>>();

/** Runs actions on one repository one after another: git's own locks fail instead of waiting. */
export function withRepository<T>(key: string, action: () => Promise<T>): Promise<T> {
  const before = locks.get(key) ?? Promise.resolve();
  const turn = before.then(action, action);
  const settled = turn.catch(() => {});
  locks.set(key, settled);
  void settled.then(() => locks.get(key) === settled && locks.delete(key));
  return turn;
}

/** Splits output of `-z` commands. Without the empty piece behind the last NUL. */
export function splitNul(bytes: Buffer): Buffer[] {
  const pieces: Buffer[] = [];
  let start = 0;
  for (let at = bytes.indexOf(0); at >= 0; at = bytes.indexOf(0, start)) {
    pieces.push(bytes.subarray(start, at));
    start = at + 1;
  }
  if (start < bytes.length) pieces.push(bytes.subarray(start));
  return pieces;
}

/** A file name as text, and whether that text is the whole truth: bytes that are not UTF-8 are shown as \xNN. */
export function pathText(bytes: Buffer): { path: string; exact: boolean } {
  const text = bytes.toString('utf8');
  if (Buffer.from(text, 'utf8').equals(bytes)) return { path: text, exact: true };
  let shown = '';
  for (const byte of bytes) {
    shown += byte < 0x80 ? String.fromCharCode(byte) : `\\x${byte.toString(16).padStart(2, '0')}`;
  }
  return { path: shown, exact: false };
}
