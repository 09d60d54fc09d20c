/** Small files that are replaced as a whole and closed to other users. */
import { Buffer } from 'node:buffer';
import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import process from 'node:process';

/**
 * Writes beside the file, then renames; the new content is on disk when it returns. Throws when it cannot; the old file
 * stays then.
 * @param mayReplace called just before the file is replaced; what it throws stops that
 */
export function writeAtomic(file: string, text: string, mayReplace: () => void = () => {}): void {
  const fresh = `${file}.${process.pid}.new`;
  try {
    rmSync(fresh, { force: true });
    writeWhole(fresh, Buffer.from(text));
    mayReplace();
    renameSync(fresh, file);
  } catch (error) {
    removeIfPossible(fresh);
    throw error;
  }
  syncDirectory(dirname(file));
}

function writeWhole(file: string, bytes: Buffer): void {
  const fd = openSync(file, 'wx', 0o600);
  try {
    // On a full disk writeSync returns a short count instead of throwing.
    if (writeSync(fd, bytes) !== bytes.length) throw new Error('the disk is full');
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

/** In a directory that refuses the file, removing throws too; the first error is the one that counts. */
function removeIfPossible(file: string): void {
  try {
    rmSync(file, { force: true });
  } catch {
    // Left behind; the next write replaces it.
  }
}

/** Makes the rename survive a power loss. Some file systems cannot; the rename itself is done then all the same. */
function syncDirectory(directory: string): void {
  try {
    const fd = openSync(directory, 'r');
    try {
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
  } catch {
    // Not possible here.
  }
}
