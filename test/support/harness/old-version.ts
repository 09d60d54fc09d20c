/** The sources of an earlier commit, beside this checkout's packages: to run one end of an old version against a new one. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
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
  const root = mkdtempSync(join(tmpdir(), 'old-version-'));
  const archive = git('archive', '--format=tar', commit, 'agent', 'core', 'relay', 'package.json', 'tsconfig.json');
  execFileSync('tar', ['-x', '-C', root], { input: archive });
  symlinkSync(join(ROOT, 'node_modules'), join(root, 'node_modules'));
  mkdirSync(join(root, 'dist/ui'), { recursive: true });
  writeFileSync(join(root, 'dist/ui/index.html'), '<!doctype html><title>Agent Monitor</title>');
  return { root, remove: () => rmSync(root, { recursive: true, force: true }) };
}
