/**
 * Lists folders for the folder picker. Only below the roots, wherever links lead; nothing is opened for reading, so that no
 * FIFO, device or hanging file blocks.
 */
import { lstat, readdir, realpath, stat } from 'node:fs/promises';
import { dirname, isAbsolute, join, relative, resolve } from 'node:path';
import { HttpError } from '../../core/http/reply.ts';
import type { DirectoryEntry, DirectoryListing } from '../../core/wire/workshop.ts';

/** Most folders that one listing names. */
export const ENTRY_COUNT = 1000;
/** Most links of one folder that are followed to see whether they lead to a folder. */
const LINK_COUNT = 1000;
/** A file system that does not answer in this time (a network mount) is given up on. */
const TIMEOUT_MS = 3000;

export interface ListRequest {
  /** Absolute; empty: the first root. */
  path: string;
  hidden: boolean;
  roots: readonly string[];
  recent: readonly string[];
}

/** Throws HttpError 400 (no absolute path, no folder), 403 (outside the roots), 404, 504 (file system does not answer). */
export async function listDirectories(request: ListRequest): Promise<DirectoryListing> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new HttpError(504, 'folder_slow', 'This folder does not answer; its disk or network may be away.')),
      TIMEOUT_MS,
    );
  });
  try {
    return await Promise.race([list(request), late]);
  } finally {
    clearTimeout(timer);
  }
}

async function list({ path: asked, hidden, roots: wanted, recent }: ListRequest): Promise<DirectoryListing> {
  const roots = await realRoots(wanted);
  const path = await allowedFolder(asked || roots[0]!, roots);
  const entries = await foldersIn(path, hidden, roots);
  const shown = await Promise.all(
    entries.slice(0, ENTRY_COUNT).map(async (name): Promise<DirectoryEntry> => {
      const full = join(path, name);
      return { name, path: full, isDirectory: true, repository: await exists(join(full, '.git')) };
    }),
  );
  return {
    path,
    parent: roots.includes(path) ? null : dirname(path),
    entries: shown,
    truncated: entries.length > ENTRY_COUNT,
    repository: await isInRepository(path),
    roots,
    recent: [...recent],
  };
}

const exists = (path: string) => lstat(path).then(() => true, () => false);

async function realRoots(roots: readonly string[]): Promise<string[]> {
  const real = await Promise.all(roots.map((root) => realpath(root).catch(() => '')));
  const found = [...new Set(real.filter(Boolean))];
  if (!found.length) throw new HttpError(404, 'no_root', 'None of the folders that may be shown is there.');
  return found;
}

const isInside = (path: string, root: string) => {
  const way = relative(root, path);
  return way === '' || (!way.startsWith('../') && way !== '..' && !isAbsolute(way));
};

async function allowedFolder(asked: string, roots: string[]): Promise<string> {
  if (!isAbsolute(asked) || asked.includes('\0')) {
    throw new HttpError(400, 'bad_path', 'Name the folder with its whole path, beginning with "/".');
  }
  const outside = new HttpError(
    403,
    'outside_roots',
    'This folder is outside of those that may be shown. Add it under Settings → Folders.',
  );
  const path = await realpath(resolve(asked)).catch((error) => {
    // What is outside must not be told apart by whether it is there.
    if (!roots.some((root) => isInside(resolve(asked), root))) throw outside;
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') {
      throw new HttpError(404, 'no_folder', 'There is no such folder.');
    }
    throw new HttpError(403, 'folder_closed', `This folder cannot be opened (${error.code}).`);
  });
  if (!roots.some((root) => isInside(path, root))) throw outside;
  if (!(await stat(path)).isDirectory()) throw new HttpError(400, 'not_a_folder', 'This is not a folder.');
  return path;
}

/** Names of the folders in a folder, and of links to folders within the roots; sorted without regard to case. */
async function foldersIn(path: string, hidden: boolean, roots: string[]): Promise<string[]> {
  const all = await readdir(path, { withFileTypes: true }).catch((error) => {
    throw new HttpError(403, 'folder_closed', `This folder cannot be opened (${error.code}).`);
  });
  // A name that is not UTF-8 comes with U+FFFD and could not be asked for again.
  const shown = all.filter(({ name }) => (hidden || !name.startsWith('.')) && !name.includes('\ufffd'));
  const folders = shown.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
  const links = shown.filter((entry) => entry.isSymbolicLink()).slice(0, LINK_COUNT).map((entry) => entry.name);
  const leadInside = await Promise.all(links.map((name) => isFolderInside(join(path, name), roots)));
  const names = [...folders, ...links.filter((_, i) => leadInside[i])];
  const keyed = names.map((name) => ({ name, key: name.toLowerCase() }));
  return keyed.sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0)).map(({ name }) => name);
}

async function isFolderInside(link: string, roots: string[]): Promise<boolean> {
  try {
    const target = await realpath(link); // a loop fails with ELOOP
    return roots.some((root) => isInside(target, root)) && (await stat(target)).isDirectory();
  } catch {
    return false;
  }
}

async function isInRepository(path: string): Promise<boolean> {
  for (let folder = path;; folder = dirname(folder)) {
    if (await exists(join(folder, '.git'))) return true;
    if (dirname(folder) === folder) return false;
  }
}
