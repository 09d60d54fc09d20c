/** The sources of an earlier commit with the packages that they need: to run one end of an old version against a new one. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ROOT } from './product.ts';

/** The last commit before the tree got its map: its wire and its files on disk are what people have running. */
export const OLD_COMMIT = '88ce34a';

const MAX_ARCHIVE = 64 * 1024 * 1024;

export interface OldVersion {
  /** A checkout to run `agent/main.ts` and `relay/main.ts` of. */
  readonly root: string;
  remove(): void;
}

/** Throws a sentence when the clone does not have the commit. */
export function checkOutOldVersion(commit = OLD_COMMIT): OldVersion {
  const git = (...args: string[]) => execFileSync('git', args, { cwd: ROOT, maxBuffer: MAX_ARCHIVE, stdio: 'pipe' });
  try {
    git('cat-file', '-e', `${commit}^{commit}`);
  } catch {
    throw new Error(`This clone does not have commit ${commit}: fetch the whole history (git fetch --unshallow).`);
  }
  const directory = mkdtempSync(join(tmpdir(), 'old-version-'));
  const root = join(directory, 'checkout');
  mkdirSync(root);
  const archive = git('archive', '--format=tar', commit, 'agent', 'core', 'relay', 'package.json', 'tsconfig.json');
  execFileSync('tar', ['-x', '-C', root], { input: archive });
  // Packages are looked for in each folder upwards: its own come first, then those of this checkout.
  symlinkSync(join(ROOT, 'node_modules'), join(directory, 'node_modules'));
  installMissing(root);
  mkdirSync(join(root, 'dist/ui'), { recursive: true });
  writeFileSync(join(root, 'dist/ui/index.html'), '<!doctype html><title>Agent Monitor</title>');
  return { root, remove: () => rmSync(directory, { recursive: true, force: true }) };
}

/** Installs what the old version needs and this checkout has no more. */
function installMissing(root: string): void {
  const text = readFileSync(join(root, 'package.json'), 'utf8');
  const { dependencies } = JSON.parse(text) as { dependencies: Record<string, string> };
  const missing = Object.entries(dependencies)
    .filter(([name]) => !existsSync(join(ROOT, 'node_modules', name)))
    .map(([name, version]) => `${name}@${version}`);
  if (missing.length === 0) return;
  // In a folder of its own: npm would install everything that the old package.json names.
  const target = join(root, 'own-packages');
  mkdirSync(target);
  const args = ['install', '--no-save', '--no-audit', '--no-fund', '--ignore-scripts', '--legacy-peer-deps'];
  execFileSync('npm', [...args, '--prefix', target, ...missing], { stdio: 'pipe' });
  symlinkSync(join(target, 'node_modules'), join(root, 'node_modules'));
}
