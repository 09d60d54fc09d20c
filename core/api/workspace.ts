/** Folders, and what an agent changed in its own. Browser-safe. */
import type { ErrorBody } from './errors.ts';
import { type FileDiff } from './messages.ts';
import {
  bool,
  type Check,
  content,
  list,
  MAX_CONTENT,
  MAX_FIELD,
  MAX_NAME,
  need,
  pick,
  text,
  ValidationError,
} from './schema.ts';

/** GET /api/directories?path=&hidden=1 */
export interface DirectoryListing {
  path: string;
  /** null where it may not be listed. */
  parent: string | null;
  /** Folders only, by name. */
  entries: DirectoryEntry[];
  /** Not all are listed. */
  truncated: boolean;
  /** `path` itself is in a git repository. */
  repository: boolean;
  roots: string[];
  recent: string[];
}

/** POST /api/directories */
export interface NewDirectoryBody {
  /** Where, as a listing names it. */
  path: string;
  /** One name, no path. */
  name: string;
}

/** Characters of a directory's name: no file system takes more. */
const MAX_DIRECTORY_NAME = 255;

export function parseNewDirectory(value: unknown): NewDirectoryBody {
  const checks = { path: text(MAX_FIELD, true), name: text(MAX_DIRECTORY_NAME, true) };
  const body = need(pick<NewDirectoryBody>(value, checks), 'path', 'name');
  const name = body.name.trim();
  const isName = !name.includes('/') && name !== '.' && name !== '..' && name.toLowerCase() !== '.git';
  if (!isName) throw new ValidationError('"name" must be a name without "/".', 'name');
  return { ...body, name };
}

export interface DirectoryEntry {
  name: string;
  path: string;
  isDirectory: true;
  repository: boolean;
}

/** One file of GET /api/agents/:id/changes. */
export interface ChangedFile {
  /** Relative to the repository. Bytes that are not UTF-8 are shown as \xNN. */
  path: string;
  kind: FileDiff['kind'];
  added: number;
  removed: number;
  binary: boolean;
  /** In a commit already, and nothing newer in the folder. */
  committed: boolean;
  /** Put there when the worktree was made (instructions, copied files): not work. */
  placed: boolean;
  /** false: its name is not UTF-8, only actions on all files reach it. */
  addressable: boolean;
}

/** GET /api/agents/:id/changes: everything since the branch left its base. */
export interface Changes {
  /** false: the folder is not a git repository; `text` says so. */
  repository: boolean;
  text: string;
  branch: string;
  /** Where the work is merged; empty when the agent works in the folder itself. */
  base: string;
  /** Commits that the base does not have, and commits of the base that the branch does not have. */
  ahead: number;
  behind: number;
  files: ChangedFile[];
  truncated: boolean;
  /** What deleting the agent would lose; empty: nothing. */
  unmerged: string[];
}

/** GET /api/agents/:id/changes/remote: the push or pull request of this agent that was asked for last. */
export interface RemoteWork {
  kind: 'push' | 'pull-request';
  state: 'running' | 'done' | 'failed';
  branch: string;
  /** The remote's name; empty until it is done. */
  remote: string;
  /** Where that is, without a login: whoever writes the repository's settings, an agent too, gives the name to any address. */
  address?: string;
  /** What the remote or `gh` said. */
  answer: string;
  /** Of the pull request; empty: none. */
  url: string;
  /** Why it failed. */
  error: ErrorBody | null;
}

/** Body of POST /api/agents/:id/changes/pull-request */
export interface PullRequestText {
  title: string;
  body: string;
  draft: boolean;
  /** Where it goes, as GET shows it: refused when it would go elsewhere by now. */
  repository: string;
}

/** GET /api/agents/:id/changes/pull-request: where one would go. */
export interface PullRequestTarget {
  /** What is pushed to. */
  remote: string;
  host: string;
  /** The branch, of a fork `owner:branch`. */
  head: string;
  /** `owner/name` of what it goes into, and its branch. */
  repository: string;
  base: string;
  /** What is pushed to is a fork of `repository`. */
  isFork: boolean;
}

/** GET, PUT /api/agents/:id/ and INSTRUCTIONS_PATH */
export interface Instructions {
  file: string;
  exists: boolean;
  content: string;
  /** Of this content: a PUT that sends it back does not overwrite a newer one. */
  version: string;
}

/** Files that one request names. */
const MAX_PATHS = 5000;

const paths = list(text(MAX_FIELD), MAX_PATHS);

/** Body of that PUT. Throws ValidationError, as all parsers do. */
export function parseInstructions(value: unknown): { content: string; version?: string } {
  return {
    content: '',
    ...pick<{ content: string; version: string }>(value, { content, version: text(MAX_NAME) }),
  };
}

/** Hunks of one file, by their ids in its diff against the last commit: GET /api/agents/:id/changes/file?path=&from=commit */
export interface ChosenHunks {
  path: string;
  ids: string[];
}

/** Body of POST /api/agents/:id/changes/commit */
export interface CommitRequest {
  message: string;
  /** Files as a whole; null: every file, unless there are `hunks`. */
  paths: string[] | null;
  /** Of other files, only these. */
  hunks: ChosenHunks[];
}

/** Most hunks of one file that are chosen one by one. */
const MAX_HUNKS = 5000;

const chosenHunks: Check<ChosenHunks> = (value, name) => {
  const checks = { path: text(MAX_FIELD, true), ids: list(text(64, true), MAX_HUNKS) };
  return need(pick<ChosenHunks>(value, checks, name), 'path', 'ids');
};

/** Throws ValidationError, also when a file is named twice: what is meant is not clear then. */
export function parseCommit(value: unknown): CommitRequest {
  const checks = { message: text(MAX_CONTENT, true), paths, hunks: list(chosenHunks, MAX_PATHS) };
  const { message, hunks = [], paths: whole = null } = need(pick<CommitRequest>(value, checks), 'message');
  const names = hunks.map(({ path }) => path);
  const known = new Set(whole ?? []);
  for (const path of names) {
    if (known.has(path)) throw new ValidationError(`"hunks" names ${path}, which is named already.`, 'hunks');
    known.add(path);
  }
  return { message, paths: whole ?? (hunks.length ? [] : null), hunks };
}

/** Body of POST /api/agents/:id/changes/undo: a hunk of the diff of a file, by its `id`. */
export function parseUndo(value: unknown): { path: string; hunk: string } {
  const checks = { path: text(MAX_FIELD, true), hunk: text(64, true) };
  return need(pick<{ path: string; hunk: string }>(value, checks), 'path', 'hunk');
}

/** Longest description of a pull request, characters: it is an argument of `gh`. */
const MAX_DESCRIPTION = 20_000;

/** Body of POST /api/agents/:id/changes/pull-request. */
export function parsePullRequest(value: unknown): PullRequestText {
  const checks = {
    title: text(MAX_NAME, true),
    body: text(MAX_DESCRIPTION),
    draft: bool,
    repository: text(MAX_NAME, true),
  };
  const body = pick<Required<PullRequestText>>(value, checks);
  const { title, repository, ...rest } = need(body, 'title', 'repository');
  if (`${title}${rest.body ?? ''}`.includes('\0')) {
    throw new ValidationError('The text must be free of NUL characters.');
  }
  return { body: '', draft: false, ...rest, title, repository };
}

/** Body of POST /api/agents/:id/changes/discard; null: everything, which an empty body never means. */
export function parseDiscard(value: unknown): string[] | null {
  const body = pick<{ all: boolean; paths: string[] }>(value, { all: bool, paths });
  if (body.all) return null;
  if (body.paths) return body.paths;
  throw new ValidationError('"paths" must be a list of files; {"all": true} discards everything.');
}
