/** Real repositories in temporary folders. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import process from 'node:process';

/** Runs git in a folder and gives its output. No configuration of the user has a say. */
export function runGit(cwd: string, ...args: string[]): string {
  const env = {
    PATH: process.env.PATH,
    HOME: '/nonexistent',
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_AUTHOR_NAME: 'T',
    GIT_AUTHOR_EMAIL: 't@example.org',
    GIT_COMMITTER_NAME: 'T',
    GIT_COMMITTER_EMAIL: 't@example.org',
  };
  return execFileSync('git', args, { cwd, env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }).replace(
    /\n$/,
    '',
  );
}

/** A temporary folder (real path) that is removed by `remove`. */
export function temporaryDirectory(): { path: string; remove(): void } {
  const path = realpathSync(mkdtempSync(join(tmpdir(), 'agent-monitor-test-')));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

/** Calls `run` while these are the user's global git settings. */
export async function withGlobalSettings<T>(settings: string, run: () => Promise<T>): Promise<T> {
  const home = temporaryDirectory();
  const before = process.env.HOME;
  writeFileSync(join(home.path, '.gitconfig'), settings);
  process.env.HOME = home.path;
  try {
    return await run();
  } finally {
    process.env.HOME = before;
    home.remove();
  }
}

/** Calls `run` while git and what it starts are the only programs that are found. */
export async function withGitAlone<T>(run: () => Promise<T>): Promise<T> {
  const { path, remove } = temporaryDirectory();
  const before = process.env.PATH ?? '';
  for (const name of ['git', 'sh']) {
    const found = before.split(':').map((directory) => join(directory, name)).find((file) => existsSync(file));
    if (found) symlinkSync(realpathSync(found), join(path, name));
  }
  process.env.PATH = path;
  try {
    return await run();
  } finally {
    process.env.PATH = before;
    remove();
  }
}

/** Writes files below a folder, with the folders that they need. */
export function writeFiles(directory: string, files: Record<string, string>): void {
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(directory, name)), { recursive: true });
    writeFileSync(join(directory, name), content);
  }
}

/** A repository with one commit of these files on the branch `main`. */
export function makeRepository(directory: string, files: Record<string, string> = { 'a.txt': 'one\n' }): string {
  mkdirSync(directory, { recursive: true });
  runGit(directory, 'init', '--quiet', '--initial-branch=main');
  writeFiles(directory, files);
  commitAll(directory, 'first');
  return directory;
}

export function commitAll(directory: string, message: string): void {
  runGit(directory, 'add', '--all', '.');
  runGit(directory, 'commit', '--quiet', '--allow-empty', '-m', message);
}
