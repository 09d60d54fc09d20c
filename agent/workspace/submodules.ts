/**
 * Fills the submodules of a new worktree from what the repository has of them on this machine. Nothing is fetched, and nothing
 * that a repository names is run: each gets a git directory with settings of ours, to which the objects are linked, and its
 * files are written by an isolated git. Filters are those of the owner's global settings alone.
 */
import type { Buffer } from 'node:buffer';
import { copyFile, cp, link, lstat, mkdir, readdir, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { dirname, join, relative, resolve } from 'node:path';
import { readFileList } from './file-list.ts';
import { git } from './git.ts';
import { splitNul } from './git-output.ts';
import { type Repository, useRepository } from './repository.ts';

/** Submodules of one repository, how deep they lie in each other, and files of objects of one. More are left empty. */
const MAX_SUBMODULES = 500;
const MAX_DEPTH = 4;
const MAX_OBJECT_FILES = 200_000;
const MAX_SMALL_FILE = 16 * 1024 * 1024;

interface Submodule {
  name: string;
  /** Relative to the checkout. */
  path: string;
  commit: string;
}

/** What could not be filled stays empty, which missing.ts says. Never throws. */
export async function fillSubmodules(at: Repository, modules = join(at.common, 'modules'), depth = 0): Promise<void> {
  if (depth >= MAX_DEPTH || !(await isDirectory(modules))) return;
  for (const submodule of await listSubmodules(at).catch(() => [])) {
    await fill(at, submodule, modules, depth).catch(() => {});
  }
}

const isDirectory = (path: string) => lstat(path).then((found) => found.isDirectory(), () => false);

async function listSubmodules(at: Repository): Promise<Submodule[]> {
  const entries = await readFileList(at, ['ls-files', '--stage', '-z'], isSubmodule, MAX_SUBMODULES);
  if (!entries.length) return [];
  const names = await namesByPath(at);
  return entries.flatMap((entry) => {
    // "160000 <commit> 0\t<path>"
    const [, commit = '', path = ''] = /^160000 ([0-9a-f]{40}) 0\t(.+)$/s.exec(entry.toString()) ?? [];
    const name = names.get(path);
    return name && isName(name) ? [{ name, path, commit }] : [];
  });
}

const isSubmodule = (entry: Buffer) => entry.subarray(0, 7).toString('latin1') === '160000 ';

/** A name becomes a path below `modules`, as git has it. */
const isName = (name: string) =>
  !name.startsWith('-') && !name.includes('\\') &&
  name.split('/').every((part) => part && part !== '.' && part !== '..');

async function namesByPath(at: Repository): Promise<Map<string, string>> {
  const args = ['config', '--blob', ':.gitmodules', '-z', '--get-regexp', '^submodule\\..*\\.path$'];
  const { code, stdout } = await git(at, args, { codes: [1, 128] });
  if (code) return new Map();
  return new Map(
    splitNul(stdout).map((entry) => {
      const [key = '', path = ''] = entry.toString().split('\n');
      return [path, key.slice('submodule.'.length, -'.path'.length)];
    }),
  );
}

async function fill(at: Repository, submodule: Submodule, modules: string, depth: number): Promise<void> {
  const top = join(at.top, submodule.path);
  const gitDir = join(at.gitDir, 'modules', submodule.name);
  if ((await readdir(top)).length || await realpath(top) !== top || await isDirectory(gitDir)) return;
  if (!(await isInitialised(at, submodule, dirname(modules)))) return;
  const source = join(modules, submodule.name);
  try {
    await makeGitDirectory(at, { source, gitDir, top, commit: submodule.commit });
    await useRepository(at.isolation, { top, common: gitDir, gitDir }, async (inner) => {
      await git(inner, ['read-tree', '--reset', '-u', submodule.commit]);
      await fillSubmodules(inner, join(source, 'modules'), depth + 1);
    });
  } catch (error) {
    await rm(gitDir, { recursive: true, force: true });
    await rm(top, { recursive: true, force: true });
    await mkdir(top);
    throw error;
  }
}

/** `git submodule init` writes its address into the settings, `git submodule deinit` removes it. */
async function isInitialised(at: Repository, { name }: Submodule, common: string): Promise<boolean> {
  return Boolean((await settingsOf(at, join(common, 'config'))).get(`submodule.${name}.url`));
}

/** The settings of one file, by name; what it includes is not read. */
async function settingsOf(at: Repository, file: string): Promise<Map<string, string>> {
  const { stdout } = await git(at, ['config', '--file', file, '--no-includes', '-z', '--list']);
  return new Map(
    splitNul(stdout).map((entry) => {
      const [key = '', ...value] = entry.toString().split('\n');
      return [key, value.join('\n')];
    }),
  );
}

interface Copy {
  source: string;
  gitDir: string;
  top: string;
  commit: string;
}

async function makeGitDirectory(at: Repository, { source, gitDir, top, commit }: Copy): Promise<void> {
  const settings = await settingsOf(at, join(source, 'config'));
  // Another format of objects, or a partial clone, whose objects are not all here.
  const isOther = [...settings.keys()].some((key) => key.startsWith('extensions.'));
  if (isOther || settings.get('core.repositoryformatversion') !== '0') throw new Error('its format is another one');
  await mkdir(join(gitDir, 'refs/heads'), { recursive: true });
  await linkObjects(join(source, 'objects'), join(gitDir, 'objects'));
  await copyRefs(source, gitDir);
  await writeFile(join(gitDir, 'config'), ownSettings(relative(gitDir, top), settings.get('remote.origin.url') ?? ''));
  await writeFile(join(gitDir, 'HEAD'), `${commit}\n`);
  await writeFile(join(top, '.git'), `gitdir: ${relative(top, gitDir)}\n`, { flag: 'wx' });
}

const quoted = (value: string) => `"${value.replace(/[\\"]/g, '\\$&')}"`;

function ownSettings(worktree: string, url: string): string {
  const core = ['[core]', 'repositoryformatversion = 0', 'bare = false', `worktree = ${quoted(worktree)}`];
  // deno-lint-ignore no-control-regex
  const hasOrigin = url && !/[\x00-\x1f\x7f]/.test(url);
  const origin = ['[remote "origin"]', `url = ${quoted(url)}`, 'fetch = +refs/heads/*:refs/remotes/origin/*'];
  return `${[...core, ...(hasOrigin ? origin : [])].join('\n')}\n`;
}

/** Objects never change: links to the same files take no room. */
async function linkObjects(from: string, to: string): Promise<void> {
  let count = 0;
  const directories = (await readdir(from, { withFileTypes: true })).filter((entry) =>
    entry.isDirectory() && /^([0-9a-f]{2}|pack)$/.test(entry.name)
  );
  for (const { name } of directories) {
    await mkdir(join(to, name), { recursive: true });
    const files = (await readdir(join(from, name), { withFileTypes: true })).filter((entry) => entry.isFile());
    if ((count += files.length) > MAX_OBJECT_FILES) throw new Error('it has too many objects');
    for (const file of files) await linkFile(join(from, name, file.name), join(to, name, file.name));
  }
  await mkdir(join(to, 'info'), { recursive: true });
  const others = (await smallFile(join(from, 'info/alternates'))).split('\n').filter(Boolean);
  if (others.length) {
    await writeFile(join(to, 'info/alternates'), others.map((path) => `${resolve(from, path)}\n`).join(''));
  }
}

/** Another file system, or a file with too many links: a copy. */
const linkFile = (from: string, to: string) => link(from, to).catch(() => copyFile(from, to));

/** What its remotes have, so that the agent's own commits can be told from theirs; and where its history was cut off. */
async function copyRefs(source: string, gitDir: string): Promise<void> {
  const packed = (await smallFile(join(source, 'packed-refs'))).split('\n');
  const remote = packed.filter((line) => /^[0-9a-f]{40} refs\/remotes\/\S+$/.test(line));
  if (remote.length) await writeFile(join(gitDir, 'packed-refs'), `${remote.join('\n')}\n`);
  const shallow = await smallFile(join(source, 'shallow'));
  if (shallow) await writeFile(join(gitDir, 'shallow'), shallow);
  const remotes = join(source, 'refs/remotes');
  if (!(await isDirectory(remotes))) return;
  const isPlain = async (path: string) => {
    const found = await lstat(path);
    return found.isDirectory() || found.isFile();
  };
  await cp(remotes, join(gitDir, 'refs/remotes'), { recursive: true, filter: isPlain });
}

/** @returns '' when there is none, or it is no regular file of that size */
async function smallFile(path: string): Promise<string> {
  const found = await lstat(path).catch(() => null);
  return found?.isFile() && found.size <= MAX_SMALL_FILE ? await readFile(path, 'utf8') : '';
}
