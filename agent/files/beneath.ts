/**
 * Opens files below a directory and nowhere else. Each part of a path is opened within the descriptor of the part before
 * (openat(2), by way of /proc/self/fd), so nothing that is moved or swapped meanwhile can lead outside: there is no moment
 * between a check and its use. Links are resolved by us, within the root; where one leads outside, that is refused.
 */
import { Buffer } from 'node:buffer';
import { constants } from 'node:fs';
import { type FileHandle, lstat, open, readlink, realpath } from 'node:fs/promises';
import { isAbsolute, join, relative, sep } from 'node:path';
import process from 'node:process';
import { Failure } from '../../core/api/errors.ts';
import { shownBytes } from '../workspace/git-output.ts';

/** Links in one path, as in Linux (path_resolution(7)). */
export const MAX_LINKS = 40;
/** Parts of one path. */
export const MAX_PARTS = 256;

/** By descriptors where /proc has them; elsewhere by a comparison of what was opened with where it should lie. */
const HAS_DESCRIPTORS = process.platform === 'linux';

export interface Opened {
  handle: FileHandle;
  /** The path below the root without links, with "/"; '' is the root itself. */
  path: string;
  /** The opened directory as a path: names are looked up in it, wherever it is moved while the handle is open. */
  at: string;
}

export interface BeneathOptions {
  /** Of node:fs `constants`; default O_RDONLY. O_NOFOLLOW, O_NONBLOCK and O_CLOEXEC are always added. */
  flags?: number;
  /** Of a file that is made. */
  mode?: number;
}

/**
 * Opens `path`, given relative to `root` with "/". A FIFO or device is opened without waiting for it. The caller closes the
 * handle. A name that is not UTF-8 is reached as `pathText` shows it. Throws Failure `outside_roots`, `not_found` or `bad_path`.
 * @param root an absolute directory; links in it are the owner's own and are followed
 */
export async function openBeneath(root: string, path: string, options: BeneathOptions = {}): Promise<Opened> {
  const parts = partsOf(path);
  const flags = (options.flags ?? constants.O_RDONLY) | constants.O_NOFOLLOW | constants.O_NONBLOCK;
  if (!HAS_DESCRIPTORS) return await openAndCompare(root, parts, flags, options.mode);
  const walk = new Walk(await openDirectory(root), await realpath(root), flags, options.mode);
  return await walk.to(parts);
}

/** Throws Failure `bad_path` for what can be no path below a directory. */
export function partsOf(path: string): string[] {
  if (path.includes('\0') || Buffer.from(path).toString() !== path) {
    throw new Failure('bad_path', 'The path holds characters that no file name can have.');
  }
  if (isAbsolute(path)) throw outside();
  const parts = path.split('/').filter((part) => part !== '' && part !== '.');
  if (parts.length > MAX_PARTS) throw new Failure('bad_path', `A path has at most ${MAX_PARTS} parts.`);
  return parts;
}

const outside = () => new Failure('outside_roots', 'This lies outside of the folders of this agent.');
const missing = () => new Failure('not_found', 'There is no such file or folder.');

const openDirectory = (path: string): Promise<FileHandle> =>
  open(path, constants.O_RDONLY | constants.O_DIRECTORY).catch((error) => {
    throw failureOf(error);
  });

/** One resolution: a stack of open directories, from the root down to where it is. */
class Walk {
  readonly #root: FileHandle;
  readonly #rootPath: string;
  readonly #flags: number;
  readonly #mode: number | undefined;
  readonly #stack: { handle: FileHandle; name: string }[] = [];
  #links = 0;

  constructor(root: FileHandle, rootPath: string, flags: number, mode: number | undefined) {
    this.#root = root;
    this.#rootPath = rootPath;
    this.#flags = flags;
    this.#mode = mode;
  }

  async to(parts: string[]): Promise<Opened> {
    const todo = [...parts];
    try {
      for (let part = todo.shift(); part !== undefined; part = todo.shift()) {
        if (part === '..') await this.#up();
        else if (todo.length === 0) {
          const opened = await this.#last(part, todo);
          if (opened) return opened;
        } else await this.#down(part, todo);
      }
      // It ended with "..", or was empty: the directory that it stands in.
      const handle = await this.#open(this.#here, '.', this.#flags);
      return openedAs(handle, this.#path());
    } finally {
      await Promise.all([this.#root.close(), ...this.#stack.map(({ handle }) => handle.close())]);
    }
  }

  get #here(): FileHandle {
    return this.#stack.at(-1)?.handle ?? this.#root;
  }

  #path = (name = '') => [...this.#stack.map((entry) => entry.name), name].filter(Boolean).join('/');

  async #up(): Promise<void> {
    const top = this.#stack.pop();
    if (!top) throw outside();
    await top.handle.close();
  }

  async #down(part: string, todo: string[]): Promise<void> {
    const flags = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;
    const handle = await this.#open(this.#here, part, flags).catch(async (error) => {
      // ENOTDIR: a link, or a file where a directory should be.
      if (!isLinkError(error) || !(await this.#follow(part, todo))) throw failureOf(error);
      return null;
    });
    if (handle) this.#stack.push({ handle, name: part });
  }

  /** @returns null when it was a link: the walk goes on at its target */
  async #last(part: string, todo: string[]): Promise<Opened | null> {
    const handle = await this.#open(this.#here, part, this.#flags).catch(async (error) => {
      if (!isLinkError(error) || !(await this.#follow(part, todo))) throw failureOf(error);
      return null;
    });
    return handle && openedAs(handle, this.#path(part));
  }

  #open(directory: FileHandle, name: string, flags: number): Promise<FileHandle> {
    return byName(directory, name, (path) => open(path, flags, this.#mode));
  }

  /** Puts the target of a link in front of what is left. @returns false when it is no link */
  async #follow(part: string, todo: string[]): Promise<boolean> {
    const target = await byName(this.#here, part, (path) => readlink(path)).catch(() => null);
    if (target === null) return false;
    if (++this.#links > MAX_LINKS) throw new Failure('bad_path', 'Too many links lead from one to the next.');
    if (!isAbsolute(target)) {
      todo.unshift(...target.split('/').filter((name) => name !== '' && name !== '.'));
      return true;
    }
    // An absolute target is followed only below the root, and from the root's own descriptor.
    const below = relative(this.#rootPath, target);
    if (below.split(sep)[0] === '..' || isAbsolute(below)) throw outside();
    for (const { handle } of this.#stack.splice(0)) await handle.close();
    todo.unshift(...below.split(sep).filter(Boolean));
    return true;
  }
}

/** Uses what has this name in the directory; else what is shown by it, since its own is not UTF-8. */
async function byName<T>(directory: FileHandle, name: string, use: (path: string | Buffer) => Promise<T>): Promise<T> {
  const at = `/proc/self/fd/${directory.fd}/`;
  try {
    return await use(at + name);
  } catch (error) {
    const bytes = shownBytes(name);
    if (!bytes || (error as { code?: string }).code !== 'ENOENT') throw error;
    return await use(Buffer.concat([Buffer.from(at), bytes]));
  }
}

/** The path of an entry of an opened directory, also of one whose name is not UTF-8, to be replaced or made. */
export async function entryPath({ handle, at }: Opened, name: string): Promise<string | Buffer> {
  const asIs = `${at}/${name}`;
  if (!HAS_DESCRIPTORS || !shownBytes(name)) return asIs;
  return await byName(handle, name, (path) => lstat(path).then(() => path)).catch(() => asIs);
}

/**
 * Whether openBeneath reaches a name that is not UTF-8 by the text that shows it.
 * @param isTaken another entry of the directory has that text as its name
 */
export const isReachable = (bytes: Buffer, shown: string, isTaken: boolean): boolean =>
  HAS_DESCRIPTORS && !isTaken && shownBytes(shown)?.equals(bytes) === true;

const openedAs = (handle: FileHandle, path: string): Opened => ({ handle, path, at: `/proc/self/fd/${handle.fd}` });

const isLinkError = (error: unknown): boolean =>
  ['ELOOP', 'ENOTDIR', 'EMLINK'].includes((error as { code?: string }).code ?? '');

function failureOf(error: unknown): unknown {
  switch ((error as { code?: string }).code) {
    case 'ENOENT':
    case 'ENOTDIR':
      return missing();
    case 'ELOOP':
      return new Failure('bad_path', 'Too many links lead from one to the next.');
    case 'EACCES':
    case 'EPERM':
      return new Failure(
        'folder_closed',
        'This file or folder may not be opened by the user who runs the agent server. Change its permissions on the machine.',
      );
    // A socket, which open(2) opens on no system, or a device that has no driver.
    case 'ENXIO':
    case 'EOPNOTSUPP':
    case 'ENODEV':
      return new Failure('not_a_file', 'This is a socket or a device, not a file with content.');
    case 'ENAMETOOLONG':
      return new Failure('bad_path', 'The path is too long.');
    default:
      return error;
  }
}

/** Without descriptors in the file system: what was opened must be what lies at the resolved path below the root. */
async function openAndCompare(
  root: string,
  parts: string[],
  flags: number,
  mode: number | undefined,
): Promise<Opened> {
  const top = await realpath(root);
  const makes = (flags & constants.O_CREAT) !== 0;
  const directory = makes ? parts.slice(0, -1) : parts;
  const found = await realpath(join(top, ...directory)).catch((error) => {
    throw failureOf(error);
  });
  const full = makes ? join(found, parts.at(-1) ?? '') : found;
  if (!isBelow(top, full)) throw outside();
  const handle = await open(full, flags, mode).catch((error) => {
    throw failureOf(error);
  });
  const [opened, lies] = await Promise.all([handle.stat(), realpath(full)]);
  const there = await open(lies, constants.O_RDONLY | constants.O_NONBLOCK).then(async (second) => {
    const stat = await second.stat();
    await second.close();
    return stat;
  });
  if (isBelow(top, lies) && there.ino === opened.ino && there.dev === opened.dev) {
    return { handle, path: relative(top, lies).split(sep).join('/'), at: lies };
  }
  await handle.close();
  throw outside();
}

const isBelow = (top: string, path: string): boolean => {
  const below = relative(top, path);
  return !isAbsolute(below) && below.split(sep)[0] !== '..';
};
