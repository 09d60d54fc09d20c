/** Takes what is not committed in one worktree over into another that was made from the same commit. */
import { Buffer } from 'node:buffer';
import { copyFile, lstat, mkdir, readlink, realpath, rm, symlink } from 'node:fs/promises';
import { constants } from 'node:fs';
import { dirname } from 'node:path';
import { Failure } from '../../core/api/errors.ts';
import { type Repository, type StatusEntry, statusOf } from './repository.ts';
import { readSeededFiles } from './seeded-files.ts';
import { pathText } from './git-output.ts';

/** Files that are carried over; a worktree with more is to be committed first. */
const MAX_CARRIED = 10_000;

/**
 * Files that the other worktree has otherwise are replaced, files that are not here are removed there. Throws Failure.
 * @param to top of the new worktree
 * @returns those that the server itself had put here, and that nobody has changed since
 */
export async function carryOver(from: Repository, to: string): Promise<string[]> {
  const entries = await statusOf(from);
  if (entries.length > MAX_CARRIED) {
    const text = `${from.top} has ${entries.length} files that are not committed: commit them first.`;
    throw new Failure('worktree_failed', text, { params: { reason: text } });
  }
  const seeded = await readSeededFiles(from);
  // Removals first: a file may have become a folder.
  const found = await Promise.all(entries.map((entry) => kindOf(from.top, entry)));
  for (const [i, { path }] of entries.entries()) if (found[i] === 'none') await removeFile(to, path);
  for (const [i, { path }] of entries.entries()) {
    if (found[i] === 'file' || found[i] === 'link') await copyOne(from.top, to, path, found[i]);
  }
  return entries.filter(({ path }) => seeded.isUnchanged(path)).map(({ path }) => path.toString('utf8'));
}

/** `none`: no file, but perhaps a folder with files of its own in the list; `other`: what git does not hold. */
type Kind = 'file' | 'link' | 'none' | 'other';

async function kindOf(top: string, { path }: StatusEntry): Promise<Kind> {
  const found = await lstat(inside(top, path)).catch(() => null);
  if (!found) return 'none';
  if (found.isDirectory()) return path.at(-1) === SLASH ? 'other' : 'none'; // with a slash: a repository within this one
  return found.isSymbolicLink() ? 'link' : found.isFile() ? 'file' : 'other';
}

const SLASH = '/'.charCodeAt(0);

const inside = (top: string, path: Buffer): Buffer => Buffer.concat([Buffer.from(`${top}/`), path]);

async function removeFile(to: string, path: Buffer): Promise<void> {
  const target = inside(to, path);
  if (!await isBelow(to, parentOf(target))) return;
  const found = await lstat(target).catch(() => null);
  if (found && !found.isDirectory()) await rm(named(target));
}

async function copyOne(from: string, to: string, path: Buffer, kind: 'file' | 'link'): Promise<void> {
  const [source, target] = [inside(from, path), inside(to, path)];
  const [sourceParent, parent] = [parentOf(source), parentOf(target)];
  if (!await isBelow(from, sourceParent) || !await isBelow(to, parent)) return;
  await mkdir(named(parent), { recursive: true });
  await rm(named(target), { force: true, recursive: true });
  if (kind === 'link') await symlink(named(Buffer.from(await readlink(source, 'buffer'))), named(target));
  else await copyFile(named(source), named(target), constants.COPYFILE_FICLONE);
}

/** As text where it is exact: Deno takes no bytes for a path in most places. */
function named(bytes: Buffer): string | Buffer {
  const { path, exact } = pathText(bytes);
  return exact ? path : bytes;
}

/** In latin1, each byte is a character of its own. */
const parentOf = (path: Buffer): Buffer => Buffer.from(dirname(path.toString('latin1')), 'latin1');

/**
 * Nothing is read, written or removed through a link that leads out of the worktree, whatever an index says that an agent wrote.
 * Of a path that is not there yet, what is there of it counts.
 */
async function isBelow(top: string, path: Buffer): Promise<boolean> {
  const root = await realpath(top, 'buffer');
  let at = path;
  while (!await lstat(at).catch(() => null)) at = parentOf(at);
  const real = await realpath(at, 'buffer').catch(() => null); // null: a link that leads nowhere
  return real !== null &&
    (real.equals(root) || real.subarray(0, root.length + 1).equals(Buffer.concat([root, Buffer.from('/')])));
}
