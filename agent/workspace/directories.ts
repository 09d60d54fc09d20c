/**
 * Lists directories for the folder picker. Only below the roots, wherever links lead; nothing is opened for reading, so that no
 * FIFO, device or hanging file blocks.
 */
import { lstat, mkdir, readdir, realpath, stat } from 'node:fs/promises';
import { dirname, isAbsolute, join, relative, resolve } from 'node:path';
import { Failure } from '../../core/api/errors.ts';
import type { DirectoryEntry, DirectoryListing } from '../../core/api/workspace.ts';

/** Most directories that one listing names. */
export const MAX_ENTRY = 1000;
/** Most links of one directory that are followed to see whether they lead to a directory. */
const MAX_LINK = 1000;
/** How long to wait for a file system (a network mount), ms. */
const TIMEOUT_MS = 3000;

export interface ListRequest {
  /** Absolute; empty: the first root. */
  path: string;
  hidden: boolean;
  roots: readonly string[];
  recent: readonly string[];
}

/** Throws Failure `bad_path`, `not_a_folder`, `outside_roots`, `no_folder`, `folder_closed`, `folder_slow`. */
export async function listDirectories(request: ListRequest): Promise<DirectoryListing> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () =>
        reject(
          new Failure(
            'folder_slow',
            'This folder does not answer; its disk or network may be away. Choose another one, or try again.',
          ),
        ),
      TIMEOUT_MS,
    );
  });
  try {
    return await Promise.race([list(request), late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Makes a directory in one that may be listed. @returns its path. Throws Failure, also `file_exists` */
export async function makeDirectory(
  { path, name, roots: wanted }: { path: string; name: string; roots: readonly string[] },
): Promise<string> {
  const result = join(await allowedDirectory(path, await realRoots(wanted)), name);
  await mkdir(result).catch((error) => {
    if (error.code === 'EEXIST') throw new Failure('file_exists', `There is a file or folder "${name}" already.`);
    throw new Failure('folder_closed', `No folder can be made here (${error.code}).`);
  });
  return result;
}

async function list({ path: requested, hidden, roots: wanted, recent }: ListRequest): Promise<DirectoryListing> {
  const roots = await realRoots(wanted);
  const path = await allowedDirectory(requested || roots[0]!, roots);
  const entries = await directoriesIn(path, hidden, roots);
  const shown = await Promise.all(
    entries.slice(0, MAX_ENTRY).map(async (name): Promise<DirectoryEntry> => {
      const full = join(path, name);
      return { name, path: full, isDirectory: true, repository: await exists(join(full, '.git')) };
    }),
  );
  return {
    path,
    parent: parentOf(path, roots),
    entries: shown,
    truncated: entries.length > MAX_ENTRY,
    repository: await isInRepository(path),
    roots,
    recent: [...recent],
  };
}

/** A root may lie in another one. */
function parentOf(path: string, roots: readonly string[]): string | null {
  const parent = dirname(path);
  return parent !== path && roots.some((root) => isInside(parent, root)) ? parent : null;
}

const exists = (path: string) => lstat(path).then(() => true, () => false);

async function realRoots(roots: readonly string[]): Promise<string[]> {
  const real = await Promise.all(roots.map((root) => realpath(root).catch(() => '')));
  const found = [...new Set(real.filter(Boolean))];
  if (!found.length) {
    throw new Failure('no_root', 'None of the folders that may be shown is there. Change them in the settings.');
  }
  return found;
}

const isInside = (path: string, root: string) => {
  const way = relative(root, path);
  return way === '' || (!way.startsWith('../') && way !== '..' && !isAbsolute(way));
};

async function allowedDirectory(requested: string, roots: string[]): Promise<string> {
  if (!isAbsolute(requested) || requested.includes('\0')) {
    throw new Failure('bad_path', 'Name the folder with its whole path, beginning with "/".');
  }
  const outside = new Failure(
    'outside_roots',
    'This folder is outside of those that may be shown. Add it under Settings → Folders.',
  );
  const path = await realpath(resolve(requested)).catch((error) => {
    // The answer must not reveal whether something outside exists.
    if (!roots.some((root) => isInside(resolve(requested), root))) throw outside;
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') {
      throw new Failure('no_folder', 'There is no such folder.');
    }
    throw new Failure(
      'folder_closed',
      `This folder cannot be opened (${error.code}). Choose another one, or let the user of this server read it.`,
    );
  });
  if (!roots.some((root) => isInside(path, root))) throw outside;
  if (!(await stat(path)).isDirectory()) throw new Failure('not_a_folder', 'This is not a folder.');
  return path;
}

/** Names of the directories in a directory, and of links to directories within the roots; sorted without regard to case. */
async function directoriesIn(path: string, hidden: boolean, roots: string[]): Promise<string[]> {
  const all = await readdir(path, { withFileTypes: true }).catch((error) => {
    throw new Failure(
      'folder_closed',
      `This folder cannot be opened (${error.code}). Choose another one, or let the user of this server read it.`,
    );
  });
  // A name that is not UTF-8 is read with U+FFFD, and no request could name it.
  const shown = all.filter(({ name }) => (hidden || !name.startsWith('.')) && !name.includes('\ufffd'));
  const directories = shown.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
  const links = shown.filter((entry) => entry.isSymbolicLink()).slice(0, MAX_LINK).map((entry) => entry.name);
  const leadInside = await Promise.all(links.map((name) => isDirectoryInside(join(path, name), roots)));
  const names = [...directories, ...links.filter((_, i) => leadInside[i])];
  const keyed = names.map((name) => ({ name, key: name.toLowerCase() }));
  return keyed.sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0)).map(({ name }) => name);
}

async function isDirectoryInside(link: string, roots: string[]): Promise<boolean> {
  try {
    const target = await realpath(link); // a loop fails with ELOOP
    return roots.some((root) => isInside(target, root)) && (await stat(target)).isDirectory();
  } catch {
    return false;
  }
}

async function isInRepository(path: string): Promise<boolean> {
  for (let directory = path;; directory = dirname(directory)) {
    if (await exists(join(directory, '.git'))) return true;
    if (dirname(directory) === directory) return false;
  }
}
