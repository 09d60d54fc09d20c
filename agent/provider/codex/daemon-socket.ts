/**
 * Where Codex's daemon listens: one name below CODEX_HOME, a link to a socket elsewhere. Whoever answers there sees prompts and
 * decides what runs, so it must be of this user, at a place that nobody else can put another socket into.
 */
import { lstatSync, realpathSync, type Stats } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import process from 'node:process';
import type { Environment } from '../../process/environment.ts';

const NAME = 'app-server-control/app-server-control.sock';
const OTHERS_WRITE = 0o022;
/** In such a directory only its owner removes or replaces an entry. */
const STICKY = 0o1000;
/** The system's own: it could do everything anyway. */
const ROOT = 0;

export const codexHome = (env: Environment): string => resolve(env.CODEX_HOME || join(env.HOME || homedir(), '.codex'));

/**
 * @returns the socket; null: no daemon
 * @throws Error with a sentence when it is not to be trusted
 */
export function daemonSocket(home: string, own = process.getuid?.()): string | null {
  const link = join(home, NAME);
  const socket = realPath(link);
  if (socket === null) return null;
  for (const path of [link, socket]) {
    if (own !== undefined && lstatSync(path).uid !== own) throw new Error(`${path} belongs to another user.`);
  }
  if (!lstatSync(socket).isSocket()) throw new Error(`${link} leads to no socket.`);
  // Whoever owns a directory, also one further up, can put another in its place.
  for (const directory of new Set([...above(realpathSync(dirname(link))), ...above(dirname(socket))])) {
    const stats = lstatSync(directory);
    if (isOpenToOthers(stats)) throw new Error(`Other users can write to ${directory}.`);
    if (own !== undefined && stats.uid !== own && stats.uid !== ROOT) {
      throw new Error(`${directory} belongs to another user.`);
    }
  }
  return socket;
}

/** A directory and all that it lies in. */
function above(path: string): string[] {
  const parent = dirname(path);
  return parent === path ? [path] : [path, ...above(parent)];
}

const isOpenToOthers = ({ mode }: Stats): boolean => (mode & OTHERS_WRITE) !== 0 && (mode & STICKY) === 0;

/** null: there is none, or it leads nowhere, as after a daemon that was killed. */
function realPath(link: string): string | null {
  try {
    return realpathSync(link);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return null;
    throw error;
  }
}
