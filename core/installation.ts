/**
 * Where this installation's files are: a checkout (sources, run by tsx) or the package that `npm run pack` makes (the same
 * tree with each program bundled to .mjs, holders to .cjs). Code may be in a bundle's chunk, so nothing else may look beside its own file.
 */
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import process from 'node:process';
import { fileURLToPath, pathToFileURL } from 'node:url';

/** The directory with package.json: the checkout's or the package's root. Throws when the files were moved out of it. */
export function installationRoot(): string {
  const start = dirname(fileURLToPath(import.meta.url));
  for (let directory = start;; directory = dirname(directory)) {
    if (existsSync(join(directory, 'package.json'))) return directory;
    if (directory === dirname(directory)) {
      throw new Error(`no package.json above ${start}: install Agent Monitor again`);
    }
  }
}

export interface PackageInfo {
  name: string;
  version: string;
}

export const packageInfo = (): PackageInfo =>
  JSON.parse(readFileSync(join(installationRoot(), 'package.json'), 'utf8')) as PackageInfo;

/**
 * The file of a program that is started as a process of its own. Scripts/build-package.ts finds these calls and puts each
 * into the package, so `name` is a literal: the path from the root without its ending, `agent/terminal/host`.
 */
export function programFile(name: string): string {
  const files = ['.mjs', '.cjs'].map((ending) => join(installationRoot(), name + ending));
  return files.find((file) => existsSync(file)) ?? join(installationRoot(), `${name}.ts`);
}

/** How this program is started again, from the package or from a checkout. */
export function programCommand(args: readonly string[]): string[] {
  const root = installationRoot();
  const built = join(root, 'cli/main.mjs');
  if (existsSync(built)) return [process.execPath, built, ...args];
  const loader = pathToFileURL(createRequire(join(root, 'package.json')).resolve('tsx')).href;
  return [process.execPath, '--import', loader, join(root, 'cli/main.ts'), ...args];
}
