/**
 * Where a program is that is named without its directory. Programs start in the folders that agents work in: an entry of PATH
 * that is relative, as "." or an empty one, would be such a folder, and a file there would stand in for git or a CLI.
 */
import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, isAbsolute, join } from 'node:path';
import process from 'node:process';

/** As execvp(3) when there is no PATH. */
const DEFAULT_PATH = '/bin:/usr/bin';

/** PATH without its relative entries. */
export const absolutePath = (path: string = DEFAULT_PATH): string =>
  path.split(delimiter).filter(isAbsolute).join(delimiter);

/** @returns the path of the program; a command with a directory as it is. Throws ENOENT */
export function programPath(command: string, path: string | undefined): string {
  if (process.platform === 'win32' || command.includes('/')) return command;
  const found = absolutePath(path).split(delimiter).map((directory) => join(directory, command)).find(isProgram);
  if (found) return found;
  throw Object.assign(new Error(`${command} was not found`), { code: 'ENOENT' });
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
