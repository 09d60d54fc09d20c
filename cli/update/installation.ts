/** How this program got onto this machine, and so how a newer one does. */
import { existsSync } from 'node:fs';
import { basename, dirname, join, sep } from 'node:path';

export type Installation =
  /** `npm install -g`; below this prefix. */
  | { kind: 'global'; prefix: string }
  | { kind: 'checkout' }
  /** npx keeps it in its cache and looks for a newer one by itself. */
  | { kind: 'npx' }
  /** A dependency of something else, or unpacked by hand. */
  | { kind: 'other' };

/** @param root the directory with package.json */
export function installationOf(root: string): Installation {
  if (existsSync(join(root, 'cli/main.ts'))) return { kind: 'checkout' };
  if (root.split(sep).includes('_npx')) return { kind: 'npx' };
  const modules = dirname(root);
  const library = dirname(modules);
  const isGlobal = basename(modules) === 'node_modules' && basename(library) === 'lib';
  return isGlobal ? { kind: 'global', prefix: dirname(library) } : { kind: 'other' };
}
